"""Given masks of two positions, in symbols: the loop's holds, another is refuted, what adds up to it is left out."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from own_algorithms import own, td_lambda

from layerproof.symbolic.attention import Head
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.derivation.form import Form
from layerproof.symbolic.derivation.given_form import given_form
from layerproof.symbolic.errors import NotRepresentableError
from layerproof.symbolic.given import traced
from layerproof.symbolic.identity.blocks import block_identity
from layerproof.symbolic.identity.entrywise import entrywise
from layerproof.symbolic.identity.random import random_identity

VALUES = {"gamma": Fraction(9, 10), "lam": Fraction(2, 7)}
HALF = Fraction(1, 2)
Entry = Callable[[Any, Any, Any], Any]


def form_of(*masks: Entry) -> Form:
    """TD(lambda) in a head for each mask."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        P = layout.matrix({("td_error", "td_error"): 1})
        Q = layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "next"): step.C.mT})
        return [Head(None, P, Q, layout.mask(lambda i, j, entry=entry: entry(i, j, p))) for entry in masks]

    algorithm = own(update=td_lambda, heads=heads, parameters=("gamma", "lam"))
    return given_form(algorithm, {}, traced(algorithm, {}))


def powers(i: Any, j: Any, p: Any) -> Any:
    return p.lam ** (i - j) if i >= j else 0


WRONG: dict[str, Entry] = {
    "transposed": lambda i, j, p: powers(j, i, p),
    "one off": lambda i, j, p: p.lam ** (i - j - 1) if i > j else 0,
    "without the diagonal": lambda i, j, p: p.lam ** (i - j) if i > j else 0,
    "another decay": lambda i, j, p: p.gamma ** (i - j) if i >= j else 0,
    "right at the nearest distances": lambda i, j, p: powers(i, j, p) if i - j < 2 else 0,
}


def holds(form: Form) -> list[bool]:
    """What each kind of evidence in symbols says."""
    return [
        all(row.holds for row in block_identity(form)), entrywise(form, 2, 3).holds,
        random_identity(form, 2, 4, 2, VALUES, 0).mismatch is None,
    ]  # fmt: skip


def test_the_loops_mask_holds_in_every_kind() -> None:
    assert holds(form_of(powers)) == [True] * 3


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_mask_is_refuted_by_every_kind(what: str) -> None:
    assert holds(form_of(WRONG[what])) == [False] * 3


def test_masks_that_add_up_to_others_are_no_refutation() -> None:
    with pytest.raises(NotRepresentableError, match="masks of the heads add up to others"):
        form_of(lambda i, j, p: int(i == j), WRONG["without the diagonal"])


def test_a_decay_that_is_a_step_of_the_layer_gives_each_layer_its_mask() -> None:
    def decaying(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        C, a = preconditioners
        sweep.e, sweep.total = 0 * w, 0 * w
        for t in sweep:
            sweep.e = a * sweep.e + t.phi
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * sweep.e
        return (w + C @ sweep.total / sweep.n,)

    algorithm = own(update=decaying, preconditioners=("C", "a"), scalar_preconditioners=("a",))
    construction = construct(
        derive(algorithm), 1, 3, 2, [([[1]], Fraction(1, 2)), ([[1]], Fraction(1, 3))], {"gamma": HALF}
    )
    below = [construction.heads(layer)[0].M.fractions()[2][:3] for layer in range(2)]
    assert below == [[Fraction(1, 4), HALF, 1], [Fraction(1, 9), Fraction(1, 3), 1]]

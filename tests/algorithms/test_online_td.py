"""Online TD(0) by hand: layer l reads token l and no other, its step is alpha whatever n is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from expected import Expected
from helpers import (
    GAMMA,
    Case,
    apply,
    block_matrix,
    dot,
    negated,
    plus,
    random_context,
    run_layers,
    td_prompt,
    times,
    transposed,
)
from updates import phi, td_error, undiscounted

from layerproof.proofs import case as cases
from layerproof.proofs.checker import establish
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.construction import construct
from layerproof.symbolic.errors import SizesError

CASE = Case("online-td")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
VALUES = {"gamma": GAMMA}


def step(error=td_error, direction=phi, share=lambda t, n: t.now):
    """w + C times the sum of each token's share of error * direction."""

    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        total = 0 * w
        for t in sweep:
            total = total + share(t, sweep.n) * (error(w, t, p) * direction(t, p))
        return (w + C @ total,)

    return update


def from_the_last(weights, preconditioners, sweep, p):
    """Layer l reads token n + 1 - l: the marks turned around, the transitions where they were."""
    marks = [t.now for t in sweep][::-1]
    return step(share=lambda t, n: marks[t.index - 1])(weights, preconditioners, sweep, p)


EXPECTED = Expected(
    heads=1,
    right=step(),
    ordered=True,
    faults={
        "every token is read": step(share=lambda t, n: 1),
        "every token but one": step(share=lambda t, n: 1 - t.now),
        "the step divided by n": step(share=lambda t, n: t.now / n),
        "undiscounted": step(error=undiscounted),
        "step along phi'": step(direction=lambda t, p: t.phi_next),
        "the last token first": from_the_last,
    },
    no_faults={
        "the context read backwards": "a transition keeps its mark `now` wherever it stands, and one of them is marked"
    },
)


def test_a_layer_has_the_mask_of_its_token_and_n_times_the_step():
    built = construct(CASE.derivation, D, N, 3, [(C,)] * 3, VALUES)
    scaled = [[N * x for x in row] for row in transposed(C)]
    for number in range(3):
        (head,) = built.heads(number)
        assert (head.W @ head.P).fractions() == block_matrix((D, D, 1), {(2, 2): [[1]]})
        assert head.Q.fractions() == block_matrix((D, D, 1), {(0, 0): negated(scaled), (0, 1): scaled})
        assert head.M.fractions() == [[int(i == j == number) for j in range(N + 1)] for i in range(N + 1)]


def test_layers_are_the_online_iterates_by_hand():
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    built, start, wanted = construct(CASE.derivation, D, N, 3, [(C,)] * 3, VALUES), td_prompt(context, w), []
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        w = plus(w, times(r + GAMMA * dot(w, y) - dot(w, x), apply(C, x)))
        wanted.append(td_prompt(context, w))
    assert run_layers(built, start) == wanted


@pytest.mark.parametrize("token", [0, 1], ids=["its own token", "the wrong token"])
def test_a_layer_that_reads_the_wrong_token_is_refuted(token):
    settings = cases.Settings(features=D, context=N, layers=2, exact_trials=1)
    built = construct(CASE.derivation, D, N, 2, [(C,)] * 2, {"gamma": settings.gamma})
    M = RationalMatrix.of([[int(i == j == token) for j in range(N + 1)] for i in range(N + 1)])
    layers = (tuple(replace(h, M=M) for h in built.layers[0]), built.layers[1])
    judged = cases.Case(CASE.algorithm, settings, replace(built, layers=layers))
    (claim,) = [c for c in establish(judged, ("identity-exact",)) if c.asked]
    assert claim.verdict.value == ("REFUTED" if token else "HOLDS")


def test_more_layers_than_tokens_are_refused():
    with pytest.raises(SizesError, match="layers is 4 and context is 3, but online-td is stated for L <= n"):
        cases.Case(CASE.algorithm, cases.Settings(features=D, context=N, layers=4))

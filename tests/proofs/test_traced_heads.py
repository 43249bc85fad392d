"""Given heads traced as tables of blocks: what is the same at every size is kept, what is not is refused."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from own_algorithms import own
from own_files import write

from layerproof.proofs.theory.generated.given import given
from layerproof.proofs.user_file import resolve_algorithm
from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.attention import Head
from layerproof.symbolic.derivation.given_form import given_form
from layerproof.symbolic.derivation.given_masks import masks_given
from layerproof.symbolic.derivation.masks import Triangle
from layerproof.symbolic.derivation.state import SymbolicState
from layerproof.symbolic.errors import ContentError, DiffersError, LayerproofError, NotRepresentableError, RefusedError
from layerproof.symbolic.given import traced
from layerproof.symbolic.prompt import Layout
from layerproof.symbolic.tracing.expression import text
from layerproof.symbolic.tracing.heads import Blocks, GivenHeads, trace_heads

TD = {("phi", "phi"): -1, ("phi", "next"): 1}
READ = ("td_error", "td_error")


def td(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
    """TD(0)'s head."""
    P, Q = layout.matrix({READ: 1}), layout.matrix({place: step.C.mT * c for place, c in TD.items()})
    return [Head(None, P, Q, layout.mask())]


def shown(blocks: Blocks) -> dict[tuple[str, str], str]:
    return {
        place: " + ".join(text(c) + "".join(f" {m}{'.T' * f}" for m, f in word) for word, c in block)
        for place, block in blocks
    }


def test_heads_are_tables_of_blocks() -> None:
    (head,) = trace_heads(own(heads=td)).heads
    assert head.W is None and shown(head.P) == {READ: "1"}
    assert shown(head.Q) == {("phi", "phi"): "-1 C.T", ("phi", "next"): "1 C.T"}


def test_sums_products_and_quotients_of_steps_and_numbers_are_words() -> None:
    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        entry = (step.C @ step.C.T - 2 * step.C / p.gamma) * layout.n
        return [Head(None, layout.matrix({READ: [["1/2"]]}), layout.matrix({("phi", "phi"): entry}), layout.mask())]

    (head,) = trace_heads(own(heads=heads)).heads
    assert shown(head.P) == {READ: "1/2"}
    assert shown(head.Q) == {("phi", "phi"): "1 * sweep.n C C.T + -(2 / gamma) * sweep.n C"}


def test_a_files_process_says_the_same(tmp_path: Path) -> None:
    own_heads = given(resolve_algorithm(write(tmp_path, given=True), "prove"), {})
    assert [(k, str(c)) for k, c in own_heads.heads[0].E.items()] == [
        (("phi", (("C", True),), "phi"), "-1"), (("phi", (("C", True),), "gamma_phi_next"), "1"),
    ]  # fmt: skip


def with_head(**changes: Callable[[Any, Any, int], Any]) -> Callable[..., list[Head]]:
    """TD(0)'s head with parts that (layout, step, layer) makes otherwise."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        (head,) = td(layout, step, p, layer)
        parts = {"W": None, "P": head.P, "Q": head.Q, "M": head.M}
        return [Head(**parts | {name: make(layout, step, layer) for name, make in changes.items()})]

    return heads


def masked(entry: Callable[[Any, Any, Any], Any]) -> Callable[..., list[Head]]:
    """TD(0)'s head with a mask that (i, j, p) makes."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        return [replace(h, M=layout.mask(lambda i, j: entry(i, j, p))) for h in td(layout, step, p, layer)]

    return heads


def hidden(i: Any) -> int:
    try:
        return int(i > 3)
    except Exception:
        return 1


def powers(i: Any, j: Any, p: Any) -> Any:
    return p.lam ** (i - j) if j <= i else 0


def shown_triangle(t: Triangle) -> str:
    return f"{t.delay}: {t.coefficient.text()} {t.decay.text()}^k" + (f" {t.enters.text()}" if t.enters else "")


MASKS: dict[str, tuple[Callable[[Any, Any, Any], Any], str, str, str]] = {
    # what (i, j, p) -> entry is on, below and above the diagonal, as "delay: coefficient of the later, decay, enters"
    "context": (lambda i, j, p: int(i == j), "1", "", ""),
    "powers": (powers, "1", "0: lam lam^k", ""),
    "powers apart": (lambda i, j, p: p.lam**i * p.lam**-j if i > j else 2 * (i == j), "2", "0: lam lam^k", ""),
    "one step back": (lambda i, j, p: p.lam * int(i == j + 1) + (i == j), "1", "0: lam 0^k", ""),
    "a mean": (lambda i, j, p: Fraction(1) / i if i >= j else "0", "1/index", "0: 1/index 1^k", ""),
    "weighed": (lambda i, j, p: (1 + p.lam * j) * i if i > j else 0, "0", "0: index 1^k, 0: index*lam 1^k index", ""),
    "near": (lambda i, j, p: p.lam ** abs(i - j) if abs(i - j) < 2 else 0, "1", "0: lam 0^k", "0: lam 0^k"),
    "far": (lambda i, j, p: max(i, j) if abs(i - j) > 1 else 0, "0", "1: index 1^k", "1: index 1^k"),
}


@pytest.mark.parametrize("what", MASKS)
def test_a_mask_is_asked_for_below_on_and_above_the_diagonal(what: str) -> None:
    entry, *wanted = MASKS[what]
    record = own(heads=masked(entry), parameters=("gamma", "lam"))
    own_heads = traced(record, {})  # compared with the running one up to n = 7
    assert GivenHeads.from_data(own_heads.to_data()).to_data() == own_heads.to_data()
    state = SymbolicState(record, {})
    masks, (which,) = masks_given(state, own_heads)
    mask = masks[which]
    sides = [", ".join(map(shown_triangle, side)) for side in (mask.lower, mask.upper)]
    assert [mask.diagonal.text(), *sides] == wanted
    values = {"gamma": Fraction(1, 2), "lam": Fraction(3, 7)}
    p = SimpleNamespace(**values)
    rows = [[Fraction(entry(i, j, p)) for j in range(1, 8)] + [0] for i in range(1, 8)]
    assert mask.rows(7, values, Fraction) == [*rows, [0] * 8]


REFUSED: dict[str, tuple[Callable[..., list[Head]], str]] = {
    "a mask that is right up to n = 5": (masked(lambda i, j, p: int(i == j or i > 5)), "compares later with 5"),
    "a mask of even distances": (masked(lambda i, j, p: 1 - (i - j) % 2), "takes a remainder of"),
    "a mask of one distance far away": (masked(lambda i, j, p: int(i - j == 40)), "more than 16 distances"),
    "a mask that looks up": (masked(lambda i, j, p: [0, 1][i > j + 1 and i - 2]), "counts or looks up with"),
    "a mask that hides its question": (masked(lambda i, j, p: hidden(i)), "compares later with 3"),
    "a mask of Fractions": (masked(lambda i, j, p: Fraction(1, i)), re.escape("Fraction(1) / i for Fraction(1, i)")),
    "one layer unlike the others": (
        with_head(P=lambda layout, step, layer: layout.matrix({READ: 1 if layer else 2})),
        "branches on sweep.layer.* is a scalar step",
    ),
    "another head from n = 6 on": (
        with_head(P=lambda layout, step, layer: layout.matrix({READ: 1 + (layout.n > 5)})), "compares",
    ),
    "rows of numbers": (
        with_head(Q=lambda layout, step, layer: layout.matrix({("phi", "phi"): [[1, 0], [0, 1]]})), "entry by entry",
    ),
    "a matrix by its rows": (with_head(P=lambda layout, step, layer: [[0] * layout.m]), "reads layout.m"),
    "a block of one column": (
        with_head(Q=lambda layout, step, layer: layout.matrix({("phi", "td_error"): 1})), "d x 1",
    ),
    "an entry of a step": (with_head(P=lambda layout, step, layer: layout.matrix({READ: step.C[0][0]})), "an entry of"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_differs_from_size_to_size_or_from_layer_to_layer_is_refused(what: str) -> None:
    heads, message = REFUSED[what]
    with pytest.raises(RefusedError, match=message) as raised:
        trace_heads(own(heads=heads))
    assert raised.value.line


def test_a_number_of_the_layer_is_a_symbol_that_the_theorem_knows_and_the_identity_does_not() -> None:
    P = with_head(P=lambda layout, step, layer: layout.matrix({READ: Fraction(1) / (1 + layer)}))
    M = with_head(M=lambda layout, step, layer: layout.mask(lambda i, j: (i == j) * (layer + 1)))
    for record in (own(heads=P), own(heads=M)):
        own_heads = traced(record, {})  # compared with the running ones in three layers
        assert own_heads.reads_layer and GivenHeads.from_data(own_heads.to_data()).reads_layer
        for refused in (lambda record=record, own_heads=own_heads: given_form(record, {}, own_heads),
                        lambda record=record: given(record, {})):  # fmt: skip
            with pytest.raises(NotRepresentableError, match="a number of the layer's"):
                refused()
    assert [c.text() for c in given(own(heads=P), {}, layered=True).heads[0].U.values()] == ["1/layer l"]
    fraction = with_head(P=lambda layout, step, layer: layout.matrix({READ: Fraction(1, 1 + layer)}))
    with pytest.raises(RefusedError, match=re.escape("write Fraction(1) / (layer + 1) for Fraction(1, layer + 1)")):
        trace_heads(own(heads=fraction))


LAYERED: dict[str, tuple[Callable[[Any, Any, Any], Any], str, str]] = {
    # what (i, j, layer from 1 on) -> entry is on the diagonal and below it, as above
    "at": (lambda i, j, at: int(i == j == at), "now(index)", ""),
    "not at": (lambda i, j, at: int(i == j) * (1 if i < at or i > at else 2), "now(index) + 1", ""),
    "up to": (lambda i, j, at: int(i == j and i - 1 < at), "seen(index)", ""),
    "from": (lambda i, j, at: int(at <= i == j), "left(index)", ""),
    "after": (lambda i, j, at: int(i == j and not i - at <= 0), "1 - seen(index)", ""),
    "all three": (
        lambda i, j, at: int(i == j) * (1 if i < at else 2 if i == at else 3),
        "-left(index)*seen(index) + 2*left(index) + 1", "",
    ),
    "a row": (lambda i, j, at: int(i == at and j < at), "0", "0: now(index) 1^k"),
    "a column": (lambda i, j, at: int(j == at and i > at), "0", "0: 1 1^k now(index)"),
}  # fmt: skip


def layered(entry: Callable[[Any, Any, Any], Any], **selections: str) -> Algorithm:
    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        return [replace(h, M=layout.mask(lambda i, j: entry(i, j, layer + 1))) for h in td(layout, step, p, layer)]

    return own(heads=heads, selections=selections)


@pytest.mark.parametrize("what", LAYERED)
def test_a_mask_asks_whether_a_position_is_the_layers(what: str) -> None:
    entry, *wanted = LAYERED[what]
    record = layered(entry, now="j = l", seen="j <= l", left="j >= l")
    own_heads = traced(record, {})  # compared with the running ones in three layers
    assert GivenHeads.from_data(own_heads.to_data()).to_data() == own_heads.to_data()
    with pytest.raises(NotRepresentableError, match="which token is the layer's"):
        given_form(record, {}, own_heads)
    masks, (which,) = masks_given(SymbolicState(record, {}), own_heads)
    assert [masks[which].diagonal.text(), ", ".join(map(shown_triangle, masks[which].lower))] == wanted


def test_what_else_a_mask_asks_of_the_layer_is_refused() -> None:
    for entry in (lambda i, j, at: int(i == j == at - 1), lambda i, j, at: int(i == j < 2 * at),
                  lambda i, j, at: int(i + j < at), lambda i, j, at: int(i - j < at)):  # fmt: skip
        with pytest.raises(RefusedError, match="with the layer's, layer"):
            trace_heads(layered(entry, now="j = l"))
    record = layered(lambda i, j, at: int(i == j <= at), now="j = l")
    with pytest.raises(NotRepresentableError, match=re.escape("declare selections={'now': 'j <= l'}")):
        given(record, {})


def stepping(held: bool) -> Algorithm:
    """TD(0)'s head times a number of the layer, a scalar step; held : that of the layer before."""
    seen: list[Any] = []

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        seen.append(step.beta)
        beta = seen[-2 if held and isinstance(layer, int) and layer else -1]
        return [replace(h, P=layout.matrix({READ: beta})) for h in td(layout, step, p, layer)]

    return own(heads=heads, preconditioners=("C", "beta"), scalar_preconditioners=("beta",))


def test_a_number_of_each_layer_is_a_scalar_step_and_that_of_another_layer_is_found_out() -> None:
    assert [(k, str(c)) for k, c in given(stepping(False), {}).heads[0].U.items()] == [(READ, "beta")]
    with pytest.raises(DiffersError, match="layer = 2, head = 1, matrix = P"):
        given(stepping(True), {})


@pytest.mark.parametrize("change", ["P", "M", "heads"])
def test_heads_that_know_when_they_are_traced_are_found_out(change: str) -> None:
    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        (head,) = td(layout, step, p, layer)
        if not isinstance(layout, Layout) or layout.n < 7:
            return [head]
        P, M = layout.matrix({READ: 2}), layout.mask(lambda i, j: int(i >= j))
        changed = {"P": Head(None, P, head.Q, head.M), "M": Head(None, head.P, head.Q, M)}
        return [changed[change]] if change in changed else [head, head]

    with pytest.raises(DiffersError, match="heads"):
        given(own(heads=heads), {})


def altered(data: Any, change: Callable[[Any], Any]) -> Any:
    made = copy.deepcopy(data)
    change(made)
    return made


HOSTILE: dict[str, Callable[[Any], Any]] = {
    "no heads": lambda d: d.pop("heads"),
    "a head of two matrices": lambda d: d["heads"][0].pop(),
    "a row that is not there": lambda d: d["heads"][0][1][0].__setitem__(0, "x *) Axiom"),
    "a block that is not square": lambda d: d["heads"][0][2][0].__setitem__(0, "td_error"),
    "a step that is not there": lambda d: d["heads"][0][2][0][2][0][0].append(["D", False]),
    "a word on a number": lambda d: d["heads"][0][1][0][2][0][0].append(["C", False]),
    "a node that is not there": lambda d: d["heads"][0][1][0][2][0].__setitem__(1, 99),
    "a symbol of a transition": lambda d: d["nodes"].__setitem__(0, ["name", "transition", "reward", "scalar"]),
    "a vector": lambda d: d["nodes"].__setitem__(0, ["name", "transition", "phi", "vector"]),
    "a mask without its upper half": lambda d: d["heads"][0].__setitem__(3, [["on", 0, 0, 0], ["below", 1, None, 0]]),
    "a mask of an hour": lambda d: d["heads"][0].__setitem__(3, "M0"),
    "a block twice": lambda d: d["heads"][0][2].append(d["heads"][0][2][0]),
    "a number twice": lambda d: d["heads"][0][1][0][2].append(d["heads"][0][1][0][2][0]),
    "no letter": lambda d: d["heads"][0][2][0][2][0][0].append(["C", 1]),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_process_that_says_something_else_is_told_so(what: str) -> None:
    record = own(heads=td)
    with pytest.raises(LayerproofError) as raised:
        GivenHeads.from_data(altered(trace_heads(record).to_data(), HOSTILE[what])).check(record)
    assert isinstance(raised.value, ContentError)


def test_numbers_are_exact() -> None:
    with pytest.raises(RefusedError, match="no exact number"):
        trace_heads(own(heads=with_head(P=lambda layout, step, layer: layout.matrix({READ: 0.5}))))
    made = trace_heads(own(heads=with_head(P=lambda layout, step, layer: layout.matrix({READ: Fraction(1, 2)}))))
    assert shown(made.heads[0].P) == {READ: "1/2"}

"""Given heads traced as tables of blocks: what is the same at every size is kept, what is not is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from own_algorithms import own
from own_files import write

from layerproof.proofs.theory.generated.given import given
from layerproof.proofs.user_file import resolve_algorithm
from layerproof.symbolic.attention import Head
from layerproof.symbolic.errors import ContentError, DiffersError, LayerproofError, RefusedError
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
    found = given(resolve_algorithm(write(tmp_path, given=True), "prove"), {})
    assert [(k, str(c)) for k, c in found.heads[0].E.items()] == [
        (("phi", (("C", True),), "phi"), "-1"), (("phi", (("C", True),), "gamma_phi_next"), "1"),
    ]  # fmt: skip


def with_head(**changes: Callable[[Any, Any, int], Any]) -> Callable[..., list[Head]]:
    """TD(0)'s head with parts that (layout, step, layer) makes otherwise."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        (head,) = td(layout, step, p, layer)
        parts = {"W": None, "P": head.P, "Q": head.Q, "M": head.M}
        return [Head(**parts | {name: make(layout, step, layer) for name, make in changes.items()})]

    return heads


REFUSED: dict[str, tuple[Callable[..., list[Head]], str]] = {
    "a mask entry by entry": (
        with_head(M=lambda layout, step, layer: layout.mask(lambda i, j: 1)), "writes a mask entry by entry",
    ),
    "one layer unlike the others": (
        with_head(P=lambda layout, step, layer: layout.matrix({READ: 1 if layer else 2})), "branches on sweep.layer",
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
    heads, said = REFUSED[what]
    with pytest.raises(RefusedError, match=said) as raised:
        trace_heads(own(heads=heads))
    assert raised.value.line


def test_a_coefficient_of_the_layer_is_refused() -> None:
    with pytest.raises(ContentError, match="layer, which is not the same in every layer"):
        trace_heads(own(heads=with_head(P=lambda layout, step, layer: layout.matrix({READ: 1 + layer}))))


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

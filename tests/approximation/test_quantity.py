"""What a rule computes with: the ring and its one other operation, and everything else refused with the line."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as F
from typing import Any

import pytest

import layerproof as lp
from layerproof.symbolic.approximation.quantity import Quantity, evaluate, from_shared, text
from layerproof.symbolic.approximation.table import AtomTable
from layerproof.symbolic.approximation.vector import PartitionedVector, Vector, changes
from layerproof.symbolic.errors import ArgumentError, ContentError, RefusedError


@pytest.fixture
def v() -> list[Quantity]:
    table = AtomTable(["a", "b", "c"])
    return [table.variable(k) for k in range(3)]


def expression(a: Any, b: Any, c: Any) -> Any:
    return (a - 2 * b) * (c / 3 + F(1, 2)) - lp.maximum(a, b + 1, c * c) ** 2 + abs(a - b) - 1


@pytest.mark.parametrize("point", [(0, 0, 0), (1, 1, 1), (F(2, 3), -5, 2), (7, 6, F(-1, 9))])
def test_symbols_and_numbers_agree(v: list[Quantity], point: tuple[Any, ...]) -> None:
    exact = [F(x) for x in point]
    assert evaluate([expression(*v)], exact) == [expression(*exact)]


def test_equal_maxima_are_one_and_what_another_exceeds_falls_away(v: list[Quantity]) -> None:
    a, b, _ = v
    assert (lp.maximum(a, b) - lp.maximum([b, a])).parts == {}
    assert text(lp.maximum(a, a - 1)) == "a" and text(lp.maximum(a, a - 1, b)) == "max(a, b)"
    assert lp.maximum(F(1, 2), 3) == 3


def test_long_denominators_are_brought_to_lowest_terms(v: list[Quantity]) -> None:
    q = v[0]
    for _ in range(40):
        q = q * F(1, 3 * 10**9) * (3 * 10**9)
    assert q.terms == {(0,): F(1)} and q.den.bit_length() < 400


REFUSALS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "compared": (lambda x: x > 0, "compares"),
    "branched on": (lambda x: 1 if x else 0, "branches on"),
    "hashed": (lambda x: {x: 1}, "looks up by"),
    "written": (lambda x: str(x), "writes as text"),
    "made a float": (lambda x: float(x), "turns into a number"),
    "divided by": (lambda x: 1 / x, "divides by a"),
    "raised to itself": (lambda x: x**x, "takes the power"),
    "a fractional power": (lambda x: x ** F(1, 2), "takes the power"),
    "joined with a float": (lambda x: x + 0.5, "uses the float 0.5"),
    "indexed": (lambda x: [1, 2][x], "counts or looks up"),
    "max of Python": (lambda x: max(x, 1), "takes a max"),
    "equal": (lambda x: x == 1, "compares"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_no_piecewise_polynomial_does_is_refused(what: str, v: list[Quantity]) -> None:
    ask, message = REFUSALS[what]
    with pytest.raises(RefusedError, match=message):
        ask(v[0])


def test_maximum_of_nothing_and_of_texts() -> None:
    with pytest.raises(ArgumentError, match="nothing to take the largest of"):
        lp.maximum()
    with pytest.raises(ContentError, match="hold what is no number"):
        lp.maximum(AtomTable(["a"]).variable(0), "b")


def test_vectors_have_parts_and_indices(v: list[Quantity]) -> None:
    stacked = PartitionedVector([*v, *v], {"q": (2, 2), "w": (2,)})
    assert stacked.q[1, 0] is v[2] and stacked.w[1] is v[2] and stacked[3] is v[0]
    assert text((2 * stacked.w - stacked.w / 2) @ [1, F(1, 3)]) == "3/2 b + 1/2 c"
    single = PartitionedVector([F(1), F(2)], {"w": (1,), "rbar": ()})
    assert single.rbar == 2 and single.w @ Vector([F(3)]) == 3
    with pytest.raises(AttributeError, match="no part 'u', only q, w"):
        _ = stacked.u
    with pytest.raises(ContentError, match="cannot be changed"):
        stacked.w = v


@pytest.mark.parametrize("index", [4, -1, (2, 0), (0, 0, 0), True, F(1)])
def test_an_index_outside_is_refused(index: Any, v: list[Quantity]) -> None:
    with pytest.raises(ContentError, match="h indexes with"):
        _ = PartitionedVector([*v, v[0]], {"q": (2, 2)}).q[index]


def test_what_h_returns_in_every_form(v: list[Quantity]) -> None:
    layout = {"w": (2,), "r": ()}
    whole = {0: 1, 1: 2, 2: 3}
    assert changes([1, 2, 3], layout) == changes({"w": [1, 2], "r": 3}, layout) == whole
    assert changes({0: 1, 1: 2, 2: 3}, layout) == changes({"w": {0: 1, 1: 2}, "r": {0: 3}}, layout) == whole
    assert changes({"r": 3}, layout) == {2: 3} and changes({(1, 0): v[0]}, {"q": (2, 2)}) == {2: v[0]}


WRONG: dict[str, tuple[Any, str]] = {
    "too short": ([1, 2], "has 2 entries, wanted 3"),
    "an unknown part": ({"x": 1}, "changes a part 'x'"),
    "a float": ([1, 0.5, 2], "the entry 0.5 at 1"),
    "a number for a vector": ({"w": 1}, "is int, wanted 2 entries"),
    "None": (None, "is NoneType"),
    "an index outside": ({7: 1}, "indexes with 7"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_h_may_not_return(what: str) -> None:
    result, message = WRONG[what]
    with pytest.raises(ContentError, match=message):
        changes(result, {"w": (2,), "r": ()})


def test_terms_from_elsewhere_are_checked() -> None:
    table = AtomTable(["a"])
    for parts, num, den in (({(1,): 1}, 1, 1), ({(0, 0, 0): 0}, 1, 1), ({(0,) * 17: 1}, 1, 1), ({(0,): 1}, 1, 0),
                            ({(0,): 1}, 0, 1)):  # fmt: skip
        with pytest.raises(ContentError, match="a quantity"):
            from_shared(table, parts, num, den)

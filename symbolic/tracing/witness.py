"""Why no layer does one iterate of an update that cannot be traced: prompts whose answers contradict each other.

With fixed weights a layer is a polynomial map of its prompt of degree three.  So where Z_0 runs along a line,
Z_0 + s V, every entry of Z_1 is a polynomial in s of degree at most three, and its fourth difference is zero:
    f(-2) - 4 f(-1) + 6 f(0) - 4 f(1) + f(2) = 0.
Where two prompts have the same Z_0 (V = 0), their Z_1 are the same.  Where the update's own values say otherwise, no
layer with these rows, at this n, with any heads and any fixed W, P, Q and M, does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..algorithm import Algorithm
from .points import Point, simple_points

FOURTH = (1, -4, 6, -4, 1)
ValuesAt = Callable[[Sequence[Point]], Sequence[Mapping[str, Fraction] | None]]


def contradiction(record: Algorithm, ask: ValuesAt) -> dict[str, Any] | None:
    """Prompts, multipliers and an entry of Z_1 that no layer gives; None where none was found.

    ask : points -> what the record's functions give at each, None where they raise
    """
    for line in _lines(record):
        witness = _contradicts(record, ask, line)
        if witness is not None:
            return witness
    return None


def _contradicts(record: Algorithm, ask: ValuesAt, line: Sequence[Point]) -> dict[str, Any] | None:
    starts = [x for x in ask(line) if x is not None]
    if len(starts) < len(line) or any(x.keys() != starts[0].keys() for x in starts):
        return None  # they raise on these numbers: the line says nothing
    try:
        moved = [_moved(record, start, point) for start, point in zip(starts, line, strict=True)]
    except KeyError:
        return None
    ends = [x for x in ask(moved) if x is not None]
    if len(ends) < len(line) or any(x.keys() != starts[0].keys() for x in ends):
        return None
    before = [{k: v for k, v in x.items() if not k.startswith("the new ")} for x in starts]
    after = [{k: v for k, v in x.items() if k.startswith("the accumulator ")} for x in ends]
    if any(_second(values) for values in _along(before).values()):
        return None  # Z_0 does not run along a line
    same = all(values[0] == values[1] for values in _along(before).values())
    for place, values in _along(after).items():
        if same and values[0] != values[1]:
            return _witness(line[:2], (1, -1), place, values[:2])
        total = sum(m * v for m, v in zip(FOURTH, values, strict=True))
        if total:
            return _witness(line, FOURTH, place, values)
    return None


def _moved(record: Algorithm, values: Mapping[str, Fraction], point: Point) -> Point:
    new = {w: _new(record, values, w, point) for w in record.weights}
    return Point(point.query, point.transitions, new, point.preconditioners, point.parameters)


def _new(record: Algorithm, values: Mapping[str, Fraction], weight: str, point: Point) -> Any:
    if weight in record.scalar_weights:
        return values[f"the new {weight}"]
    return tuple(values[f"the new {weight}, entry {i + 1}"] for i in range(point.d))


def _along(each: Sequence[Mapping[str, Fraction]]) -> dict[str, list[Fraction]]:
    return {place: [values[place] for values in each] for place in each[0]}


def _second(values: Sequence[Fraction]) -> bool:
    return any(a - 2 * b + c for a, b, c in zip(values, values[1:], values[2:], strict=False))


def _witness(
    line: Sequence[Point], multipliers: Sequence[int], place: str, values: Sequence[Fraction]
) -> dict[str, Any]:
    total = sum((m * v for m, v in zip(multipliers, values, strict=True)), Fraction(0))
    return {
        "prompts": [p.to_data() for p in line],
        "multipliers": list(multipliers),
        "entry": f"{place} after one update",
        "values": [str(v) for v in values],
        "sum": str(total),
        "why": "the prompts' Z_0 lie on a line in equal steps, so with any fixed weights the sum is 0 after one layer"
        if len(line) > 2
        else "both prompts have the same Z_0, so with any weights the sum is 0 after one layer",
    }


def _lines(record: Algorithm) -> Iterator[tuple[Point, ...]]:
    """Five prompts in equal steps: what one transition carries, or a weight, moves through zero."""
    for number, base in enumerate(simple_points(record)):
        for j in range(base.n):
            for name, value in base.transitions[j].items():
                yield _stepped(base, j, name, value, number)
        for name, value in base.weights.items():
            yield _stepped(base, None, name, value, number)
            if isinstance(value, tuple):  # a step that the query does not see
                yield _stepped(base, None, name, value, 1, (-base.query[1], base.query[0]))


def _stepped(
    base: Point, j: int | None, name: str, value: Any, number: int, step: tuple[Any, ...] = (1, 2)
) -> tuple[Point, ...]:
    line = []
    for s in (-2, -1, 0, 1, 2):
        if isinstance(value, tuple):
            moved: Any = tuple(x * (number % 2) + s * y for x, y in zip(value, step, strict=True))
        else:
            moved = value * (number % 2) + s
        if j is None:
            weights = {**base.weights, name: moved}
            line.append(Point(base.query, base.transitions, weights, base.preconditioners, base.parameters))
        else:
            transitions = tuple({**t, name: moved} if k == j else t for k, t in enumerate(base.transitions))
            line.append(Point(base.query, transitions, base.weights, base.preconditioners, base.parameters))
    return tuple(line)

"""The functions of an algorithm that is in a file: the expressions that its process traced, checked at points here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.errors import ContentError
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.patterns.shadow import Checked, from_shadows, shadows
from ...symbolic.tracing import Point, Traced, evaluated
from ...symbolic.tracing.judged import Once, Side
from ...symbolic.tracing.plain import PlainMatrix, PlainVector
from . import reading
from .client import Child

MOST_VALUES = 10**6
"""The most values that the functions give at one point."""


def algorithm(child: Child, record: Algorithm, update: Mapping[str, Any]) -> Algorithm:
    """The algorithm that is judged: `record` with its functions evaluating what the file's process traced.

    update : the docstring of the update and its code
    """
    asked = Asked(child)
    record = replace(record, update=ByValues(record, asked))
    judged = evaluated(record, Once(record, Side(asked.trace, asked.values)))
    judged.update.__doc__ = reading.printable(update["doc"])
    judged.update.code = reading.printable(update["code"])  # type: ignore[attr-defined]
    return judged


def pattern(child: Child, record: PatternAlgorithm, update: Mapping[str, Any]) -> PatternAlgorithm:
    """As `algorithm`, for one that attends by patterns: each of its parts is asked for by number."""
    judged = []
    for number, part in enumerate(shadows(record)):
        asked = Asked(child, part=number)
        side = Side(asked.trace, asked.values)
        judged.append(evaluated(part, Once(part, side) if number else Checked(record, part, side)))
    judged[0].update.__doc__ = reading.printable(update["doc"])
    result = from_shadows(record, judged)
    result.update.code = reading.printable(update["code"])  # type: ignore[attr-defined]
    return result


class Asked:
    """What a file's process says of its functions."""

    def __init__(self, child: Child, **part: int):
        self._child, self._part = child, part

    def trace(self, record: Algorithm, options: Mapping[str, str]) -> Traced:
        """The expressions for a choice of options; `RefusedError` as `tracing.trace` raises it."""
        reply = self._child.ask("trace", options=dict(options), **self._part)
        with self._child.naming():
            return Traced.from_data(reply)

    def values(
        self, record: Algorithm, options: Mapping[str, str], points: Sequence[Point], quiet: bool
    ) -> list[dict[str, Fraction] | None]:
        """The values at each point, as `tracing.judged.Side` has them."""
        sent = [point.to_data() for point in points]
        reply = self._child.ask("values", options=dict(options), points=sent, quiet=quiet, **self._part)
        with self._child.naming():
            answers = reading.exactly(reply, "the values at points", len(points))
            return [None if x is None else _values(x) for x in answers]


class ByValues:
    """An update that is no one loop, on plain numbers: its process is asked for the new weights at a point."""

    def __init__(self, record: Algorithm, asked: Asked):
        self._record, self._asked = record, asked

    def __call__(self, weights: Sequence[Any], preconditioners: Sequence[Any], sweep: Any, p: Any) -> tuple[Any, ...]:
        """The new weights, from vectors and numbers as `tracing.plain` has them."""
        record = self._record
        transitions = tuple(
            {name: _number(getattr(t, name)) for name in ("phi", "phi_next", "reward", *(n for n, _ in record.read))}
            for t in sweep
        )
        query = tuple(Fraction(0) for _ in transitions[0]["phi"])  # no update sees it
        point = Point(
            query,
            transitions,
            {name: _number(w) for name, w in zip(record.weights, weights, strict=True)},
            {name: _number(c) for name, c in zip(record.preconditioners, preconditioners, strict=True)},
            {name: _number(getattr(p, name)) for name in record.parameters},
        )
        options = {name: getattr(p, name) for name in record.options}
        (values,) = self._asked.values(record, options, [point], False)
        if values is None:
            raise ContentError(f"the update of {record.name} divides by zero")
        try:
            return tuple(
                values[f"the new {w}"]
                if w in record.scalar_weights
                else PlainVector([values[f"the new {w}, entry {i + 1}"] for i in range(point.d)])
                for w in record.weights
            )
        except KeyError as place:
            raise ContentError(f"it gave no value of {place}") from None


def _number(value: Any) -> Any:
    """A plain number, vector or matrix as a `Point` holds it."""
    if isinstance(value, PlainVector):
        return tuple(value.entries)
    return tuple(map(tuple, value.rows)) if isinstance(value, PlainMatrix) else value


def _values(reply: Any) -> dict[str, Fraction]:
    if not isinstance(reply, dict) or len(reply) > MOST_VALUES:
        raise ContentError(f"the values at a point are {reading.shown(reply)}, wanted numbers by place")
    return {place: reading.rational(x, "a value at a point") for place, x in reply.items()}

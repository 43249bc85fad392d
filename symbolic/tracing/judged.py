"""The algorithm that is judged: a record's expressions, traced when they are first needed, and checked at points.

Who runs the functions is somebody's choice: they run here (`HERE`), or in a process that answers (the room `own`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from ..algorithm import Algorithm
from ..algorithms import catalogue
from ..errors import ContentError, DiffersError, LayerproofError, RefusedError
from .evaluate import evaluated, is_evaluated
from .points import Point, differs, points, values_at
from .trace import trace
from .traced import Traced
from .witness import contradiction

ByPlace = dict[str, Fraction]


@dataclass(frozen=True)
class Side:
    """Who runs a record's functions.

    trace  : (record, options) -> the expressions, as `tracing.trace`
    values : (record, options, points, quiet) -> the values at each, as `values_at`; None where something is divided by
             zero or, when quiet, whatever else is raised
    """

    trace: Callable[[Algorithm, Mapping[str, str]], Traced]
    values: Callable[[Algorithm, Mapping[str, str], Sequence[Point], bool], Sequence[ByPlace | None]]


def values_here(
    record: Algorithm, options: Mapping[str, str], asked: Sequence[Point], quiet: bool
) -> list[ByPlace | None]:
    """As `Side.values`, by running the functions."""
    values: list[ByPlace | None] = []
    for point in asked:
        try:
            values.append(values_at(record, options, point))
        except Exception as error:
            if not quiet and not isinstance(error, ZeroDivisionError):
                raise
            values.append(None)
    return values


HERE = Side(trace, values_here)
AT_ONCE = 16
"""How many points are asked about at once."""
_judged: dict[int, tuple[Algorithm, Algorithm]] = {}


def judged(record: Algorithm) -> Algorithm:
    """What stands for a record from here on: its functions are asked for expressions once, and for values at points.

    The functions run when one of the result's is first called: that call raises `RefusedError` or `DiffersError` as
    `checked` does.  What is judged already stays itself; so does the catalogue, whose functions the tests compare.
    """
    if is_evaluated(record) or any(record is a for a in catalogue().values()):
        return record
    if id(record) not in _judged:
        _judged[id(record)] = record, evaluated(record, Once(record))
    return _judged[id(record)][1]


class Once:
    """Traces and checks once a choice of options, and raises the same again where that failed."""

    def __init__(self, record: Algorithm, side: Side = HERE):
        self.record, self.side = record, side
        self._failed: dict[tuple[tuple[str, str], ...], LayerproofError] = {}

    def __call__(self, options: Mapping[str, str]) -> Traced:
        choice = tuple(sorted(options.items()))
        if choice in self._failed:
            raise self._failed[choice]
        try:
            return checked(self.record, options, self.side)
        except LayerproofError as error:
            self._failed[choice] = error.with_traceback(None)
            raise


def checked(record: Algorithm, options: Mapping[str, str] | None = None, side: Side = HERE) -> Traced:
    """The expressions of a record, after they were compared with its functions at degenerate points.

    Raises `RefusedError` when a function cannot be traced, with prompts that contradict each other where some were
    found; `DiffersError` with the point where a function gives another value than its expression; whatever the
    functions raise on plain numbers.
    """
    chosen = record.choose(options)
    try:
        traced = side.trace(record, chosen)
    except RefusedError as error:
        if error.kind != "exponent":  # it reads no entry that prompts could vary, and may have no end in numbers
            error.witness = contradiction(record, lambda asked: side.values(record, chosen, asked, True))
        if error.witness is not None:
            error.exit_code = DiffersError.exit_code
        raise
    for some in _portions(points(record, 0, traced)):
        for point, values in zip(some, side.values(record, chosen, some, False), strict=True):
            difference = compared(record, traced, point, values)
            if difference is not None:
                raise DiffersError(
                    f"on plain numbers {record.name} does something else than on symbols: {difference}",
                    {"point": point.to_data(), "difference": difference},
                )
    return traced


def _portions(asked: Iterator[Point]) -> Iterator[list[Point]]:
    while some := list(islice(asked, AT_ONCE)):
        yield some


def compared(record: Algorithm, traced: Traced, point: Point, values: ByPlace | None) -> str | None:
    """The first difference between values and expressions at a point; None where they agree or both divide by 0."""
    if values is None:
        if traced.update is None:
            return None  # it may be the update that divides, and there is no expression of it
        try:
            differs(traced, point, {})
        except ZeroDivisionError:
            return None
        return "the functions divide by zero, the expressions do not"
    try:
        return differs(traced, point, values)
    except ZeroDivisionError:
        raise ContentError(f"an expression of {record.name} divides by zero where its function does not") from None

"""Arguments as Python functions take them: exact numbers, time limits, preconditioners."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Steps
from ...symbolic.errors import ArgumentError
from ...symbolic.plain_text import shown

Number = int | Fraction | str


def exact(value: Number, name: str) -> Fraction:
    """An exact number: an int, a Fraction or text such as "9/10"; a float is refused since 0.9 is not 9/10."""
    from ..terminal.options import rational

    if isinstance(value, str):
        return rational(value, name)
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Fraction(value)
    raise ArgumentError(
        f'{name} is {shown(value)}, wanted an exact number: Fraction(9, 10) or "9/10" (a float is not 9/10)'
    )


def check_settings(given: Iterable[str], known: Sequence[str]) -> None:
    """Raise `ArgumentError` with the first setting that there is not."""
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise ArgumentError(f"there is no setting {shown(unknown)}, wanted some of {', '.join(known)}")


def seconds(value: Any) -> float:
    """A time limit."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 1:
        raise ArgumentError(f"time_limit is {shown(value)}, wanted at least one second")
    return float(value)


def step(algorithm: Algorithm, step: Steps, d: int, layer: int) -> Steps:
    if not isinstance(step, Sequence) or len(step) != len(algorithm.preconditioners):
        raise ArgumentError(
            f"preconditioners[{layer}] is {str(step)[:40]}, wanted a tuple with an entry for each of "
            f"{', '.join(algorithm.preconditioners)}"
        )
    result: list[Any] = []
    for name, value in zip(algorithm.preconditioners, step, strict=True):
        where = f"{name} of preconditioners[{layer}]"
        if name in algorithm.scalar_preconditioners:
            result.append(exact(value, where))
            continue
        result.append(matrix(value, d, where))
    return tuple(result)


def matrix(value: Any, d: int, where: str) -> list[list[Fraction]]:
    """d rows of d exact numbers, from lists, an array or a tensor; `ArgumentError` for another shape."""
    value = value.tolist() if hasattr(value, "tolist") else value
    rows = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if [len(row) if isinstance(row, Sequence) else None for row in rows] != [d] * d:
        raise ArgumentError(f"{where} has the wrong shape, wanted {d} rows of {d} numbers")
    return [[exact(x, where) for x in row] for row in rows]

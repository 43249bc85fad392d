"""What the gradient flow conserves and a finite step does not: the balance of the norms of W, P and Q."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..arithmetics.arithmetic import RATIONALS
from .samples import Outer, Trajectory
from .update import sample_update
from .weights import Point, WeightSpace


@dataclass(frozen=True)
class Balance:
    """How ||X||^2 - ||Y||^2 moves, for neighbouring matrices X, Y of one head of one stored layer: P and Q, or W and P.

    rate   its derivative along u, 2 (<u_X, X> - <u_Y, Y>): zero when the flow conserves it
    step   ||u_X||^2 - ||u_Y||^2: a step of size alpha changes it by alpha * rate + alpha^2 * step
    """

    layer: int
    first: str
    second: str
    rate: Fraction
    step: Fraction


def balances(space: WeightSpace, point: Point, sample: Trajectory, outer: Outer) -> tuple[Balance, ...]:
    """The balances on one sample: exact, at any point, whatever its symmetry."""
    update = [x.fraction() for x in sample_update(space, point, sample, outer, RATIONALS).update]
    names = space.matrices
    pairs = [("P", "Q")] if len(names) == 2 else [
        (names[3 * h + k], names[3 * h + k + 1]) for h in range(len(names) // 3) for k in (0, 1)
    ]  # fmt: skip
    result = []
    for layer in range(space.stored):
        for first, second in pairs:
            x, y = (_part(space, layer, name) for name in (first, second))
            rate = 2 * (_dot(update[x], point[x]) - _dot(update[y], point[y]))
            result.append(Balance(layer, first, second, rate, _dot(update[x], update[x]) - _dot(update[y], update[y])))
    return tuple(result)


def _part(space: WeightSpace, layer: int, matrix: str) -> slice:
    first = space.position(layer, space.matrices.index(matrix), 0, 0)
    return slice(first, first + space.layout.m**2)


def _dot(u: Sequence[Any], v: Sequence[Any]) -> Fraction:
    return sum((Fraction(x * y) for x, y in zip(u, v, strict=True)), Fraction(0))

"""A linear subspace of the trained entries: what part of an update lies in it, and what part sticks out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

from flint import fmpq, fmpq_mat

from ..arithmetics.arithmetic import Arithmetic
from .symmetry import rational_rows

Direction = Mapping[int, Fraction]  # position -> entry, zeros left out


class Span:
    """The span of linearly independent directions, with orthogonal projection in the sum of squares of entries.

    Raises `ZeroDivisionError` when the directions are dependent.
    """

    def __init__(self, directions: Sequence[Direction]):
        self.directions = tuple(dict(v) for v in directions)

    @cached_property
    def _inverse_gram(self) -> list[list[tuple[int, Fraction]]]:
        k = len(self.directions)
        if not k:
            return []
        gram = [_dot(u, v) for u in self.directions for v in self.directions]
        inverse = rational_rows(fmpq_mat(k, k, [fmpq(x.numerator, x.denominator) for x in gram]).inv())
        return [[(j, x) for j, x in enumerate(row) if x] for row in inverse]

    def coefficients(self, vector: Sequence[Any], arithmetic: Arithmetic) -> list[Any]:
        """The coefficients of the projection of a flat vector on the directions."""
        number = arithmetic.number
        met = [_sum((vector[k] * number(x) for k, x in v.items()), number(0)) for v in self.directions]
        return [_sum((met[j] * number(x) for j, x in row), number(0)) for row in self._inverse_gram]

    def residual(self, vector: Sequence[Any], arithmetic: Arithmetic) -> list[Any]:
        """The vector minus its projection: zero exactly when the vector lies in the span."""
        number = arithmetic.number
        result = list(vector)
        for c, v in zip(self.coefficients(vector, arithmetic), self.directions, strict=True):
            for k, x in v.items():
                result[k] = result[k] - c * number(x)
        return result

    def contains(self, direction: Direction) -> bool:
        """Whether a direction with rational entries lies in the span."""
        met = [_dot(direction, v) for v in self.directions]
        rest = dict(direction)
        for row, v in zip(self._inverse_gram, self.directions, strict=True):
            c = sum((met[j] * x for j, x in row), Fraction(0))
            if c:
                for k, x in v.items():
                    rest[k] = rest.get(k, Fraction(0)) - c * x
        return not any(rest.values())


def _dot(u: Direction, v: Direction) -> Fraction:
    if len(u) > len(v):
        u, v = v, u
    return sum((x * v[k] for k, x in u.items() if k in v), Fraction(0))


def _sum(terms: Any, zero: Any) -> Any:
    total = zero
    for x in terms:
        total = total + x
    return total

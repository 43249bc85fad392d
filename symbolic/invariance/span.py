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
        result: list[list[tuple[int, Fraction]]] = [[] for _ in self.directions]
        for part in _parts(self.directions):
            k = len(part)
            gram = [_dot(self.directions[i], self.directions[j]) for i in part for j in part]
            inverse = rational_rows(fmpq_mat(k, k, [fmpq(x.numerator, x.denominator) for x in gram]).inv())
            for i, row in zip(part, inverse, strict=True):
                result[i] = [(j, x) for j, x in zip(part, row, strict=True) if x]
        return result

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
        near = {j for k in direction for j in self._at.get(k, ())}
        met = {j: _dot(direction, self.directions[j]) for j in near}
        rest = dict(direction)
        for i in {i for j in near for i, _ in self._inverse_gram[j]}:  # the inverse is symmetric
            c = sum((met[j] * x for j, x in self._inverse_gram[i] if j in met), Fraction(0))
            if c:
                for k, x in self.directions[i].items():
                    rest[k] = rest.get(k, Fraction(0)) - c * x
        return not any(rest.values())

    @cached_property
    def _at(self) -> dict[int, list[int]]:
        """The directions that have an entry at a position."""
        places: dict[int, list[int]] = {}
        for number, v in enumerate(self.directions):
            for k in v:
                places.setdefault(k, []).append(number)
        return places


def _parts(directions: Sequence[Direction]) -> list[list[int]]:
    """The directions in groups that share no position: the Gram matrix has a block for each."""
    parent = list(range(len(directions)))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = k = parent[parent[k]]
        return k

    first: dict[int, int] = {}
    for number, v in enumerate(directions):
        for k in v:
            parent[root(number)] = root(first.setdefault(k, number))
    parts: dict[int, list[int]] = {}
    for number in range(len(directions)):
        parts.setdefault(root(number), []).append(number)
    return list(parts.values())


def _dot(u: Direction, v: Direction) -> Fraction:
    if len(u) > len(v):
        u, v = v, u
    return sum((x * v[k] for k, x in u.items() if k in v), Fraction(0))


def _sum(terms: Any, zero: Any) -> Any:
    total = zero
    for x in terms:
        total = total + x
    return total

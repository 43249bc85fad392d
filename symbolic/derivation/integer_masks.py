"""A mask of rationals over one denominator: integer multiples of integer powers, no fraction made for an entry.

The powers of a decay p/q up to the length N are p^k q^(N-k) over q^N, and a row of a triangle is a stretch of them
times its coefficient, so that n^2 entries cost n^2 products of integers, or none where the coefficient stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import fmpz, fmpz_mat

from ..arithmetics.rational import Rational, RationalMatrix, common_denominator
from .coefficients import INDEX, LENGTH
from .masks import Mask, Triangle, evaluate_each
from .scalar import Scalar


def over_one_denominator(mask: Mask, n: int, values: Mapping[str, Any]) -> RationalMatrix | None:
    """The (n+1, n+1) mask with the parameters set to `values`, which are Fractions: as `Mask.rows` states it.

    None where a decay depends on the position or what enters a trace is weighed: those are no powers.
    """
    sides = (mask.lower, mask.upper)
    if n == 0 or any(not t.geometric or t.enters is not None for side in sides for t in side):
        return None
    at = [{**values, LENGTH: Fraction(n), INDEX: Fraction(i)} for i in range(1, n + 1)]
    diagonal = _each(mask.diagonal, at)
    parts = [[_Powers(t, at) for t in side] for side in sides]
    den = common_denominator([x.den for x in diagonal] + [p.den for side in parts for p in side])
    result = fmpz_mat(n + 1, n + 1)
    for side, transposed in zip(parts, (False, True), strict=True):
        for part in side:
            triangle = fmpz_mat(n + 1, n + 1, part.entries(n, den // part.den))
            result += triangle.transpose() if transposed else triangle
    for i, x in enumerate(diagonal):
        result[i, i] = x.num * (den // x.den)
    return RationalMatrix(result, den).lowest_terms()


def _each(scalar: Scalar, at: Sequence[Mapping[str, Any]]) -> list[Rational]:
    """A scalar at each position, in lowest terms; evaluated once where it does not depend on it."""
    once = INDEX not in scalar.names()
    values = [Rational.of(x.fraction()) for x in evaluate_each(scalar, at[:1] if once else at, Rational.of)]
    return values * len(at) if once else values


class _Powers:
    """A triangle whose entry at (later, earlier) is coefficient(later) * decay^(later - earlier - 1 - delay)."""

    def __init__(self, triangle: Triangle, at: Sequence[Mapping[str, Any]]):
        (decay,) = _each(triangle.decay, at[:1])
        self.delay = triangle.delay
        count = max(len(at) - 1 - self.delay, 1)
        rising, falling = [fmpz(1)], [fmpz(1)]
        for _ in range(count - 1):
            rising.append(rising[-1] * decay.num)
            falling.append(falling[-1] * decay.den)
        # the longest distance first, as a row of the triangle has them from its left end
        self.powers = [p * q for p, q in zip(reversed(rising), falling, strict=True)]
        coefficients = _each(triangle.coefficient, at)
        self.shared = common_denominator([c.den for c in coefficients])
        self.coefficients = [c.num * (self.shared // c.den) for c in coefficients]
        self.den = self.shared * falling[-1]

    def entries(self, n: int, factor: fmpz) -> list[fmpz]:
        """The entries times `den * factor` by rows, (n+1) x (n+1)."""
        zero, result, last, row = fmpz(0), [], None, self.powers
        for later, coefficient in enumerate(self.coefficients):
            length = max(later - self.delay, 0) if coefficient else 0
            if length and coefficient != last:
                last, scale = coefficient, coefficient * factor
                row = [x * scale for x in self.powers]
            result += row[len(row) - length :] if length else []
            result += [zero] * (n + 1 - length)
        return result + [zero] * (n + 1)

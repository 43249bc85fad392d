"""Real roots of a rational polynomial: counted by Sturm's theorem, isolated between rationals."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from flint import fmpq_poly

from .rationals import dyadic, integer_polynomial, rational, simplest


def squarefree(p: fmpq_poly) -> fmpq_poly:
    """p with each root once."""
    return p // p.gcd(p.derivative()) if p.degree() > 0 else p


def chain(p: Any) -> list[fmpq_poly]:
    """Sturm's sequence of the squarefree part of p, which is not zero."""
    p = squarefree(fmpq_poly(integer_polynomial(p).coeffs()))
    result = [p, p.derivative()]
    while result[-1].degree() > 0:
        left = -(result[-2] % result[-1])
        if not left:
            break
        result.append(left / max(abs(x) for x in left.coeffs()))  # a positive factor: signs stay, numbers stay small
    return [q for q in result if q]


def count_between(sequence: list[fmpq_poly], low: Fraction, high: Fraction) -> int:
    """How many different real roots are in (low, high], by a Sturm sequence."""
    a, b = rational(low), rational(high)
    return _changes([q(a) for q in sequence]) - _changes([q(b) for q in sequence])


def real_roots(p: Any) -> int:
    """How many different real roots p has."""
    sequence = chain(p)
    return _at_infinity(sequence, -1) - _at_infinity(sequence, 1)


def positive_roots(p: Any) -> int:
    """How many different roots above 0 p has."""
    sequence, zero = chain(p), rational(Fraction(0))
    return _changes([q(zero) for q in sequence]) - _at_infinity(sequence, 1)


def isolate(p: fmpq_poly) -> list[tuple[Fraction, Fraction]]:
    """An interval of rationals around each positive root of p, disjoint, in order; lower = upper for a rational root.

    Enclosures by balls say where to look; that each interval has one root and that no root is missed is decided by
    Sturm's theorem.  The zero polynomial has no isolated roots: `ValueError`.
    """
    if not p:
        raise ValueError("the zero polynomial has no isolated roots")
    sequence = chain(p)
    whole = integer_polynomial(sequence[0])
    intervals = []
    for root, _ in whole.complex_roots():
        if root.imag == 0 and root.real > 0:
            intervals.append(_isolated(sequence, dyadic(root.real)))
    intervals.sort()
    ends = positive_roots(p)
    apart = all(a[1] < b[0] for a, b in pairwise(intervals))
    if len(intervals) != ends or not apart:
        raise AssertionError(f"{ends} positive roots by Sturm's theorem, {len(intervals)} enclosures")
    return intervals


def _isolated(sequence: list[fmpq_poly], near: Fraction) -> tuple[Fraction, Fraction]:
    width = near / 2**40
    guess = simplest(near - width, near + width)
    if guess.denominator < 2**24 and not sequence[0](rational(guess)):
        return guess, guess
    while True:
        low, high = near - width, near + width
        if count_between(sequence, low, high) == 1:
            return low, high
        if width > near:
            raise AssertionError("an enclosure of a root has none near it")
        width *= 2


def _changes(values: list[Any]) -> int:
    signs = [x > 0 for x in values if x]
    return sum(a != b for a, b in pairwise(signs))


def _at_infinity(sequence: list[fmpq_poly], side: int) -> int:
    return _changes([q.coeffs()[-1] * (side if q.degree() % 2 else 1) for q in sequence])

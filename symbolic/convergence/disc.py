"""Where the roots of a rational polynomial lie: decided by exact arithmetic, never by a float compared with 1.

Schur and Cohn: with p of degree n, first and last coefficients a and z, all roots of p are inside the unit disc iff
|a| < |z| and all roots of (z p - a p*) / x are, where p* is p with its coefficients reversed.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from flint import ctx, fmpq_poly, fmpz_poly

from .balls import too_close
from .halving import threshold
from .rationals import dyadic, integer_polynomial, simplest
from .sturm import chain, count_between, squarefree

BITS = 20
"""Relative bits of a spectral radius's bracket."""


def inside(p: Any) -> bool:
    """Whether every root of p has modulus below 1 (Schur 1917, Cohn 1922). p is not zero; a constant has no root.

    >>> inside(fmpq_poly([1, -3, 3])), inside(fmpq_poly([-1, 1]))
    (True, False)
    """
    whole = integer_polynomial(p)
    if not whole:
        raise ValueError("the zero polynomial has no roots to look at")
    return _inside(tuple(whole.coeffs()))


@lru_cache(maxsize=256)
def _inside(a: tuple[Any, ...]) -> bool:
    while len(a) > 1:
        first, last = a[0], a[-1]
        if abs(first) >= abs(last):  # the product of the roots is not below 1 in modulus
            return False
        smaller = fmpz_poly([last * x - first * y for x, y in zip(a[1:], reversed(a[:-1]), strict=True)])
        a = tuple((smaller // fmpz_poly([smaller.content()])).coeffs())
    return True


def within(p: Any, r: Fraction) -> bool:
    """Whether every root of p has modulus below r, a positive rational."""
    return inside(_shrunk(p, r))


def _shrunk(p: Any, r: Fraction) -> fmpz_poly:
    """The polynomial whose roots are those of p over r."""
    a = integer_polynomial(p).coeffs()
    n = len(a) - 1
    return fmpz_poly([x * r.numerator**k * r.denominator ** (n - k) for k, x in enumerate(a)])


def closed(p: Any) -> bool:
    """Whether every root of p has modulus at most 1.

    The roots on the circle are among those whose reciprocal is a root too: after x + 1/x they are real and in [-2, 2].
    """
    p = _without(_without(squarefree(fmpq_poly(integer_polynomial(p).coeffs())), 1), -1)
    if not p[0]:
        p = p // fmpq_poly([0, 1])
    reverse = fmpq_poly(list(reversed(p.coeffs())))
    common = p.gcd(reverse)
    if not inside(p // common):
        return False
    m = common.degree() // 2
    if not m:
        return True
    folded = _folded(common, m)
    return bool(count_between(chain(folded), Fraction(-2), Fraction(2)) == m)


def _without(p: fmpq_poly, root: int) -> fmpq_poly:
    """p without the factors x - root."""
    while p.degree() > 0 and not p(root):
        p = p // fmpq_poly([-root, 1])
    return p


def _folded(p: fmpq_poly, m: int) -> fmpq_poly:
    """h with p = x^m h(x + 1/x), for a p that is its own reverse."""
    rest, result = p, fmpq_poly([0])
    base = fmpq_poly([1, 0, 1])
    for k in range(m, -1, -1):
        lead = rest[m + k]
        result += fmpq_poly([0] * k + [lead])
        rest -= lead * base**k * fmpq_poly([0] * (m - k) + [1])
    if rest:
        raise AssertionError("a polynomial that is its own reverse is no polynomial in x + 1/x")
    return result


def _largest_modulus(p: fmpz_poly) -> Fraction:
    """About the largest modulus of a root, which is neither 0 nor 1, on the same side of 1."""
    if too_close(p):
        return _halved(p)
    before = ctx.prec
    try:
        while True:
            near = max((abs(root) for root, _ in p.complex_roots()), key=dyadic)
            if near < 1 or near > 1:
                return dyadic(near)
            ctx.prec *= 2
    finally:
        ctx.prec = before


def _halved(p: fmpz_poly) -> Fraction:
    """The same where roots lie too close together for enclosures, by exact decisions alone."""
    near = threshold(lambda r: not within(p, r))
    if abs(1 - near) > Fraction(1, 2**40):
        return near
    if inside(p):
        return 1 - threshold(lambda gap: gap < 1 and within(p, 1 - gap))
    return 1 + threshold(lambda gap: not within(p, 1 + gap))


def radius(p: Any, bits: int = BITS) -> tuple[Fraction, Fraction]:
    """Rationals lower <= rho(p) <= upper, rho the largest modulus of a root; equal where rho is a simple rational.

    A float says where to look; that lower <= rho < upper is decided exactly.  No bracket has 1 strictly inside.
    """
    p = integer_polynomial(p)
    if all(not x for x in p.coeffs()[:-1]):
        return Fraction(0), Fraction(0)
    below = inside(p)
    if not below and closed(p):
        return Fraction(1), Fraction(1)
    middle = _largest_modulus(p)
    exact = simplest(middle * (1 - Fraction(1, 2**40)), middle * (1 + Fraction(1, 2**40)))
    if exact.denominator < 2**20 and not within(p, exact) and closed(_shrunk(p, exact)):
        return exact, exact
    gap = abs(1 - middle)
    width = min(middle / 2**bits, gap / 8) if gap else middle / 2**bits
    while True:
        unit = Fraction(2) ** (width.numerator.bit_length() - width.denominator.bit_length() - 1)
        lower = middle // unit * unit
        upper = lower + unit
        lower, upper = max(lower - unit, Fraction(0)), upper + unit
        if within(p, upper) and (not lower or not within(p, lower)):
            return (lower, min(upper, Fraction(1))) if below else (max(lower, Fraction(1)), upper)
        width *= 4

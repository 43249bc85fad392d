"""Small helpers for FLINT's rational matrices and polynomials."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

from flint import arb, fmpq, fmpq_mat, fmpz, fmpz_poly


def rational(x: Any) -> fmpq:
    """An int, a Fraction or a FLINT number as a FLINT rational."""
    return x if isinstance(x, fmpq) else fmpq(int(x.numerator), int(x.denominator))


def fraction(x: Any) -> Fraction:
    """A FLINT number as a Fraction."""
    return Fraction(int(x.p), int(x.q)) if isinstance(x, fmpq) else Fraction(int(x))


def column(entries: Sequence[Any]) -> fmpq_mat:
    """A column of rationals."""
    return fmpq_mat(len(entries), 1, [rational(x) for x in entries])


def row(entries: Sequence[Any]) -> fmpq_mat:
    """A row of rationals."""
    return fmpq_mat(1, len(entries), [rational(x) for x in entries])


def matrix(rows: Sequence[Sequence[Any]]) -> fmpq_mat:
    """A matrix from rows of rationals."""
    return fmpq_mat(len(rows), len(rows[0]), [rational(x) for line in rows for x in line])


def identity(size: int) -> fmpq_mat:
    """The identity matrix."""
    return fmpq_mat(size, size, [int(i == j) for i in range(size) for j in range(size)])


def fractions(m: fmpq_mat) -> list[list[Fraction]]:
    """The entries of a matrix, by rows."""
    return [[fraction(x) for x in line] for line in m.tolist()]


def dyadic(ball: arb) -> Fraction:
    """The middle of a ball, exactly."""
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def integer_polynomial(p: Any) -> fmpz_poly:
    """The primitive integer polynomial with the same roots; the zero polynomial stays zero."""
    if isinstance(p, fmpz_poly):
        whole = p
    else:
        coefficients = [Fraction(int(x.p), int(x.q)) for x in p.coeffs()]
        scale = lcm(*(x.denominator for x in coefficients)) if coefficients else 1
        whole = fmpz_poly([fmpz(int(x * scale)) for x in coefficients])
    content = whole.content()
    return whole if content in (0, 1) else fmpz_poly([x // content for x in whole.coeffs()])


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The rational of smallest denominator in [low, high], 0 < low <= high.

    >>> simplest(Fraction(31, 100), Fraction(35, 100))
    Fraction(1, 3)
    """
    whole = low.numerator // low.denominator
    if whole == low:
        return Fraction(whole)
    if whole + 1 <= high:
        return Fraction(whole + 1)
    return whole + 1 / simplest(1 / (high - whole), 1 / (low - whole))

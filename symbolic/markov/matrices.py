"""Rational matrices as FLINT has them, from and to rows of Fractions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

Vector = tuple[Fraction, ...]
Rows = Sequence[Sequence[Fraction]]


def rational(x: Fraction | int) -> fmpq:
    """A number as FLINT has it."""
    return fmpq(x.numerator, x.denominator)


def fraction(x: fmpq) -> Fraction:
    """A number of FLINT's as a Fraction."""
    return Fraction(int(x.p), int(x.q))


def matrix(rows: Iterable[Iterable[Fraction | int]]) -> fmpq_mat:
    """A matrix of at least one row."""
    return fmpq_mat([[rational(x) for x in row] for row in rows])


def column(entries: Iterable[Fraction | int]) -> fmpq_mat:
    """A vector as a matrix of one column."""
    return matrix([x] for x in entries)


def zeros(height: int, width: int) -> fmpq_mat:
    """A matrix of zeros."""
    return fmpq_mat(height, width)


def identity(size: int) -> fmpq_mat:
    """The identity, (size, size)."""
    return diagonal([Fraction(1)] * size)


def diagonal(entries: Sequence[Fraction]) -> fmpq_mat:
    """The matrix with these entries on its diagonal."""
    made = fmpq_mat(len(entries), len(entries))
    for i, x in enumerate(entries):
        made[i, i] = rational(x)
    return made


def entries(found: fmpq_mat) -> Vector:
    """All entries, row by row."""
    return tuple(fraction(x) for x in found.entries())


def rows(found: fmpq_mat) -> tuple[Vector, ...]:
    """The rows."""
    width, flat = found.ncols(), entries(found)
    return tuple(flat[i * width : (i + 1) * width] for i in range(found.nrows()))


def solved(A: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """The X with A X = b; `ZeroDivisionError` for a singular A.

    Rows are divided by their content first: those of a mean field have the stationary law's long numbers in common.
    """
    size, left, right = A.nrows(), fmpz_mat(A.nrows(), A.nrows()), fmpq_mat(b)
    for i in range(size):
        row = [A[i, j] for j in range(size)]
        common = _lcm(x.q for x in row)
        whole = [x.p * (common // x.q) for x in row]
        content = _gcd(whole)
        if content == 0:
            raise ZeroDivisionError("a row of zeros")
        for j, x in enumerate(whole):
            left[i, j] = x // content
        for j in range(b.ncols()):
            right[i, j] = b[i, j] * fmpq(common, content)
    return fmpq_mat(left).solve(right)


def _lcm(numbers: Iterable[fmpz]) -> fmpz:
    found = fmpz(1)
    for x in numbers:
        found = found.lcm(x)
    return found


def _gcd(numbers: Iterable[fmpz]) -> fmpz:
    found = fmpz(0)
    for x in numbers:
        found = found.gcd(x)
    return found


def kernel(found: fmpq_mat) -> list[Vector]:
    """A basis of the vectors that a matrix takes to zero, one for each column without a pivot."""
    reduced, rank = found.rref()
    width = found.ncols()
    pivots = []
    for i in range(rank):
        pivots.append(next(j for j in range(width) if reduced[i, j] != 0))
    basis = []
    for free in (j for j in range(width) if j not in set(pivots)):
        vector = [Fraction(0)] * width
        vector[free] = Fraction(1)
        for i, pivot in enumerate(pivots):
            vector[pivot] = -fraction(reduced[i, free])
        basis.append(tuple(vector))
    return basis

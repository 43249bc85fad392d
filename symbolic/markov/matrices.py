"""Rational matrices as FLINT has them, from and to rows of Fractions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

Vector = tuple[Fraction, ...]
Rows = Sequence[Sequence[Fraction]]
SMALL = 12
"""Systems up to this size are eliminated, larger ones lifted p-adically."""


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


def entries(matrix: fmpq_mat) -> Vector:
    """All entries, row by row."""
    return tuple(fraction(x) for x in matrix.entries())


def rows(matrix: fmpq_mat) -> tuple[Vector, ...]:
    """The rows."""
    width, flat = matrix.ncols(), entries(matrix)
    return tuple(flat[i * width : (i + 1) * width] for i in range(matrix.nrows()))


def solved(A: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """The X with A X = b; `ZeroDivisionError` for a singular A.

    Rows are divided by their content first, and columns of b by theirs: those of a mean field have the stationary
    law's long numbers in common, which would make every number on the way long.
    """
    size, width = A.nrows(), b.ncols()
    left, factors = fmpz_mat(size, size), []
    for i in range(size):
        common, content, whole = _primitive([A[i, j] for j in range(size)])
        if content == 0:
            raise ZeroDivisionError("a row of zeros")
        factors.append(fmpq(common, content))
        for j, x in enumerate(whole):
            left[i, j] = x
    right, scales = fmpz_mat(size, width), []
    for j in range(width):
        common, content, whole = _primitive([b[i, j] * factors[i] for i in range(size)])
        scales.append(fmpq(content, common))
        for i, x in enumerate(whole):
            right[i, j] = x
    solution = fmpq_mat(left).solve(fmpq_mat(right), algorithm="dixon" if size > SMALL else None)
    return fmpq_mat([[solution[i, j] * scales[j] for j in range(width)] for i in range(size)])


def _primitive(numbers: Sequence[fmpq]) -> tuple[fmpz, fmpz, list[fmpz]]:
    """common, content and whole numbers without a common divisor: each number is whole content/common."""
    common, content = fmpz(1), fmpz(0)
    for x in numbers:
        common = common.lcm(x.q)
    whole = [x.p * (common // x.q) for x in numbers]
    for y in whole:
        content = content.gcd(y)
    return common, content, [y // content for y in whole] if content else whole


def kernel(matrix: fmpq_mat) -> list[Vector]:
    """A basis of the vectors that a matrix takes to zero, one for each column without a pivot."""
    reduced, rank = matrix.rref()
    width = matrix.ncols()
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

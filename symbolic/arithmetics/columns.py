"""One value for each of N columns at once, so that an accumulator is evaluated once a layer and not once a column."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flint import fmpz, fmpz_mat

from .rational import Rational, RationalMatrix, RationalVector, common_denominator, scaled, shared


class Columns:
    """N vectors (height d) or N numbers (height 1) over one denominator.  num : (height, N) integers, den > 0.

    It knows only what means the same for all columns as for each: whatever else an accumulator does raises `TypeError`,
    comparisons included, and the accumulator is then evaluated column by column.

    >>> row = RationalVector.of([1, 2]) @ Columns.of([RationalVector.of([3, 4]), RationalVector.of([5, 6])])
    >>> Columns.matrix([row, 7], 2).fractions()
    [[Fraction(11, 1), Fraction(17, 1)], [Fraction(7, 1), Fraction(7, 1)]]
    """

    __slots__ = ("den", "num")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, num: fmpz_mat, den: fmpz):
        self.num = num
        self.den = den

    @staticmethod
    def of(values: Sequence[Any]) -> Columns:
        """From a vector for each column, or from a number for each."""
        if isinstance(values[0], RationalVector):
            parts = [(v.num.entries(), v.den) for v in values]
        else:
            parts = [([r.num], r.den) for r in map(Rational.of, values)]
        den = common_denominator([bottom for _, bottom in parts])
        entries = [x * f for tops, bottom in parts for f in (den // bottom,) for x in tops]
        return Columns(fmpz_mat(len(parts), len(parts[0][0]), entries).transpose(), den)

    @staticmethod
    def of_numbers(values: Sequence[Any]) -> Columns:
        """From the entries of a vector for each column, or from a number for each: integers, Fractions, Rationals."""
        if isinstance(values[0], RationalVector):
            return Columns.of(values)
        height = len(values[0]) if isinstance(values[0], (tuple, list)) else 0
        nums, den = shared([x for v in values for x in v] if height else values)
        return Columns(fmpz_mat(len(values), max(height, 1), nums).transpose(), fmpz(den))

    @staticmethod
    def joined(many: Any, last: Any, width: int) -> Columns:
        """`width` columns, or one number for all of them, and one column more: a vector or a number.

        Raises `TypeError` where they are neither, or of different heights.
        """
        left = many if isinstance(many, Columns) else _constant(Rational.of(many), width)
        vector = isinstance(last, RationalVector)
        right = Columns(last.num.transpose(), last.den) if vector else _constant(Rational.of(last), 1)
        if left.num.nrows() != right.num.nrows():
            raise TypeError("the query's column has another height")
        den = common_denominator([left.den, right.den])
        parts = [scaled(part.num, den // part.den).transpose().entries() for part in (left, right)]
        return Columns(fmpz_mat(width + 1, left.num.nrows(), parts[0] + parts[1]).transpose(), den)

    @staticmethod
    def matrix(rows: Sequence[Any], width: int) -> RationalMatrix:
        """The matrix with these rows, each a `Columns` (of any height) or one number for the whole row."""
        parts = [r if isinstance(r, Columns) else _constant(Rational.of(r), width) for r in rows]
        den = common_denominator([part.den for part in parts])
        entries = [x for part in parts for x in scaled(part.num, den // part.den).entries()]
        return RationalMatrix(fmpz_mat(len(entries) // width, width, entries), den)

    def _add(self, other: Any, sign: int) -> Any:
        if isinstance(other, (Rational, int, Fraction)) and self.num.nrows() == 1:
            other = _constant(Rational.of(other), self.num.ncols())
        if not isinstance(other, Columns) or other.num.nrows() != self.num.nrows():
            return NotImplemented
        den = common_denominator([self.den, other.den])
        return Columns(scaled(self.num, den // self.den) + scaled(other.num, den // other.den * sign), den)

    def __add__(self, other: Any) -> Any:
        return self._add(other, 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._add(other, -1)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __neg__(self) -> Columns:
        return Columns(-self.num, self.den)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, (Rational, int, Fraction)):
            factor = Rational.of(other)
            return Columns(self.num * factor.num, self.den * factor.den)
        if not isinstance(other, Columns) or 1 not in (self.num.nrows(), other.num.nrows()):
            return NotImplemented
        row, many = (self, other) if self.num.nrows() == 1 else (other, self)
        entries = row.num.entries() * many.num.nrows()
        product = [x * y for x, y in zip(entries, many.num.entries(), strict=True)]
        return Columns(fmpz_mat(many.num.nrows(), many.num.ncols(), product), self.den * other.den)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self * (1 / Rational.of(other)) if isinstance(other, (Rational, int, Fraction)) else NotImplemented

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, RationalVector) or other.num.ncols() != self.num.nrows():
            return NotImplemented
        return Columns(other.num * self.num, self.den * other.den)

    __rmatmul__ = __matmul__  # u @ v is a dot product of vectors, whichever of them has columns

    def __eq__(self, other: Any) -> bool:
        raise TypeError("columns are not compared with each other")

    def __bool__(self) -> bool:
        raise TypeError("columns have no truth value")


def _constant(value: Rational, width: int) -> Columns:
    return Columns(fmpz_mat(1, width, [value.num] * width), value.den)

"""Exact rationals with one denominator shared by a whole vector or matrix, on FLINT's integer matrices.

Numbers of thousands of bits are where the time goes, so no gcd is taken in an addition of equal denominators;
a fraction is brought to lowest terms once a layer, when a matrix is applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

from flint import fmpz, fmpz_mat

from ..errors import ZeroDivisorError


def _common(x: fmpz, y: fmpz) -> tuple[fmpz, fmpz, fmpz]:
    """(denominator, factor for x, factor for y) such that x * factor == y * factor == denominator."""
    if x == y:
        return x, fmpz(1), fmpz(1)
    if y % x == 0:
        return y, y // x, fmpz(1)
    if x % y == 0:
        return x, fmpz(1), x // y
    g = x.gcd(y)
    return x // g * y, y // g, x // g


def scaled(num: fmpz_mat, factor: fmpz) -> fmpz_mat:
    """num * factor; a factor of 1, which is frequent, costs nothing."""
    return num if factor == 1 else num * factor


def common_denominator(denominators: Sequence[fmpz]) -> fmpz:
    """The least common multiple of positive integers, most of which are often the same."""
    result = denominators[0]
    for den in denominators:
        if den != result and result % den:
            result = result.lcm(den)
    return result


def _restored(cls: Any, den: int, entries: Sequence[int], height: int | None = None, width: int = 0) -> Any:
    """What `__reduce__` names, for pickle and copy: integers back in FLINT's types."""
    return cls(fmpz(entries[0]) if height is None else fmpz_mat(height, width, entries), fmpz(den))


def _integers(held: Any) -> tuple[int, tuple[int, ...], int, int]:
    """The denominator, the entries by rows, and the shape of what is held over one denominator."""
    return int(held.den), tuple(int(x) for x in held.num.entries()), held.num.nrows(), held.num.ncols()


class Rational:
    """A rational number num / den, not necessarily in lowest terms, den > 0."""

    __slots__ = ("den", "num")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, num: fmpz, den: fmpz):
        self.num = num
        self.den = den

    def __reduce__(self) -> Any:
        return _restored, (Rational, int(self.den), (int(self.num),))

    @staticmethod
    def of(value: Any) -> Rational:
        """From an integer, a Fraction or a Rational."""
        if isinstance(value, Rational):
            return value
        if isinstance(value, fmpz):
            return Rational(value, fmpz(1))
        return Rational(fmpz(value.numerator), fmpz(value.denominator))

    def __add__(self, other: Any) -> Any:
        if type(other) is not Rational:
            if not isinstance(other, (int, Fraction)):
                return NotImplemented
            other = Rational.of(other)
        if self.den == other.den:
            return Rational(self.num + other.num, self.den)
        den, x, y = _common(self.den, other.den)
        return Rational(self.num * x + other.num * y, den)

    __radd__ = __add__

    def __neg__(self) -> Rational:
        return Rational(-self.num, self.den)

    def __sub__(self, other: Any) -> Any:
        if type(other) is not Rational:
            return self + (-other)
        if self.den == other.den:
            return Rational(self.num - other.num, self.den)
        den, x, y = _common(self.den, other.den)
        return Rational(self.num * x - other.num * y, den)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if type(other) is Rational:
            return Rational(self.num * other.num, self.den * other.den)
        if isinstance(other, (int, Fraction)):
            return Rational(self.num * other.numerator, self.den * other.denominator)
        return NotImplemented

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Rational:
        if exponent < 0:
            inverse: Rational = Rational.of(1) / self
            return inverse**-exponent
        return Rational(self.num**exponent, self.den**exponent)

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, (Rational, int, Fraction)):
            return NotImplemented
        other = Rational.of(other)
        if not other.num:
            raise ZeroDivisorError("the update or a weight divides by zero at these sizes, parameters, steps or tokens")
        sign = -1 if other.num < 0 else 1
        return Rational(self.num * other.den * sign, self.den * other.num * sign)

    def __rtruediv__(self, other: Any) -> Any:
        return Rational.of(other) / self if isinstance(other, (int, Fraction)) else NotImplemented

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, (Rational, int, Fraction)):
            return NotImplemented
        other = Rational.of(other)
        if self.den == other.den:
            return bool(self.num == other.num)
        return bool(self.num * other.den == other.num * self.den)

    def fraction(self) -> Fraction:
        """As a Fraction in lowest terms."""
        return Fraction(int(self.num), int(self.den))

    def __repr__(self) -> str:
        return str(self.fraction())


def shared(entries: Sequence[Any]) -> tuple[list[Any], Any]:
    """Numerators over one denominator, from integers, Fractions or Rationals."""
    kinds = set(map(type, entries))
    if kinds <= {int}:
        return list(entries), 1
    if Rational in kinds and kinds <= {Rational, int, Fraction}:
        return _of_rationals([Rational.of(e) for e in entries])
    fractions = entries
    if not kinds <= {int, Fraction}:
        fractions = [e.fraction() if isinstance(e, Rational) else Fraction(e) for e in entries]
    dens = [f.denominator for f in fractions]
    den = lcm(*dens)
    return [f.numerator * (den // bottom) for f, bottom in zip(fractions, dens, strict=True)], den


def _of_rationals(entries: Sequence[Rational]) -> tuple[list[Any], Any]:
    """The same of Rationals alone: one gcd for all of them, where each Fraction would take its own."""
    den = common_denominator([e.den for e in entries])
    nums = [e.num if e.den == den else e.num * (den // e.den) for e in entries]
    g = den
    for x in nums:
        if g == 1:
            break
        g = g.gcd(x)
    return (nums, den) if g == 1 else ([x // g for x in nums], den // g)


class RationalVector:
    """A vector of d rationals over one denominator: num : (1, d) integers, den > 0."""

    __slots__ = ("_column", "den", "num")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, num: fmpz_mat, den: fmpz):
        self.num = num
        self.den = den
        self._column: fmpz_mat | None = None

    def __reduce__(self) -> Any:
        return _restored, (RationalVector, *_integers(self))

    @staticmethod
    def of(entries: Sequence[Any]) -> RationalVector:
        """From integers, Fractions or Rationals."""
        nums, den = shared(entries)
        return RationalVector(fmpz_mat(1, len(nums), nums), fmpz(den))

    def _add(self, other: Any, sign: int) -> Any:
        if not isinstance(other, RationalVector):
            return NotImplemented
        if self.den == other.den:
            return RationalVector(self.num + other.num if sign > 0 else self.num - other.num, self.den)
        den, x, y = _common(self.den, other.den)
        return RationalVector(self.num * x + other.num * (y * sign), den)

    def __add__(self, other: Any) -> Any:
        return self._add(other, 1)

    def __sub__(self, other: Any) -> Any:
        return self._add(other, -1)

    def __neg__(self) -> RationalVector:
        return RationalVector(-self.num, self.den)

    def __mul__(self, scalar: Any) -> Any:
        if type(scalar) is Rational:
            return RationalVector(self.num * scalar.num, self.den * scalar.den)
        if isinstance(scalar, (int, Fraction)):
            if scalar == 0:
                return RationalVector(self.num * 0, fmpz(1))
            return RationalVector(self.num * scalar.numerator, self.den * scalar.denominator)
        return NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, scalar: Any) -> RationalVector:
        inverse = Rational.of(1) / scalar
        return RationalVector(self.num * inverse.num, self.den * inverse.den)

    def __matmul__(self, other: Any) -> Any:
        if type(other) is not RationalVector:
            return NotImplemented
        if other._column is None:
            other._column = other.num.transpose()
        return Rational((self.num * other._column)[0, 0], self.den * other.den)

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, RationalVector):
            return NotImplemented
        return bool(self.num * other.den == other.num * self.den)

    def fractions(self) -> list[Fraction]:
        """The entries in lowest terms."""
        return [Fraction(int(x), int(self.den)) for x in self.num.entries()]


class RationalMatrix:
    """A matrix of rationals over one denominator; supports `@`, `+`, `-`, `*` by a rational, `.mT`, `.take_rows`."""

    __slots__ = ("den", "num")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, num: fmpz_mat, den: fmpz):
        self.num = num
        self.den = den

    def __reduce__(self) -> Any:
        return _restored, (RationalMatrix, *_integers(self))

    @staticmethod
    def of(rows: Sequence[Sequence[Any]]) -> RationalMatrix:
        """From rows of integers, Fractions or Rationals."""
        nums, den = shared([e for row in rows for e in row])
        return RationalMatrix(fmpz_mat(len(rows), len(rows[0]) if rows else 0, nums), fmpz(den))

    @staticmethod
    def context_mask(n: int) -> RationalMatrix:
        """M0 : (n+1, n+1), ones on the diagonal but for the last."""
        mask = fmpz_mat(n + 1, n + 1)
        for i in range(n):
            mask[i, i] = 1
        return RationalMatrix(mask, fmpz(1))

    @property
    def shape(self) -> tuple[int, int]:
        return self.num.nrows(), self.num.ncols()

    @property
    def mT(self) -> RationalMatrix:
        return RationalMatrix(self.num.transpose(), self.den)

    T = mT

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, RationalMatrix):
            return RationalMatrix(self.num * other.num, self.den * other.den)
        if isinstance(other, RationalVector):
            num = self.num * other.num.transpose()
            return _lowest(num.transpose(), self.den * other.den)
        return NotImplemented

    def __neg__(self) -> RationalMatrix:
        return RationalMatrix(-self.num, self.den)

    def _add(self, other: RationalMatrix, sign: int) -> RationalMatrix:
        den, x, y = _common(self.den, other.den)
        return RationalMatrix(scaled(self.num, x) + scaled(other.num, y * sign), den)

    def __add__(self, other: Any) -> Any:
        return self._add(other, 1) if isinstance(other, RationalMatrix) else NotImplemented

    def __sub__(self, other: Any) -> Any:
        return self._add(other, -1) if isinstance(other, RationalMatrix) else NotImplemented

    def __mul__(self, scalar: Any) -> Any:
        if not isinstance(scalar, (Rational, int, Fraction)):
            return NotImplemented
        scalar = Rational.of(scalar)
        return RationalMatrix(self.num * scalar.num, self.den * scalar.den)

    __rmul__ = __mul__

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, RationalMatrix):
            return NotImplemented
        _, x, y = _common(self.den, other.den)
        return bool(scaled(self.num, x) == scaled(other.num, y))

    def take_rows(self, rows: Sequence[int]) -> RationalMatrix:
        """The given rows, in that order."""
        width = self.num.ncols()
        entries = [self.num[i, j] for i in rows for j in range(width)]
        return RationalMatrix(fmpz_mat(len(rows), width, entries), self.den)

    def lowest_terms(self) -> RationalMatrix:
        """The same matrix with its content divided out."""
        g = self.den
        for x in self.num.entries():
            g = g.gcd(x)
            if g == 1:
                return self
        return RationalMatrix(
            fmpz_mat(self.num.nrows(), self.num.ncols(), [x // g for x in self.num.entries()]), self.den // g
        )

    def fractions(self) -> list[list[Fraction]]:
        """The entries in lowest terms, by rows."""
        den = int(self.den)
        return [[Fraction(int(x), den) for x in row] for row in self.num.tolist()]


def _lowest(num: fmpz_mat, den: fmpz) -> RationalVector:
    g = den
    for x in num.entries():
        g = g.gcd(x)
    if g != 1:
        num = fmpz_mat(1, num.ncols(), [x // g for x in num.entries()])
    return RationalVector(num, den // g)

"""Quotients of FLINT polynomials: for updates that divide by what depends on their parameters."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import fmpq


class Quotient:
    """num / den of two polynomials over Q, in lowest terms; den is not zero.

    The denominators are polynomials in the parameters: what an update divides by holds no entry of a prompt.
    """

    __slots__ = ("den", "num")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, num: Any, den: Any):
        self.num, self.den = num, den

    @staticmethod
    def of(num: Any, den: Any) -> Quotient:
        """In lowest terms; raises `ZeroDivisionError` when den is zero."""
        if not den:
            raise ZeroDivisionError("division by a polynomial that is zero")
        if den.is_constant():
            return Quotient(num / den, den / den)
        common = num.gcd(den)
        num, den = num / common, den / common
        leading = den.leading_coefficient()
        return Quotient(num / leading, den / leading)

    def _other(self, other: Any) -> Quotient | None:
        if isinstance(other, Quotient):
            return other
        if isinstance(other, (int, Fraction, fmpq)):
            one = self.den * 0 + 1
            return Quotient(one * fmpq(int(other.numerator), int(other.denominator)), one)
        return None

    def __add__(self, other: Any) -> Any:
        o = self._other(other)
        if o is None:
            return NotImplemented
        if self.den == o.den:
            total = self.num + o.num
            return Quotient(total, self.den) if self.den.is_constant() else Quotient.of(total, self.den)
        return Quotient.of(self.num * o.den + o.num * self.den, self.den * o.den)

    __radd__ = __add__

    def __neg__(self) -> Quotient:
        return Quotient(-self.num, self.den)

    def __sub__(self, other: Any) -> Any:
        o = self._other(other)
        return NotImplemented if o is None else self + -o

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        o = self._other(other)
        if o is None:
            return NotImplemented
        if self.den.is_constant() and o.den.is_constant():
            return Quotient(self.num * o.num, self.den)
        return Quotient.of(self.num * o.num, self.den * o.den)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        o = self._other(other)
        return NotImplemented if o is None else Quotient.of(self.num * o.den, self.den * o.num)

    def __rtruediv__(self, other: Any) -> Any:
        o = self._other(other)
        return NotImplemented if o is None else o / self

    def __pow__(self, exponent: int) -> Quotient:
        exponent = int(exponent)
        if exponent >= 0:
            return Quotient(self.num**exponent, self.den**exponent)
        return Quotient.of(self.den**-exponent, self.num**-exponent)

    def __eq__(self, other: Any) -> bool:
        o = self._other(other)
        return NotImplemented if o is None else bool(self.num * o.den == o.num * self.den)

    def __bool__(self) -> bool:
        return bool(self.num)

    def __len__(self) -> int:
        """The number of terms of the numerator: none for zero."""
        return len(self.num)

    def __str__(self) -> str:
        return str(self.num) if self.den.is_constant() else f"({self.num}) / ({self.den})"

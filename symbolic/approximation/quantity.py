"""What a rule computes with: exact piecewise polynomials in the weights, the ring operations and one more, `maximum`.

A quantity supports +, -, *, whole powers and division by numbers. Whatever would let a file look at a value (a
comparison, a truth value, a text) raises `RefusedError` with the line. Only Fractions: a user's file runs on it in a
process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm
from numbers import Real
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, ContentError
from ..plain_text import shown
from ..tracing.strict import REFUSED

if TYPE_CHECKING:
    from .table import AtomTable

Monomial = tuple[int, ...]
Number = int | Fraction
MAX_TERMS, MAX_DEGREE = 100_000, 16
LONG = 256
"""Denominators of more bits than this are brought to lowest terms."""


class Quantity:
    """A polynomial in the variables and maxima of a table: num/den times the sum of parts[monomial] monomial.

    parts : {monomial: integer}, none zero; never changed, so that multiples of one quantity share it
    num, den : den > 0, not always in lowest terms
    """

    __slots__ = ("den", "num", "parts", "table")

    def __init__(self, table: AtomTable, parts: dict[Monomial, int], den: int = 1, num: int = 1):
        self.table = table
        self.parts = parts
        self.num = num
        self.den = den
        if den >> LONG:
            common = gcd(den, num)
            self.num, self.den = num // common, den // common
            if self.den >> LONG:
                common = gcd(self.den, *parts.values())
                if common > 1:
                    self.parts, self.den = {m: c // common for m, c in parts.items()}, self.den // common

    @property
    def terms(self) -> dict[Monomial, Fraction]:
        """{monomial: coefficient}."""
        return {m: Fraction(c * self.num, self.den) for m, c in self.parts.items()}

    @staticmethod
    def combination(quantities: Sequence[Quantity], factors: Sequence[Number]) -> Quantity:
        """The sum of factors times quantities, at least one."""
        den = lcm(*[q.den * x.denominator for q, x in zip(quantities, factors, strict=True)])
        total: dict[Monomial, int] = {}
        for q, x in zip(quantities, factors, strict=True):
            factor = q.num * x.numerator * (den // (q.den * x.denominator))
            if not factor:
                continue
            if not total:
                total = {monomial: c * factor for monomial, c in q.parts.items()}
                continue
            for monomial, c in q.parts.items():
                total[monomial] = total.get(monomial, 0) + c * factor
        if len(total) > MAX_TERMS:
            raise ContentError(f"h has more than {MAX_TERMS} terms, the limit")
        return Quantity(quantities[0].table, _nonzero(total), den)

    def _plus(self, other: Quantity, sign: int) -> Quantity:
        """self + sign other: the combination of two, which is most of them."""
        den = lcm(self.den, other.den)
        own, its = self.num * (den // self.den), sign * other.num * (den // other.den)
        total = {monomial: c * own for monomial, c in self.parts.items()}
        for monomial, c in other.parts.items():
            total[monomial] = total.get(monomial, 0) + c * its
        if len(total) > MAX_TERMS:
            raise ContentError(f"h has more than {MAX_TERMS} terms, the limit")
        return Quantity(self.table, _nonzero(total), den)

    def scaled(self, factor: Number) -> Quantity:
        """factor self."""
        top = self.num * factor.numerator
        return Quantity(self.table, self.parts if top else {}, self.den * factor.denominator, top or 1)

    def times(self, other: Quantity) -> Quantity:
        """self other."""
        for q, x in ((self, other), (other, self)):
            if len(x.parts) > 1:
                continue
            number = x.constant()
            if number is not None:
                return q.scaled(number)
            ((single, factor),) = x.parts.items()
            if len(single) == 1:
                parts = dict(zip(map(self.table.times(single[0]).__getitem__, q.parts), q.parts.values(), strict=True))
                return Quantity(self.table, parts, self.den * other.den, self.num * other.num * factor)
        total: dict[Monomial, int] = {}
        if len(self.parts) * len(other.parts) > MAX_TERMS:
            raise ContentError(f"h multiplies sums to more than {MAX_TERMS} terms, the limit")
        if max(map(len, self.parts)) + max(map(len, other.parts)) > MAX_DEGREE:
            raise ContentError(f"h has degree above {MAX_DEGREE}, the limit")
        for m, c in self.parts.items():
            for k, b in other.parts.items():
                monomial = product(m, k)
                total[monomial] = total.get(monomial, 0) + c * b
        return Quantity(self.table, _nonzero(total), self.den * other.den, self.num * other.num)

    def constant(self) -> Fraction | None:
        """The number that it is, where it is one."""
        if len(self.parts) > 1 or (self.parts and () not in self.parts):
            return None
        return Fraction(self.parts.get((), 0) * self.num, self.den)

    def __add__(self, other: Any) -> Any:
        operand = self._joined(other)
        return NotImplemented if operand is None else self._plus(operand, 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        operand = self._joined(other)
        return NotImplemented if operand is None else self._plus(operand, -1)

    def __rsub__(self, other: Any) -> Any:
        operand = self._joined(other)
        return NotImplemented if operand is None else operand._plus(self, -1)

    def __neg__(self) -> Quantity:
        return self.scaled(-1)

    def __pos__(self) -> Quantity:
        return self

    def __mul__(self, other: Any) -> Any:
        if type(other) is Fraction:  # most of them; `isinstance` would ask an abstract class
            return self.scaled(other)
        if isinstance(other, Quantity) and other.table is self.table:
            return self.times(other)
        if isinstance(other, (int, Fraction)):
            return self.scaled(other + 0)
        operand = self._joined(other)
        return NotImplemented if operand is None else self.times(operand)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        divisor = self._joined(other)
        if divisor is None:
            return NotImplemented
        value = divisor.constant()
        if value is None:
            self.table.refuse("other", f"divides by {text(divisor)}")
        return self.scaled(1 / value)

    def __rtruediv__(self, other: Any) -> Any:
        dividend = self._joined(other)
        return NotImplemented if dividend is None else dividend / self

    def __abs__(self) -> Quantity:
        return self.table.maximum([self, -self])

    def __pow__(self, exponent: Any, modulus: Any = None) -> Any:
        if not isinstance(exponent, int) or modulus is not None or not 0 <= exponent <= MAX_DEGREE:
            shown = text(exponent) if isinstance(exponent, Quantity) else str(exponent)[:20]
            self.table.refuse("exponent", f"takes the power {shown} of {text(self)}")
        result = self.table.number(1)
        for _ in range(exponent):
            result = result.times(self)
        return result

    def _joined(self, other: Any) -> Quantity | None:
        """An operand as a quantity of this table; None for what is no number."""
        if isinstance(other, Quantity):
            if other.table is not self.table:
                raise ContentError("h joins weights of two different calls")
            return other
        if isinstance(other, (int, Fraction)):
            return self.table.number(other + 0)
        if isinstance(other, float):
            self.table.refuse(
                "number", f"uses the float {other!r}, which is no exact number", "write Fraction(1, 2) for 0.5"
            )
        return None


def maximum(*values: Any) -> Any:
    """The largest of some numbers or quantities, the one operation outside the ring that a rule has.

    values : two or more, or one list of them
    Raises `ArgumentError` for none, and for what is no number.

    >>> maximum(Fraction(1, 2), 2)
    2
    """
    if len(values) == 1 and isinstance(values[0], Iterable) and not isinstance(values[0], (str, bytes, Mapping)):
        values = tuple(values[0])
    if not values:
        raise ArgumentError("values of maximum are none: nothing to take the largest of, wanted at least one number")
    table = next((v.table for v in values if isinstance(v, Quantity)), None)
    if table is None:
        if wrong := [v for v in values if not isinstance(v, Real) or v != v]:
            raise ArgumentError(f"values of maximum hold {shown(wrong[0])}, wanted numbers and weights")
        return max(values)
    zero = table.number(0)
    joined = [zero._joined(v) for v in values]
    if any(q is None for q in joined):
        raise ContentError("values of maximum hold what is no number, wanted numbers and weights")
    return table.maximum([q for q in joined if q is not None])


def evaluate(quantities: Iterable[Quantity], point: Sequence[Fraction]) -> list[Fraction]:
    """The values at a point, a number for each variable of the table."""
    known: dict[int, Fraction] = {}

    def atom(k: int, table: AtomTable) -> Fraction:
        args = table.arguments(k)
        if args is None:
            return point[k]
        if k not in known:
            known[k] = max(value(q) for q in args)
        return known[k]

    def value(q: Quantity) -> Fraction:
        sums: dict[int, int] = {}  # by denominator: at a solution of linear equations most have the same long one
        for monomial, top in q.parts.items():
            bottom = 1
            for k in monomial:
                x = atom(k, q.table)
                top, bottom = top * x.numerator, bottom * x.denominator
            sums[bottom] = sums.get(bottom, 0) + top
        total = sum((Fraction(top, bottom) for bottom, top in sums.items()), Fraction(0))
        return total * Fraction(q.num, q.den)

    return [value(q) for q in quantities]


def product(m: Monomial, k: Monomial) -> Monomial:
    """A monomial times a monomial."""
    return m + k if not m or not k or m[-1] <= k[0] else tuple(sorted(m + k))


def _nonzero(parts: dict[Monomial, int]) -> dict[Monomial, int]:
    return {m: c for m, c in parts.items() if c} if 0 in parts.values() else parts


def text(quantity: Quantity, limit: int = 160) -> str:
    """A quantity as one writes it, shortened to about `limit` characters.

    >>> from layerproof.symbolic.approximation.table import AtomTable
    >>> table = AtomTable(["v[0]", "v[1]"])
    >>> text(2 * table.maximum([table.variable(0), table.variable(1)]) - table.variable(0) - 1)
    '2 max(v[0], v[1]) - v[0] - 1'
    """
    whole = _text(quantity, limit)
    return whole if len(whole) <= limit else f"{whole[: limit - 3]}..."


def _text(quantity: Quantity, limit: int) -> str:
    parts: list[str] = []
    length = 0
    count = len(quantity.table.names)  # highest degree first, maxima before variables
    for monomial, c in sorted(quantity.terms.items(), key=lambda t: (-len(t[0]), [(k < count, k) for k in t[0]])):
        names = " ".join(_atom(k, quantity.table, limit) for k in monomial)
        size = abs(c)
        shown = names if names and size == 1 else f"{size} {names}" if names else str(size)
        sign = ("-" if c < 0 else "") if not parts else (" - " if c < 0 else " + ")
        parts.append(sign + shown)
        length += len(parts[-1])
        if length > limit:
            parts.append(" + ...")
            break
    return "".join(parts) or "0"


def _atom(k: int, table: AtomTable, limit: int) -> str:
    args = table.arguments(k)
    if args is None:
        return table.names[k]
    return f"max({', '.join(_text(q, limit) for q in args)})"


def _refusing(kind: str, what: str) -> Callable[..., Any]:
    def method(self: Quantity, *args: Any) -> Any:
        self.table.refuse(kind, f"{what} {text(self)}")

    return method


for _name, (_kind, _what) in REFUSED.items():
    if _name != "__abs__":
        setattr(Quantity, _name, _refusing(_kind, _what))


def from_shared(table: AtomTable, parts: dict[Monomial, int], num: int, den: int) -> Quantity:
    """num/den times a sum, checked: atoms in order and known, no coefficient zero; `ContentError` otherwise."""
    known = len(table.names) + len(table.maxima)
    if len(parts) > MAX_TERMS or not num or den < 1:
        raise ContentError("a quantity is none")
    for monomial, c in parts.items():
        if len(monomial) > MAX_DEGREE or list(monomial) != sorted(monomial) or not c:
            raise ContentError("a quantity has a term that is none")
        if any(not 0 <= k < known for k in monomial):
            raise ContentError("a quantity names a variable that is none")
    return Quantity(table, parts, den, num)


def of_terms(table: AtomTable, terms: Mapping[Monomial, Fraction]) -> Quantity:
    """A quantity with these terms; zeros fall away."""
    den = lcm(*(c.denominator for c in terms.values()))
    return Quantity(table, {m: c.numerator * (den // c.denominator) for m, c in terms.items() if c}, den)


def of_parts(quantity: Quantity) -> Quantity:
    """The sum that a quantity is num/den times."""
    return Quantity(quantity.table, quantity.parts)

"""Scalars of the contraction algebra: polynomials over Q in its generators, with division by what no prompt holds."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sympy import QQ, Expr, Integer, Mul, Rational, Symbol
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyElement, PolyRing

from ..errors import NotPolynomialError, ZeroDivisorError
from .coefficients import INDEX, LENGTH, Power, Sum, symbol_of
from .words import ADVICE, Exponents, Monomial, word_text

if TYPE_CHECKING:
    from .contraction import Algebra

LARGEST_POWER = 64
"""Up to which power a sum is expanded."""


class Scalar:
    """A polynomial in the generators of an `Algebra`; supports + - *, and / and powers of what no prompt contains."""

    __slots__ = ("algebra", "poly")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, algebra: Algebra, poly: PolyElement):
        self.algebra = algebra
        self.poly = poly

    @property
    def is_one(self) -> bool:
        """Whether it is the number 1; this is no comparison that an update could make."""
        return len(self.poly) == 1 and self.poly.get(self.poly.ring.zero_monom) == 1

    def _coerce(self, other: Any) -> Scalar | None:
        if isinstance(other, Scalar):
            return other
        if isinstance(other, (int, Fraction)) and not isinstance(other, bool):
            return self.algebra.number(other)
        if isinstance(other, float):
            raise NotPolynomialError(
                f"the update uses the float {other!r}, which is no exact number: write Fraction(1, 2) for 0.5, "
                "and x / j rather than (1 / j) * x"
            )
        return None

    def _with(self, other: Any, combine: Any) -> Any:
        right = self._coerce(other)
        if right is None:
            return NotImplemented
        a = self.algebra
        return Scalar(a, combine(a.current(self.poly), a.current(right.poly)))

    def _summed(self, other: Any, combine: Any) -> Any:
        result = self._with(other, combine)
        if result is not NotImplemented and self.algebra._sums:  # a sum of fractions may cancel
            result.poly = self.algebra.reduce(result.poly)
        return result

    def __add__(self, other: Any) -> Any:
        return self._summed(other, lambda x, y: x + y)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._summed(other, lambda x, y: x - y)

    def __rsub__(self, other: Any) -> Any:
        return self._summed(other, lambda x, y: y - x)

    def __neg__(self) -> Scalar:
        return Scalar(self.algebra, -self.poly)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: self.algebra.reduce(x * y))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        right = self._coerce(other)
        if right is None:
            return NotImplemented
        if not right.poly:
            raise ZeroDivisorError("the update, or a layer's own function, divides by zero")
        inverse = right.inverse()
        self.algebra.note_divisor(right)
        return self * inverse

    def __rtruediv__(self, other: Any) -> Any:
        left = self._coerce(other)
        return NotImplemented if left is None else left / self

    def __pow__(self, exponent: Any) -> Scalar:
        if isinstance(exponent, Fraction) and exponent.denominator == 1:
            exponent = int(exponent)
        if isinstance(exponent, Scalar):
            return self._symbolic_power(exponent)
        if not isinstance(exponent, int):
            raise NotPolynomialError(f"the update takes a power with exponent {exponent!r}: {ADVICE}")
        if exponent < 0:
            if not self.poly:
                raise ZeroDivisorError("the update, or a layer's own function, divides by zero")
            inverse = self.inverse()
            self.algebra.note_divisor(self)
            return inverse ** -int(exponent)
        if len(self.poly) > 1 and exponent > LARGEST_POWER:
            raise NotPolynomialError(
                f"the update takes the power {int(exponent)} of {self.text()[:100]}: sums are expanded up to the power "
                f"{LARGEST_POWER}"
            )
        a = self.algebra
        return Scalar(a, a.reduce(a.current(self.poly) ** int(exponent)))

    def __rpow__(self, base: Any) -> Any:
        left = self._coerce(base)
        return NotImplemented if left is None else left**self

    def _symbolic_power(self, exponent: Scalar) -> Scalar:
        a, result = self.algebra, self.algebra.number(1)
        for monomial, part in exponent.parts().items():
            for exponents, c in part.items():
                name = exponents[0][0] if len(exponents) == 1 and exponents[0][1] == 1 else None
                if monomial or c.denominator != 1 or (exponents and name not in (INDEX, LENGTH)):
                    raise NotPolynomialError(
                        f"the update takes a power with exponent {exponent.text()}: an exponent is an integer, or one "
                        "plus integer multiples of t.index and sweep.n"
                    )
                if c < 0:
                    a.note_divisor(self)
                result = result * (a.power(self, name, int(c)) if name else self._whole_power(int(c)))
        return result

    def _whole_power(self, exponent: int) -> Scalar:
        return self**exponent if exponent >= 0 else self.inverse() ** -exponent

    def factors(self) -> list[tuple[Any, int]]:
        """A scalar without prompt entries as a product: (a rational, 1), (a name, exponent), ...

        A sum is factored over Q first, so that the names are independent of each other.
        """
        divided, terms = self._without_inverses()
        number, irreducible = self._irreducible(terms)
        merged: dict[Any, int] = {} if number == 1 else {number: 1}
        for name, exponent in (*divided, *irreducible):
            merged[name] = merged.get(name, 0) + exponent
        return [(name, exponent) for name, exponent in merged.items() if exponent]

    def _without_inverses(self) -> tuple[list[tuple[Any, int]], dict[tuple[int, ...], Any]]:
        """What the scalar is divided by, as names with negative exponents, and the terms of what is left over it."""
        a = self.algebra
        poly = a.current(self.poly)
        lowest = {p: min(m[p] for m in poly) for p in a._sums}  # `reduce` has brought sums over one denominator
        heights = {q: max(m[q] for m in poly) for q in a._inverse.values()}
        direct = {q: p for p, q in a._inverse.items()}
        divided = [(a.key(p)[1], -height) for p, height in (*lowest.items(), *heights.items()) if height]
        terms: dict[tuple[int, ...], Any] = {}
        for monomial, c in poly.items():
            exponents = list(monomial)
            for p in a._sums:
                exponents[p] = 0
            for q, height in heights.items():
                exponents[direct[q]] += height - exponents[q]
                exponents[q] = 0
            terms[tuple(exponents)] = c
        return divided, terms

    def _irreducible(self, terms: dict[tuple[int, ...], Any]) -> tuple[Fraction, list[tuple[Any, int]]]:
        """A polynomial in parameters, powers and signs as a number and its factors by name."""
        a = self.algebra
        used = [p for p in range(len(a._keys)) if any(m[p] for m in terms)]
        if any(p in a._signs for p in used) and len(terms) > 1:
            raise NotPolynomialError(
                f"the update divides by {self.text()}, or raises it to a power: an alternating sign in a sum is not "
                "derived"
            )
        small = PolyRing([f"x{i}" for i in used] or ["x"], QQ, lex)
        within = small.from_dict({tuple(m[p] for p in used) or (0,): c for m, c in terms.items()})
        constant, irreducible = within.factor_list()
        result: list[tuple[Any, int]] = []
        for factor, exponent in irreducible:
            if len(factor) == 1:  # a parameter or a power
                ((monomial, c),) = factor.items()
                constant *= c**exponent
                (position,) = (p for p, e in zip(used, monomial, strict=True) if e)
                result.append((a.key(position)[1], exponent))
                continue
            last = min(factor)  # the last term, mostly the constant one, is positive: 1 - beta
            scale = factor[last] if len(set(map(abs, factor.values()))) == 1 else QQ(1 if factor[last] > 0 else -1)
            constant *= scale**exponent
            full = {}
            for monomial, c in factor.items():
                exponents = [0] * a._ring.ngens
                for p, e in zip(used, monomial, strict=True):
                    exponents[p] = e
                full[tuple(exponents)] = c / scale
            ((_, part),) = Scalar(a, a._ring.from_dict(full)).parts().items()
            result.append((Sum.of(part), exponent))
        return Fraction(int(constant.numerator), int(constant.denominator)), result

    def inverse(self) -> Scalar:
        """1 / self, for what holds no entry of the prompt; `NotPolynomialError` for anything else."""
        a = self.algebra
        if any(kind not in ("parameter", "inverse") for kind, *_ in self.generators()):
            if len(self.poly) != 1:
                raise NotPolynomialError(f"the update divides by the sum {self.text()}: {ADVICE}")
            raise NotPolynomialError(f"the update divides by {self.text()}, an entry of the prompt: {ADVICE}")
        result = a.number(1)
        for name, exponent in self.factors():
            if isinstance(name, Fraction):
                result = result * a.number(1 / name)
            elif isinstance(name, Sum):
                direct = a.named(name)
                result = result * (a.sum_inverse(direct.poly) ** exponent if exponent > 0 else direct**-exponent)
            elif isinstance(name, Power) and name.base == "-1":
                result = result * a.named(name)
            else:
                kind = "inverse" if exponent > 0 else "parameter"
                result = result * a._generator((kind, name)) ** abs(exponent)
        return result

    def _refuse(self, what: str) -> Any:
        if all(kind in ("parameter", "inverse") for kind, *_ in self.generators()):
            raise NotPolynomialError(
                f"the update {what} {self.text()}, which is no entry of the prompt: what depends on the position or on "
                "a parameter alone is not derived; give heads=... with the mask you mean"
            )
        raise NotPolynomialError(f"the update {what} {self.text()}: {ADVICE}")

    def __lt__(self, other: Any) -> bool:
        return bool(self._refuse("compares (or takes a max or min of)"))

    __le__ = __gt__ = __ge__ = __lt__

    def __abs__(self) -> Any:
        return self._refuse("takes the absolute value of")

    def __float__(self) -> float:
        return float(self._refuse("turns into a float"))

    def __int__(self) -> int:
        return int(self._refuse("rounds"))

    __index__ = __floor__ = __ceil__ = __trunc__ = __int__

    def __round__(self, digits: int = 0) -> int:
        return int(self._refuse("rounds"))

    def __mod__(self, other: Any) -> Any:
        return self._refuse("takes a remainder of")

    __floordiv__ = __mod__

    def __bool__(self) -> bool:
        if self.algebra.inside_update:
            self._refuse("branches on")
        return bool(self.poly)

    def __eq__(self, other: Any) -> bool:
        if self.algebra.inside_update:
            self._refuse("compares")
        right = self._coerce(other)
        if right is None:
            return NotImplemented
        return bool(self.algebra.current(self.poly) == self.algebra.current(right.poly))

    def parts(self) -> dict[Monomial, dict[Exponents, Fraction]]:
        """The polynomial with its parameters apart: {monomial without parameters: {parameter monomial: coefficient}}.

        Parameter exponents may be negative.
        """
        a = self.algebra
        result: dict[Monomial, dict[Exponents, Fraction]] = {}
        for monomial, coefficient in self.poly.items():
            rest: list[tuple[int, int]] = []
            exponents: dict[str, int] = {}
            for position, exponent in enumerate(monomial):
                if exponent:
                    kind, *name = a.key(position)
                    if kind == "parameter" or kind == "inverse":
                        exponents[name[0]] = exponent if kind == "parameter" else -exponent
                    else:
                        rest.append((position, exponent))
            value = Fraction(int(coefficient.numerator), int(coefficient.denominator))
            result.setdefault(tuple(rest), {})[tuple(sorted(exponents.items()))] = value
        return result

    def generators(self) -> set[Any]:
        """The keys of the generators that occur."""
        return {self.algebra.key(i) for m in self.poly for i, exponent in enumerate(m) if exponent}

    def names(self) -> set[str]:
        """The names of the parameters, positions and lengths that occur, in powers and in denominators too."""
        inside = (key[1] for key in self.generators() if key[0] in ("parameter", "inverse"))
        return {part for name in inside for part in Sum.names(name)}

    def expr(self) -> Expr:
        """As a SymPy expression, for printing."""
        terms: list[Expr] = []
        for monomial, coefficient in self.algebra.current(self.poly).terms():
            factors: list[Expr] = [Rational(int(coefficient.numerator), int(coefficient.denominator))]
            factors += [_symbol(self.algebra.key(i)) ** e for i, e in enumerate(monomial) if e]
            terms.append(Mul(*factors))
        return sum(terms, Integer(0))

    def text(self) -> str:
        """As text, for messages: (w.phi_j), (w^T C phi_j)."""
        plain = re.sub(r"<([^|<>]*)\|([^|<>]*)>", r"(\1.\2)", str(self.expr()))
        return re.sub(r"<([^|<>]*)\|([^|<>]*)\|([^|<>]*)>", r"(\1^T \2 \3)", plain)

    __repr__ = text


def _symbol(key: Any) -> Expr:
    kind, *rest = key
    if kind == "contraction":
        left, word, right = rest
        middle = f"|{word_text(word)}" if word else ""
        return Symbol(f"<{left}{middle}|{right}>")
    return 1 / symbol_of(rest[0]) if kind == "inverse" else symbol_of(rest[0])

"""The contraction algebra: exact arithmetic on vectors whose dimension d is a symbol.

A scalar is a polynomial over Q (SymPy's `PolyElement`) in parameters, named scalars and *contractions*
<u | word | v> = u^T W v, where u and v are named vectors and W is a word in named matrices and their transposes.
It may be divided by whatever holds neither, and a parameter may be raised to the position of a step (coefficients.py).
A vector is a sum of scalar * word * named vector.  A textbook update written with `w @ phi`, scalar * vector,
`+`, `-`, `/ n` and `C @ v` runs on these unchanged.  Two results that are equal here are equal for every d;
two that differ here differ for some d (a concrete witness is still wanted before anything is called refuted).
"""

from __future__ import annotations

import copyreg
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import Any

from sympy import QQ, Expr, Integer, Mul, Rational, Symbol
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyElement, PolyRing

from ..errors import NotPolynomialError, ZeroDivisorError
from .coefficients import INDEX, LENGTH, Power, Sum, prime_powers, symbol_of
from .vectors import Matrix, Vector
from .words import ADVICE, Exponents, Monomial, Word, transpose, word_text

LARGEST_POWER = 64
"""Up to which power a sum is expanded."""


def _ring_again(ring: PolyRing) -> tuple[Any, tuple[Any, ...]]:
    return PolyRing, (ring.symbols, ring.domain, ring.order)


copyreg.pickle(PolyRing, _ring_again)  # SymPy's own way changes a dictionary while it goes through it


class Algebra:
    """One contraction algebra: the table of its generators and the polynomial ring over them.

    Generators appear when they are first used; the ring then grows, and elements made before move over.
    `parameters` may be divided by: each has an inverse generator.  So have powers, and sums of parameters once they
    are divided by; the inverses of sums stand in lowest terms, so that equal scalars are equal polynomials.
    `divisors` are what updates and rows have divided by.
    """

    def __init__(self, parameters: Iterable[str] = ()):
        self._positions: dict[Any, int] = {}
        self._keys: list[Any] = []
        self._ring = self._make_ring(48)
        self._inverse: dict[int, int] = {}
        self._sums: dict[int, PolyElement] = {}
        self._signs: set[int] = set()
        self.parameters = tuple(parameters)
        self.inside_update = False
        self.divisors: list[Scalar] = []
        for name in self.parameters:
            self._invertible(name)

    def _invertible(self, name: str) -> None:
        self._inverse[self._position(("parameter", name))] = self._position(("inverse", name))

    @staticmethod
    @cache
    def _make_ring(size: int) -> PolyRing:
        """One ring of a size for all algebras: SymPy compiles code for each that is made."""
        return PolyRing([f"x{i}" for i in range(size)], QQ, lex)

    def _position(self, key: Any) -> int:
        if key not in self._positions:
            self._positions[key] = len(self._keys)
            self._keys.append(key)
            if len(self._keys) > self._ring.ngens:
                self._ring = self._make_ring(2 * self._ring.ngens)
        return self._positions[key]

    def current(self, poly: PolyElement) -> PolyElement:
        """`poly` in the ring as it is now."""
        if poly.ring is self._ring:
            return poly
        padding = (0,) * (self._ring.ngens - poly.ring.ngens)
        return self._ring.from_dict({monomial + padding: c for monomial, c in poly.items()})

    def _generator(self, key: Any) -> Scalar:
        position = self._position(key)
        return Scalar(self, self._ring.gens[position])

    def number(self, value: int | Fraction) -> Scalar:
        """A rational constant."""
        return Scalar(self, self._ring.ground_new(QQ(value.numerator, value.denominator)))

    def parameter(self, name: str) -> Scalar:
        """A parameter (gamma, lam, ...): a scalar that no prompt contains, and that may be divided by."""
        if name not in self.parameters:
            raise KeyError(name)
        return self._generator(("parameter", name))

    def named(self, name: str, exponent: int = 1) -> Scalar:
        """What a name of a monomial in parameters stands for: a parameter, a power, or a sum that was divided by."""
        if exponent < 0:
            known = self._positions.get(("inverse", name))
            if known is None:
                return self.named(name).inverse() ** -exponent
            return Scalar(self, self._ring.gens[known] ** -exponent)
        if isinstance(name, Sum):
            return self.monomials({exponents: c for c, exponents in name.terms}) ** exponent
        return Scalar(self, self._ring.gens[self._position(("parameter", name))] ** exponent)

    def monomials(self, parts: Mapping[Exponents, Fraction]) -> Scalar:
        """The scalar with these parameter monomials: what `Scalar.parts` takes apart."""
        total = self.number(0)
        for exponents, coefficient in parts.items():
            term = self.number(coefficient)
            for name, exponent in exponents:
                term = term * self.named(name, exponent)
            total = total + term
        return total

    def scalar(self, name: str) -> Scalar:
        """A named scalar, such as a reward."""
        return self._generator(("scalar", name))

    def vector(self, name: str) -> Vector:
        """A named vector of dimension d."""
        return Vector(self, {((), name): self.number(1)})

    def matrix(self, name: str) -> Matrix:
        """A named d x d matrix."""
        return Matrix(self, ((name, False),))

    def contraction(self, left: str, word: Word, right: str) -> Scalar:
        """<left | word | right>, in the one spelling that it shares with its transpose."""
        key = min((left, word, right), (right, transpose(word), left))
        return self._generator(("contraction", *key))

    def reduce(self, poly: PolyElement) -> PolyElement:
        """Cancel each parameter against its inverse, and each sum against its own."""
        if not self._inverse:
            return poly
        if self._signs and any(monomial[p] > 1 for monomial in poly for p in self._signs):
            even: dict[tuple[int, ...], Any] = {}
            for monomial, coefficient in poly.items():
                key = tuple(e % 2 if p in self._signs else e for p, e in enumerate(monomial))
                even[key] = even.get(key, QQ(0)) + coefficient
            poly = self._ring.from_dict({m: c for m, c in even.items() if c})
        poly = self._cancelled(poly)
        if any(monomial[p] for monomial in poly for p in self._sums):
            return self._lowest(poly)
        return poly

    def _lowest(self, poly: PolyElement) -> PolyElement:
        """A polynomial with inverses of sums brought over one denominator, in lowest terms."""
        most = {p: max(monomial[p] for monomial in poly) for p in self._sums}
        clear = {q: max(monomial[q] for monomial in poly) for q in self._inverse.values()}
        direct = {q: p for p, q in self._inverse.items()}
        groups: dict[tuple[int, ...], dict[tuple[int, ...], Any]] = {}
        for monomial, coefficient in poly.items():
            lacking = tuple(most[p] - monomial[p] for p in most)
            exponents = list(monomial)
            for p in most:
                exponents[p] = 0
            for q, height in clear.items():  # times the product of all parameters' powers that are divided by
                exponents[direct[q]] += height - exponents[q]
                exponents[q] = 0
            groups.setdefault(lacking, {})[tuple(exponents)] = coefficient
        total = self._ring.zero
        for lacking, terms in groups.items():
            part = self._ring.from_dict(terms)
            for p, exponent in zip(most, lacking, strict=True):
                part = part * self.current(self._sums[p]) ** exponent
            total = total + part
        if not total:
            return total
        for p in most:
            while most[p]:
                quotient, remainder = total.div(self.current(self._sums[p]))
                if remainder:
                    break
                total, most[p] = quotient, most[p] - 1
        result = {}
        for monomial, coefficient in total.items():
            exponents = list(monomial)
            for position, exponent in (*most.items(), *clear.items()):
                exponents[position] += exponent
            result[tuple(exponents)] = coefficient
        return self._cancelled(self._ring.from_dict(result))

    def _cancelled(self, poly: PolyElement) -> PolyElement:
        result: dict[tuple[int, ...], Any] = {}
        changed = False
        for monomial, coefficient in poly.items():
            for direct, inverse in self._inverse.items():
                common = min(monomial[direct], monomial[inverse])
                if common:
                    changed = True
                    exponents = list(monomial)
                    exponents[direct] -= common
                    exponents[inverse] -= common
                    monomial = tuple(exponents)
            result[monomial] = result.get(monomial, QQ(0)) + coefficient
        return self._ring.from_dict({m: c for m, c in result.items() if c}) if changed else poly

    @contextmanager
    def updating(self) -> Iterator[None]:
        """While an update runs: a test of a value (==, truth, <) raises, since a layer cannot branch on its prompt."""
        self.inside_update = True
        try:
            yield
        finally:
            self.inside_update = False

    def note_divisor(self, scalar: Scalar) -> None:
        """Remember what an update or a row divides by, once; a position or a length is never zero."""
        plain = len(scalar.poly) == 1 and all(name in (INDEX, LENGTH) for _, name in scalar.generators())
        if not plain and not any(self.current(d.poly) == self.current(scalar.poly) for d in self.divisors):
            self.divisors.append(scalar)

    def sum_inverse(self, poly: PolyElement) -> Scalar:
        """1 / poly, a polynomial in parameters and powers, irreducible over Q and no monomial: a generator."""
        a = Scalar(self, poly)
        ((_, part),) = a.parts().items()
        name = Sum.of(part)
        key = ("inverse", name)
        if key not in self._positions:
            self._sums[self._position(key)] = poly
        return self._generator(key)

    def power(self, base: Scalar, variable: str, multiple: int) -> Scalar:
        """base^(multiple * variable), the variable a position or a length: a product of generators.

        Raises `NotPolynomialError` when the base depends on a position, a length or the prompt.
        """
        inside = {name for kind, name, *_ in base.generators() if kind in ("parameter", "inverse")}
        if any(kind not in ("parameter", "inverse") for kind, *_ in base.generators()):
            raise NotPolynomialError(f"the update raises {base.text()}, an entry of the prompt, to a power: {ADVICE}")
        if not base.poly or any(isinstance(n, Power) or n in (INDEX, LENGTH) for s in inside for n in Sum.names(s)):
            raise NotPolynomialError(
                f"the update raises {base.text()} to the power {variable}: the base of such a power is a number or "
                "an expression in the parameters"
            )
        result = self.number(1)
        for name, exponent in base.factors():
            for text, times_ in prime_powers(name) if isinstance(name, Fraction) else ((name, 1),):
                power = Power.of(text, variable)
                key = ("parameter", power)
                if key not in self._positions:
                    if text == "-1":
                        self._signs.add(self._position(key))
                    else:
                        self._invertible(power)
                count = exponent * times_ * multiple
                generator = self._generator(key)
                result = result * (
                    generator ** (count % 2)
                    if text == "-1"
                    else generator**count
                    if count >= 0
                    else generator.inverse() ** -count
                )
        return result

    def key(self, position: int) -> Any:
        """What the generator at `position` is: a tuple whose first entry is its kind."""
        return self._keys[position]


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
        a = self.algebra
        poly = a.current(self.poly)
        lowest = {p: min(m[p] for m in poly) for p in range(len(a._keys)) if any(m[p] for m in poly)}
        result: list[tuple[Any, int]] = []
        heights = {q: max(m[q] for m in poly) for q in a._inverse.values()}
        direct = {q: p for p, q in a._inverse.items()}
        for p in a._sums:
            if lowest.get(p):
                result.append((a.key(p)[1], -lowest[p]))
        rest: dict[tuple[int, ...], Any] = {}
        for monomial, c in poly.items():
            exponents = list(monomial)
            for p in a._sums:
                exponents[p] = 0
            for q, height in heights.items():
                exponents[direct[q]] += height - exponents[q]
                exponents[q] = 0
            rest[tuple(exponents)] = c
        for q, height in heights.items():
            if height:
                result.append((a.key(q)[1], -height))
        used = [p for p in range(len(a._keys)) if any(m[p] for m in rest)]
        if any(p in a._signs for p in used) and len(rest) > 1:
            raise NotPolynomialError(
                f"the update divides by {self.text()}, or raises it to a power: an alternating sign in a sum is not "
                "derived"
            )
        small = PolyRing([f"x{i}" for i in used] or ["x"], QQ, lex)
        within = small.from_dict({tuple(m[p] for p in used) or (0,): c for m, c in rest.items()})
        constant, irreducible = within.factor_list()
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
            result.append((a._ring.from_dict(full), exponent))
        number = Fraction(int(constant.numerator), int(constant.denominator))
        named: list[tuple[Any, int]] = [] if number == 1 else [(number, 1)]
        for name, exponent in result:
            if isinstance(name, str):
                named.append((name, exponent))
            else:
                ((_, part),) = Scalar(a, name).parts().items()
                named.append((Sum.of(part), exponent))
        merged: dict[Any, int] = {}
        for name, exponent in named:
            merged[name] = merged.get(name, 0) + exponent
        return [(name, exponent) for name, exponent in merged.items() if exponent]

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

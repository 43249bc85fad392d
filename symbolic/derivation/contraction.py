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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import Any

from sympy import QQ
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyElement, PolyRing

from ..errors import NotPolynomialError
from .coefficients import INDEX, LENGTH, Power, Sum, prime_powers
from .scalar import Scalar
from .vectors import Matrix, Vector
from .words import ADVICE, Exponents, Word, transpose


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

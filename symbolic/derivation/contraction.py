"""The contraction algebra: exact arithmetic on vectors whose dimension d is a symbol.

A scalar is a polynomial over Q (SymPy's `PolyElement`) in parameters, named scalars and *contractions*
<u | word | v> = u^T W v, where u and v are named vectors and W is a word in named matrices and their transposes.
A vector is a sum of scalar * word * named vector.  A textbook update written with `w @ phi`, scalar * vector,
`+`, `-`, `/ n` and `C @ v` runs on these unchanged.  Two results that are equal here are equal for every d;
two that differ here differ for some d (a concrete witness is still wanted before anything is called refuted).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from sympy import QQ, Expr, Integer, Mul, Rational, Symbol
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyElement, PolyRing

from ..errors import NotPolynomialError

Word = tuple[tuple[str, bool], ...]  # (matrix name, transposed?) from left to right
Exponents = tuple[tuple[str, int], ...]  # a monomial in parameters: (name, exponent), sorted
Monomial = tuple[tuple[int, int], ...]  # a monomial in the other generators: (position, exponent), sorted

_ADVICE = "a layer of linear attention is a polynomial map of its prompt; write the update with +, -, *, @ only"


def transpose(word: Word) -> Word:
    """The transpose of a word in matrices: (A B)^T = B^T A^T."""
    return tuple((name, not flipped) for name, flipped in reversed(word))


def times(left: Monomial, right: Monomial) -> Monomial:
    """The product of two monomials."""
    exponents = dict(left)
    for position, exponent in right:
        exponents[position] = exponents.get(position, 0) + exponent
    return tuple(sorted(exponents.items()))


def word_text(word: Word) -> str:
    """A word as text: C, C^T, C D^T, or I for the empty word."""
    return " ".join(name + ("^T" if flipped else "") for name, flipped in word) or "I"


class Algebra:
    """One contraction algebra: the table of its generators and the polynomial ring over them.

    Generators appear when they are first used; the ring then grows, and elements made before move over.
    `parameters` may be divided by: each has an inverse generator.
    """

    def __init__(self, parameters: Iterable[str] = ()):
        self._positions: dict[Any, int] = {}
        self._keys: list[Any] = []
        self._ring = self._make_ring(48)
        self._inverse: dict[int, int] = {}
        self.parameters = tuple(parameters)
        self.inside_update = False
        for name in self.parameters:
            self._inverse[self._position(("parameter", name))] = self._position(("inverse", name))

    @staticmethod
    def _make_ring(size: int) -> PolyRing:
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
        """Cancel each parameter against its inverse."""
        if not self._inverse:
            return poly
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

    def key(self, position: int) -> Any:
        """What the generator at `position` is: a tuple whose first entry is its kind."""
        return self._keys[position]


class Scalar:
    """A polynomial in the generators of an `Algebra`; supports + - * and / by a number or by a parameter."""

    __slots__ = ("algebra", "poly")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, algebra: Algebra, poly: PolyElement):
        self.algebra = algebra
        self.poly = poly

    def _coerce(self, other: Any) -> Scalar | None:
        if isinstance(other, Scalar):
            return other
        if isinstance(other, (int, Fraction)) and not isinstance(other, bool):
            return self.algebra.number(other)
        if isinstance(other, float):
            raise NotPolynomialError(
                f"the update uses the float {other!r}, which is no exact number: write Fraction(1, 2) for 0.5, "
                "and x / j rather than (1 / j) * x",
                impossible=False,
            )
        return None

    def _with(self, other: Any, combine: Any) -> Any:
        right = self._coerce(other)
        if right is None:
            return NotImplemented
        a = self.algebra
        return Scalar(a, combine(a.current(self.poly), a.current(right.poly)))

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x + y)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x - y)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y - x)

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
            raise ZeroDivisionError("the update divides by zero")
        return self * right.inverse()

    def __rtruediv__(self, other: Any) -> Any:
        left = self._coerce(other)
        return NotImplemented if left is None else left / self

    def __pow__(self, exponent: int) -> Scalar:
        if not isinstance(exponent, int) or exponent < 0:
            raise NotPolynomialError(f"the update takes a power with exponent {exponent!r}: {_ADVICE}")
        return Scalar(self.algebra, self.poly**exponent)

    def inverse(self) -> Scalar:
        """1 / self, for a number times a product of parameters; `NotPolynomialError` for anything else."""
        if len(self.poly) != 1:
            raise NotPolynomialError(f"the update divides by the sum {self.text()}: {_ADVICE}")
        ((monomial, coefficient),) = self.poly.items()
        result = self.algebra.number(Fraction(int(coefficient.denominator), int(coefficient.numerator)))
        for position, exponent in enumerate(monomial):
            if exponent:
                kind, *rest = self.algebra.key(position)
                if kind not in ("parameter", "inverse"):
                    raise NotPolynomialError(f"the update divides by {self.text()}, an entry of the prompt: {_ADVICE}")
                swapped = self.algebra._generator(("inverse" if kind == "parameter" else "parameter", *rest))
                result = result * swapped**exponent
        return result

    def _refuse(self, what: str) -> Any:
        if all(kind in ("parameter", "inverse") for kind, *_ in self.generators()):
            raise NotPolynomialError(
                f"the update {what} {self.text()}, which is no entry of the prompt: what depends on the position or on "
                "a parameter alone is not derived; give heads=... with the mask you mean",
                impossible=False,
            )
        raise NotPolynomialError(f"the update {what} {self.text()}: {_ADVICE}")

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

    def expr(self) -> Expr:
        """As a SymPy expression, for printing."""
        terms: list[Expr] = []
        for monomial, coefficient in self.algebra.current(self.poly).terms():
            factors: list[Expr] = [Rational(int(coefficient.numerator), int(coefficient.denominator))]
            factors += [_symbol(self.algebra.key(i)) ** e for i, e in enumerate(monomial) if e]
            terms.append(Mul(*factors))
        return sum(terms, Integer(0))

    def text(self) -> str:
        """As text, for messages."""
        return str(self.expr())

    __repr__ = text


def _symbol(key: Any) -> Expr:
    kind, *rest = key
    if kind == "contraction":
        left, word, right = rest
        middle = f"|{word_text(word)}" if word else ""
        return Symbol(f"<{left}{middle}|{right}>")
    if kind == "inverse":
        return 1 / Symbol(rest[0])
    return Symbol(rest[0])


class Vector:
    """A sum of scalar * word * named vector, of symbolic dimension d."""

    __slots__ = ("algebra", "terms")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, algebra: Algebra, terms: dict[tuple[Word, str], Scalar]):
        self.algebra = algebra
        self.terms = terms

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Vector):
            return NotImplemented
        terms = dict(self.terms)
        for key, scalar in other.terms.items():
            total = terms[key] + scalar if key in terms else scalar
            if total.poly:
                terms[key] = total
            else:
                terms.pop(key, None)
        return Vector(self.algebra, terms)

    def __neg__(self) -> Vector:
        return Vector(self.algebra, {key: -scalar for key, scalar in self.terms.items()})

    def __sub__(self, other: Any) -> Any:
        return self + (-other) if isinstance(other, Vector) else NotImplemented

    def __mul__(self, scalar: Any) -> Any:
        if isinstance(scalar, Vector):
            return NotImplemented
        products = ((key, own * scalar) for key, own in self.terms.items())
        return Vector(self.algebra, {key: product for key, product in products if product.poly})

    __rmul__ = __mul__

    def __truediv__(self, scalar: Any) -> Any:
        return self * (self.algebra.number(1) / scalar)

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, Vector):
            return NotImplemented
        result = self.algebra.number(0)
        for (word, left), scalar in self.terms.items():
            for (other_word, right), other_scalar in other.terms.items():
                result += scalar * other_scalar * self.algebra.contraction(left, transpose(word) + other_word, right)
        return result

    def __eq__(self, other: Any) -> bool:
        if self.algebra.inside_update:
            raise NotPolynomialError(f"the update compares vectors: {_ADVICE}")
        return not (self - other).terms if isinstance(other, Vector) else NotImplemented

    def __bool__(self) -> bool:
        if self.algebra.inside_update:
            raise NotPolynomialError(f"the update branches on a vector: {_ADVICE}")
        return bool(self.terms)


class Matrix:
    """A word in named d x d matrices; `C @ v` applies it and `C.T` transposes it."""

    def __init__(self, algebra: Algebra, word: Word):
        self.algebra = algebra
        self.word = word

    @property
    def T(self) -> Matrix:
        return Matrix(self.algebra, transpose(self.word))

    def __mul__(self, other: Any) -> Any:
        raise NotPolynomialError(
            "the update multiplies a preconditioner by a number: multiply the vector it is applied to, C @ (2 * x)",
            impossible=False,
        )

    __rmul__ = __mul__

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, Matrix):
            return Matrix(self.algebra, self.word + other.word)
        if not isinstance(other, Vector):
            return NotImplemented
        return Vector(self.algebra, {(self.word + word, atom): s for (word, atom), s in other.terms.items()})

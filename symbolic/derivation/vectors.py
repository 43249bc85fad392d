"""Vectors and matrices of the contraction algebra: sums of scalar * word * named vector, and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import NotPolynomialError
from .words import ADVICE, Word, transpose

if TYPE_CHECKING:
    from .contraction import Algebra
    from .scalar import Scalar


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
        result: Any = None
        for (word, left), scalar in self.terms.items():
            for (other_word, right), other_scalar in other.terms.items():
                term = self.algebra.contraction(left, transpose(word) + other_word, right)
                for factor in (other_scalar, scalar):
                    if not factor.is_one:  # as those of a plain vector are
                        term = factor * term
                result = term if result is None else result + term
        return self.algebra.number(0) if result is None else result

    def __eq__(self, other: Any) -> bool:
        if self.algebra.inside_update:
            raise NotPolynomialError(f"the update compares vectors: {ADVICE}")
        return not (self - other).terms if isinstance(other, Vector) else NotImplemented

    def __bool__(self) -> bool:
        if self.algebra.inside_update:
            raise NotPolynomialError(f"the update branches on a vector: {ADVICE}")
        return bool(self.terms)


class Matrix:
    """A word in named d x d matrices; `C @ v` applies it and `C.T` transposes it."""

    def __init__(self, algebra: Algebra, word: Word):
        self.algebra = algebra
        self.word = word

    @property
    def T(self) -> Matrix:
        return Matrix(self.algebra, transpose(self.word))

    mT = T

    def __mul__(self, other: Any) -> Any:
        raise NotPolynomialError(
            "the update multiplies a preconditioner by a number: multiply the vector it is applied to, C @ (2 * x)"
        )

    __rmul__ = __mul__

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, Matrix):
            return Matrix(self.algebra, self.word + other.word)
        if not isinstance(other, Vector):
            return NotImplemented
        return Vector(self.algebra, {(self.word + word, atom): s for (word, atom), s in other.terms.items()})

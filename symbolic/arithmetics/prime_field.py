"""Arithmetic modulo the prime 2^61 - 1, on FLINT's word-size matrices: for random evaluation at large sizes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from operator import add, matmul
from typing import Any

from flint import nmod, nmod_mat

from ..errors import ArgumentError

PRIME = 2**61 - 1


def element(value: int | Fraction) -> nmod:
    """A rational number as an element of the field; its denominator must not be divisible by the prime."""
    if type(value) is Fraction:
        if value.denominator % PRIME == 0:
            raise ArgumentError(f"the number 1/{value.denominator} cannot be read modulo 2^61 - 1: choose another")
        return nmod(value.numerator % PRIME, PRIME) / nmod(value.denominator % PRIME, PRIME)
    return nmod(value % PRIME, PRIME)


def _same(left: nmod_mat, right: nmod_mat) -> bool:
    """Whether two matrices are equal: by their difference, since FLINT's binding compares entry by entry in Python."""
    return (left.nrows(), left.ncols()) == (right.nrows(), right.ncols()) and not left - right


class FieldVector:
    """A vector of d field elements."""

    __slots__ = ("_column", "row")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, row: nmod_mat):
        self.row = row
        self._column: nmod_mat | None = None

    @staticmethod
    def of(entries: Sequence[Any]) -> FieldVector:
        if Fraction in set(map(type, entries)):
            entries = [element(e) if type(e) is Fraction else e for e in entries]
        return FieldVector(nmod_mat(1, len(entries), entries, PRIME))

    def __add__(self, other: Any) -> Any:
        return FieldVector(self.row + other.row) if isinstance(other, FieldVector) else NotImplemented

    def __sub__(self, other: Any) -> Any:
        return FieldVector(self.row - other.row) if isinstance(other, FieldVector) else NotImplemented

    def __neg__(self) -> FieldVector:
        return FieldVector(-self.row)

    def __mul__(self, scalar: Any) -> Any:
        if type(scalar) is Fraction:  # isinstance is slow here: Fraction is an abstract base class's instance
            scalar = element(scalar)
        elif type(scalar) is not nmod and not isinstance(scalar, int):
            return NotImplemented
        return FieldVector(self.row * scalar)

    __rmul__ = __mul__

    def __truediv__(self, scalar: Any) -> FieldVector:
        return FieldVector(self.row * (1 / (element(scalar) if isinstance(scalar, (int, Fraction)) else scalar)))

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, FieldVector):
            return NotImplemented
        if other._column is None:
            other._column = other.row.transpose()
        return (self.row * other._column)[0, 0]

    def __eq__(self, other: Any) -> bool:
        return _same(self.row, other.row) if isinstance(other, FieldVector) else NotImplemented

    def entries(self) -> list[nmod]:
        return list(self.row.entries())


class FieldMatrix:
    """A matrix of field elements; supports `@`, `+`, `*` by an element, `.mT`, `.take_rows`."""

    __slots__ = ("mat",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, mat: nmod_mat):
        self.mat = mat

    @staticmethod
    def of(rows: FieldMatrix | Sequence[Sequence[Any]]) -> FieldMatrix:
        """From rows of field elements or integers; a matrix of the field is itself."""
        if isinstance(rows, FieldMatrix):
            return rows
        return FieldMatrix(nmod_mat(len(rows), len(rows[0]), [e for row in rows for e in row], PRIME))

    @staticmethod
    def context_mask(n: int) -> FieldMatrix:
        """M0 : (n+1, n+1), ones on the diagonal but for the last."""
        return _ContextMask(n)

    @property
    def shape(self) -> tuple[int, int]:
        return self.mat.nrows(), self.mat.ncols()

    @property
    def mT(self) -> FieldMatrix:
        return FieldMatrix(self.mat.transpose())

    T = mT

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, FieldMatrix):
            return FieldMatrix(self.mat * other.mat)
        if isinstance(other, FieldVector):
            return FieldVector((self.mat * other.row.transpose()).transpose())
        return NotImplemented

    def __add__(self, other: Any) -> Any:
        return FieldMatrix(self.mat + other.mat) if isinstance(other, FieldMatrix) else NotImplemented

    def __mul__(self, scalar: Any) -> Any:
        return FieldMatrix(self.mat * (element(scalar) if isinstance(scalar, (int, Fraction)) else scalar))

    __rmul__ = __mul__

    def __eq__(self, other: Any) -> bool:
        return _same(self.mat, other.mat) if isinstance(other, FieldMatrix) else NotImplemented

    def take_rows(self, rows: Sequence[int]) -> FieldMatrix:
        width = self.mat.ncols()
        return FieldMatrix(nmod_mat(len(rows), width, [self.mat[i, j] for i in rows for j in range(width)], PRIME))

    def lowest_terms(self) -> FieldMatrix:
        """Itself: a field has no denominators."""
        return self


class _ContextMask(FieldMatrix):
    """M0, which is multiplied with by setting a row or a column to zero: (n+1) p operations for its n^2 p."""

    __slots__ = ()
    __hash__ = None

    def __init__(self, n: int):
        mask = nmod_mat(n + 1, n + 1, PRIME)
        for i in range(n):
            mask[i, i] = 1
        super().__init__(mask)

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, FieldMatrix) or other.mat.nrows() != self.mat.ncols():
            return super().__matmul__(other)
        kept = nmod_mat(other.mat)
        for j in range(kept.ncols()):
            kept[kept.nrows() - 1, j] = 0
        return FieldMatrix(kept)

    def __rmatmul__(self, other: Any) -> Any:  # asked before a FieldMatrix's own product, since this is a kind of it
        return (self @ other.mT).mT if isinstance(other, FieldMatrix) else NotImplemented


class SumOfProducts(FieldMatrix):
    """A sum of products of matrices, made only where it is read: rows are multiplied with it factor by factor.

    >>> one = FieldMatrix.of([[1, 2], [3, 4]])
    >>> FieldMatrix.of([[5, 6]]) @ SumOfProducts([(one, one), (one,)]) == FieldMatrix.of([[5, 6]]) @ (one @ one + one)
    True
    """

    __slots__ = ("_made", "terms")
    __hash__ = None

    def __init__(self, terms: Sequence[Sequence[FieldMatrix]]):
        self.terms = terms
        self._made: nmod_mat | None = None

    @property
    def mat(self) -> nmod_mat:
        if self._made is None:
            self._made = reduce(add, (reduce(matmul, term) for term in self.terms)).mat
        return self._made

    def __rmatmul__(self, other: Any) -> Any:  # asked before a FieldMatrix's own product, as above
        if not isinstance(other, FieldMatrix):
            return NotImplemented
        return reduce(add, (reduce(matmul, term, other) for term in self.terms))

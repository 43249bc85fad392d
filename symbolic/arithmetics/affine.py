"""An update as an affine map of the weights: its loop runs once on a context, however many layers there are.

A form is a sum of words of preconditioners times affine maps of the weights.  The update itself, as its paper writes
it, is run on forms in place of weights, with a symbol in place of each preconditioner: it uses + - * / and @ only, so
that what it gives is the map that it is for every weight.  Whatever forms cannot do raises `TypeError`, comparisons
included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

from flint import fmpz, fmpz_mat, nmod, nmod_mat

from .prime_field import PRIME, FieldMatrix, FieldVector
from .rational import Rational, RationalMatrix, RationalVector, common_denominator, scaled

Matrix = Any  # a RationalMatrix or a FieldMatrix, the same kind throughout
NUMBERS = (int, Fraction, Rational, nmod)
VECTORS = (RationalVector, FieldVector)


@dataclass(frozen=True)
class Space:
    """What the weights of a context are: `unit` : (1, D+1) is zero but for a last one, D being all their entries."""

    unit: Matrix
    number: Callable[[Any], Any]

    def one(self, value: Any) -> Matrix:
        """A number of this arithmetic as a matrix (1, 1)."""
        return self.unit.mT.take_rows([self.unit.shape[1] - 1]) * self.scalar(value)

    def scalar(self, value: Any) -> Any:
        """A number of this arithmetic, from one or from a rational."""
        return self.number(value) if isinstance(value, (int, Fraction)) else value


class AffineForm:
    """A vector (d,), or a number, as {word of preconditioners: matrix (d, D+1)} on the weights and a last 1.

    >>> from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
    >>> _, (w,) = weights([RationalVector.of([5, 7])], RATIONALS.matrix, RATIONALS.number)
    >>> (w @ RationalVector.of([2, 3]) + 4).parts[()].fractions()
    [[Fraction(2, 1), Fraction(3, 1), Fraction(4, 1)]]
    """

    __slots__ = ("parts", "space", "vector")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, space: Space, parts: dict[tuple[str, ...], Matrix], vector: bool):
        self.space, self.parts, self.vector = space, parts, vector

    def _mapped(self, change: Callable[[Matrix], Matrix], vector: bool | None = None) -> AffineForm:
        parts = {word: change(part) for word, part in self.parts.items()}
        return AffineForm(self.space, parts, self.vector if vector is None else vector)

    def __add__(self, other: Any) -> Any:
        other = lifted(self.space, other)
        if other.vector != self.vector:
            raise TypeError("a vector and a number are not added")
        parts = dict(self.parts)
        for word, part in other.parts.items():
            parts[word] = parts[word] + part if word in parts else part
        return AffineForm(self.space, parts, self.vector)

    __radd__ = __add__

    def __neg__(self) -> AffineForm:
        return self._mapped(lambda part: part * -1)

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, VECTORS) and not self.vector:
            column = _row(other).mT
            return self._mapped(lambda part: column @ part, vector=True)
        if not isinstance(other, NUMBERS):
            return NotImplemented
        if isinstance(other, int) and other == 0 and self.vector:  # how loops start: a constant, whatever the weights
            (part,) = self.parts.values()
            return _vector((part @ self.space.unit.mT * 0).mT)
        factor = self.space.scalar(other)
        return self._mapped(lambda part: part * factor)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, NUMBERS):
            return NotImplemented
        return self * (self.space.number(1) / self.space.scalar(other))

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, VECTORS) or not self.vector or any(self.parts.keys() - {()}):
            return NotImplemented
        row = _row(other)
        return self._mapped(lambda part: row @ part, vector=False)

    __rmatmul__ = __matmul__

    def __eq__(self, other: Any) -> bool:
        raise TypeError("forms are not compared")

    def __bool__(self) -> bool:
        raise TypeError("a form has no truth value")


@dataclass(frozen=True)
class Step:
    """A preconditioner in an update: a matrix, or a number where `scalar`."""

    space: Space
    name: str
    scalar: bool

    def _of(self, other: Any) -> AffineForm:
        form = lifted(self.space, other)
        return AffineForm(self.space, {(self.name, *word): part for word, part in form.parts.items()}, form.vector)

    def __matmul__(self, other: Any) -> Any:
        return self._of(other) if not self.scalar and isinstance(other, (AffineForm, *VECTORS)) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        return (
            self._of(other) if self.scalar and isinstance(other, (AffineForm, *VECTORS, *NUMBERS)) else NotImplemented
        )

    __rmul__ = __mul__


def lifted(space: Space, value: Any) -> AffineForm:
    """A constant vector or number as a form; raises `TypeError` for what is neither."""
    if isinstance(value, AffineForm):
        return value
    if isinstance(value, VECTORS):
        return AffineForm(space, {(): _row(value).mT @ space.unit}, True)
    if isinstance(value, NUMBERS):
        return AffineForm(space, {(): space.unit * space.scalar(value)}, False)
    raise TypeError(f"{type(value).__name__} is no form")


def weights(
    start: Sequence[Any], matrix: Callable[[Any], Matrix], number: Callable[[Any], Any]
) -> tuple[Space, list[AffineForm]]:
    """Forms that stand for weights of these kinds, which are vectors and numbers: each of them its own entries."""
    heights = [height(w) for w in start]
    width = sum(heights) + 1
    space = Space(matrix([[number(int(j == width - 1)) for j in range(width)]]), number)
    forms, first = [], 0
    for w, high in zip(start, heights, strict=True):
        block = [[number(int(j == first + i)) for j in range(width)] for i in range(high)]
        forms.append(AffineForm(space, {(): matrix(block)}, isinstance(w, VECTORS)))
        first += high
    return space, forms


class Map:
    """What an update gave on forms: new weights from weights and preconditioners.

    heights : how many entries each weight has
    """

    def __init__(self, space: Space, new: Sequence[Any], heights: Sequence[int]):
        self.space, self.heights = space, heights
        self.new = []
        for form in (lifted(space, x) for x in new):
            split = {}
            for word, part in form.parts.items():
                columns, first = part.mT, 0
                blocks = []
                for high in (*heights, 1):
                    blocks.append(columns.take_rows(range(first, first + high)).mT)
                    first += high
                split[word] = blocks
            self.new.append((form.vector, split))

    def __call__(self, held: Sequence[Any], steps: Mapping[str, Any]) -> tuple[Any, ...]:
        """The new weights.  steps : {preconditioner: a matrix or number of the arithmetic}"""
        columns = [_row(w).mT if isinstance(w, VECTORS) else self.space.one(w) for w in held]
        return tuple(self._weight(vector, split, columns, steps) for vector, split in self.new)

    def _weight(self, vector: bool, split: Any, columns: Sequence[Matrix], steps: Mapping[str, Any]) -> Any:
        terms = []
        for word, (*blocks, constant) in split.items():
            term = reduce(add, (block @ column for block, column in zip(blocks, columns, strict=True)), constant)
            for name in reversed(word):
                step = steps[name]
                term = term * step if isinstance(step, NUMBERS) else step @ term
            terms.append(term)
        total = reduce(add, terms).lowest_terms()
        return _vector(total.mT) if vector else _number(total)


class Rows:
    """Rows of numbers that are affine in the weights, evaluated for all columns at once: one product each time.

    columns : for each column its numbers, one a row, as what an accumulator gave on forms; `TypeError` for vectors
    """

    def __init__(self, space: Space, columns: Sequence[Sequence[Any]]):
        self.height = len(columns[0])
        forms = [lifted(space, column[k]) for k in range(self.height) for column in columns]
        if any(form.vector or form.parts.keys() != {()} for form in forms):
            raise TypeError("a row's entry is no affine function of the weights")
        self.table = _stacked([form.parts[()] for form in forms]).mT

    def __call__(self, held: Sequence[Any]) -> Matrix:
        """The rows at these weights: (height, number of columns)."""
        parts = [_row(w) if isinstance(w, VECTORS) else w for w in held]
        row = _joined(parts, self.table) @ self.table
        return row if self.height == 1 else _shaped(row, self.height)


def _stacked(rows: Sequence[Matrix]) -> Matrix:
    """Matrices (1, W) below each other."""
    width = rows[0].shape[1]
    if isinstance(rows[0], FieldMatrix):
        return FieldMatrix(nmod_mat(len(rows), width, [x for row in rows for x in row.mat.entries()], PRIME))
    den = common_denominator([row.den for row in rows])
    entries = [x for row in rows for x in scaled(row.num, den // row.den).entries()]
    return RationalMatrix(fmpz_mat(len(rows), width, entries), den)


def _joined(parts: Sequence[Any], like: Matrix) -> Matrix:
    """Rows and numbers beside each other, and a last 1."""
    if isinstance(like, FieldMatrix):
        flat = [x for part in parts for x in (part.mat.entries() if isinstance(part, FieldMatrix) else [part])]
        return FieldMatrix(nmod_mat(1, len(flat) + 1, [*flat, 1], PRIME))
    den = common_denominator([fmpz(1), *(part.den for part in parts)])
    whole: list[Any] = []
    for part in parts:
        factor = den // part.den
        whole += scaled(part.num, factor).entries() if isinstance(part, RationalMatrix) else [part.num * factor]
    return RationalMatrix(fmpz_mat(1, len(whole) + 1, [*whole, den]), den)


def _shaped(row: Matrix, height: int) -> Matrix:
    """A row's entries as `height` rows."""
    width = row.shape[1] // height
    if isinstance(row, FieldMatrix):
        return FieldMatrix(nmod_mat(height, width, row.mat.entries(), PRIME))
    return RationalMatrix(fmpz_mat(height, width, row.num.entries()), row.den)


def height(weight: Any) -> int:
    """How many entries a weight has: d for a vector, 1 for a number."""
    return int(_row(weight).shape[1]) if isinstance(weight, VECTORS) else 1


def _row(vector: Any) -> Matrix:
    return RationalMatrix(vector.num, vector.den) if isinstance(vector, RationalVector) else FieldMatrix(vector.row)


def _vector(row: Matrix) -> Any:
    return RationalVector(row.num, row.den) if isinstance(row, RationalMatrix) else FieldVector(row.mat)


def _number(single: Matrix) -> Any:
    return Rational(single.num[0, 0], single.den) if isinstance(single, RationalMatrix) else single.mat[0, 0]

"""The arithmetics that one update and one layer run on: what a number, a vector and a matrix are in each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..transitions import Position
from .columns import Columns
from .prime_field import PRIME, FieldMatrix, FieldVector, element
from .rational import Rational, RationalMatrix, RationalVector


@dataclass(frozen=True)
class Arithmetic:
    """One arithmetic.

    number  from a rational to a number
    vector  from d numbers to a vector that an update can read
    matrix  from rows of numbers to a matrix that a layer can multiply
    entries from a vector to its d numbers
    at      (matrix, i, j) -> the number there
    context_mask  n -> M0, where there is a quicker way than entry by entry
    columns a class such as `Columns`, where one value can stand for all columns of a row block
    index   from the position of a transition to the number that an update may divide by and use as an exponent; a
            `Position` whose quotients are numbers of this arithmetic when left out
    maps    whether an update can be run on forms (`affine`) in place of its weights
    """

    name: str
    number: Callable[[Fraction | int], Any]
    vector: Callable[[Sequence[Any]], Any]
    matrix: Callable[[Sequence[Sequence[Any]]], Any]
    entries: Callable[[Any], list[Any]]
    at: Callable[[Any, int, int], Any]
    index: Callable[[int], Any] | None = None
    context_mask: Callable[[int], Any] | None = None
    columns: type[Columns] | None = None
    maps: bool = False

    def position(self, j: int) -> Any:
        """The number that stands for a position in the context."""
        return Position.within(self.number)(j) if self.index is None else self.index(j)


RATIONALS = Arithmetic(
    "the rationals",
    Rational.of,
    RationalVector.of,
    RationalMatrix.of,
    lambda v: v.fractions(),
    lambda m, i, j: Rational(m.num[i, j], m.den),
    index=Position,
    context_mask=RationalMatrix.context_mask,
    columns=Columns,
    maps=True,
)
PRIME_FIELD = Arithmetic(
    f"the integers modulo {PRIME}",
    element,
    FieldVector.of,
    FieldMatrix.of,
    lambda v: v.entries(),
    lambda m, i, j: m.mat[i, j],
    context_mask=FieldMatrix.context_mask,
    maps=True,
)

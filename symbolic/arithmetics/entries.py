"""Vectors and matrices as lists of ring elements: FLINT polynomials, Fractions, degrees, anything with + and *."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class EntryVector:
    """A vector of d ring elements."""

    __slots__ = ("entries",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, entries: Sequence[Any]):
        self.entries = list(entries)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, EntryVector):
            return NotImplemented
        return EntryVector([x + y for x, y in zip(self.entries, other.entries, strict=True)])

    def __sub__(self, other: Any) -> Any:
        if not isinstance(other, EntryVector):
            return NotImplemented
        return EntryVector([x - y for x, y in zip(self.entries, other.entries, strict=True)])

    def __neg__(self) -> EntryVector:
        return EntryVector([-x for x in self.entries])

    def __mul__(self, scalar: Any) -> Any:
        return NotImplemented if isinstance(scalar, EntryVector) else EntryVector([x * scalar for x in self.entries])

    __rmul__ = __mul__

    def __truediv__(self, scalar: Any) -> EntryVector:
        return EntryVector([x / scalar for x in self.entries])

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, EntryVector):
            return NotImplemented
        return _dot(self.entries, other.entries)

    def __eq__(self, other: Any) -> bool:
        return self.entries == other.entries if isinstance(other, EntryVector) else NotImplemented


class EntryMatrix:
    """A matrix of ring elements, by rows; supports `@`, `+`, `*` by an element, `.mT`, `.take_rows`.

    `None` stands for a structural zero, so that a product never multiplies one.
    """

    __slots__ = ("rows",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, rows: Sequence[Sequence[Any]]):
        self.rows = [list(row) for row in rows]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0]) if self.rows else 0

    @property
    def mT(self) -> EntryMatrix:
        return EntryMatrix([list(column) for column in zip(*self.rows, strict=True)])

    T = mT

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, EntryVector):
            return EntryVector([_dot(row, other.entries) for row in self.rows])
        if not isinstance(other, EntryMatrix):
            return NotImplemented
        columns = list(zip(*other.rows, strict=True))
        return EntryMatrix([[_dot(row, column) for column in columns] for row in self.rows])

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, EntryMatrix):
            return NotImplemented
        return EntryMatrix(
            [[_plus(x, y) for x, y in zip(a, b, strict=True)] for a, b in zip(self.rows, other.rows, strict=True)]
        )

    def __mul__(self, scalar: Any) -> Any:
        return EntryMatrix([[None if x is None else x * scalar for x in row] for row in self.rows])

    __rmul__ = __mul__

    def take_rows(self, rows: Sequence[int]) -> EntryMatrix:
        return EntryMatrix([self.rows[i] for i in rows])

    def lowest_terms(self) -> EntryMatrix:
        return self


def _plus(x: Any, y: Any) -> Any:
    if x is None:
        return y
    return x if y is None else x + y


def _dot(left: Sequence[Any], right: Sequence[Any]) -> Any:
    total = None
    for x, y in zip(left, right, strict=True):
        if x is not None and y is not None:
            total = x * y if total is None else total + x * y
    return total

"""Plain numbers at a point: Fractions, and vectors and matrices of them, as plain as lists."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any


class PlainVector:
    """d Fractions with the operations of a vector; otherwise as plain as a list: it has entries, truth and equality."""

    __slots__ = ("entries",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, entries: Sequence[Any]):
        self.entries = [Fraction(x) for x in entries]

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, PlainVector):
            return NotImplemented
        return PlainVector([x + y for x, y in zip(self.entries, other.entries, strict=True)])

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, (int, Fraction)):
            raise TypeError("a number and a vector are not added: a total of vectors starts as sweep.total = 0 * w")
        return NotImplemented

    def __sub__(self, other: Any) -> Any:
        if not isinstance(other, PlainVector):
            return NotImplemented
        return PlainVector([x - y for x, y in zip(self.entries, other.entries, strict=True)])

    def __neg__(self) -> PlainVector:
        return PlainVector([-x for x in self.entries])

    def __pos__(self) -> PlainVector:
        return self

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, (int, Fraction)):
            return NotImplemented
        return PlainVector([x * other for x in self.entries])

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, (int, Fraction)):
            return NotImplemented
        return PlainVector([x / other for x in self.entries])

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, PlainVector):
            return NotImplemented
        return sum((x * y for x, y in zip(self.entries, other.entries, strict=True)), Fraction(0))

    def __eq__(self, other: Any) -> bool:
        return self.entries == other.entries if isinstance(other, PlainVector) else NotImplemented

    def __bool__(self) -> bool:
        return any(self.entries)

    def __getitem__(self, k: int) -> Fraction:
        return self.entries[k]

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"({', '.join(map(str, self.entries))})"


class PlainMatrix:
    """A square matrix of Fractions: `C @ v`, `C @ D`, `C.T`."""

    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[Sequence[Any]]):
        self.rows = [[Fraction(x) for x in row] for row in rows]

    @property
    def T(self) -> PlainMatrix:
        """The transpose."""
        return PlainMatrix(list(zip(*self.rows, strict=True)))

    mT = T

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, PlainVector):
            return PlainVector([PlainVector(row) @ other for row in self.rows])
        if isinstance(other, PlainMatrix):
            columns = [PlainVector(c) for c in zip(*other.rows, strict=True)]
            return PlainMatrix([[PlainVector(row) @ c for c in columns] for row in self.rows])
        return NotImplemented

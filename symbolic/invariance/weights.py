"""The weights that are trained: which matrices, and their blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import starmap
from typing import Any

from ..algorithm import Algorithm
from ..arithmetics.arithmetic import Arithmetic
from ..attention import Head
from ..construction import Construction
from ..prompt import Layout
from ..readout import Readout

Point = tuple[Fraction, ...]


@dataclass(frozen=True)
class Coordinate:
    """One trained entry: which stored layer (from 0), which matrix, which row and column, and their blocks' names."""

    layer: int
    matrix: str
    row: int
    column: int
    row_block: str
    column_block: str


class Trained:
    """Named square matrices of equal size whose entries are trained, one after the other: where each entry stands.

    A looped transformer stores one layer's weights, whose gradient is the sum over the layers.
    depth : L
    """

    depth: int
    looped: bool

    @property
    def stored(self) -> int:
        """The number of layers whose weights are stored: 1 when looped, else L."""
        return 1 if self.looped else self.depth

    @property
    def matrices(self) -> tuple[str, ...]:
        """The names of the trained matrices of a layer."""
        raise NotImplementedError

    @property
    def blocks(self) -> tuple[tuple[str, range, bool], ...]:
        """(name, rows, whether the symmetry acts on it) of every block of rows of Z."""
        raise NotImplementedError

    @property
    def m(self) -> int:
        """The number of rows of Z."""
        return sum(len(rows) for _, rows, _ in self.blocks)

    def row_names(self) -> Sequence[str]:
        """A name for each row of Z."""
        raise NotImplementedError

    def trains(self, matrix: str, row_block: str) -> bool:
        """Whether a matrix's rows of that block are trained, and do not stay zero."""
        return True

    @property
    def size(self) -> int:
        """The number of trained entries."""
        return self.stored * len(self.matrices) * self.m**2

    def position(self, layer: int, matrix: int, row: int, column: int) -> int:
        """Where an entry stands in a point."""
        m = self.m
        return ((layer * len(self.matrices) + matrix) * m + row) * m + column

    def coordinate(self, position: int) -> Coordinate:
        """Which entry stands at a position of a point."""
        m = self.m
        rest, column = divmod(position, m)
        rest, row = divmod(rest, m)
        layer, matrix = divmod(rest, len(self.matrices))
        return Coordinate(layer, self.matrices[matrix], row, column, self._block(row), self._block(column))

    def _block(self, row: int) -> str:
        return next(name for name, rows, _ in self.blocks if row in rows)

    def entries(self) -> Iterator[tuple[int, Coordinate]]:
        """Every position with its coordinate."""
        return ((k, self.coordinate(k)) for k in range(self.size))

    def matrix_rows(self, point: Sequence[Any], layer: int, matrix: int) -> list[list[Any]]:
        """One trained matrix of a point, by rows."""
        m = self.m
        start = self.position(layer, matrix, 0, 0)
        return [list(point[start + i * m : start + (i + 1) * m]) for i in range(m)]

    def matrices_at(self, point: Sequence[Any], layer: int, arithmetic: Arithmetic) -> list[Any]:
        """The trained matrices of a stored layer at a point, in an arithmetic."""
        every = (self.matrix_rows(point, layer, k) for k in range(len(self.matrices)))
        return [arithmetic.matrix([[_plain(x, arithmetic) for x in row] for row in rows]) for rows in every]


@dataclass(frozen=True, eq=False)
class WeightSpace(Trained):
    """The trained matrices of an L-layer transformer: P and Q of one head, or W, P and Q of each of several.

    Masks are fixed.  With one head the output map W is the identity, as in the papers.  A looped transformer stores
    one layer's weights, whose gradient is the sum over the layers.

    layout   rows and columns of the prompt
    masks    each head's mask : (n+1, n+1), exact
    later    those of layers 2, 3, ..., where they are others; () where every layer has the same
    depth    L
    readout  where the prediction stands
    """

    algorithm: Algorithm
    options: Mapping[str, str]
    readout: Readout
    layout: Layout
    parameters: Mapping[str, Fraction]
    masks: tuple[tuple[tuple[Fraction, ...], ...], ...]
    depth: int
    looped: bool
    later: tuple[tuple[tuple[tuple[Fraction, ...], ...], ...], ...] = ()

    @staticmethod
    def of(algorithm: Algorithm, construction: Construction) -> WeightSpace:
        """What is trained of a construction of `algorithm`, which has equally many heads in every layer."""
        masks, *later = (
            tuple(tuple(tuple(row) for row in head.M.fractions()) for head in heads) for heads in construction.layers
        )
        return WeightSpace(
            algorithm, construction.options, construction.readout, construction.layout, construction.parameters, masks,
            construction.depth, construction.looped, tuple(later) if any(other != masks for other in later) else (),
        )  # fmt: skip

    def masks_of(self, layer: int) -> tuple[tuple[tuple[Fraction, ...], ...], ...]:
        """Each head's mask in stored layer number `layer`, from 0."""
        return self.later[layer - 1] if layer and self.later else self.masks

    @property
    def matrices(self) -> tuple[str, ...]:
        """The names of the trained matrices of a layer: P, Q; or W1, P1, Q1, W2, ..."""
        heads = len(self.masks)
        if heads == 1:
            return ("P", "Q")
        return tuple(f"{name}{h}" for h in range(1, heads + 1) for name in ("W", "P", "Q"))

    @property
    def blocks(self) -> tuple[tuple[str, range, bool], ...]:
        """(name, rows, whether the symmetry acts on it) of every block of rows of Z."""
        result = []
        start = 0
        scalars = {b.name for b in self.algorithm.features if b.scalar}
        for name, size in self.layout.features:
            result.append((name, range(start, start + size), name not in scalars))
            start += size
        for row in self.layout.accumulators:
            result.append((row, range(start, start + 1), False))
            start += 1
        return tuple(result)

    def row_names(self) -> Sequence[str]:
        """A name for each row of Z."""
        return self.layout.row_names()

    def heads(self, point: Sequence[Any], arithmetic: Arithmetic) -> list[tuple[Head, ...]]:
        """The heads of every one of the L layers at a point, in an arithmetic."""
        m = self.layout.m
        made = {
            mask: arithmetic.matrix([[_plain(x, arithmetic) for x in row] for row in mask])
            for layer in range(self.stored) for mask in self.masks_of(layer)
        }  # fmt: skip
        one = arithmetic.matrix([[int(i == j) for j in range(m)] for i in range(m)])
        layers: list[tuple[Head, ...]] = []
        for layer in range(self.stored):
            masks = [made[mask] for mask in self.masks_of(layer)]
            matrices = self.matrices_at(point, layer, arithmetic)
            if len(masks) == 1:
                layers.append((Head(one, matrices[0], matrices[1], masks[0]),))
            else:
                layers.append(
                    tuple(starmap(Head, zip(matrices[::3], matrices[1::3], matrices[2::3], masks, strict=True)))
                )
        return layers * self.depth if self.looped else layers


def _plain(value: Any, arithmetic: Arithmetic) -> Any:
    """A number of the arithmetic; a plain zero stays one, which some matrices keep as a structural zero."""
    if isinstance(value, (int, Fraction)):
        return arithmetic.number(value) if value else 0
    return value

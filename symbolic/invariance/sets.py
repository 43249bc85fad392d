"""Affine sets of weights: block patterns, the commutant of a symmetry group, and the sets that belong to an algorithm.

A pattern gives each block of each trained matrix an entry:
  0              zero
  a name         that number, times the identity on a block of features; the same name is the same number everywhere
                 in one layer, and -1/2 a + 3 is written out
  free           any matrix
  frozen         any matrix, but one that must not move: the claim is made for every value of it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import count
from typing import Any, Generic, TypeAlias, TypeVar

from ..errors import ArgumentError
from .signed_sum import signed_terms, term_pattern
from .span import Direction, Span
from .symmetry import SymmetryGroup
from .weights import Point, Trained, WeightSpace

Rows = tuple[tuple[str, ...], ...]
_TERM = term_pattern(r"[A-Za-z][A-Za-z0-9_']*")
WORDS = ("free", "frozen")
S = TypeVar("S", bound=Trained)


@dataclass(frozen=True, eq=False)
class AffineSet(Generic[S]):
    """An affine set of weights: base + the span of the directions, for every value of the frozen entries.

    dimension of the set = number of directions.
    patterns : a block pattern for each stored layer's matrices where the set has one, else None
    """

    name: str
    meaning: str
    space: S
    base: Point
    directions: tuple[Direction, ...]
    frozen: frozenset[int] = frozenset()
    patterns: tuple[Mapping[str, Rows], ...] | None = None
    labels: tuple[str, ...] = field(default=())

    @property
    def dimension(self) -> int:
        """The number of directions."""
        return len(self.directions)

    @cached_property
    def span(self) -> Span:
        """The directions' span."""
        return Span(self.directions)

    def point(
        self, coefficients: Sequence[Any], frozen: Sequence[Any] = (), number: Callable[[Fraction], Any] = Fraction
    ) -> tuple[Any, ...]:
        """The point with these coefficients on the directions and these values of the frozen entries, in order.

        number : what makes the set's rationals numbers of the arithmetic that the others are of
        """
        values = [number(x) for x in self.base]
        for k, x in zip(sorted(self.frozen), frozen, strict=False):
            values[k] = x
        for c, v in zip(coefficients, self.directions, strict=True):
            for k, x in v.items():
                values[k] = values[k] + c * number(x)
        return tuple(values)

    def has(self, point: Point) -> bool:
        """Whether a point lies in the set, for some value of the frozen entries."""
        rest = {
            k: x - b for k, (x, b) in enumerate(zip(point, self.base, strict=True)) if x != b and k not in self.frozen
        }
        return self.span.contains(rest)


WeightSet: TypeAlias = AffineSet[WeightSpace]
"""A set of the weights of linear attention."""


def parse_entry(text: str) -> tuple[dict[str, Fraction], Fraction]:
    """A linear expression in names: ({name: coefficient}, constant).

    >>> parse_entry("2 a - 1/2 b + 3")
    ({'a': Fraction(2, 1), 'b': Fraction(-1, 2)}, Fraction(3, 1))

    Raises `ArgumentError` when it is none.
    """
    names: dict[str, Fraction] = {}
    constant = Fraction(0)
    refusal = f"entry {text[:40]!r} is no linear expression: wanted 0, free, frozen, or names such as a - 1/2 b + 3"
    for coefficient, match in signed_terms(text, _TERM, lambda _: refusal):
        if match[3] in WORDS:
            raise ArgumentError(f"entry {text[:40]!r} uses {match[3]} as a name: it must stand alone, without blanks")
        if match[3]:
            names[match[3]] = names.get(match[3], Fraction(0)) + coefficient
        else:
            constant += coefficient
    return {name: c for name, c in names.items() if c}, constant


def pattern_set(space: S, name: str, meaning: str, patterns: Sequence[Mapping[str, Rows]]) -> AffineSet[S]:
    """A set from block patterns, one for each stored layer, each with the blocks of every trained matrix.

    Raises `ArgumentError` when a matrix or block is missing, or an entry does not fit its block.
    """
    if len(patterns) != space.stored:
        raise ArgumentError(f"patterns has {len(patterns)} layers, wanted {space.stored}")
    base = [Fraction(0)] * space.size
    directions: dict[tuple[int, str], dict[int, Fraction]] = {}
    free: list[tuple[str, Direction]] = []
    frozen: set[int] = set()
    count = len(space.blocks)
    for layer, matrices in enumerate(patterns):
        unknown = sorted(set(matrices) ^ set(space.matrices))
        if unknown:
            given = ", ".join(f"{name[:20]!a}" for name in list(matrices)[:9])
            raise ArgumentError(f"the set names {given}, wanted the matrices {', '.join(space.matrices)}")
        for number, matrix in enumerate(space.matrices):
            rows = matrices[matrix]
            if len(rows) != count or any(len(row) != count for row in rows):
                names = ", ".join(block for block, _, _ in space.blocks)
                raise ArgumentError(
                    f"{matrix} is no grid of {count} x {count} blocks: its rows and columns are {names}"
                )
            for (row_block, height, moved), row in zip(space.blocks, rows, strict=True):
                for (column_block, width, moved_too), entry in zip(space.blocks, row, strict=True):
                    where = f"{matrix}[{row_block}, {column_block}]"
                    at = [[space.position(layer, number, i, j) for j in width] for i in height]
                    if entry != "0" and not space.trains(matrix, row_block):
                        raise ArgumentError(
                            f"{where} is {entry[:40]!r}, wanted 0: the pattern is made of this row, so no layer writes "
                            "it, and its entries are not trained"
                        )
                    if entry == "frozen":
                        frozen.update(k for line in at for k in line)
                        continue
                    if entry == "free":
                        free += [(f"{where} layer {layer + 1}", {k: Fraction(1)}) for line in at for k in line]
                        continue
                    try:
                        named, constant = parse_entry(entry)
                    except ArgumentError as error:
                        raise ArgumentError(f"{where}: {error}") from None
                    if (named or constant) and (len(height) != len(width) or moved != moved_too):
                        raise ArgumentError(
                            f"{where} is {entry[:40]!r}, but it joins features with another row, so no number stands "
                            "for it: wanted 0, free or frozen"
                        )
                    for x in range(len(height) if named or constant else 0):
                        base[at[x][x]] += constant
                        for letter, c in named.items():
                            directions.setdefault((layer, letter), {})[at[x][x]] = c
    labelled: list[tuple[str, Direction]] = [
        (letter if space.stored == 1 else f"{letter} of layer {layer + 1}", v)
        for (layer, letter), v in directions.items()
    ]
    labelled += free
    kept = _independent([v for _, v in labelled])
    return AffineSet(
        name, meaning, space, tuple(base), tuple(labelled[k][1] for k in kept), frozenset(frozen),
        tuple(dict(p) for p in patterns), tuple(labelled[k][0] for k in kept),
    )  # fmt: skip


def _independent(vectors: Sequence[Direction]) -> list[int]:
    """Positions of a largest independent choice, earliest first."""
    if sum(len(v) for v in vectors) == len({k for v in vectors for k in v}):
        return list(range(len(vectors)))  # disjoint supports
    chosen: list[int] = []
    for k, v in enumerate(vectors):
        if not Span([vectors[c] for c in chosen]).contains(v):
            chosen.append(k)
    return chosen


def commutant(space: S, group: SymmetryGroup) -> AffineSet[S]:
    """All weights that commute with the group's action on the rows of Z, by exact linear algebra block by block."""
    return _commutant(space, group)


@lru_cache(maxsize=32)
def _commutant(space: Any, group: SymmetryGroup) -> AffineSet[Any]:
    directions: list[Direction] = []
    labels: list[str] = []
    patterns: list[dict[str, Rows]] = []
    scalar_only = len(group.scalars) == 1 and not group.fixed_vectors
    for layer in range(space.stored):
        matrices: dict[str, Rows] = {}
        for number, matrix in enumerate(space.matrices):
            rows = []
            letter = (f"{matrix.lower()}{k}" for k in count(1))
            for row_block, height, moved in space.blocks:
                row = []
                for column_block, width, moved_too in space.blocks:
                    trained = space.trains(matrix, row_block)
                    basis = _block_basis(group, moved, moved_too) if trained else []
                    named = [next(letter) for _ in basis]
                    row.append(" + ".join(named) if named else "0")
                    for name, block in zip(named, basis, strict=True):
                        directions.append({
                            space.position(layer, number, i, j): block[x][y]
                            for x, i in enumerate(height) for y, j in enumerate(width) if block[x][y]
                        })  # fmt: skip
                        where = f"{matrix}[{row_block}, {column_block}]"
                        labels.append(f"{name} in {where}" + ("" if space.stored == 1 else f" of layer {layer + 1}"))
                rows.append(tuple(row))
            matrices[matrix] = tuple(rows)
        patterns.append(matrices)
    return AffineSet(
        "commutant", f"all weights that commute with the group {group.name}", space,
        tuple([Fraction(0)] * space.size), tuple(directions),
        patterns=tuple(patterns) if scalar_only else None, labels=tuple(labels),
    )  # fmt: skip


def _block_basis(group: SymmetryGroup, moved: bool, moved_too: bool) -> list[tuple[tuple[Fraction, ...], ...]]:
    if moved and moved_too:
        return list(group.scalars)
    if not moved and not moved_too:
        return [((Fraction(1),),)]
    if moved:
        return [tuple((x,) for x in v) for v in group.fixed_vectors]
    return [(v,) for v in group.fixed_vectors]


def frozen_rows_of_last_layer(space: WeightSpace, group: SymmetryGroup, point: Point) -> WeightSet:
    """The commutant, but in the last of several layers output rows that the prediction never sees keep their values.

    Those rows are rows of P with one head, of every W with several.
    """
    whole = commutant(space, group)
    last, read = space.stored - 1, space.layout.accumulator(space.readout.row)
    output = {k for k, name in enumerate(space.matrices) if name == "P" or name.startswith("W")}
    unseen = {
        space.position(last, k, i, j)
        for k in output for i in range(space.layout.m) if i != read for j in range(space.layout.m)
    }  # fmt: skip
    kept = [k for k, v in enumerate(whole.directions) if not unseen & v.keys()]
    base = tuple(x if k in unseen else Fraction(0) for k, x in enumerate(point))
    return WeightSet(
        "last-layer", "the commutant, with the rows of the last layer's output that the prediction never sees frozen",
        space, base, tuple(whole.directions[k] for k in kept), labels=tuple(whole.labels[k] for k in kept),
    )  # fmt: skip


def scaled_weights(space: S, point: Point) -> AffineSet[S]:
    """The algorithm's own weights, each trained matrix up to a scale."""
    directions, labels = [], []
    m2 = space.m**2
    for start in range(0, space.size, m2):
        v = {k: point[k] for k in range(start, start + m2) if point[k]}
        if v:
            directions.append(v)
            labels.append(space.coordinate(start).matrix)
    return AffineSet(
        "weights", "the algorithm's own weights, each matrix up to a scale", space,
        tuple([Fraction(0)] * space.size), tuple(directions), labels=tuple(labels),
    )  # fmt: skip


def zero_pattern(space: S, group: SymmetryGroup, point: Point) -> AffineSet[S]:
    """The commutant's directions along which the algorithm's own weights are not zero."""
    whole = commutant(space, group)
    kept = [k for k, v in enumerate(whole.directions) if any(point[j] for j in v)]
    return AffineSet(
        "zero-pattern", "the blocks that the algorithm's own weights use, each any multiple of its own; others zero",
        space, whole.base, tuple(whole.directions[k] for k in kept), labels=tuple(whole.labels[k] for k in kept),
    )  # fmt: skip

"""What a kernel layer's expected update can be, for every d, n, pattern and law of features and their negatives.

Row blocks of Z are odd in the features, even, or zero: feature rows are odd, and what rewards and states hold is even.
A pattern made from scores is even.  Where V joins rows of one kind alone, layers keep the kinds, and so does the
gradient backwards; the update of an entry of V is a product of a row of the gradient and a row of Z, times an outer
error that is even.  So the average of an entry between kinds is zero.
"""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from ..derivation.coefficients import LENGTH
from ..derivation.contraction import Algebra
from ..derivation.scalar import Scalar
from ..derivation.vectors import Vector
from ..patterns.record import PatternAlgorithm
from .pattern_training import KERNEL, PatternSpace
from .sets import AffineSet

ZERO, EVEN, ODD = 0, 1, -1
Kinds = dict[str, int]


def prompt_kinds(algorithm: PatternAlgorithm) -> Kinds | None:
    """Each row block of the prompt with states at zero; None where one is neither odd, even nor zero."""
    algebra = Algebra((*algorithm.parameters, LENGTH))
    p = algorithm.bind({name: algebra.parameter(name) for name in algorithm.parameters})
    nothing = algebra.number(0)
    kinds: Kinds = {}
    for row in algorithm.rows:
        parities = {
            _kind(row.entry(family, token, p))
            for family, token in (
                ("context", SimpleNamespace(
                    phi=algebra.vector("phi"), phi_next=algebra.vector("phi'"), reward=algebra.scalar("R"),
                    state=nothing, next_state=nothing)),
                ("query", SimpleNamespace(phi=algebra.vector("q"), state=nothing)),
            )
        } - {ZERO}  # fmt: skip
        if len(parities) > 1 or None in parities:
            return None
        kinds[row.name] = parities.pop() if parities else ZERO  # type: ignore[assignment]
    return kinds


def _kind(value: Any) -> int | None:
    if value is None or isinstance(value, (int, Fraction)):
        return EVEN if value else ZERO
    if isinstance(value, Vector):
        even = all(_kind(x) in (EVEN, ZERO) for x in value.terms.values())
        return (ODD if value.terms else ZERO) if even else None
    if isinstance(value, Scalar):
        parts = value.parts()
        keys = (value.algebra.key(position) for monomial in parts for position, _ in monomial)
        if any(key[0] not in ("scalar", "contraction") for key in keys):
            return None
        return EVEN if parts else ZERO  # numbers and contractions of two features
    return None


def moved_blocks(weights: AffineSet[PatternSpace]) -> list[set[tuple[str, str]]] | None:
    """For each stored layer the blocks of V, (row written, row read), that the update can move, for every d, n.

    None where the kinds of rows are not kept, so that nothing is known.
    """
    space = weights.space
    rows = [name for name, _, _ in space.blocks]
    start = prompt_kinds(space.form.algorithm)
    if space.kind != KERNEL or start is None or len(space.matrices) != 1:
        return None
    used = [_support(weights, layer) for layer in range(space.stored)]
    used = used * space.depth if space.looped else used
    if any(a != b and start[a] * start[b] == ODD for layer in used for a, b in layer):
        return None
    shift = set(space.form.shift)
    gone = {to for to, _ in shift}
    before = []
    Z: Kinds | None = start
    for layer in used:
        assert Z is not None
        before.append(Z)
        Z = _summed(Z, layer)
        Z = None if Z is None else _shifted(Z, shift, gone)
        if Z is None:
            return None
    assert space.read is not None
    read = next(name for name, at, _ in space.blocks if space.read[0] in at)
    G: Kinds = {name: EVEN if name == read else ZERO for name in rows}
    moved: list[set[tuple[str, str]]] = []
    for Z, layer in zip(reversed(before), reversed(used), strict=True):
        back: Kinds | None = _shifted(G, {(b, a) for a, b in shift}, gone)
        if back is None:
            return None
        movable = {(a, b) for a in rows for b in rows if space.trains("V", a) and back[a] * Z[b] == EVEN}
        moved.append(movable)
        turned = _summed(back, {(b, a) for a, b in layer})
        if turned is None:
            return None
        G = turned
    moved.reverse()
    if not space.looped:
        return moved
    return [set().union(*moved)]


def _support(weights: AffineSet[PatternSpace], layer: int) -> set[tuple[str, str]]:
    """The blocks of V that are not zero throughout the set."""
    space = weights.space
    positions = (
        {k for v in weights.directions for k in v} | weights.frozen | {k for k, x in enumerate(weights.base) if x}
    )
    coordinates = (space.coordinate(k) for k in positions)
    return {(c.row_block, c.column_block) for c in coordinates if c.layer == layer}


def _join(x: int, y: int) -> int | None:
    return x if not y or x == y else y if not x else None


def _summed(Z: Kinds, blocks: set[tuple[str, str]]) -> Kinds | None:
    """Z + V Z K."""
    return _added(Z, dict(Z), blocks)


def _shifted(Z: Kinds, shift: set[tuple[str, str]], gone: set[str]) -> Kinds | None:
    """What the shift makes of rows: those that are `gone` are replaced, or backwards reach nothing."""
    return _added(Z, {name: ZERO if name in gone else kind for name, kind in Z.items()}, shift)


def _added(Z: Kinds, total: Kinds, blocks: set[tuple[str, str]]) -> Kinds | None:
    for to, read in blocks:
        joined = _join(total[to], Z[read])
        if joined is None:
            return None
        total[to] = joined
    return total


def keeps(weights: AffineSet[PatternSpace]) -> bool | None:
    """Whether every block that the expected update can move is free in the set; None where nothing is known."""
    space = weights.space
    blocks_moved = moved_blocks(weights)
    if blocks_moved is None:
        return None
    places = {name: rows for name, rows, _ in space.blocks}
    for layer, blocks in enumerate(blocks_moved):
        for to, read in blocks:
            for i in places[to]:
                for j in places[read]:
                    if not weights.span.contains({space.position(layer, 0, i, j): Fraction(1)}):
                        return None
    return True

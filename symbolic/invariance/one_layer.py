"""The set that one layer keeps, for any algorithm: what the prediction sees, and what the update reaches from there."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import chain, count
from string import ascii_lowercase

from ..arithmetics.arithmetic import PRIME_FIELD
from ..arithmetics.prime_field import PRIME, element
from .closure import field_trajectory, reach
from .samples import Outer, prompts
from .sets import Rows, WeightSet, commutant, pattern_set
from .span import Direction
from .symmetry import SymmetryGroup
from .update import gradient, predict
from .weights import Point, WeightSpace


def unseen(space: WeightSpace, seed: int = 0) -> frozenset[int]:
    """The positions that the prediction never sees: its derivative there is zero at random weights and prompts."""
    rng = random.Random(f"layerproof unseen {seed}")
    seen: set[int] = set()
    for _ in range(2):
        point = [element(rng.randrange(PRIME)) for _ in range(space.size)]
        layers = space.heads(point, PRIME_FIELD)
        now, _ = prompts(space, PRIME_FIELD, field_trajectory(space, rng), "sliding")
        _, before = predict(space, layers, now)
        seen |= {k for k, x in enumerate(gradient(space, layers, before, PRIME_FIELD)) if x != 0}
    return frozenset(range(space.size)) - seen


def one_layer_set(space: WeightSpace, group: SymmetryGroup, outer: Outer, start: Point) -> WeightSet | None:
    """What one layer's update reaches from the algorithm's weights, and any value of what its prediction never sees.

    For L > 1 the same blocks are asked of every layer.  None where the directions reached are no simple rationals.
    """
    single = replace(space, depth=1, looped=True)
    weights = start[: single.size]
    whole = commutant(single, group)
    directions = reach(single, whole, weights, outer).directions
    if directions is None:
        return None
    frozen = unseen(single)
    pattern = _pattern(single, weights, directions, frozen)
    meaning = (
        "what one layer's update reaches from the algorithm's weights; entries that its prediction never sees frozen"
    )
    if pattern is not None:
        return pattern_set(space, "one-layer", meaning, [pattern] * space.stored)
    shifted = [
        {k + layer * single.size: x for k, x in v.items()} for layer in range(space.stored) for v in directions
    ]  # fmt: skip
    held = frozenset(k + layer * single.size for layer in range(space.stored) for k in frozen)
    return WeightSet("one-layer", meaning, space, start, tuple(shifted), held)


def _pattern(
    space: WeightSpace, point: Point, directions: tuple[Direction, ...], frozen: frozenset[int]
) -> Mapping[str, Rows] | None:
    """The set in blocks, or None when a direction is more than a multiple of the identity in each of its blocks.

    A direction with several blocks ties them: they are one letter's multiples, moved by what the point has there.
    """
    owner = {k: number for number, v in enumerate(directions) for k in v}
    if len(owner) < sum(map(len, directions)):
        return None  # two directions share an entry
    names = chain(ascii_lowercase, (f"a{k}" for k in count(1)))
    letters: dict[int, tuple[str, Fraction, Fraction]] = {}  # direction -> letter, its entry and the point's there
    result: dict[str, Rows] = {}
    for number, matrix in enumerate(space.matrices):
        rows = []
        for _, height, moved in space.blocks:
            row = []
            for _, width, moved_too in space.blocks:
                at = [[space.position(0, number, i, j) for j in width] for i in height]
                inside = {k for line in at for k in line}
                if inside <= frozen:
                    row.append("frozen")
                    continue
                diagonal = [at[x][x] for x in range(len(height))] if len(height) == len(width) else []
                values = {point[k] for k in diagonal} or {Fraction(0)}
                if len(values) > 1 or any(point[k] for k in inside.difference(diagonal)):
                    return None
                (value,) = values
                owners = {owner[k] for k in inside if k in owner}
                if not owners:
                    row.append(str(value))
                    continue
                (which,) = owners if len(owners) == 1 else (None,)
                if which is None or moved != moved_too:
                    return None  # features of dimension one beside a row: no number stands for that block
                v = directions[which]
                moves = {v.get(k, Fraction(0)) for k in diagonal}
                if len(moves) > 1 or inside & v.keys() != set(diagonal):
                    return None
                (move,) = moves
                if which not in letters:
                    letters[which] = next(names), move, value
                name, first, there = letters[which]
                row.append(_entry(name, move / first, value - move / first * there))
            rows.append(tuple(row))
        result[matrix] = tuple(rows)
    return result


def _entry(name: str, coefficient: Fraction, constant: Fraction) -> str:
    """coefficient * name + constant, as `sets.parse_entry` reads it."""
    factor = "" if coefficient == 1 else "-" if coefficient == -1 else f"{coefficient} "
    shift = "" if not constant else f" {'+' if constant > 0 else '-'} {abs(constant)}"
    return f"{factor}{name}{shift}"

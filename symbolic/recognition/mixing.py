"""What heads over a constant row do to weights: rows gain multiples of rows, and weights multiples of old weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .network import Network

RowMap = dict[tuple[str, str], Fraction]
RowMaps = list[RowMap]
"""K of each stored layer: {(row written, row read): coefficient} in Y <- Y + K Y."""
FACTORS = "abcfghkmoqrs"
"""Letters of factors that differ between layers: none that a weight, a trace or a size has."""


@dataclass(frozen=True)
class Mix:
    """weight += factor * (old weight `of`).  factors : of each stored layer; letter : empty where all are the same"""

    weight: int
    of: int
    factors: tuple[Fraction, ...]
    letter: str = ""


def kills(maps: RowMaps, data: frozenset[str]) -> bool:
    """Whether K Y = 0 where the rows in `data` hold the rewards and the others zero."""
    for K in maps:
        totals: dict[str, Fraction] = {}
        for (written, read), x in K.items():
            if read in data:
                totals[written] = totals.get(written, Fraction(0)) + x
        if any(totals.values()):
            return False
    return True


def carried(
    network: Network, blocks: Sequence[Mapping[Any, Mapping[Any, Fraction]]], maps: RowMaps
) -> dict[tuple[str, str], dict[Any, Fraction]]:
    """Of each accumulator's row and block, what it holds at every later layer of what each layer moved.

    {(row, block): {(layer that moved, layers passed since, what was summed, entry): coefficient}}.  Two blocks of a row
    whose numbers are proportional here hold proportional weights after every layer, whatever the prompt.
    """
    rows, count = network.layout.accumulators, len(blocks)
    gains: dict[tuple[str, str], dict[Any, Fraction]] = {}
    for number in range(count):
        held: dict[tuple[str, str], dict[Any, Fraction]] = {}
        for (at, asks), block in blocks[number].items():
            own = held.setdefault((at[0], asks), {})
            for ij, x in block.items():
                own[at[1:], ij] = own.get((at[1:], ij), Fraction(0)) + x
        # of a looped layer as many applications as there are rows show all that powers of I + K can do
        later = range(number + 1, count) if not network.looped else range(min(network.depth, len(rows) + 1) - 1)
        for passed, layer in enumerate([None, *later]):
            if layer is not None:
                held = _passed(held, maps[0 if network.looped else layer])
            for where, own in held.items():
                gains.setdefault(where, {}).update({(number, passed, *at): x for at, x in own.items() if x})
    return {where: own for where, own in gains.items() if own}


def _passed(held: dict[tuple[str, str], dict[Any, Fraction]], K: RowMap) -> dict[tuple[str, str], dict[Any, Fraction]]:
    """What rows hold after they have been mixed once."""
    new = {where: dict(own) for where, own in held.items()}
    for (written, read), factor in K.items():
        for (row, block), own in held.items():
            if row == read:
                into = new.setdefault((written, block), {})
                for at, x in own.items():
                    into[at] = into.get(at, Fraction(0)) + factor * x
    return new


def of_weights(weights: Sequence[Any], maps: RowMaps) -> tuple[Mix, ...]:
    """What K is of weights: the row of `weight` holds blocks[base] times it, and so does the row that is read."""
    mixes: list[Mix] = []
    letters = 0
    for k, weight in enumerate(weights):
        base = next(iter(weight.blocks))
        for j, other in enumerate(weights):
            if base not in other.blocks:
                continue
            share = other.blocks[base] / weight.blocks[base]
            factors = tuple(K.get((weight.row, other.row), Fraction(0)) * share for K in maps)
            if not any(factors):
                continue
            letter = "" if len(set(factors)) == 1 else FACTORS[letters]
            letters += bool(letter)
            mixes.append(Mix(k, j, factors, letter))
    return tuple(mixes)

"""The part of a tensor that every signed permutation of the features leaves as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from math import perm
from typing import Any

from ..prompt import Layout
from .tensor import Entries

Class = tuple[tuple[str, ...], tuple[int, ...], int]
"""Row blocks, which of their indices are equal, and the mask: what signed permutations carry into each other."""


def outside(entries: Mapping[Any, Fraction], layout: Layout) -> Entries:
    """What is left of a tensor without its mean over all signed permutations of the d features."""
    known: dict[int, tuple[str, int]] = {}
    for name, size in layout.features:
        known |= {row: (name, k if size == layout.d else -1) for k, row in enumerate(layout.block(name))}
    known |= {layout.accumulator(name): (name, -1) for name in layout.accumulators}
    classes: dict[Class, dict[Any, Fraction]] = {}
    left: Entries = {}
    for place, x in entries.items():
        names, indices = zip(*(known[row] for row in place[:4]), strict=True)
        if any(indices.count(k) % 2 for k in indices if k >= 0):
            left[place] = x
        else:
            classes.setdefault((names, _pattern(names, indices), place[4]), {})[place] = x
    for where, held in classes.items():
        count = perm(layout.d, len({k for k in where[1] if k >= 0}))
        mean = sum(held.values(), Fraction(0)) / count
        left |= {place: x - mean for place, x in held.items() if x != mean}
        if mean and len(held) < count:  # places that hold zero differ from the mean too
            left |= {place: -mean for place in _places(where, layout) if place not in held}
    return left


def _pattern(names: Sequence[str], indices: Sequence[int]) -> tuple[int, ...]:
    """Which indices are equal: the same for value and key exchanged, where they are of one block."""

    def numbered(classes: Sequence[int]) -> tuple[int, ...]:
        seen = list(dict.fromkeys(k for k in classes if k >= 0))
        return tuple(seen.index(k) if k >= 0 else -1 for k in classes)

    first = numbered(indices)
    if names[1] != names[2]:
        return first
    a, b, r, s = indices
    return min(first, numbered((a, r, b, s)))


def _places(where: Class, layout: Layout) -> Iterator[Any]:
    names, pattern, mask = where
    for values in permutations(range(layout.d), len({k for k in pattern if k >= 0})):
        a, b, r, s = (layout.rows(n)[0 if k < 0 else values[k]] for n, k in zip(names, pattern, strict=True))
        yield (a, max(b, r), min(b, r), s, mask)

"""The layers of a run that read by the same masks, and their weights as digits: what is the same for all prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bounds import LayerMaps
from .digits import Digits, power

KEPT = 7
"""Digits kept of a number that is cut off: 7 of 20 bits or more are over twice the widest format."""


@dataclass(frozen=True, eq=False)
class Weights:
    """Fractions as digits, and what was cut off each at most."""

    digits: Digits
    cut: float

    @staticmethod
    def of(parts: Sequence[tuple[list[int], int]], shape: tuple[int, ...], width: int) -> Weights:
        """From integers over one denominator a part.

        What is cut is `KEPT` digits below the largest of them; where denominators are powers of two, nothing is.
        """
        guard = max(den.bit_length() - 1 for _, den in parts)
        exact = all(den & (den - 1) == 0 for _, den in parts) and guard <= 4 * KEPT * width
        if not exact:
            top = max(max(map(abs, entries), default=0).bit_length() - den.bit_length() for entries, den in parts)
            guard = KEPT * width - top
        values = [
            ((v << guard) if guard >= 0 else (v >> -guard)) // den if v else 0
            for entries, den in parts
            for v in entries
        ]
        # Where digits are cut from an integer first, that is off by less than one of them as well.
        return Weights(Digits.of_integers(values, shape, -guard, width), 0.0 if exact else 2 * power(-guard))

    def held(self) -> np.ndarray:
        """Where there is a weight."""
        return np.asarray((self.digits.digits != 0).any(axis=0))


@dataclass(frozen=True, eq=False)
class Group:
    """Layers that read by the same masks, and what is the same of them for all prompts.

    layers : their numbers, from 0;  tokens : where one of the masks has anything
    masks  : (1, masks * tokens, N);  count : how many there are
    heads  : the weights that take Gamma to G, (stored layers, K masks p, K p), None where all are zero
    plain  : at least the sum over the rows k and the masks of |heads|, by feature: (stored layers, K p)
    mixes  : the weights that take entries of X M X^T to K, (stored layers, entries, K K), None where nothing is mixed
    at     : those entries, rows and columns
    """

    layers: list[int]
    tokens: list[int]
    masks: Weights
    count: int
    heads: Weights | None
    plain: np.ndarray
    mixes: Weights | None
    at: tuple[list[int], list[int]]


def groups(maps: LayerMaps, depth: int, width: int) -> list[Group]:
    """The layers by their choice of masks: where each has one of its own, it reads no other's."""
    looped = len(maps.exact) == 1
    layers: dict[tuple[int, ...], list[int]] = {}
    for layer in range(depth):
        layers.setdefault(maps.used[0 if looped else layer], []).append(layer)
    return [_group(maps, masks, which, [0] if looped else which, width) for masks, which in layers.items() if masks]


def _group(maps: LayerMaps, masks: tuple[int, ...], layers: list[int], stored: list[int], width: int) -> Group:
    # A mask of zeros alone has one token all the same: nothing of the group is of no entries at all.
    tokens = np.flatnonzero(np.any([maps.mask_floats[i].any(axis=1) for i in masks], axis=0)).tolist() or [0]
    heads, plain = _heads(maps, masks, stored, width)
    mixes, at = _mixes(maps, masks, stored, width)
    return Group(layers, tokens, _masks(maps, masks, tokens, width), len(masks), heads, plain, mixes, at)


def _masks(maps: LayerMaps, masks: tuple[int, ...], tokens: list[int], width: int) -> Weights:
    rounded = np.concatenate([maps.mask_floats[i][tokens] for i in masks])[None]
    if maps.mask_den == 1 and np.abs(rounded).max() < 2.0**53:  # whole numbers, which floats hold
        return Weights(Digits.of_floats(rounded, width), 0.0)
    entries = [x for i in masks for t in tokens for x in maps.mask_row(i, t)]
    return Weights.of([(entries, maps.mask_den)], rounded.shape, width)


def _heads(maps: LayerMaps, masks: tuple[int, ...], stored: list[int], width: int) -> tuple[Weights | None, np.ndarray]:
    """`heads` and `plain` of a group."""
    p, K, every = maps.features, maps.accumulators, len(maps.masks)
    picked = [number * p + r for number in masks for r in range(p)]
    plain = maps.absolute[stored].reshape(len(stored), K, every * p, K * p)[:, :, picked].sum(axis=(1, 2))
    parts = [(_rows(maps.exact[i][0], K, every * p, picked), maps.exact[i][1]) for i in stored]
    if not any(any(entries) for entries, _ in parts):
        return None, plain
    return Weights.of(parts, (len(stored), K * len(picked), K * p), width), plain


def _mixes(
    maps: LayerMaps, masks: tuple[int, ...], stored: list[int], width: int
) -> tuple[Weights | None, tuple[list[int], list[int]]]:
    """`mixes` and `at` of a group."""
    p, K, every = maps.features, maps.accumulators, len(maps.masks)
    rows = [i for i, place in enumerate(maps.mixes_at) if place // p % every in masks]
    if not rows:
        return None, ([], [])
    triples = [np.unravel_index(maps.mixes_at[i], (p, every, p)) for i in rows]
    at = [int(r) for r, _, _ in triples], [masks.index(m) * p + int(s) for _, m, s in triples]
    parts = [(_rows(maps.mixes[i][0], 1, len(maps.mixes_at), rows), maps.mixes[i][1]) for i in stored]
    return Weights.of(parts, (len(stored), len(rows), K * K), width), at


def span(places: list[int]) -> slice | list[int]:
    """The same places as a slice where they have no gaps: an array is then looked at and not copied."""
    first, last = places[0], places[-1] + 1
    return slice(first, last) if last - first == len(places) else places


def _rows(entries: Sequence[int], blocks: int, height: int, picked: Sequence[int]) -> list[int]:
    """The picked rows of each of `blocks` matrices that stand below each other, `height` rows each, as a flat list."""
    width = len(entries) // (blocks * height)
    starts = ((block * height + row) * width for block in range(blocks) for row in picked)
    return [x for start in starts for x in entries[start : start + width]]

"""The one-step errors of a few prompts: n times what a layer changed, less what the exact layer changes, in digits.

The exact layer takes Gamma = Y (M X^T) to G, and adds (1/n) G X to Y; heads over a constant row add K Y to it.
Of weights that are no binary fractions, and of G and K, what is far below the format is cut off; with the cut of each
    |Y| * (mask's) * |weights| + |Gamma| * (weights') + (G's), times the column of |X|, is what that may amount to,
where nothing is cut off what a zero meets.  `UP` outweighs the roundings of such sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bounds import LayerMaps
from .digit_sums import product, total, whole
from .digits import Digits, power

KEPT = 7
"""Digits kept of a number that is cut off: 7 of 20 bits or more are over twice the widest format."""
UP = 1 + 2.0**-40  # outweighs the roundings of a few dozen float64 operations on non-negative numbers


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
    p, K, N, every = maps.features, maps.accumulators, maps.n + 1, len(maps.masks)
    # A mask of zeros alone has one token all the same: nothing below is of no entries at all.
    tokens = np.flatnonzero(np.any([maps.mask_floats[i].any(axis=1) for i in masks], axis=0)).tolist() or [0]
    entries = [x for i in masks for t in tokens for x in maps.mask_row(i, t)]
    mask = Weights.of([(entries, maps.mask_den)], (1, len(masks) * len(tokens), N), width)

    picked = [number * p + r for number in masks for r in range(p)]
    heads = [(_rows(maps.exact[i][0], K, every * p, picked), maps.exact[i][1]) for i in stored]
    shape = len(stored), K * len(picked), K * p
    found = Weights.of(heads, shape, width) if any(any(entries) for entries, _ in heads) else None
    plain = maps.absolute[stored].reshape(len(stored), K, every * p, K * p)[:, :, picked].sum(axis=(1, 2))

    rows = [i for i, place in enumerate(maps.mixes_at) if place // p % every in masks]
    triples = [np.unravel_index(maps.mixes_at[i], (p, every, p)) for i in rows]
    at = [int(r) for r, _, _ in triples], [masks.index(m) * p + int(s) for _, m, s in triples]
    mixes = [(_rows(maps.mixes[i][0], 1, len(maps.mixes_at), rows), maps.mixes[i][1]) for i in stored] if rows else []
    mixing = Weights.of(mixes, (len(stored), len(rows), K * K), width) if rows else None
    return Group(layers, tokens, mask, len(masks), found, plain, mixing, at)


class FewPrompts:
    """A few prompts of a run, X : (T, p, N) and Y : (T, L+1, K, N), so few that their digits stay in cache."""

    def __init__(self, n: int, X: np.ndarray, Y: np.ndarray, width: int):
        self.n, self.X, self.Y = n, X, Y
        self.T, self.K, self.N, self.p = len(Y), Y.shape[2], Y.shape[3], X.shape[1]
        self.x, self.y = Digits.of_floats(X, width), Digits.of_floats(Y, width)

    def residuals(self, group: Group) -> tuple[np.ndarray, np.ndarray]:
        """The one-step errors of a group's layers, and what is cut off them at most: (T, layers, K, N) each."""
        T, count, K, N = len(self.Y), len(group.layers), self.K, self.N
        slack = np.zeros((T, count, K, N))
        at, after = span(group.layers), span([layer + 1 for layer in group.layers])
        keys, keys_cut = self._keys(group)
        terms = [(self.n, self.y[:, after].reshape(T, count * K, N)), (-self.n, self.y[:, at].reshape(T, count * K, N))]
        if group.heads is not None:
            G, G_cut = self._gained(group, group.heads, keys, keys_cut)
            terms.append((-1, product(G, self.x)))  # type: ignore[arg-type]
            slack += (G_cut @ np.abs(self.X)).reshape(slack.shape) * UP
        if group.mixes is not None:
            mixing, mixing_cut = self._mixed(group, group.mixes, keys, keys_cut)
            terms.append((-1, whole(product(mixing, self.y[:, at])).reshape(T, count * K, N)))
            slack += mixing_cut @ np.abs(self.Y[:, at]) * UP
        return total(terms).reshape(slack.shape) / self.n, slack * (UP / self.n)

    def _keys(self, group: Group) -> tuple[Digits, np.ndarray]:
        """M X^T at the group's tokens, (T, tokens, masks * p), and what was cut off each entry at most: (T,)."""
        products = whole(product(group.masks.digits, self.x.moved(0, 2, 1)))
        each = products.reshape(self.T, group.count, len(group.tokens), self.p).moved(0, 2, 1, 3)
        cut = group.masks.cut * np.abs(self.X).sum(axis=2).max(axis=1) * UP
        return each.reshape(self.T, len(group.tokens), group.count * self.p), cut

    def _gained(self, group: Group, heads: Weights, keys: Digits, keys_cut: np.ndarray) -> tuple[Digits, np.ndarray]:
        """n times G of each layer, (T, layers K, p), and what was cut off it."""
        count, at = len(group.layers), span(group.layers)
        read = self.y[:, at][:, :, :, span(group.tokens)].reshape(self.T, count * self.K, len(group.tokens))
        gamma = whole(product(read, keys)).carried().reshape(self.T, count, self.K * keys.digits.shape[-1])
        gamma = gamma.moved(1, 0, 2)
        gained = whole(product(gamma, heads.digits)).carried()
        G, G_cut = gained.leading(KEPT)
        cut = np.zeros((count, self.T, self.K * self.p))
        if keys_cut.any() or heads.cut or G_cut:
            held = heads.held()
            cut += (np.abs(total([(1, gamma)])) @ held) * heads.cut + (gained.digits != 0).any(axis=0) * G_cut
            rows = np.abs(self.Y[:, at]).sum(axis=(2, 3)) * keys_cut[:, None]
            cut += rows.T[:, :, None] * (group.plain + held.sum(axis=1) * heads.cut)[:, None]
        shape = self.T, count * self.K, self.p
        return G.moved(1, 0, 2).reshape(*shape), cut.transpose(1, 0, 2).reshape(shape) * UP

    def _mixed(self, group: Group, mixes: Weights, keys: Digits, keys_cut: np.ndarray) -> tuple[Digits, np.ndarray]:
        """n K of each stored layer, (T, stored layers, K, K), and what was cut off it."""
        gram, (rows, columns) = whole(product(self.x[:, :, span(group.tokens)], keys)), group.at
        met = gram[:, rows, columns]
        mixing, mixing_cut = whole(product(met.reshape(1, self.T, len(rows)), mixes.digits)).leading(KEPT)
        shape = self.T, len(mixes.digits.digits[0]), self.K, self.K
        of_gram = np.abs(self.X).sum(axis=2).max(axis=1) * keys_cut
        plain = np.abs(total([(1, mixes.digits)])).sum(axis=1) + len(rows) * mixes.cut
        size = np.abs(total([(1, met)])).sum(axis=1)
        cut = of_gram[:, None, None] * plain + (size * mixes.cut)[:, None, None] + mixing_cut
        cut = cut * mixes.held().any(axis=1)  # rows that are not mixed have nothing cut
        return mixing.moved(1, 0, 2).reshape(*shape), cut.reshape(shape) * UP


def span(places: list[int]) -> slice | list[int]:
    """The same places as a slice where they have no gaps: an array is then looked at and not copied."""
    first, last = places[0], places[-1] + 1
    return slice(first, last) if last - first == len(places) else places


def _rows(entries: Sequence[int], blocks: int, height: int, picked: Sequence[int]) -> list[int]:
    """The picked rows of each of `blocks` matrices that stand below each other, `height` rows each, as a flat list."""
    width = len(entries) // (blocks * height)
    starts = ((block * height + row) * width for block in range(blocks) for row in picked)
    return [x for start in starts for x in entries[start : start + width]]

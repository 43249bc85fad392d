"""One batched float run as exact data: its one-step errors, for all prompts and layers at once.

Rationals that are no binary fractions are cut off far below the format, with the cut carried as `slack`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ...symbolic.arithmetics.rational import Rational, RationalMatrix
from ...symbolic.attention import RowHead, accumulate, masked_keys
from ...symbolic.construction import Construction
from .bounds import LayerMaps
from .carried import pieces
from .digits import Digits, digit_width, power
from .exact_floats import dyadic_matrix

# Digits kept of a number that is cut off: 7 of 20 bits or more are over twice the widest format.
KEPT = 7
UP = 1 + 2.0**-40  # outweighs the roundings of a few dozen float64 operations on non-negative numbers


class ExactRun:
    """One batched run as exact data.  X : (T, p, N) and Y : (T, L+1, K, N), float64 copies of the module's numbers."""

    x: Digits  # X and Y of a few prompts
    y: Digits

    def __init__(self, maps: LayerMaps, construction: Construction, states: np.ndarray):
        self.maps, self.construction = maps, construction
        self.X = np.ascontiguousarray(states[0, :, : maps.features])
        self.Y = np.ascontiguousarray(states[:, :, maps.features :].transpose(1, 0, 2, 3))
        self.T, self.L, self.K, self.N = self.Y.shape[0], self.Y.shape[1] - 1, *self.Y.shape[2:]
        self.width = digit_width(max(self.N, *maps.absolute.shape, maps.features**2 * len(maps.masks)))
        self.made: dict[Any, tuple[Digits, float]] = {}  # what is the same for all prompts
        split = construction.row_heads()
        assert split is not None
        self.layers: Sequence[Sequence[RowHead]] = [split[self.stored(i)] for i in range(self.L)]

    def stored(self, layer: int) -> int:
        """The index of the stored weights that layer number `layer`, from 0, uses."""
        return 0 if self.construction.looped else layer

    def exact_layer(self, trial: int, layer: int) -> RationalMatrix:
        """The exact layer on the float state that came in: (K, N) over Q."""
        X, Y, heads = dyadic_matrix(self.X[trial]), dyadic_matrix(self.Y[trial, layer]), self.layers[layer]
        scale = Rational.of(Fraction(1, self.maps.n))
        result: RationalMatrix = accumulate(X, Y, heads, scale, masked_keys(X, heads))
        return result

    @cached_property
    def residuals(self) -> tuple[np.ndarray, np.ndarray]:
        """The one-step error at every entry, and its slack: (T, L, K, N) float64 each.

        The first is off by a relative 2^-50 and by the slack; the slack is rounded up.
        """
        error, slack = np.zeros(self.Y[:, 1:].shape), np.zeros(self.Y[:, 1:].shape)

        def part(some: slice) -> None:
            error[some], slack[some] = self._few(some)._residuals()

        first, *others = pieces(self.T)
        part(first)  # alone, so that what all share is made once
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(part, others))
        return error, slack

    def _few(self, some: slice) -> ExactRun:
        """The run of some of the prompts, as digits: few enough for these to stay in cache."""
        few = copy(self)
        few.X, few.Y = self.X[some], self.Y[some]
        few.T, few.x, few.y = len(few.X), Digits.of_floats(few.X, self.width), Digits.of_floats(few.Y, self.width)
        return few

    @np.errstate(all="ignore")
    def _residuals(self) -> tuple[np.ndarray, np.ndarray]:
        change = self.y[:, 1:].minus(self.y[:, :-1])
        error, slack = change.floats(), np.zeros(self.Y[:, 1:].shape)
        for masks, layers in self._groups().items():
            if masks:
                at = _span(layers)
                error[:, at], slack[:, at] = self._of_group(masks, layers, change[:, at])
        return error, slack

    def _groups(self) -> dict[tuple[int, ...], list[int]]:
        """The layers that read by each choice of masks: where each has one of its own, it reads no other's."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for layer in range(self.L):
            groups.setdefault(self.maps.used[self.stored(layer)], []).append(layer)
        return groups

    def _of_group(self, masks: tuple[int, ...], layers: list[int], change: Digits) -> tuple[np.ndarray, np.ndarray]:
        """The one-step errors of layers that share their masks, and their slack."""
        T, K, N, p, maps = self.T, self.K, self.N, self.maps.features, self.maps
        stored = sorted({self.stored(layer) for layer in layers})
        tokens, keys, keys_cut = self._keys(masks)
        y, Y = self.y[:, _span(layers)], np.abs(self.Y[:, _span(layers)])
        wanted, slack = Digits(change.digits * maps.n, change.low, change.width), np.zeros(Y.shape)

        picked = [number * p + r for number in masks for r in range(p)]
        heads = [(_rows(maps.exact[i][0], K, len(maps.masks) * p, picked), maps.exact[i][1]) for i in stored]
        if any(any(whole) for whole, _ in heads):
            size = K * len(picked)
            if ("weights", *masks) not in self.made:
                self.made["weights", *masks] = self._fractions(heads, (len(stored), size, K * p))
            weights, weights_cut = self.made["weights", *masks]
            gamma = y[:, :, :, _span(tokens)].reshape(T, len(layers) * K, len(tokens)) @ keys
            by_layer = gamma.reshape(T, len(layers), -1).map(lambda g: g.transpose(1, 0, 2))
            product = by_layer @ weights
            G, G_cut = product.leading(KEPT)
            G = G.map(lambda g: g.transpose(1, 0, 2)).reshape(T, len(layers) * K, p)
            wanted = wanted.minus((G @ self.x).reshape(T, len(layers), K, N))
            # What was cut: |Y| * keys_cut * |weights| + |gamma| * weights_cut + G_cut, each times the column of |X|;
            # and nothing where a weight is zero, or what it meets.
            if keys_cut.any() or weights_cut or G_cut:
                held = (weights.digits != 0).any(axis=0)
                read = maps.absolute[stored].reshape(len(stored), K, -1, K * p)[:, :, picked].sum(axis=(1, 2))
                read = read + held.sum(axis=1) * weights_cut
                each = (np.abs(by_layer.floats()) @ held) * weights_cut + (product.digits != 0).any(axis=0) * G_cut
                each += (Y.sum(axis=(2, 3)) * keys_cut[:, None]).T[:, :, None] * read[:, None, :]
                each = each.transpose(1, 0, 2).reshape(T, len(layers) * K, p) * UP
                slack += (each @ np.abs(self.X)).reshape(slack.shape) * UP

        places = [place for place in maps.mixes_at if place // p % len(maps.masks) in masks]
        if places:
            gram = self.x[:, :, _span(tokens)] @ keys
            triples = (np.unravel_index(place, (p, len(maps.masks), p)) for place in places)
            at = [(r, masks.index(m) * p + s) for r, m, s in triples]
            met = Digits(np.stack([gram.digits[:, :, r, c] for r, c in at], axis=-1), gram.low, gram.width)
            rows = [maps.mixes_at.index(place) for place in places]
            mixes = [(_rows(maps.mixes[i][0], 1, len(maps.mixes_at), rows), maps.mixes[i][1]) for i in stored]
            own, own_cut = self._fractions(mixes, (len(stored), len(at), K * K))
            mixing, mixing_cut = (met.reshape(1, T, -1) @ own).leading(KEPT)
            mixing = mixing.map(lambda g: g.transpose(1, 0, 2)).reshape(T, len(stored), K, K)
            wanted = wanted.minus(mixing @ y)
            of_gram = np.abs(self.X).sum(axis=2).max(axis=1) * keys_cut
            plain = np.abs(own.floats()).sum(axis=1) + len(at) * own_cut
            met_size = np.abs(met.floats()).sum(axis=1)
            each = of_gram[:, None, None] * plain + (met_size * own_cut)[:, None, None] + mixing_cut
            # Rows that are not mixed have nothing cut.
            joined = (own.digits != 0).any(axis=(0, 2))
            slack += ((joined * each).reshape(T, len(stored), K, K) * UP) @ Y * UP
        return wanted.floats() / maps.n, slack * (UP / maps.n)

    def _keys(self, masks: Sequence[int]) -> tuple[list[int], Digits, np.ndarray]:
        """M X^T of some masks at the tokens where one of them has anything: (T, tokens, masks * p).

        Before it the tokens, and after it a bound on what was cut off each entry, for each prompt: (T,).
        """
        p, floats = self.maps.features, [self.maps.mask_floats[i] for i in masks]
        # A mask of zeros alone has one all the same: nothing below is of no entries at all.
        tokens = np.flatnonzero(np.any([M.any(axis=1) for M in floats], axis=0)).tolist() or [0]
        if ("masks", *masks) not in self.made:
            whole = [x for i in masks for t in tokens for x in self.maps.mask_row(i, t)]
            shape = (1, len(masks) * len(tokens), self.N)
            self.made["masks", *masks] = self._fractions([(whole, self.maps.mask_den)], shape)
        held, cut = self.made["masks", *masks]
        products = held @ self.x.map(lambda x: x.transpose(0, 2, 1))

        def side_by_side(keys: np.ndarray) -> np.ndarray:
            each = keys.reshape(self.T, len(masks), len(tokens), p)
            return each.transpose(0, 2, 1, 3).reshape(self.T, len(tokens), len(masks) * p)

        return tokens, products.map(side_by_side), cut * np.abs(self.X).sum(axis=2).max(axis=1) * UP

    def _fractions(self, parts: Sequence[tuple[list[int], int]], shape: tuple[int, ...]) -> tuple[Digits, float]:
        """Integers over one denominator a part, as digits, and a bound on what was cut off each (0 where nothing was).

        What is cut is `KEPT` digits below the largest of them; where denominators are powers of two, nothing is.
        """
        guard = max(den.bit_length() - 1 for _, den in parts)
        exact = all(den & (den - 1) == 0 for _, den in parts) and guard <= 4 * KEPT * self.width
        if not exact:
            top = max(max(map(abs, whole), default=0).bit_length() - den.bit_length() for whole, den in parts)
            guard = KEPT * self.width - top
        values = [
            ((v << guard) if guard >= 0 else (v >> -guard)) // den if v else 0 for whole, den in parts for v in whole
        ]
        # Where digits are cut from an integer first, that is off by less than one of them as well.
        return Digits.of_integers(values, shape, -guard, self.width), 0.0 if exact else 2 * power(-guard)


def _span(places: list[int]) -> slice | list[int]:
    """The same places as a slice where they have no gaps: an array is then looked at and not copied."""
    first, last = places[0], places[-1] + 1
    return slice(first, last) if last - first == len(places) else places


def _rows(whole: Sequence[int], blocks: int, height: int, picked: Sequence[int]) -> list[int]:
    """The picked rows of each of `blocks` matrices that stand below each other, `height` rows each, as a flat list."""
    width = len(whole) // (blocks * height)
    starts = ((block * height + row) * width for block in range(blocks) for row in picked)
    return [x for start in starts for x in whole[start : start + width]]

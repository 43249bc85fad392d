"""The one-step errors of a few prompts: n times what a layer changed, less what the exact layer changes, in digits.

The exact layer takes Gamma = Y (M X^T) to G, and adds (1/n) G X to Y; heads over a constant row add K Y to it.
Of weights that are no binary fractions, and of G and K, what is far below the format is cut off; with the cut of each
    |Y| * (mask's) * |weights| + |Gamma| * (weights') + (G's), times the column of |X|, is what that may amount to,
where nothing is cut off what a zero meets.  `UP` outweighs the roundings of such sums.
"""

from __future__ import annotations

import numpy as np

from .digit_sums import Product, product, total, whole
from .digits import Digits
from .layer_groups import KEPT, Group, Weights, span

UP = 1 + 2.0**-40  # outweighs the roundings of a few dozen float64 operations on non-negative numbers


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
        change = self.y[:, at].plus(self.y[:, after], -1).reshape(T, count * K, N)
        terms: list[tuple[int, Digits | Product]] = [(self.n, change)]
        if group.heads is not None:
            G, G_cut = self._gained(group, group.heads, keys, keys_cut)
            terms.append((1, product(G, self.x)))
            slack += (G_cut @ np.abs(self.X)).reshape(slack.shape) * UP
        if group.mixes is not None:
            mixing, mixing_cut = self._mixed(group, group.mixes, keys, keys_cut)
            terms.append((1, whole(product(mixing, self.y[:, at])).reshape(T, count * K, N)))
            slack += mixing_cut @ np.abs(self.Y[:, at]) * UP
        return _where_known(total(terms).reshape(slack.shape) / -self.n, slack * (UP / self.n))

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


def _where_known(errors: np.ndarray, slack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both; where sums went beyond float64 nothing is known: an infinite slack, which is decided over Q."""
    if not np.isfinite(errors.sum() + slack.sum()):
        known = np.isfinite(errors) & ~np.isnan(slack)
        errors, slack = np.where(known, errors, 0.0), np.where(known, slack, np.inf)
    return errors, slack

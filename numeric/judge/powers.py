"""The products of the layers' own mixing of rows, A_j of `carried.py`, and what float64 leaves open of them.

Running error bounds would grow manyfold a layer where the true powers shrink; what rounding does to A is instead pulled
through the true later layers as well: A_j - computed A_j = -(sum over layers i of A_i R_ji), with R_ji what layer i's
step was off by, so that with |R_ji| <= r and a' the largest column sum of |computed A_i|
    |A - computed A| <= e = l r a' / (1 - l r) in column sums, for l r < 1; otherwise it is infinite.
"""

from __future__ import annotations

import numpy as np

from .carried import OUTWARD, U64, Carried


class Powers:
    """A_j, j < l, after each l = 0, ..., L layers.

    A       : (T, l, K, K) each
    open_by : (T,) each, what a column sum of |A - computed A| may be
    tallest : (T,) each, at least the largest column sum of |computed A|
    """

    def __init__(self, c: Carried, L: int):
        assert c.mix is not None
        T, _, K, _ = c.mix.shape
        count = (c.X.shape[2] + K * c.keys.shape[2] + c.mixing + 16) * U64
        rise = c.most.sum(axis=2).max(axis=(1, 2)) * OUTWARD
        A, off, tallest = np.zeros((T, 0, K, K)), np.zeros(T), np.ones(T)
        fresh = np.broadcast_to(np.eye(K), (T, 1, K, K))
        self.rise = rise
        self.A, self.open_by, self.tallest = [A], [off], [tallest]
        for layer in range(L):
            # The product of matrices (K, K), and what the mixing itself is off by.
            off = np.maximum(off, tallest * rise * 4 * count + c.lost * (1 + tallest))
            A = np.concatenate([c.mix[:, c.stored(layer), None] @ A, fresh], axis=1)
            tallest = np.maximum(tallest, np.abs(A).sum(axis=2).max(axis=(1, 2)) * OUTWARD)
            step = (layer + 1) * off
            with np.errstate(divide="ignore", invalid="ignore"):
                within = step * tallest / (1 - step) * OUTWARD
                self.open_by.append(np.where(step < 0.5, within, np.where(step == 0, 0.0, np.inf)))
            self.A.append(A)
            self.tallest.append(tallest)

    def applied(self, betas: np.ndarray, some: slice = slice(None)) -> np.ndarray:
        """sum_j |A_j| beta_j after each layer for some of the prompts, rounded to nearest: (some, L, K, N)."""
        given = betas[some]
        result = np.zeros(given.shape)
        for layer in range(given.shape[1]):
            plain = np.abs(self.A[layer + 1][some]) + self.open_by[layer + 1][some, None, None, None]
            result[:, layer] = (plain @ given[:, : layer + 1]).sum(axis=1)
        return result

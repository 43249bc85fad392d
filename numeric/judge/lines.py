"""V of `carried.py` summed as it stands: M X^T W_j is carried, a line for each token, for each earlier layer j.

It is W_j's recurrence with 1 for M X^T, X for S and (M X^T) G_l, of the layer's own masks, for G_l.  What rounding does
to W is pulled through the true later layers as well: W_j - computed W_j = -(sum over layers i of R_ji Phi_i), with R_ji
what layer i's step was off by, |R_ji| <= r, and Phi_i = A_i + S W_i its own pull-back, so that with phi, g the largest
row sums of |A_i + S computed W_i| and of |S|
    |W - computed W| <= l r phi / (1 - l r g) in row sums, for l r g < 1; otherwise the bound is infinite,
where phi may be a + g w, w the largest row sum of |computed W| and a that of A_i as it acts here, the largest column
sum of |A_i| (`powers.py`).
"""

from __future__ import annotations

import numpy as np

from .bounds import row_blocks
from .carried import LOST, U64, Carried, on_pairs, outward, transposed
from .exact_floats import quotient
from .powers import Powers


def by_lines(c: Carried, betas: np.ndarray, powers: Powers | None) -> np.ndarray:
    """At least V after each layer, (T, L, K p); betas : (T, L, K, N)."""
    (T, L, K, N), outer = betas.shape, betas.shape[2] * c.X.shape[1]
    up = outward(N * K * max(L, 1))
    count = (N + K * c.keys.shape[2] + c.mixing + 16) * U64  # what a product here is off by, over its plain sum
    S = row_blocks(c.X, K)
    g = c.plain_X.sum(axis=2).max(axis=1, initial=0) * up + c.lost
    W, V = np.zeros((T, 0, K * N, outer)), np.zeros((T, L, outer))
    worst_step, tallest, ones, none = np.zeros(T), np.zeros(T), np.ones(T), np.zeros(T)
    for layer in range(L):
        G, plain = _line_weights(c, c.stored(layer), up)
        a, open_by, rise = (powers.tallest[layer], powers.open_by[layer], powers.rise) if powers else (ones, none, ones)
        later = np.zeros((T, layer + 1, K * N, outer))
        if layer:
            # What the computed product, sum and matrices are off by, in row sums.
            off = (tallest * outer * (rise + g * plain) + a * plain) * 4 * count + LOST * (1 + tallest)
            worst_step = np.maximum(worst_step, off + open_by * plain)
            grown = np.eye(outer) if powers is None else on_pairs(c.mix[:, c.stored(layer)], outer // K)  # type: ignore[index]
            own = G[:, None]
            if powers is not None:
                own = (transposed(powers.A[layer]) @ own.reshape(T, 1, K, N * outer)).reshape(T, layer, K * N, outer)
            np.add((W.reshape(T, -1, outer) @ (grown + S @ G)).reshape(W.shape), own, out=later[:, :-1])
            tallest = np.maximum(tallest, np.abs(later).max(axis=(1, 2, 3)))
        W = later
        a, open_by = (powers.tallest[layer + 1], powers.open_by[layer + 1]) if powers else (ones, none)
        step, phi = (layer + 1) * worst_step, a + open_by + g * tallest * outer
        with np.errstate(divide="ignore", invalid="ignore"):
            within = step * phi / (1 - step * g) * up
            inexact = np.where(step * g < 0.5, within, np.where(step == 0, 0.0, np.inf))
        each = betas[:, : layer + 1].reshape(T, 1, -1)
        V[:, layer] = (each @ np.abs(W.reshape(T, -1, outer)))[:, 0] + c.lost[:, None]
        V[:, layer] += (each.sum(axis=2) * (inexact + c.lost)[:, None]) * up
    return V


def _line_weights(c: Carried, stored: int, up: float) -> tuple[np.ndarray, np.ndarray]:
    """(M X^T) G of a stored layer, (T, K N, K p), and at least its largest plain row sum."""
    maps, (T, p, N), K = c.maps, c.X.shape, c.maps.accumulators
    whole, den = maps.exact[stored]
    each = np.array(whole, dtype=object).reshape(K, -1, K * p)  # (row read, keys, pairs)
    used = np.flatnonzero((each != 0).any(axis=(0, 2)))
    held = np.array([quotient(v, den * maps.n) for v in each[:, used].reshape(-1)]).reshape(K, len(used), K * p)
    G = c.keys[:, None, :, used] @ held
    plain = (c.plain_keys[:, None, :, used] @ np.abs(held)).sum(axis=3).max(axis=(1, 2), initial=0)
    return G.reshape(T, K * N, K * p), plain * up + c.lost * (1 + np.abs(held).sum())

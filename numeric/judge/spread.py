"""V of `carried.py` from one matrix for all earlier layers, whatever their number: a bound in time linear in L.

By Cauchy and Schwarz over layers j and tokens t at once, for the errors that begin in accumulator row k,
    sum_j sum_t beta_j[t] |(M X^T W_j)[t, s]|  <=  sqrt(sum_j sum_t beta_j[t])  sqrt(sum_j (W_j^T H_j W_j)[s, s]),
H_j = (M X^T)^T diag(beta_j) (M X^T); sums over k are left as they are.  A layer whose W_j is still 0 is left out of the
first sum too.  An error is known by gamma = Gamma(error) and z = Gamma(delta) W_j, both linear in delta:
    gamma <- gamma (1 + K_l + G_l S),   z <- z (1 + K_l) + gamma G_l,
and with Q = sum_j of the second moments of (gamma, z) under the weights beta_j, which starts with H_j for gamma and 0
for z, the second sum is Q's diagonal at z and
    Q <- N^T Q N + H,   N = [[1 + K_l + G_l S, G_l], [0, 1 + K_l]].

What is computed stays above Q as a quadratic form, which N^T Q N keeps.  Let c be the square roots of the diagonal, so
that |Q[a, b]| <= c[a] c[b], and v = c |N|, with |N| of absolute values throughout.  An elementary product meets at most
k roundings, in N and in N^T Q N, so that the entries computed are off by at most g v[a] v[b] for g = (1+u)^k - 1, and
a form with such entries is at most dim g sum_a v[a]^2 x[a]^2, again by Cauchy and Schwarz: that is added to the
diagonal.  So it is for H, with v[a]^2 = sum_t beta[t] (|M| |X|^T)[t, a]^2.  Nothing grows that Q does not make grow.
"""

from __future__ import annotations

import numpy as np

from .carried import OUTWARD, U64, Carried, on_pairs, pieces, transposed

SMALL = 16
"""Products of so many keys in pairs are made once for all layers."""
TOGETHER = 2**20
"""Numbers in the matrices of layers that are made together."""


def spread(c: Carried, betas: np.ndarray) -> np.ndarray:
    """At least V after each layer, (T, L, K p); betas : (T, L, K, N)."""
    maps, (T, L, K, N), p = c.maps, betas.shape, c.X.shape[1]
    inner, outer = c.keys.shape[2], K * p
    rows = K * inner
    off = 4 * (2 * N + 4 * K * max(inner, p) + c.mixing + 16) * U64 * (rows + outer) * OUTWARD
    begun = np.einsum("tlkn->tlk", betas)
    moments = _Moments(c, betas, begun, off)
    tall, more = 1 + c.plain_gram.sum(axis=2).max(axis=1, initial=0), np.ones(T)
    if c.mix is not None:
        more += c.most.sum(axis=(2, 3)).max(axis=1)

    P, R, diagonal = np.zeros((T, K, rows, rows)), np.zeros((T, K, rows, outer)), np.zeros((T, K, rows + outer))
    A = np.zeros((T, K, outer, outer) if c.mix is not None else 0)
    sides, moved = np.zeros((T, L, K, outer)), np.zeros((T, K, rows, rows + outer))
    block, ones, every = max(TOGETHER // (T * rows * rows), 1), np.ones(rows), np.ones(K * (rows + outer))
    for layer in range(L):
        if layer % block == 0:
            some = range(layer, min(layer + block, L))
            own = moments.of(some)
            G_all = maps.gains[[c.stored(i) for i in some]] if len(maps.exact) > 1 else maps.gains
            plain_all = np.abs(G_all)
            lost_all = (c.lost * (tall * more) ** 2)[:, None, None] * (1 + plain_all.sum(axis=(1, 2))[:, None]) ** 2
            grown_all = (G_all.reshape(-1, p) @ c.gram).reshape(T, len(G_all), rows, rows)
            if c.mix is None:
                _diagonal(grown_all)[:] += 1
        if layer:
            at = layer % block if len(G_all) > 1 else 0
            G, grown = G_all[at], grown_all[:, at, None]
            lost = lost_all[:, at] * (1 + (diagonal.reshape(T, -1) @ every)[:, None])
            size = np.sqrt(diagonal)
            met = size[..., :rows] @ plain_all[at]
            PG = (P.reshape(-1, rows) @ G).reshape(R.shape)
            if c.mix is None:
                np.add(P, (PG.reshape(T, -1, p) @ c.gram).reshape(P.shape), out=moved[..., :rows])
                np.add(R, PG, out=moved[..., rows:])
                side = R + moved[..., rows:]
                side *= G
                diagonal[..., rows:] += ones @ side
            else:
                mix, most = c.mix[:, c.stored(layer)], c.most[:, c.stored(layer), None]
                on_sides = on_pairs(mix, p)[:, None]
                R = R @ on_sides
                side = transposed(R + PG / 2) @ G
                A = transposed(on_sides) @ A @ on_sides + side + transposed(side)
                A = (A + transposed(A)) / 2
                diagonal[..., rows:] = _diagonal(A)
                grown = grown + on_pairs(mix, inner)[:, None]
                moved[..., :rows] = P @ grown
                np.add(R, PG, out=moved[..., rows:])
                size[..., :rows] = (most @ size[..., :rows].reshape(T, K, K, inner)).reshape(T, K, rows)
                size[..., rows:] = (most @ size[..., rows:].reshape(T, K, K, p)).reshape(T, K, outer)
            taken = transposed(grown) @ moved
            P, R = taken[..., :rows], taken[..., rows:]
            P = P + transposed(P)
            P /= 2
            size[..., :rows] += (met.reshape(T, K * K, p) @ c.plain_gram).reshape(T, K, rows)
            size[..., rows:] += met
            np.square(size, out=size)
            size *= off
            size += lost[..., None]
            _diagonal(P)[:] += size[..., :rows]
            diagonal[..., rows:] += size[..., rows:]
            if c.mix is not None:
                _diagonal(A)[:] = diagonal[..., rows:]
            sides[:, layer] = diagonal[..., rows:]
        for k in range(K):
            at_k = slice(k * inner, (k + 1) * inner)
            P[:, k, at_k, at_k] += own[:, layer % block, k]
        diagonal[..., :rows] = _diagonal(P)
    before = np.zeros(begun.shape)
    before[:, 1:] = np.cumsum(begun[:, :-1], axis=1)
    return np.asarray((np.sqrt(before)[..., None] * np.sqrt(sides)).sum(axis=2) * OUTWARD)


def _diagonal(matrices: np.ndarray) -> np.ndarray:
    """The diagonals of contiguous matrices (..., m, m), to be read or written: (..., m)."""
    size = matrices.shape[-1]
    return matrices.reshape(*matrices.shape[:-2], size * size)[..., :: size + 1]


class _Moments:
    """H_j of some layers at once, and what it may be off by on its diagonal: (T, layers, K, inner, inner)."""

    def __init__(self, c: Carried, betas: np.ndarray, begun: np.ndarray, off: float):
        self.keys, self.betas = c.keys, betas
        self.heights = off * c.plain_keys**2
        self.lost = c.lost[:, None, None, None] * (1 + begun[..., None])
        inner = c.keys.shape[2]
        rows, columns = np.tril_indices(inner)
        place = np.empty((inner, inner), dtype=np.intp)
        place[rows, columns] = place[columns, rows] = np.arange(len(rows))
        self.places = place.reshape(-1)

    def _products(self, some: slice) -> np.ndarray:
        """Products of two keys, each pair once, and then the heights, token by token: (some, N, ...)."""
        keys, heights = (np.ascontiguousarray(x[some].swapaxes(1, 2)) for x in (self.keys, self.heights))
        T, inner, N = keys.shape
        result, first = np.empty((T, inner * (inner + 3) // 2, N)), 0
        for row in range(inner):
            np.multiply(keys[:, row : row + 1], keys[:, : row + 1], out=result[:, first : first + row + 1])
            first += row + 1
        result[:, first:] = heights
        return result.swapaxes(1, 2)

    def of(self, layers: range) -> np.ndarray:
        betas, lost = (x[:, layers.start : layers.stop] for x in (self.betas, self.lost))
        (T, count, K, N), inner = betas.shape, self.keys.shape[2]
        H = np.empty((T, count, K, inner, inner))
        for some in pieces(T, count * K * N):
            part = betas[some].swapaxes(1, 2)
            if inner <= SMALL:
                sums = (part @ self._products(some)[:, None]).swapaxes(1, 2)
                H[some] = np.take(sums, self.places, axis=-1).reshape(H[some].shape)
                added = sums[..., -inner:]
            else:
                keys = self.keys[some, None, None]
                H[some] = transposed(keys * betas[some, ..., None]) @ keys
                added = (part @ self.heights[some, None]).swapaxes(1, 2)
            _diagonal(H[some])[:] += added + lost[some]
        return H

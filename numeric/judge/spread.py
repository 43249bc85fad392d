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

from .carried import OUTWARD, U64, Carried, on_pairs

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
    tall = 1 + c.plain_gram.sum(axis=2).max(axis=1, initial=0)
    begun = betas.sum(axis=3)
    heights = (betas.reshape(T, L * K, N) @ c.plain_keys**2).reshape(T, L, K, inner)
    own_off = off * heights + (c.lost[:, None, None] * (1 + begun))[..., None]
    moments = _Moments(c.keys, betas)

    P, R = np.zeros((T, K, rows, rows)), np.zeros((T, K, rows, outer))
    A = np.zeros((T, K, outer)) if c.mix is None else np.zeros((T, K, outer, outer))
    sides, V = np.zeros((T, K, outer)), np.zeros((T, L, outer))
    block = max(TOGETHER // (T * rows * rows), 1)
    for layer in range(L):
        if layer % block == 0:
            some = range(layer, min(layer + block, L))
            own = moments.of(some)
            G_all = maps.gains[[c.stored(i) for i in some]] if len(maps.exact) > 1 else maps.gains
            N_all = (G_all.reshape(-1, p) @ c.gram).reshape(T, len(G_all), rows, rows)
            if c.mix is None:
                N_all[:, :, range(rows), range(rows)] += 1
        if layer:
            at = layer % block if len(G_all) > 1 else 0
            G, grown = G_all[at], N_all[:, at, None]
            plain = np.abs(G)
            deep = np.sqrt(P.diagonal(axis1=2, axis2=3)) * OUTWARD
            wide = np.sqrt(sides) * OUTWARD
            most = np.maximum(deep.max(axis=(1, 2)), wide.max(axis=(1, 2)))
            lost = c.lost * (1 + most * most) * ((1 + plain.sum()) * tall) ** 2
            met = deep @ plain
            PG = (P.reshape(-1, rows) @ G).reshape(R.shape)
            if c.mix is None:
                A += ((2 * R + PG) * G).sum(axis=2)
                moved = P + (PG.reshape(T, -1, p) @ c.gram).reshape(P.shape)
                R = R + PG
            else:
                mix, most_mixed = c.mix[:, c.stored(layer)], c.most[:, c.stored(layer), None]
                grown = grown + on_pairs(mix, inner)[:, None]
                on_sides = on_pairs(mix, p)[:, None]
                R = R @ on_sides
                side = (R + PG / 2).mT @ G
                A = on_sides.mT @ A @ on_sides + side + side.mT
                A = (A + A.mT) / 2
                moved, R = P @ grown, R + PG
                deep = (most_mixed @ deep.reshape(T, K, K, inner)).reshape(T, K, rows)
                wide = (most_mixed @ wide.reshape(T, K, K, p)).reshape(T, K, outer)
                lost = lost * (1 + most_mixed.sum(axis=(1, 2, 3))) ** 2
            moved = grown.mT @ np.concatenate([moved, R], axis=3)
            P, R = moved[..., :rows], moved[..., rows:]
            P = (P + P.mT) / 2
            deep = deep + (met.reshape(T, K * K, p) @ c.plain_gram).reshape(T, K, rows)
            wide = wide + met
            P[:, :, range(rows), range(rows)] += off * deep**2 + lost[:, None, None]
            more = off * wide**2 + lost[:, None, None]
            if c.mix is None:
                A += more
                sides = A
            else:
                A[:, :, range(outer), range(outer)] += more
                sides = A.diagonal(axis1=2, axis2=3)
            V[:, layer] = (np.sqrt(begun[:, :layer].sum(axis=1))[..., None] * np.sqrt(sides)).sum(axis=1)
        for k in range(K):
            at_k = slice(k * inner, (k + 1) * inner)
            P[:, k, at_k, at_k] += own[:, layer % block, k]
            P[:, k, range(at_k.start, at_k.stop), range(at_k.start, at_k.stop)] += own_off[:, layer, k]
    return V * OUTWARD


class _Moments:
    """H_j of some layers at once: (T, layers, K, inner, inner)."""

    def __init__(self, keys: np.ndarray, betas: np.ndarray):
        self.keys, self.betas = keys, betas
        inner = keys.shape[2]
        self.pairs: np.ndarray | None = None
        if inner <= SMALL:
            self.above = np.triu_indices(inner)
            self.pairs = keys[:, :, self.above[0]] * keys[:, :, self.above[1]]

    def of(self, layers: range) -> np.ndarray:
        betas = self.betas[:, layers.start : layers.stop]
        T, count, K, N = betas.shape
        inner = self.keys.shape[2]
        if self.pairs is None:
            keys = self.keys[:, None, None]
            return np.asarray((keys * betas[..., None]).mT @ keys)
        H = np.zeros((T, count, K, inner, inner))
        H[..., self.above[0], self.above[1]] = (betas.reshape(T, -1, N) @ self.pairs).reshape(T, count, K, -1)
        H[..., self.above[1], self.above[0]] = H[..., self.above[0], self.above[1]]
        return H

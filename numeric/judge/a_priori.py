"""How far L layers in floats may be from the exact iterates, before they are run: a bound for every conforming run.

Feature rows never change, so layers are affine in the accumulator rows Y and errors travel linearly.  An error delta
(K, N) made by layer j has become, at state l,
    delta + Gamma(delta) W_j X,   Gamma(delta) = delta M X^T for each mask,   W_j = 0 at state j + 1,
    W_j <- W_j Lambda_l + G_l,    Lambda_l = 1 + S G_l,    S = X M X^T,    G_l = the layer's heads / n:
the exact pull-back of the error through the later layers, with matrices of p rows instead of N.  Where heads over a
constant row add K_l Y besides (`tokenwise.py`), delta itself is carried by A_j, A_j = 1 at state j + 1:
    A_j delta + Gamma(delta) W_j X,   A_j <- (1 + K_l) A_j,
    W_j <- W_j (1 + K_l + S G_l) + A_j G_l,
where 1 + K_l and A_j act on the rows s of the pairs (s, r) that W_j's columns and G_l's lines are.  Every layer's own
error is at most beta_j (`bounds.py`), whatever the order of summation, so that at state l
    |error| <= E_l = sum_j |A_j| beta_j + V_j |X|,   V_j[s] = sum_t beta_j[t] |(M X^T W_j)[t, s]|
                                                    <= sqrt(sum_t beta_j[t]) sqrt((W_j^T H_j W_j)[s, s]),
H_j = (M X^T)^T diag(beta_j) (M X^T) (Cauchy and Schwarz), and beta_j itself is taken at |y_j| + E_j, which bounds every
run's rows.  Rocq: `float_error` for beta_j, `attention_error` and `attention_entry_bound` for the sum, over a constant
row `affine_error` and `affine_entry_bound`.
Where several masks together have as many keys as there are tokens, as when each layer has a mask of its own,
M X^T W_j itself is carried, a line for each token: the above with W_j for it, 1 for M X^T, X for S and (M X^T) G_l, of
the layer's own masks, for G_l.  V_j is then summed as it stands.

Everything is computed in float64 and rounded outwards.  Running error bounds would grow manyfold a layer where the true
powers shrink; what rounding does to W is instead pulled through the true later layers as well:  W_j - computed W_j =
-(sum over layers i of R_ji Phi_i), with R_ji what layer i's step was off by, |R_ji| <= r, and Phi_i = A_i + S W_i its
own pull-back, so that with phi, g the largest row sums of |A_i + S computed W_i| and of |S|
    |W - computed W| <= l r phi / (1 - l r g) in row sums, for l r g < 1; otherwise the bound is infinite,
where phi may be a + g w, w the largest row sum of |computed W| and a that of A_i as it acts here, the largest column
sum of |A_i|.  In the same way A_j - computed A_j = -(sum over i of A_i R'_ji), so that with |R'_ji| <= r' and a' the
largest column sum of |computed A_i|
    |A - computed A| <= e = l r' a' / (1 - l r') in column sums, for l r' < 1,   and a <= a' + e.
Assumed: unit roundoff u of inputs and accumulators, no overflow (as for `bounds.py`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import torch

from ..device import Precision
from .bounds import LayerMaps, StepBound, float_keys, row_blocks
from .exact_floats import quotient
from .tokenwise import mixed

U64 = 2.0**-53
OUTWARD = 1 + 2.0**-30
"""Outweighs the roundings of sums of up to 2^20 non-negative float64 numbers."""


def outward(terms: int) -> float:
    """A factor that outweighs the roundings of a few nested sums of `terms` non-negative float64 numbers in all.

    >>> outward(2**20) == OUTWARD, outward(2**24) == 1 + 2.0**-26
    (True, True)
    """
    return 1 + max(terms, 2**20) * 2.0**-50


UNDERFLOW = 2.0**-900
"""Outweighs what sums of products of such numbers lose to underflow."""
LOST = 2.0**-960
"""Outweighs what underflow takes from one entry of a product of matrices, of numbers up to 1."""
CHUNK = 64
"""Prompts at a time: few enough for their matrices to stay in cache."""


class Propagation:
    """Errors of layers carried on to later states, for a few prompts at once.

    `add(beta)` gives the next layer's own error bound, `reached()` the bound E at the state then reached.
    X : (T, p, N); depth : L, the layers there will be
    `BY_TOKENS` : from so many masks on, lines for tokens are carried where they are no more than the keys
    Numbers may overflow, so call with NumPy's warnings off: E is then infinite or NaN.
    """

    BY_TOKENS = 2

    def __init__(self, maps: LayerMaps, X: np.ndarray, depth: int = 1):
        self.maps, self.X = maps, np.abs(X)
        T, p, N = X.shape
        K, masks = maps.accumulators, len(maps.masks)
        self.outward = outward(N * K * max(depth, 1))
        self.by_tokens = masks >= self.BY_TOKENS and masks * p >= N
        self.shape = (T, K, N if self.by_tokens else masks * p, K * p)
        mixing = max((len(heads) for heads in maps.tokenwise), default=0)
        self.count = (
            N + K * masks * p + mixing + 16
        ) * U64  # what a float64 matrix product here is off by, over its plain sum
        self.keys = float_keys(X, maps.mask_floats)
        plain = float_keys(self.X, [np.abs(M) for M in maps.mask_floats])
        self.tallest = plain.max(axis=2, initial=0)
        gram = X @ self.keys
        self.S = row_blocks(X if self.by_tokens else gram, K)
        self.lost = LOST * (1 + self.X.max(axis=(1, 2), initial=0)) * (1 + self.tallest.max(axis=1, initial=0)) ** 2
        plain_gram = self.X @ plain
        met = self.X if self.by_tokens else plain_gram
        self.g = met.sum(axis=2).max(axis=1, initial=0) * self.outward + self.lost
        self.plain_keys = plain
        self.total = np.zeros((T, K, N))
        _, _, inner, outer = self.shape
        self.W = np.zeros((T, 0, K * inner, outer))
        self.H = np.zeros((T, 0, K, inner, inner))
        self.sums = [np.zeros((T, 0, K)) for _ in range(3)]
        self.worst_step, self.tallest_W = np.zeros(T), np.zeros(T)
        self.A: np.ndarray | None = None
        self.betas = np.zeros((T, 0, K, N))
        self.rise, self.tallest_A, self.off_A = np.ones(T), np.ones(T), np.zeros(T)
        if maps.tokenwise:
            self.A = np.zeros((T, 0, K, K))
            self.mix = np.eye(K) + mixed(maps.tokenwise, "exact", gram, K, 1 / maps.n)
            most = mixed(maps.tokenwise, "absolute", plain_gram + self.lost[:, None, None], K, 1 / maps.n)
            self.rise += most.sum(axis=2).max(axis=(1, 2)) * self.outward
        self.layer = 0

    def reached(self) -> np.ndarray:
        """E at every entry of the state reached: (T, K, N), rounded up."""
        if not self.layer or not self.maps.masks:
            return self.total * self.outward
        total = self.total
        if self.A is not None:
            total = ((np.abs(self.A) + self._inexact_A()[:, None, None, None]) @ self.betas).sum(axis=1)
        T, K, inner, outer = self.shape
        if self.by_tokens:
            each = self.betas.reshape(T, 1, -1)
            V = (each @ np.abs(self.W.reshape(T, -1, outer)))[:, 0] + self.lost[:, None]
            V += (each.sum(axis=2) * (self._inexact() + self.lost)[:, None]) * self.outward
            return np.asarray((total + V.reshape(T, K, outer // K) @ self.X) * self.outward + UNDERFLOW)
        W = self.W.reshape(T, self.layer, K, inner, outer)
        columns = (self.tallest_W * inner)[:, None, None]  # at least every column sum of |W|
        square = np.maximum(np.einsum("tlkrs,tlkrs->tlks", self.H @ W, W), 0)
        plain, height, height_squared = (x[:, :, :, None] for x in self.sums)
        lost = self.lost[:, None, None, None] * (1 + plain)
        slack = height_squared * (4 * self.count * columns**2)[..., None] + lost * ((1 + columns) ** 2)[..., None]
        # A row sum of |W - computed W| bounds each of the `inner` entries of a column.
        inexact = inner * self._inexact()[:, None, None]
        off = (height + lost)[..., 0] * (inexact + self.count * columns)
        V = np.sqrt(plain * (square + slack)).sum(axis=(1, 2)) + off.sum(axis=(1, 2))[:, None]
        return np.asarray((total + V.reshape(T, K, outer // K) @ self.X) * self.outward + UNDERFLOW)

    def add(self, beta: np.ndarray) -> None:
        """Take the errors so far through the next layer, whose own error is at most beta : (T, K, N)."""
        maps, (T, K, inner, outer) = self.maps, self.shape
        self.total = self.total + beta
        if not maps.masks:
            return
        stored = 0 if len(maps.exact) == 1 else self.layer
        G, plain = self._weights(stored)
        A, inexact_A = self.A, self._inexact_A()
        W = np.zeros((T, self.layer + 1, K * inner, outer))
        if self.layer:
            # What the computed product, sum and matrices are off by, in row sums.
            step_plain, carried = self.rise + self.g * plain, self.tallest_A * plain
            off = (self.tallest_W * outer * step_plain + carried) * 4 * self.count + LOST * (1 + self.tallest_W)
            self.worst_step = np.maximum(self.worst_step, off + inexact_A * plain)
            grown = np.eye(outer) if A is None else _on_pairs(self.mix[:, stored], outer // K)
            rows = self.W.reshape(T, -1, outer) @ (grown + self.S @ G)
            own = G if G.ndim == 2 else G[:, None]
            if A is not None:
                own = A.mT @ own.reshape(*own.shape[:-2], K, inner * outer)
                own = own.reshape(T, self.layer, K * inner, outer)
            np.add(rows.reshape(T, self.layer, K * inner, outer), own, out=W[:, :-1])
            self.tallest_W = np.maximum(self.tallest_W, np.abs(W).max(axis=(1, 2, 3)))
        self.W = W
        if A is not None:
            # The product of matrices (K, K), and what the mixing itself is off by.
            off = self.tallest_A * self.rise * 4 * self.count + self.lost * (1 + self.tallest_A)
            self.off_A = np.maximum(self.off_A, off)
            fresh = np.broadcast_to(np.eye(K), (T, 1, K, K))
            self.A = np.concatenate([self.mix[:, stored, None] @ A, fresh], axis=1)
            self.tallest_A = np.maximum(self.tallest_A, np.abs(self.A).sum(axis=2).max(axis=(1, 2)) * self.outward)
        if A is not None or self.by_tokens:
            self.betas = np.concatenate([self.betas, beta[:, None]], axis=1)
        if self.by_tokens:
            self.layer += 1
            return
        H = np.stack([(self.keys * beta[:, k, :, None]).transpose(0, 2, 1) @ self.keys for k in range(K)], axis=1)
        self.H = np.concatenate([self.H, H[:, None]], axis=1)
        heights = (beta, beta * self.tallest[:, None], beta * self.tallest[:, None] ** 2)
        self.sums = [
            np.concatenate([s, x.sum(axis=2)[:, None]], axis=1) for s, x in zip(self.sums, heights, strict=True)
        ]
        self.layer += 1

    def _weights(self, stored: int) -> tuple[np.ndarray, np.ndarray | float]:
        """G of a stored layer, and at least its largest plain row sum: (K inner, K p), or by tokens (T, K N, K p)."""
        maps, (T, K, inner, outer) = self.maps, self.shape
        whole, den = maps.exact[stored]
        if not self.by_tokens:
            G = np.array([quotient(v, den * maps.n) for v in whole]).reshape(K * inner, outer)
            return G, np.abs(G).sum(axis=1).max()
        each = np.array(whole, dtype=object).reshape(K, -1, outer)  # (row read, keys, pairs)
        used = np.flatnonzero((each != 0).any(axis=(0, 2)))
        held = np.array([quotient(v, den * maps.n) for v in each[:, used].reshape(-1)]).reshape(K, len(used), outer)
        G = self.keys[:, None, :, used] @ held
        plain = (self.plain_keys[:, None, :, used] @ np.abs(held)).sum(axis=3).max(axis=(1, 2), initial=0)
        return G.reshape(T, K * inner, outer), plain * self.outward + self.lost * (1 + np.abs(held).sum())

    def _inexact(self) -> np.ndarray:
        """The bound on row sums of |W - computed W|: (T,)."""
        phi = self.tallest_A + self._inexact_A() + self.g * self.tallest_W * self.shape[3]
        step = self.layer * self.worst_step
        with np.errstate(divide="ignore", invalid="ignore"):
            within = step * phi / (1 - step * self.g) * self.outward
            return np.asarray(np.where(step * self.g < 0.5, within, np.where(step == 0, 0.0, np.inf)))

    def _inexact_A(self) -> np.ndarray:
        """The bound on column sums of |A - computed A|: (T,)."""
        step = self.layer * self.off_A
        with np.errstate(divide="ignore", invalid="ignore"):
            within = step * self.tallest_A / (1 - step) * self.outward
            return np.asarray(np.where(step < 0.5, within, np.where(step == 0, 0.0, np.inf)))


def _on_pairs(A: np.ndarray, width: int) -> np.ndarray:
    """A (..., K, K), which acts from the left on rows s, as a matrix that acts from the right on pairs (s, r).

    The result is (..., K width, K width), width being how many r there are.
    """
    K = A.shape[-1]
    return np.asarray(np.einsum("...sk,rq->...krsq", A, np.eye(width)).reshape(*A.shape[:-2], K * width, K * width))


def a_priori(
    maps: LayerMaps, X: np.ndarray, known: np.ndarray, target: Precision, own: np.ndarray | None = None
) -> np.ndarray:
    """The bound E on |any conforming run - exact run| at every entry: (T, L+1, K, N), infinite where there is none.

    X     : (T, p, N) feature rows, floats
    known : (T, L+1, K, N), at least the absolute accumulator rows of the exact run from the same floats
    own   : (T, L, K, N); when `known` are rows of a run whose layers are off by at most this much each, the sum of
            both runs' bounds is what is returned
    """
    result = np.zeros(known.shape)

    def part(first: int) -> None:
        which = slice(first, first + CHUNK)
        result[which] = few_prompts(maps, X[which], known[which], target, None if own is None else own[which])

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(part, range(0, len(known), CHUNK)))
    return result


def few_prompts(
    maps: LayerMaps, X: np.ndarray, known: np.ndarray, target: Precision, own: np.ndarray | None = None
) -> np.ndarray:
    """What `a_priori` returns, of prompts whose matrices fit the cache: `CHUNK` of them or so."""
    states, quick, result = known.shape[1], target.underflow < Fraction(1, 2**100), np.zeros(known.shape)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        carried, bound = Propagation(maps, X, states - 1), StepBound(maps, X, target)
        for layer in range(states):
            E = carried.reached()
            result[:, layer] = np.where(np.isnan(E), np.inf, E)
            if layer + 1 < states:
                beta = bound.at((np.abs(known[:, layer]) + E)[:, None], layer, quick)[:, 0]
                carried.add(beta if own is None else beta + own[:, layer])
    return result

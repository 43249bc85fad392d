"""How far one layer in floats may be from the exact layer on the same state: a bound that no correct run exceeds.

A layer adds to entry (a, t) of the accumulator rows Y the sum of elementary products, over heads h and indices,
    1/n * W[a,b] * P[b,c] * Y[c,i] * M[i,j] * X[r,j] * E[r,s] * X[s,t],
or, of heads with feature rows as values and keys (over a constant row; `tokenwise.py`),
    1/n * W[a,b] * P[b,c] * X[c,i] * M[i,j] * X[r,j] * E[r,s] * Y[s,t]:
eight factors and five contractions in either.
Whatever the order, association and summation tree, and with or without fused multiply-adds, every elementary product
meets at most k roundings, where k counts
    7                               multiplications between its eight factors,
    5                               roundings of the factors W, P, M, E and 1/n when they were lowered,
    length - 1                      additions for each contraction, structurally non-zero terms only (a product with
                                    zero is exact, and so is adding it): over b; over c; over i and j, whichever of
                                    the two comes first; over r; over s,
    (heads - 1) * longest           additions over heads, also where heads are stacked into one contraction of rows,
    1                               the addition to Y.
If the accumulator of a product is wider than the format, the one rounding at its end is covered by the same count.
An operation returns (a op b)(1 + delta) + epsilon, |delta| <= u, |epsilon| <= eta, and a factor read from memory may
lose eta where subnormals are flushed.  By induction over operations (for a product the counts of both operands add
up; for a sum the larger one counts), with F = k + 9,
    |computed - exact| <= ((1+u)^k - 1) S + (1+u)^k ((1+eta)^F - 1) T,
    S = |Y| + (1/n) sum_h |W||P||Y||M||X|^T|E||X| + (1/n) sum_t |W||P||X||M||X|^T|E||Y|   over heads of either kind,
    T = S with every structurally non-zero factor f as max(1, |f|).
Assumed: unit roundoff u of inputs and accumulators, no overflow.

S and T are sums of non-negative terms in float64: a path through them has at most k + 9 roundings, so they are off
by a factor of at least (1 - 2^-53)^(k+9+w), where w more additions are met because c, r and the heads are contracted
at once, in a sum of w terms; multiplying by 1 + (k + 16 + w) 2^-52 more than makes up for it.  What they
lose to underflow is below F * 2^-1022 * T, which is why 4 F eta T stands below where ((1+eta)^F - 1) T <= 2 F eta T
would do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import lcm
from typing import Any

import numpy as np

from ...symbolic.attention import RowHead, TokenwiseHead
from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError
from ..device import Precision
from .exact_floats import floats, quotient, up
from .factored import Factored
from .tokenwise import Mixing, mixed


@dataclass(frozen=True, eq=False)
class LayerMaps:
    """The stored layers of a construction as maps on accumulator rows, with `masks` distinct masks.

    A layer takes Gamma[(k, mask, r)] = (Y M X^T)[k, r] to G[(k, s)], and adds (1/n) G X to Y.
    masks       integer matrices (N, N) over the common denominator `mask_den`; `mask_floats` the same, rounded
    exact       per stored layer: integers (K * masks * p, K * p), and their denominator
    absolute    (layers, K * masks * p, K * p) float64: sums over heads of |W||P| and |E|
    structural  the same with max(1, |f|) for each non-zero factor f
    roundings   k of the module's docstring, the largest over layers
    tokenwise   per stored layer: the heads with feature rows as values and keys, which add K Y; () where none has any
    used        per stored layer: the masks that it reads by
    mixes       per stored layer: integers that take entries of X M X^T to K : (K, K), and their denominator
    mixes_at    those entries, as places in (p, masks, p)
    """

    features: int
    accumulators: int
    n: int
    masks: tuple[Any, ...]
    mask_den: int
    mask_floats: tuple[np.ndarray, ...]
    exact: tuple[tuple[list[int], int], ...]
    absolute: np.ndarray
    structural: np.ndarray
    roundings: int
    tokenwise: tuple[tuple[Mixing, ...], ...] = ()
    used: tuple[tuple[int, ...], ...] = ()
    mixes: tuple[tuple[list[int], int], ...] = ()
    mixes_at: tuple[int, ...] = ()

    @cached_property
    def gains(self) -> np.ndarray:
        """`exact` over n, each entry correctly rounded: (layers, K * masks * p, K * p)."""
        each = [[quotient(v, den * self.n) if v else 0.0 for v in whole] for whole, den in self.exact]
        return np.array(each).reshape(self.absolute.shape)

    def mask_row(self, mask: int, token: int) -> list[int]:
        """A mask's row of integers over `mask_den`."""
        M = self.masks[mask]
        return [int(M[token, j]) for j in range(M.ncols())]


def _at_least_one(values: np.ndarray) -> np.ndarray:
    return np.where(values != 0, np.maximum(np.abs(values), 1.0), 0.0)


def _longest(used: np.ndarray) -> int:
    """The most non-zero entries in a row, at least 1."""
    return max(int(used.sum(axis=-1).max(initial=0)), 1)


def layer_maps(construction: Construction) -> LayerMaps:
    """The maps of a construction's layers; `ArgumentError` when a head writes or mixes feature rows."""
    split = construction.row_heads()
    if split is None:
        raise ArgumentError(
            f"the construction {construction.algorithm} has a head that writes feature rows, or is quadratic in the "
            "accumulator rows: the one-step bound is for heads with W P = diag(0, U) and Q = diag(E, 0), or with "
            "W P = [[0, 0], [U, 0]] and Q = [[0, E], [0, 0]]"
        )
    p, K, N = construction.layout.p, construction.layout.m - construction.layout.p, construction.layout.n + 1
    masks = list({id(h.M): h.M for heads in split for h in heads}.values())
    number = {id(M): i for i, M in enumerate(masks)}
    mask_den = lcm(*(int(M.den) for M in masks)) if masks else 1
    mask_floats = [floats(M) for M in masks]
    joined = [_mask_additions(M != 0) for M in mask_floats]
    size = K * len(masks) * p
    seen: dict[int, np.ndarray] = {}
    exact, absolute, structural, tokenwise, roundings = [], [], [], [], 1
    for stored, heads in zip(construction.layers, split, strict=True):
        den = lcm(*(int(h.U.den * h.E.den) for h in heads if not isinstance(h, TokenwiseHead)))
        whole = np.zeros((K, len(masks), p, K, p), dtype=object)
        plain, ones = np.zeros(whole.shape), np.zeros(whole.shape)
        most, widest, mixing = 0, 1, []
        for dense, h in zip(stored, heads, strict=True):
            which = number[id(h.M)]
            W = seen.setdefault(id(dense.W), np.abs(floats(dense.W)))
            P, Q = np.abs(floats(dense.P)), np.abs(floats(dense.Q))[:p]
            if isinstance(h, TokenwiseHead):
                Q = Q[:, p:]
                both = [((f(W) @ f(P))[p:, :p], f(Q)) for f in (np.abs, _at_least_one)]
                mixing.append(Mixing(which, (floats(h.U), floats(h.E)), *both))
            else:
                Q = Q[:, :p]
                E = np.array([int(x) for x in h.E.num.entries()], dtype=object).reshape(p, p)
                factor = den // int(h.U.den * h.E.den)
                for written in range(K):
                    for read in range(K):
                        if u := int(h.U.num[written, read]):
                            whole[read, which, :, written, :] += E * (u * factor)
                for target, f in ((plain, np.abs), (ones, _at_least_one)):
                    U = (f(W) @ f(P))[p:, p:]
                    target[:, which] += U.T[:, None, :, None] * f(Q)[None, :, None, :]
            rows = P.any(axis=1)
            lengths = (
                _longest((W != 0) & rows),
                max(_longest(P != 0), _longest((W @ P) != 0)),
                max(int(Q.any(axis=1).sum()), 1),
                max(int(Q.any(axis=0).sum()), 1),
            )
            most = max(most, sum(lengths) - 4 + joined[which])
            widest = max(widest, *lengths)
        exact.append(([int(x) for x in whole.reshape(-1)], den))
        absolute.append(plain.reshape(size, K * p))
        structural.append(ones.reshape(size, K * p))
        tokenwise.append(tuple(mixing))
        roundings = max(roundings, 7 + 5 + most + max(len(heads) - 1, 0) * widest + 1)
    return LayerMaps(
        p, K, N - 1, tuple(M.num * (mask_den // int(M.den)) for M in masks), mask_den, tuple(mask_floats),
        tuple(exact), np.stack(absolute), np.stack(structural), roundings,
        tuple(tokenwise) if any(tokenwise) else (),
        tuple(tuple(sorted({number[id(h.M)] for h in heads})) for heads in split),
        *_mixes(split, number, p, K),
    )  # fmt: skip


def _mixes(
    split: Sequence[Sequence[RowHead]], number: Mapping[int, int], p: int, K: int
) -> tuple[tuple[tuple[list[int], int], ...], tuple[int, ...]]:
    """`mixes` and `mixes_at` of the layers: the sum over heads of U[a, r] E[s, c] at (r, mask, s) and (a, c)."""
    layers = []
    for heads in split:
        mixing = [h for h in heads if isinstance(h, TokenwiseHead)]
        den, entries = lcm(*(int(h.U.den * h.E.den) for h in mixing)), dict[int, list[int]]()
        for h in mixing:
            factor, U, E = den // int(h.U.den * h.E.den), h.U.num.tolist(), h.E.num.tolist()
            for r in range(p):
                left = [int(U[a][r]) * factor for a in range(K)]
                for s in range(p) if any(left) else ():
                    at = entries.setdefault((r * len(number) + number[id(h.M)]) * p + s, [0] * (K * K))
                    for a, c in np.ndindex(K, K):
                        at[a * K + c] += left[a] * int(E[s][c])
        layers.append((den, {place: values for place, values in entries.items() if any(values)}))
    places = tuple(sorted({place for _, entries in layers for place in entries}))
    if not places:
        return (), ()
    zero = [0] * (K * K)
    return tuple(([x for i in places for x in entries.get(i, zero)], den) for den, entries in layers), places


def _mask_additions(used: np.ndarray) -> int:
    """The additions that both contractions with a mask cost, in the worse of the two orders."""
    columns_first = _longest(used) + max(int(used.any(axis=1).sum()), 1)
    rows_first = _longest(used.T) + max(int(used.any(axis=0).sum()), 1)
    return max(columns_first, rows_first) - 2


@lru_cache
def growth(k: int, target: Precision) -> float:
    """(1+u)^k - 1 for the format's u, rounded up.

    >>> from ..device import PRECISIONS
    >>> import torch
    >>> growth(1, PRECISIONS[torch.bfloat16]) - 2**-8 < 2**-100
    True
    """
    one = target.unit_roundoff.denominator
    excess = Fraction((one + 1) ** k - one**k, one**k)
    return up(excess)


def float_keys(X: np.ndarray, masks: Sequence[np.ndarray]) -> np.ndarray:
    """M X^T for every mask, side by side: (T, N, masks * p) from X : (T, p, N)."""
    turned = X.transpose(0, 2, 1)
    parts = [M.diagonal()[:, None] * turned if _is_diagonal(M) else M @ turned for M in masks]
    return np.concatenate(parts, axis=2) if parts else np.zeros((len(X), X.shape[2], 0))


def _is_diagonal(M: np.ndarray) -> bool:
    return bool(np.count_nonzero(M) == np.count_nonzero(M.diagonal()))


def row_blocks(gram: np.ndarray, K: int) -> np.ndarray:
    """diag(S, ..., S), one block for each of K accumulator rows: (T, K p, K masks p) from S : (T, p, masks p)."""
    T, p, width = gram.shape
    return np.asarray(np.einsum("jk,tra->tjrka", np.eye(K), gram).reshape(T, K * p, K * width))


class StepBound:
    """The bound on one layer's error, with what only the prompts decide computed once.

    X : (T, p, N) feature rows of T prompts
    """

    def __init__(self, maps: LayerMaps, X: np.ndarray, target: Precision):
        self.maps, self.factor = maps, growth(maps.roundings, target)
        self.loss = 4 * (maps.roundings + 9) * float(target.underflow) * (1 + self.factor)
        self.X, self.X_ones = np.abs(X), np.maximum(np.abs(X), 1)
        with np.errstate(over="ignore", under="ignore"):
            self.keys = float_keys(self.X, [np.abs(M) for M in maps.mask_floats])
            self.keys_ones = float_keys(self.X_ones, [_at_least_one(M) for M in maps.mask_floats])
            self.mix = self._mix("absolute", self.X, self.keys)
            self.mix_ones = self._mix("structural", self.X_ones, self.keys_ones)

    def __getitem__(self, some: slice) -> StepBound:
        """The bound on some of the prompts."""
        result = copy(self)
        for name in ("X", "X_ones", "keys", "keys_ones", "mix", "mix_ones", "_T_of_ones", "_S_of_ones"):
            value = getattr(self, name)
            result.__dict__[name] = None if value is None else value[some]
        return result

    def _mix(self, kind: str, X: np.ndarray, keys: np.ndarray) -> np.ndarray | None:
        """n times what the heads of tokenwise.py add to each row of each, (T, stored layers, K, K); None: no heads."""
        maps = self.maps
        return mixed(maps.tokenwise, kind, X @ keys, maps.accumulators, 1.0) if maps.tokenwise else None

    def at(
        self,
        Y: np.ndarray,
        first: int = 0,
        quick: bool = False,
        more: np.ndarray | None = None,
        besides: Factored | None = None,
        up: float = 1.0,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """The bound at every entry, (T, L, K, N), rounded up.

        Y       : (T, L, K, N), at least the absolute accumulator rows that come into layers `first`, `first` + 1, ...
        quick   : bound T for all entries of a layer at once: enough where underflow is far below everything else
        more    : (T, L), what rows may be larger than Y by
        besides : what is added to the bound, rounded up far enough to lose a few roundings
        up      : what all but `besides` is multiplied by
        """
        out = np.empty(Y.shape) if out is None else out
        if not self.maps.masks:
            out[:] = 0
            if besides is not None:
                out += (besides.left[:, None] @ besides.right).swapaxes(1, 2)
            return out
        stored, width = self.maps.absolute.shape[:2]
        layers = slice(None) if stored == 1 else slice(first, first + Y.shape[1])
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            mix, mix_ones = (None if m is None else m[:, layers] for m in (self.mix, self.mix_ones))
            terms = width + self.maps.features + 2 + (0 if besides is None else besides.left.shape[2])
            outward = 1 + (self.maps.roundings + 24 + terms) * 2.0**-52
            outward *= up
            if more is not None and not quick:
                Y, more = Y + more[:, :, None, None], None
            scale, G = self.factor * outward, self._met(Y, self.keys, self.maps.absolute[layers])
            lefts, rights = [G * (scale / self.maps.n)], [self._to_rows(self.X)]
            if quick:
                # The largest of a layer would take several times as long, and T is far below everything else.
                size = Y.sum(axis=(2, 3))
                if not np.isfinite(size).all():
                    size = Y.max(axis=(2, 3))
                size = size + (0 if more is None else more)
                lefts.append(self._to_layers(np.maximum(size, 1) * (self.loss * outward)))
                rights.append(self._T_of_ones)
            if more is not None:
                lefts.append(self._to_layers(more * scale))
                rights.append(self._S_of_ones)
            if besides is not None:
                lefts.append(np.broadcast_to(besides.left[:, None], (len(Y), Y.shape[2], *besides.left.shape[1:])))
                rights.append(besides.right)
            np.matmul(np.concatenate(lefts, axis=3), np.concatenate(rights, axis=2), out=out.swapaxes(1, 2))
            out += Y * scale
            if mix is not None:
                out += (mix @ Y) * (scale / self.maps.n)
            if not quick:
                each = self.maps.structural[layers]
                out += self._T(np.maximum(Y, 1), each, mix_ones) * (self.loss * outward)
            return out

    def _to_layers(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers (T, L) as a factor of one column for each row, (T, K, L, 1)."""
        T, L = numbers.shape
        return np.broadcast_to(numbers[:, None, :, None], (T, self.maps.accumulators, L, 1))

    def _to_rows(self, X: np.ndarray) -> np.ndarray:
        """(T, p, N) for each accumulator row, (T, K, p, N)."""
        return np.broadcast_to(X[:, None], (len(X), self.maps.accumulators, *X.shape[1:]))

    @cached_property
    def _T_of_ones(self) -> np.ndarray:
        """At least T of every layer for accumulator rows of ones, (T, K, 1, N): T is homogeneous in them."""
        ones = np.ones((len(self.X), 1, self.maps.accumulators, self.X.shape[2]))
        most = self.maps.structural.max(axis=0, keepdims=True)
        mix = None if self.mix_ones is None else self.mix_ones.max(axis=1, keepdims=True)
        return self._T(ones, most, mix).swapaxes(1, 2)

    @cached_property
    def _S_of_ones(self) -> np.ndarray:
        """At least S of every layer for accumulator rows of ones, (T, K, 1, N), as `_T_of_ones`."""
        ones = np.ones((len(self.X), 1, self.maps.accumulators, self.X.shape[2]))
        S = self._met(ones, self.keys, self.maps.absolute.max(axis=0, keepdims=True)) @ self.X[:, None] / self.maps.n
        if self.mix is not None:
            S += (self.mix.max(axis=1, keepdims=True) @ ones).swapaxes(1, 2) / self.maps.n
        return np.asarray(S + 1)

    def _T(self, Y: np.ndarray, weights: np.ndarray, mix: np.ndarray | None) -> np.ndarray:
        T: np.ndarray = (self._met(Y, self.keys_ones, weights) @ self.X_ones[:, None]).swapaxes(1, 2)
        if mix is not None:
            T += mix @ Y
        T += Y
        return T

    def _met(self, Y: np.ndarray, keys: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """What X is to be multiplied by, but for 1/n: (T, K, L, p)."""
        T, L, K, _ = Y.shape
        gamma = np.matmul(Y.swapaxes(1, 2), keys[:, None]).swapaxes(1, 2).reshape(T, L, -1)
        if len(weights) == 1:
            G = (gamma.reshape(T * L, -1) @ weights[0]).reshape(T, L, K, -1)
        else:
            G = (gamma.swapaxes(0, 1) @ weights).swapaxes(0, 1).reshape(T, L, K, -1)
        return np.ascontiguousarray(G.swapaxes(1, 2))


def one_step(maps: LayerMaps, X: np.ndarray, Y: np.ndarray, target: Precision) -> np.ndarray:
    """The bound on one layer's error at every entry: (T, L, K, N), rounded up.

    X : (T, p, N) feature rows of T prompts, Y : (T, L, K, N) the accumulator rows that come into each layer.
    """
    return StepBound(maps, X, target).at(np.abs(Y))


def as_wide(bound: np.ndarray, sizes: np.ndarray, zero: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Whether a bound is as large as what it is about, which makes it vacuous: (T, L+1) booleans.

    bound : (T, L+1, K, N); sizes, zero : (T, L+1), the largest number of a state's rows and whether all are zero
    Rows that have been zero since the prompt leave nothing but underflow in their bound.  It is held against the
    features X : (T, p, N), or against 1, as in T of the module's docstring, where these are zero too.
    """
    features = np.abs(X).max(axis=(1, 2))
    features = np.where(features > 0, features, 1.0)
    since_prompt = np.logical_and.accumulate(zero, axis=1)
    return np.asarray(~(bound.max(axis=(2, 3)) < np.where(since_prompt, features[:, None], sizes)))


WIDE = 2.0**-4
"""A bound of this share of sum |x|, or more, is called vacuous: one algorithm's layer may lie within another's."""


def formula(maps: LayerMaps, target: Precision) -> str:
    """The bound in words, with its numbers."""
    power = target.unit_roundoff.denominator.bit_length() - 1
    return f"((1+u)^k - 1) S + underflow, u = 2^-{power}, k = {maps.roundings}"

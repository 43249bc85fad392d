"""One batched float run as exact data: its one-step errors and its distance from the exact run.

Rationals that are no binary fractions are cut off far below the format, with the cut carried as `slack`.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
from flint import fmpz, fmpz_mat

from ...symbolic.arithmetics.rational import Rational, RationalMatrix
from ...symbolic.attention import accumulate, masked_keys
from ...symbolic.construction import Construction
from .bounds import LayerMaps, float_keys, row_blocks
from .digits import Digits, digit_width, power
from .exact_floats import dyadic_matrix, integers, quotient

# Digits kept of a number that is cut off: 7 of 20 bits or more are over twice the widest format.
KEPT = 7
UP = 1 + 2.0**-40  # outweighs the roundings of a few dozen float64 operations on non-negative numbers


class ExactRun:
    """One batched run as exact data.  X : (T, p, N) and Y : (T, L+1, K, N), float64 copies of the module's numbers."""

    def __init__(self, maps: LayerMaps, construction: Construction, states: np.ndarray):
        self.maps, self.construction = maps, construction
        self.X = np.ascontiguousarray(states[0, :, : maps.features])
        self.Y = np.ascontiguousarray(states[:, :, maps.features :].transpose(1, 0, 2, 3))
        self.T, self.L, self.K, self.N = self.Y.shape[0], self.Y.shape[1] - 1, *self.Y.shape[2:]
        self.width = digit_width(max(self.N, *maps.absolute.shape))
        self.x, self.y = Digits.of_floats(self.X, self.width), Digits.of_floats(self.Y, self.width)
        self._keys()

    def stored(self, layer: int) -> int:
        """The index of the stored weights that layer number `layer`, from 0, uses."""
        return 0 if self.construction.looped else layer

    def _keys(self) -> None:
        """M X^T for every mask: exact integers `keys[t]` : (N, masks * p) times 2^exponent / mask_den."""
        p, T, N = self.maps.features, self.T, self.N
        self.x_integers, self.exponent = integers(self.X)
        everyone = fmpz_mat(N, T * p, self.x_integers.transpose(2, 0, 1).reshape(-1).tolist())
        # (N, T, masks, p)
        products = [np.array([int(v) for v in (M * everyone).entries()], dtype=object) for M in self.maps.masks]
        parts = [v.reshape(N, T, p) for v in products]
        self.keys = np.stack(parts, axis=2) if parts else np.zeros((N, T, 0, p), dtype=object)

    def _cut(self, values: np.ndarray, exponent: int, den: int) -> tuple[Digits, float]:
        """values * 2^exponent / den as digits, and a bound on what was cut off each entry (0 where none was)."""
        if den & (den - 1) == 0:
            exponent -= den.bit_length() - 1
            return Digits.of_integers(values.reshape(-1).tolist(), values.shape, exponent, self.width), 0.0
        guard = den.bit_length() + KEPT * self.width
        cut = [(v << guard) // den for v in values.reshape(-1).tolist()]
        low = exponent - guard
        return Digits.of_integers(cut, values.shape, low, self.width), power(low)

    def residuals(self) -> tuple[np.ndarray, np.ndarray]:
        """The one-step error at every entry, and its slack: (T, L, K, N) float64 each.

        The first is off by a relative 2^-50 and by the slack; the slack is rounded up.
        """
        T, L, K, N, p, n = self.T, self.L, self.K, self.N, self.maps.features, self.maps.n
        change = self.y[:, 1:].minus(self.y[:, :-1], 1)
        slack = np.zeros((T, L, 1, N))
        if not self.maps.masks:
            return change.floats(), slack + np.zeros((T, L, K, N))
        keys, keys_cut = self._cut(self.keys.transpose(1, 0, 2, 3).reshape(T, N, -1), self.exponent, self.maps.mask_den)
        weights, weights_cut = self._weights()
        gamma = self.y[:, :-1].reshape(T, L * K, N) @ keys
        by_layer = gamma.reshape(T, L, -1).map(lambda g: g.transpose(1, 0, 2))
        G, G_cut = (by_layer @ weights).leading(KEPT)
        G = G.map(lambda g: g.transpose(1, 0, 2)).reshape(T, L * K, p)
        added = (G @ self.x).reshape(T, L, K, N)
        wanted = Digits(change.digits * n, change.low, change.width).minus(added)
        # What was cut: |Y| * keys_cut * |weights| + |gamma| * weights_cut + G_cut, each times the column of |X|.
        if keys_cut or weights_cut or G_cut:
            y = np.abs(self.Y[:, :-1]).sum(axis=(2, 3))
            size = gamma.digits.shape[-1] * K
            g = np.abs(gamma.reshape(T, L, size).floats()).sum(axis=2)
            B = self.maps.absolute.reshape(len(self.maps.exact), -1, K, p).sum(axis=1).max(axis=2)
            # A row that no head writes has nothing cut.
            written = (B > 0) * (g * weights_cut + G_cut)[:, :, None]
            each = ((y * keys_cut)[:, :, None] * (B + (B > 0) * weights_cut * size) + written) * UP
            slack = each[..., None] * np.abs(self.X).sum(axis=1)[:, None, None, :] * (UP / n)
        return wanted.floats() / n, np.broadcast_to(slack, (T, L, K, N))

    def _weights(self) -> tuple[Digits, float]:
        """The layers' maps as digits, (stored layers, K * masks * p, K * p), over one cut."""
        shape = self.maps.absolute.shape
        dens = {den for _, den in self.maps.exact}
        # One grid for all layers, so that one cut serves: exact when every denominator is a power of two.
        guard = max(d.bit_length() - 1 for d in dens)
        exact = all(d & (d - 1) == 0 for d in dens)
        guard += 0 if exact else KEPT * self.width
        values = [(v << guard) // den for numerators, den in self.maps.exact for v in numerators]
        return Digits.of_integers(values, shape, -guard, self.width), 0.0 if exact else power(-guard)

    def exact_layer(self, trial: int, layer: int) -> RationalMatrix:
        """The exact layer on the float state that came in: (K, N) over Q."""
        split = self.construction.split()
        assert split is not None
        X, Y = dyadic_matrix(self.X[trial]), dyadic_matrix(self.Y[trial, layer])
        heads = split[self.stored(layer)]
        result: RationalMatrix = accumulate(X, Y, heads, Rational.of(Fraction(1, self.maps.n)), masked_keys(X, heads))
        return result

    def distances(self) -> tuple[np.ndarray, np.ndarray] | None:
        """|float state - exact state| and its slack at every entry, (T, L+1, K, N) and (T, L+1, 1, N), from the prompt.

        The exact accumulator rows are Y_0 + omega_l X.  omega is carried in integers over 2^bits, each step rounded
        down; `lost` bounds what those roundings have become after each layer.  None: that bound overflows.
        """
        T, L, K, N, p, maps = self.T, self.L, self.K, self.N, self.maps.features, self.maps
        if not maps.masks:
            return np.abs((self.y.minus(self.y[:, :1])).floats()), np.zeros((T, L + 1, 1, N))
        lost_log = self._amplification()
        if not np.isfinite(lost_log).all():
            return None
        width = K * len(maps.masks) * p
        maps_flint = [(fmpz_mat(width, K * p, whole), den) for whole, den in maps.exact]
        grams, starts = [], []
        y_integers, low_y = integers(self.Y[:, 0])
        for t in range(T):
            keys = fmpz_mat(N, len(maps.masks) * p, self.keys[:, t].reshape(-1).tolist())
            grams.append((fmpz_mat(p, N, self.x_integers[t].reshape(-1).tolist()) * keys).tolist())
            starts.append((fmpz_mat(K, N, y_integers[t].reshape(-1).tolist()) * keys).entries())
        bits = max(ceil(float(lost_log.max())), 0) + KEPT * self.width - low_y + max(int(np.frexp(self.X)[1].max()), 0)
        unit, shift = fmpz(1) << (-2 * self.exponent), fmpz(1) << (bits + low_y - self.exponent)
        zeros = [0] * (len(maps.masks) * p)
        omegas: list[int] = []
        for t in range(T):
            # diag(S, ..., S): one block for each accumulator row
            blocks = (row if j == k else zeros for k in range(K) for row in grams[t] for j in range(K))
            gram = fmpz_mat(K * p, width, [v for block in blocks for v in block])
            start = fmpz_mat(1, width, [v * shift for v in starts[t]])
            omega = [fmpz(0)] * (K * p)
            omegas += [0] * (K * p)
            for layer in range(L):
                B, den = maps_flint[self.stored(layer)]
                step = (fmpz_mat(1, K * p, omega) * gram + start) * B
                bottom = unit * den * maps.n * maps.mask_den
                omega = [w + v // bottom for w, v in zip(omega, step.entries(), strict=True)]
                omegas += [int(w) for w in omega]
        omega_digits, cut = Digits.of_integers(omegas, (T, (L + 1) * K, p), -bits, self.width).balanced().leading(KEPT)
        lost = np.ldexp(np.exp2(lost_log - np.ceil(lost_log)) * UP, (np.ceil(lost_log) - bits).astype(int)) + cut
        lost = lost + 2.0**-1074  # what ldexp may have made zero
        slack = lost[:, :, None, None] * np.abs(self.X).sum(axis=1)[:, None, None, :] * UP
        exact_change = (omega_digits @ self.x).reshape(T, L + 1, K, N)
        return np.abs(self.y.minus(self.y[:, :1]).minus(exact_change).floats()), slack

    def _amplification(self) -> np.ndarray:
        """log2 of what unit roundings at every step have grown to at most, (T, L+1): rounded up.

        An error row e goes to e (1 + S B / n), so the largest column sum of |1 + S B / n| is what it grows by.
        """
        T, L, maps = self.T, self.L, self.maps
        size = maps.absolute.shape[1:]
        # Overflow makes the result infinite or NaN, which `distances` looks for.
        with np.errstate(over="ignore", invalid="ignore"):
            plain_X, plain_masks = np.abs(self.X), [np.abs(M) for M in maps.mask_floats]
            S = row_blocks(self.X @ float_keys(self.X, maps.mask_floats), self.K)
            S_plain = row_blocks(plain_X @ float_keys(plain_X, plain_masks), self.K)
            B = np.array([[quotient(v, den) for v in whole] for whole, den in maps.exact]).reshape(maps.absolute.shape)
            step = S[:, None] @ B / maps.n
            each = np.abs(np.eye(step.shape[-1]) + step).sum(axis=2).max(axis=2)
            inexact = (
                (S_plain[:, None] @ np.abs(B)).sum(axis=2).max(axis=2)
                / maps.n
                * max(2.0**-40, (2 * self.N + size[0] + 16) * 2.0**-52)
            )
            grow = np.broadcast_to(np.log2(each + inexact + 2.0**-900), (T, L))
        result = np.full((T, L + 1), -np.inf)
        for layer in range(L):
            result[:, layer + 1] = np.logaddexp2(result[:, layer] + grow[:, layer], 0) + 2.0**-30
        result[:, 0] = -1000
        return result

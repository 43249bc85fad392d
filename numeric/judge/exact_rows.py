"""One batched float run as exact data where heads over a constant row mix the accumulator rows: over Q, layer by layer.

It answers what `ExactRun` does; there the change of the rows is a matrix times the feature rows, which it is not here.
One-step errors have no slack; that of distances is what balls of so many bits leave open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
from flint import arb, arb_mat, ctx, fmpz, fmpz_mat

from ...symbolic.arithmetics.rational import Rational, RationalMatrix
from ...symbolic.attention import RowHead, TokenwiseHead, accumulate, iterate, masked_keys
from ...symbolic.construction import Construction
from .balls import Balls
from .bounds import LayerMaps
from .exact_floats import dyadic_matrix, integers, near_floats

BITS = 320
"""Of the balls: over twice the widest format, and some for each of many layers."""
NARROW = 2.0**-110
"""The share of the largest number that the slack may be: the square of what float64 rounds off, and less."""


class ExactRows:
    """One batched run.  X : (T, p, N) and Y : (T, L+1, K, N), float64 copies of the module's numbers."""

    def __init__(self, maps: LayerMaps, construction: Construction, states: np.ndarray):
        self.maps = maps
        self.X = np.ascontiguousarray(states[0, :, : maps.features])
        self.Y = np.ascontiguousarray(states[:, :, maps.features :].transpose(1, 0, 2, 3))
        self.construction, self.scale = construction, Rational.of(Fraction(1, maps.n))
        split = construction.row_heads()
        assert split is not None
        depth = self.Y.shape[1] - 1
        self.layers: Sequence[Sequence[RowHead]] = [split[0 if construction.looped else i] for i in range(depth)]

    def exact_layer(self, trial: int, layer: int) -> RationalMatrix:
        """The exact layer on the float state that came in: (K, N) over Q."""
        X, Y, heads = dyadic_matrix(self.X[trial]), dyadic_matrix(self.Y[trial, layer]), self.layers[layer]
        result: RationalMatrix = accumulate(X, Y, heads, self.scale, masked_keys(X, heads))
        return result

    def residuals(self) -> tuple[np.ndarray, np.ndarray]:
        """The one-step error at every entry, off by a relative 2^-52, and its slack, zero: (T, L, K, N) float64 each.

        It is `accumulate` for all layers of a prompt at once, with what the masks make of X made once, and no fraction
        brought to lowest terms.
        """
        result = np.zeros(self.Y[:, 1:].shape)
        heads = [h for layer in self.layers for h in layer]
        for trial in range(len(self.Y)):
            X = dyadic_matrix(self.X[trial])
            keys = masked_keys(X, heads)
            grams = {mask: X @ k for mask, k in keys.items()}
            for layer, (before, after) in enumerate(pairwise(self._states(trial))):
                error = after - before
                for h in self.layers[layer]:
                    if isinstance(h, TokenwiseHead):
                        added = (h.U @ grams[id(h.M)] @ h.E) @ before
                    else:
                        added = ((h.U @ before) @ keys[id(h.M)] @ h.E) @ X
                    error = error - added * self.scale
                result[trial, layer] = near_floats(error)
        return result, np.zeros(result.shape)

    def _states(self, trial: int) -> list[RationalMatrix]:
        """The L+1 states of a trial, (K, N) each, over one power of two."""
        whole, low = integers(self.Y[trial])
        den = fmpz(1) << -low
        return [RationalMatrix(fmpz_mat(*rows.shape, rows.reshape(-1).tolist()), den) for rows in whole]

    def distances(self) -> tuple[np.ndarray, np.ndarray] | None:
        """|float state - exact state| and its slack, (T, L+1, K, N) and (T, L+1, 1, N), from the prompt.

        The exact run is held in balls, and made over Q, without slack, where these grow too wide.
        None where a distance is beyond float64.
        """
        result, slack = self._in_balls()
        if not slack.max() <= NARROW * np.abs(self.Y).max():
            result, slack = self._over_Q(), np.zeros(slack.shape)
        return (result, slack) if np.isfinite(result).all() else None

    def _in_balls(self) -> tuple[np.ndarray, np.ndarray]:
        result, slack = np.zeros(self.Y.shape), np.zeros((*self.Y.shape[:2], 1, self.Y.shape[3]))
        with ctx.workprec(BITS):
            known: dict[int, Balls] = {}

            def held(matrix: RationalMatrix) -> Balls:
                if id(matrix) not in known:
                    known[id(matrix)] = Balls.of(matrix)
                return known[id(matrix)]

            layers = [[replace(h, U=held(h.U), E=held(h.E), M=held(h.M)) for h in heads] for heads in self.layers]
            scale, ones = arb(1) / self.maps.n, Balls(arb_mat(self.Y.shape[3], 1, [1] * self.Y.shape[3]))
            for trial in range(len(self.Y)):
                rows = [Balls.of(Y) for Y in self._states(trial)]
                run = iterate(Balls.of(dyadic_matrix(self.X[trial])), rows[0], layers, scale)
                for layer, exact in enumerate(run, 1):
                    difference = rows[layer] - exact
                    result[trial, layer] = np.abs(difference.middles())
                    slack[trial, layer] = difference.radius(ones)
        return result, slack

    def _over_Q(self) -> np.ndarray:
        result = np.zeros(self.Y.shape)
        for trial in range(len(self.Y)):
            rows = self._states(trial)
            run = iterate(dyadic_matrix(self.X[trial]), rows[0], self.layers, self.scale)
            for layer, exact in enumerate(run, 1):
                result[trial, layer] = np.abs(near_floats(rows[layer] - exact))
        return result

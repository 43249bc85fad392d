"""One batched float run as exact data where heads over a constant row mix the accumulator rows: over Q, layer by layer.

It answers what `ExactRun` does; there the change of the rows is a matrix times the feature rows, which it is not here.
Nothing is cut off, so that no slack is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from ...symbolic.arithmetics.rational import Rational, RationalMatrix
from ...symbolic.attention import RowHead, accumulate, iterate, masked_keys
from ...symbolic.construction import Construction
from .bounds import LayerMaps
from .exact_floats import dyadic_matrix, floats


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
        """The one-step error at every entry, correctly rounded, and its slack, zero: (T, L, K, N) float64 each."""
        result = np.zeros(self.Y[:, 1:].shape)
        heads = [h for layer in self.layers for h in layer]
        for trial, rows in enumerate(self.Y):
            X = dyadic_matrix(self.X[trial])
            keys = masked_keys(X, heads)
            for layer, (before, after) in enumerate(pairwise(rows)):
                exact = accumulate(X, dyadic_matrix(before), self.layers[layer], self.scale, keys)
                result[trial, layer] = floats(dyadic_matrix(after) - exact)
        return result, np.zeros(result.shape)

    def distances(self) -> tuple[np.ndarray, np.ndarray] | None:
        """|float state - exact state| and its slack, zero, (T, L+1, K, N) and (T, L+1, 1, N), from the prompt.

        None where a distance is beyond float64.
        """
        result = np.zeros(self.Y.shape)
        for trial, rows in enumerate(self.Y):
            run = iterate(dyadic_matrix(self.X[trial]), dyadic_matrix(rows[0]), self.layers, self.scale)
            for layer, exact in enumerate(run, 1):
                result[trial, layer] = np.abs(floats(dyadic_matrix(rows[layer]) - exact))
        return (result, np.zeros_like(result[:, :, :1])) if np.isfinite(result).all() else None

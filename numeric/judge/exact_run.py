"""One batched float run as exact data: its one-step errors, for all prompts and layers at once.

Rationals that are no binary fractions are cut off far below the format, with the cut carried as `slack`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cached_property

import numpy as np
import torch

from ...symbolic.arithmetics.rational import Rational, RationalMatrix
from ...symbolic.attention import RowHead, accumulate, masked_keys
from ...symbolic.construction import Construction
from ..device import Precision
from .bounds import LayerMaps, one_step
from .carried import pieces
from .digits import digit_width
from .exact_floats import dyadic_matrix
from .layer_groups import groups, span
from .residuals import FewPrompts


class ExactRun:
    """One batched run as exact data.  X : (T, p, N) and Y : (T, L+1, K, N), the module's numbers in float64."""

    def __init__(self, maps: LayerMaps, construction: Construction, X: np.ndarray, Y: np.ndarray):
        self.maps, self.construction = maps, construction
        self.X, self.Y = np.ascontiguousarray(X), np.ascontiguousarray(Y)
        self.T, self.L, self.K, self.N = self.Y.shape[0], self.Y.shape[1] - 1, *self.Y.shape[2:]
        self.width = digit_width(max(self.N, *maps.absolute.shape, maps.features**2 * len(maps.masks)))
        split = construction.row_heads()
        assert split is not None
        self.layers: Sequence[Sequence[RowHead]] = [split[self.stored(i)] for i in range(self.L)]

    def stored(self, layer: int) -> int:
        """The index of the stored weights that layer number `layer`, from 0, uses."""
        return 0 if self.construction.looped else layer

    def exact_layer(self, trial: int, layer: int) -> RationalMatrix:
        """The exact layer on the float state that came in: (K, N) over Q."""
        X, Y, heads = dyadic_matrix(self.X[trial]), dyadic_matrix(self.Y[trial, layer]), self.layers[layer]
        scale = Rational.of(Fraction(1, self.maps.n))
        result: RationalMatrix = accumulate(X, Y, heads, scale, masked_keys(X, heads))
        return result

    @cached_property
    def residuals(self) -> tuple[np.ndarray, np.ndarray]:
        """The one-step error at every entry, and its slack: (T, L, K, N) float64 each.

        The first is off by a relative 2^-50 and by the slack; the slack is rounded up.
        """
        # The layers that read by no mask add nothing.
        error, slack = self.Y[:, 1:] - self.Y[:, :-1], np.zeros(self.Y[:, 1:].shape)
        each = groups(self.maps, self.L, self.width)

        def part(some: slice) -> None:
            few = FewPrompts(self.maps.n, self.X[some], self.Y[some], self.width)
            for group in each:
                at = span(group.layers)
                error[some, at], slack[some, at] = few.residuals(group)

        _for_pieces(self.T, part)
        return error, slack

    def bounds(self, maps: LayerMaps, Y: np.ndarray, target: Precision) -> np.ndarray:
        """`one_step` of rows Y : (T, L, K, N) at the run's prompts, few prompts at a time."""
        result = np.empty(Y.shape)

        def part(some: slice) -> None:
            result[some] = one_step(maps, self.X[some], Y[some], target)

        _for_pieces(self.T, part)
        return result


def _for_pieces(T: int, part: Callable[[slice], None]) -> None:
    """Do something for every few prompts, whose arrays stay in cache, on every core."""
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(np.errstate(all="ignore")(part), pieces(T)))

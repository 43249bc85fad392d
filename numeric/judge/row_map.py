"""The accumulator rows of the textbook as an affine map of the weights, and how far its rows in float64 may be off.

The rows run on forms in place of weights (`forms.py`), so that the rows of all iterates are one product, of the weights
and of coefficients that the columns decide.  The same rows run on magnitudes (`magnitudes.py`), once at each unit
vector and once at zero: they are affine in these too, so that they are known at any weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from torch import Tensor

from ...symbolic.algorithm import Algorithm
from ...symbolic.errors import ArgumentError
from ..device import Precision
from ..reference import components_first
from .carried import OUTWARD
from .factored import Factored
from .forms import Form, Known, weights_as_forms
from .magnitudes import Magnitude


class RowMap:
    """The rows of a few prompts at any weights.

    coefficients : (B, D + 1, K, N), on all entries of the weights and a last 1
    sizes        : (B, K, D + 1, N), the magnitudes of the coefficients times `growth`, (K,), which is what a sum of
                   them times the weights is off by
    """

    def __init__(
        self,
        algorithm: Algorithm,
        columns: Mapping[str, Tensor],
        heights: Sequence[int],
        p: Any,
        least: float,
        formats: Sequence[Precision],
    ):
        first = {name: components_first(x).numpy() for name, x in columns.items()}
        self.coefficients = _coefficients(algorithm, first, heights, p)
        width = self.coefficients.shape[1]
        token = SimpleNamespace(**{name: Magnitude.of_prompt(x[:, :, None], least) for name, x in first.items()})
        units, start, weights = np.eye(width)[:, None, :, None], 0, []
        for height in heights:
            weights.append(Magnitude(units[start : start + height]))
            start += height
        named = SimpleNamespace(
            **{k: x if isinstance(x, str) else Magnitude.of_parameter(x) for k, x in vars(p).items()}
        )
        rows = algorithm.column_values(tuple(weights), token, named)
        self.growth = np.empty(len(rows))
        B, _, K, N = self.coefficients.shape
        self.sizes = np.empty((B, K, width, N))
        for k, row in enumerate(rows):
            # A coefficient meets the roundings of its row, is multiplied once and joins a sum of `width` terms.
            self.growth[k] = Magnitude(row.values, row.rounded + width, row.lowered).growth(*formats)
            self.sizes[:, k] = row.values[0] * OUTWARD
            self.sizes[:, k, :-1] -= row.values[0, :, -1:] / OUTWARD
        self.sizes *= OUTWARD

    def rows(self, weights: np.ndarray, some: slice) -> np.ndarray:
        """The rows of some prompts at every iterate, (some, L+1, K, N); their weights : (some, L+1, D + 1)."""
        coefficients = self.coefficients[some]
        _, width, K, N = coefficients.shape
        return np.asarray(weights @ coefficients.reshape(-1, width, K * N)).reshape(len(weights), -1, K, N)

    def rounding(self, sizes: np.ndarray) -> Factored:
        """What rows are off by; sizes : (B, L+1, D + 1), the weights' absolute values, the last entry 1."""
        return Factored(sizes, self.sizes * self.growth[:, None, None])

    def shown(self, errors: np.ndarray) -> Factored:
        """What errors of the weights are in the rows at most, of columns as they were lowered; errors : (B, L, D)."""
        return Factored(errors, self.sizes[:, :, :-1] * (1 + self.growth[:, None, None]))


def _coefficients(
    algorithm: Algorithm, columns: Mapping[str, np.ndarray], heights: Sequence[int], p: Any
) -> np.ndarray:
    B, N = columns["reward"].shape[1:]
    known = SimpleNamespace(**{name: Known(x.reshape(len(x), B * N)) for name, x in columns.items()})
    width = sum(heights) + 1
    try:
        rows = algorithm.column_values(tuple(weights_as_forms(heights, 1)), known, p)
    except TypeError as error:
        raise ArgumentError(f"the rows of {algorithm.name} are wanted affine in its weights: {error}") from None
    result = np.zeros((B, width, len(rows), N))
    for k, row in enumerate(rows):
        if type(row) is Form:
            result[:, :, k] = np.broadcast_to(row.parts[()][0], (width, B * N)).reshape(width, B, N).swapaxes(0, 1)
        else:
            result[:, -1, k] = row.values.reshape(B, N)
    return result

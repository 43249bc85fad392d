"""The textbook loop in floats on many prompts, and how far each of its updates may be from the exact update.

One update is off by at most eta (`magnitudes.py`); what that is in the accumulator rows is said by `row_map.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...symbolic.algorithm import Algorithm
from ..device import PRECISIONS, Precision
from ..reference import FloatTransitions, Stacked, components_first, iterates
from .carried import outward
from .factored import Factored
from .forms import iterates_by_map
from .magnitudes import Magnitude, StepMagnitude
from .row_map import RowMap

TALLEST = 2.0**16
"""No number of a prompt, weight or step may be larger: then underflow in the loop is below `LOST`."""
LOST = 2.0**-700
TOGETHER = 5
"""Layers whose updates are bounded together."""


def zeros(algorithm: Algorithm, d: int, prompts: int) -> tuple[Stacked, ...]:
    """The weights that the loop starts from."""
    zero = torch.zeros(d, prompts, dtype=torch.float64)
    return tuple(Stacked(zero[:1] if name in algorithm.scalar_weights else zero) for name in algorithm.weights)


def query_columns(algorithm: Algorithm, data: FloatTransitions) -> dict[str, Tensor]:
    """What the query column holds, block by block, as `token_columns` asks for it: (B, width) each."""
    zero = torch.zeros(1, len(data.query), dtype=data.query.dtype)
    token = algorithm.query_token(Stacked(data.query.mT), Stacked(zero))
    return {
        name: getattr(token, name).values.mT
        for name in (*(b.name for b in algorithm.features), *algorithm.token_numbers)
    }


class Loop:
    """The textbook loop on many prompts, from zero weights.

    weights : every iterate's entries, of all weight vectors, and a last 1: (B, L+1, D + 1)
    errors  : what each update is off by at most: (B, L, D)
    """

    def __init__(
        self,
        algorithm: Algorithm,
        data: FloatTransitions,
        columns: Mapping[str, Tensor],
        steps: Sequence[Any],
        p: SimpleNamespace,
        target: Precision,
    ):
        self.algorithm, self.columns, self.p = algorithm, columns, p
        start = zeros(algorithm, data.query.shape[1], len(data.query))
        mapped = iterates_by_map(algorithm, data, start, steps, p)
        weights, more = mapped or (iterates(algorithm, data, start, steps, p), 0)
        self.heights, self.formats = [w.shape[2] for w in weights], (PRECISIONS[torch.float64], target)
        self.least = float(max(f.underflow / f.unit_roundoff for f in self.formats))
        ones = torch.ones(*weights[0].shape[:2], 1, dtype=torch.float64)
        self.weights = torch.cat((*weights, ones), dim=2).numpy()
        self.errors = self._errors(data, weights, steps, more)

    def _errors(self, data: FloatTransitions, weights: Sequence[Tensor], steps: Sequence[Any], more: int) -> np.ndarray:
        """`errors`, where `more` roundings are met beside those of the loop.

        Weights and steps enter with their largest entries over `TOGETHER` updates in a row: a fifth of the work.
        """
        # (width, B, 1) prompts against (width, B, groups) weights: all updates at once
        L, algorithm = len(steps), self.algorithm
        context = data.each(lambda x: Magnitude.of_prompt(x.unsqueeze(2).numpy(), self.least))
        plain = [np.abs(components_first(w).numpy()) for w in weights]
        sizes = tuple(Magnitude(_largest(w[..., :L])) for w in plain)
        stacked = [_step([step[i] for step in steps]) for i in range(len(steps[0]))]
        # Parameters too: a product of two of them is rounded like any other.
        named = {name: x if isinstance(x, str) else Magnitude.of_parameter(x) for name, x in vars(self.p).items()}
        # no layer reads more than all tokens
        whole = algorithm.reading(context, dict.fromkeys(algorithm.selections, lambda _: 1))
        after = algorithm.update(sizes, stacked, algorithm.sweep(whole, data.phi.shape[2]), SimpleNamespace(**named))
        lost, n = np.where(self._tallest(data, plain, stacked) <= TALLEST, LOST, np.inf), data.phi.shape[1]
        result = np.empty((*self.weights.shape[:1], -(-L // TOGETHER), sum(self.heights)))
        first = 0
        for magnitude, height in zip(after, self.heights, strict=True):
            growth = Magnitude(magnitude.values, magnitude.rounded + more, magnitude.lowered).growth(*self.formats)
            off = (magnitude.values * growth + lost[:, None]) * outward((n + 1) * L)
            result[..., first : first + height] = np.moveaxis(off, 0, 2)
            first += height
        return np.repeat(result, TOGETHER, axis=1)[:, :L]

    def _tallest(self, data: FloatTransitions, weights: Sequence[np.ndarray], steps: Sequence[Any]) -> np.ndarray:
        """The largest number of each prompt, its weights and the steps: (B,)."""
        held = [x.numpy() for x in (*self.columns.values(), data.phi_next, *data.extras.values())]
        tallest = [np.abs(x).max(axis=(1, 2), initial=0) for x in held]
        tallest += [w.max(axis=(0, 2), initial=0) for w in weights]
        return np.asarray(np.maximum(np.maximum.reduce(tallest), max(float(np.abs(s.values).max()) for s in steps)))

    def on(self, some: slice) -> LoopRows:
        """The accumulator rows of some of the prompts."""
        read = {name: x[some] for name, x in self.columns.items()}
        rows = RowMap(self.algorithm, read, self.heights, self.p, self.least, self.formats)
        weights = self.weights[some]
        return LoopRows(rows, weights, rows.rounding(np.abs(weights)), rows.shown(self.errors[some]))


class LoopRows:
    """The rows of the loop on a few prompts.

    rounding : what they are off by at most, for the weights that they are made of
    errors   : what each update is off by in them at most
    """

    def __init__(self, rows: RowMap, weights: np.ndarray, rounding: Factored, errors: Factored):
        self._map, self._weights, self.rounding, self.errors = rows, weights, rounding, errors

    def rows(self, some: slice) -> np.ndarray:
        """Of some of the prompts at every iterate: (some, L+1, K, N)."""
        return self._map.rows(self._weights[some], some)


def _largest(values: np.ndarray) -> np.ndarray:
    """The largest of each `TOGETHER` entries in a row along the last axis."""
    return np.maximum.reduceat(values, range(0, values.shape[-1], TOGETHER), axis=-1)


def _step(values: Sequence[Any]) -> Any:
    """One preconditioner of every group of layers: scalars (groups), matrices (d, d, groups)."""
    if isinstance(values[0], float):
        return Magnitude(_largest(np.abs(np.array(values))), 1)
    return StepMagnitude(_largest(np.abs(np.stack([v.matrix.numpy() for v in values], axis=2))))

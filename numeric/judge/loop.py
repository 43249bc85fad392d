"""The textbook loop in floats on a few prompts of a batch, and how far it may be from the exact iterates.

One update is off by at most eta (`magnitudes.py`), which the accumulator rows show as beta = |rows(eta)|, and the rows
themselves are rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...symbolic.algorithm import Algorithm
from ..device import PRECISIONS, Precision
from ..reference import FloatTransitions, Stacked, accumulator_rows, components_first, iterates
from .carried import OUTWARD, outward
from .exact_floats import up
from .forms import iterates_by_map
from .magnitudes import Magnitude, StepMagnitude

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
    """The textbook loop on a few prompts, and what it may be off by."""

    def __init__(
        self,
        algorithm: Algorithm,
        data: FloatTransitions,
        columns: dict[str, Tensor],
        steps: Sequence[Any],
        p: SimpleNamespace,
        target: Precision,
    ):
        self.algorithm, self.columns, self.p, self.layers = algorithm, columns, p, len(steps)
        start = zeros(algorithm, data.query.shape[1], len(data.query))
        mapped = iterates_by_map(algorithm, data, start, steps, p)
        self.weights, more = mapped or (iterates(algorithm, data, start, steps, p), 0)
        double = PRECISIONS[torch.float64]
        self.errors = _loop_errors(algorithm, data, self.weights, columns, steps, p, double, target, more)
        self.held: dict[int, np.ndarray] = {}

    def rows(self, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """The accumulator rows of some of the prompts at every iterate, (some, L+1, K, N), and their own roundings."""
        if some.start not in self.held:
            read = {name: x[some] for name, x in self.columns.items()}
            rows = accumulator_rows(self.algorithm, [w[some] for w in self.weights], read, self.p)
            self.held[some.start] = rows.numpy()
        return self.held[some.start], _each(self.errors[1][some], self.layers + 1)

    def given(self, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """What `few_prompts` asks for."""
        rows, rounding = self.rows(some)
        return np.abs(rows) + rounding, _each(self.errors[0][some], self.layers)


def _loop_errors(
    algorithm: Algorithm,
    data: FloatTransitions,
    weights: Sequence[Tensor],
    columns: dict[str, Tensor],
    steps: Sequence[Any],
    p: SimpleNamespace,
    double: Precision,
    target: Precision,
    more: int = 0,
) -> list[np.ndarray]:
    """Bounds on what an update is off by as the rows show it and on the rows' own roundings, (B, groups, K, N) each.

    Weights and steps enter with their largest entries over `TOGETHER` updates in a row, a group: a fifth of the work.
    more : roundings of an update beside those of the loop
    """
    L = len(steps)
    # (width, B, 1) prompts against (width, B, groups) weights: all updates at once
    least = float(max(f.underflow / f.unit_roundoff for f in (double, target)))
    context = data.each(lambda x: Magnitude.of_prompt(x.unsqueeze(2).numpy(), least))
    plain = [np.abs(components_first(w).numpy()) for w in weights]
    sizes = tuple(Magnitude(_largest(w[..., :L])) for w in plain)
    stacked = [_step([step[i] for step in steps]) for i in range(len(steps[0]))]
    # Parameters too: a product of two of them is rounded like any other.
    named = {name: x if isinstance(x, str) else Magnitude.of_parameter(x) for name, x in vars(p).items()}
    # no layer reads more than all tokens
    whole = algorithm.reading(context, dict.fromkeys(algorithm.selections, lambda _: 1))
    after = algorithm.update(sizes, stacked, algorithm.sweep(whole, data.phi.shape[2]), SimpleNamespace(**named))
    numbers = [x.numpy() for x in (*columns.values(), data.phi_next, *data.extras.values())]
    tallest = max(float(np.abs(x).max()) for x in (*plain, *numbers, *(s.values for s in stacked)))
    lost = LOST if tallest <= TALLEST else np.inf
    after = tuple(Magnitude(m.values, m.rounded + more, m.lowered) for m in after)
    off = [Magnitude(m.values * _growth(m, double, target) + lost) for m in after]
    silent = columns | {name: torch.zeros_like(columns[name]) for name in algorithm.token_numbers}
    p = SimpleNamespace(**named)
    # The later layers act on the columns as they were lowered.
    beta = [m.values * (1 + _growth(m, double, target)) for m in _rows(algorithm, off, silent, p, least)]
    sizes = tuple(Magnitude(_largest(w)) for w in plain)
    rounding = [m.values * _growth(m, double, target) for m in _rows(algorithm, sizes, columns, p, least)]
    (B, N), result = columns["reward"].shape[:2], []
    for count, each in ((L, beta), (L + 1, rounding)):
        rows = np.empty((B, -(-count // TOGETHER), len(each), N))
        for k, row in enumerate(each):
            np.multiply(row, outward(N * count), out=rows[:, :, k])
        result.append(rows)
    return result


def _each(groups: np.ndarray, count: int) -> np.ndarray:
    """What holds for each of `count` layers or states: (B, count, K, N) from (B, groups, K, N)."""
    return np.repeat(groups, TOGETHER, axis=1)[:, :count]


def _largest(values: np.ndarray) -> np.ndarray:
    """The largest of each `TOGETHER` entries in a row along the last axis."""
    return np.maximum.reduceat(values, range(0, values.shape[-1], TOGETHER), axis=-1)


def _rows(
    algorithm: Algorithm, weights: Sequence[Magnitude], columns: dict[str, Tensor], p: Any, least: float
) -> list[Magnitude]:
    """The magnitude of every accumulator row, (B, layers, N) each."""
    full = SimpleNamespace(
        **{name: Magnitude.of_prompt(components_first(x).unsqueeze(2).numpy(), least) for name, x in columns.items()}
    )
    across = tuple(Magnitude(w.values[..., None], w.rounded, w.lowered) for w in weights)
    rows = algorithm.column_values(across, full, p)
    return [Magnitude(m.values[0], m.rounded, m.lowered) for m in rows]


def _step(values: Sequence[Any]) -> Any:
    """One preconditioner of every group of layers: scalars (groups), matrices (d, d, groups)."""
    if isinstance(values[0], float):
        return Magnitude(_largest(np.abs(np.array(values))), 1)
    return StepMagnitude(_largest(np.abs(np.stack([v.matrix.numpy() for v in values], axis=2))))


def _growth(m: Magnitude, double: Precision, target: Precision) -> float:
    """(1+u)^k (1+v)^m - 1, rounded up."""
    exact = (1 + double.unit_roundoff) ** m.rounded * (1 + target.unit_roundoff) ** m.lowered - 1
    return up(exact) * OUTWARD

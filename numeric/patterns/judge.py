"""The judge of float runs of layers with patterns: every layer against the exact layer of the state that came in.

The pattern is taken as it was computed: its floats are exact numbers, and the layer is exact for every pattern.  How
far a computed softmax is from the softmax is another claim, which is not made.

A computed entry is a sum of monomials in the entries of Z, K, V, Q, the scale and the shift, each times factors
1 + delta, |delta| <= u.  How many at most:
    1, 1         V and Q when they were lowered, each where it occurs
    2            two products, V Z A, after (m - 1) + (N - 1) additions in them
    2            two products, Z^T Q Z, after 2 (m - 1) additions, where the head has scores
    heads        additions of the heads' terms to Z, one after another
    2            the scale: lowered, and multiplied by
    m + 2        the shift: lowered, multiplied, m - 1 additions, the sum of what stays and what came
so k = 4 m + N + heads + 6 is no fewer.  With S the same layer on absolute values,
    |computed - exact| <= ((1+u)^k - 1) S + underflow,
where underflow is bounded as in `dense.py`, by the layer on values that are at least one where they are not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ...symbolic.patterns.layer import Layer, pattern_layer
from ..device import Precision
from ..judge.bounds import growth
from ..judge.exact_floats import dyadic_matrix, floats
from ..judge.float_result import FloatResult
from ..judge.one_step import Steps, judge_steps, one_step_result


@dataclass(frozen=True, eq=False)
class PatternModel:
    """Exact layers with the names of what they act on."""

    layers: tuple[Layer, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]

    @cached_property
    def absolute(self) -> dict[int, tuple[list[tuple[np.ndarray, np.ndarray | None]], list[np.ndarray]]]:
        """|V| and |Q| of each layer's heads, and |shift|, in float64; what layers share is made once."""
        by_layer = {}
        for layer in self.layers:
            if id(layer) not in by_layer:
                heads = [
                    (np.abs(floats(V)), None if scores is None else np.abs(floats(scores.Q)))
                    for V, scores in layer.heads
                ]
                by_layer[id(layer)] = heads, [np.abs(floats(x)) for x in layer.shift or ()]
        return by_layer


def roundings(model: PatternModel) -> int:
    """k of the module's docstring."""
    heads = max(len(layer.heads) for layer in model.layers)
    return 4 * len(model.rows) + len(model.columns) + heads + 6


def _absolute(model: PatternModel, number: int, Z: np.ndarray, K: np.ndarray | None, least: float) -> np.ndarray:
    """The layer on absolute values, all of them at least `least` where they are not zero."""

    def size(values: np.ndarray) -> np.ndarray:
        return np.where(values != 0, np.maximum(values, least), 0.0) if least else values

    layer = model.layers[number]
    heads, shift = model.absolute[id(layer)]
    Z, mask = np.maximum(np.abs(Z), least), np.array(layer.mask, dtype=float)
    total = np.zeros_like(Z)
    for V, Q in heads:
        A = Z.T @ (size(Q) @ Z) if Q is not None else np.maximum(np.abs(0.0 if K is None else K), least)
        total += size(V) @ (Z @ (A * mask))
    Z = Z + total * max(abs(float(layer.scale.fraction())), least)
    if shift:
        kept, moved = map(size, shift)
        nothing = np.zeros_like(Z[:, :1])
        beside = [nothing, Z[:, :-1]] if layer.previous else [Z[:, 1:], nothing]
        Z = kept @ Z + moved @ np.concatenate(beside, axis=1)
    return Z


def step_bound(model: PatternModel, number: int, Z: np.ndarray, K: np.ndarray | None, target: Precision) -> np.ndarray:
    """The bound on layer `number`'s error at every entry: (m, N), rounded up.  Z : (m, N), what comes in."""
    k = roundings(model)
    factor, loss = growth(k, target), 4 * (k + 9) * float(target.underflow)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        plain = _absolute(model, number, Z, K, 0.0)
        ones = _absolute(model, number, Z, K, 1.0)
        bound = (factor * plain + loss * (1 + factor) * ones) * (1 + (k + 32) * 2.0**-52)
    return np.where(np.isnan(bound), np.inf, bound)


@np.errstate(all="ignore")  # as in `crosscheck`
def judge(
    model: PatternModel,
    states: np.ndarray,
    patterns: np.ndarray | None,
    target: Precision,
    device: torch.device,
    surroundings: dict[str, str],
) -> FloatResult:
    """Judge every layer of a float run.

    states   : (L+1, T, m, N), what the layers returned; patterns : (T, N, N), what the kernel returned
    """

    def of(trial: int) -> np.ndarray | None:
        return None if patterns is None else patterns[trial]

    k = roundings(model)
    exact = None if patterns is None else [dyadic_matrix(K) if np.isfinite(K).all() else None for K in patterns]
    steps = Steps(
        model.rows,
        model.columns,
        lambda number, trial, Z: pattern_layer(Z, model.layers[number], None if exact is None else exact[trial]),
        lambda number, trial, Z: step_bound(model, number, Z, of(trial), target),
    )
    judgement = judge_steps(steps, states, k, target)
    attended = ", the pattern as computed"
    return one_step_result(judgement, k, states.shape[1], target, device, surroundings, pattern=attended)

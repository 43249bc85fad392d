"""The judge of float runs whose heads touch feature rows: every layer against the exact layer, entry by entry over Q.

Nothing of Z stays fixed here, so errors do not travel linearly and there is no a-priori tier.  The one-step bound is
that of `bounds.py` with all of Z for both X and Y,
    |computed - exact| <= ((1+u)^k - 1) S + (1+u)^k ((1+eta)^F - 1) T,
    S = |Z| + scale * sum_h |W||P||Z||M| |Z|^T |Q| |Z|,
where k counts 7 multiplications, 5 roundings of factors, the additions of the six contractions (rows of W and P, two
over tokens, rows and columns of Q: of non-zero terms at most the whole length) and over heads, and 1 for the sum.
The distance from the exact run is measured while the run is short: its numbers have 3^L times the digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ...symbolic.arithmetics.rational import Rational
from ...symbolic.attention import Head, regrouped
from ..device import Precision
from ..lower import Lowered
from .bounds import growth
from .exact_floats import dyadic_matrix, floats, up
from .float_result import Distance, FloatResult
from .one_step import Steps, judge_steps, one_step_result
from .places import Place

EXACT_LAYERS = 4
"""The depth up to which the whole run is repeated over Q."""
PROMPTS = 3
"""The fewest prompts that are judged where there are so many: they make two batches of different size."""
WORK = 200
"""Layers of all prompts together that are judged: each takes exact arithmetic on all of Z."""


@dataclass(frozen=True, eq=False)
class DenseModel:
    """Layers of heads over Q with the names of what they act on.

    layers : the heads of each of the L layers; scale : the factor of a layer's change, 1/n
    """

    layers: tuple[tuple[Head, ...], ...]
    scale: Fraction
    rows: tuple[str, ...]
    columns: tuple[str, ...]

    @cached_property
    def absolute(self) -> tuple[tuple[tuple[np.ndarray, ...], ...], ...]:
        """|W|, |P|, |M|, |Q| of each layer's heads in float64; what layers share is made once."""
        known: dict[int, np.ndarray] = {}

        def of(matrix: Any) -> np.ndarray:
            if id(matrix) not in known:
                known[id(matrix)] = np.abs(floats(matrix))
            return known[id(matrix)]

        return tuple(tuple((of(h.W), of(h.P), of(h.M), of(h.Q)) for h in heads) for heads in self.layers)


def _ones(values: np.ndarray) -> np.ndarray:
    return np.where(values != 0, np.maximum(values, 1.0), 0.0)


def roundings(model: DenseModel) -> int:
    """k of the module's docstring."""
    m, N = len(model.rows), len(model.columns)
    heads = max((len(h) for h in model.layers), default=0)
    return 7 + 5 + 4 * (m - 1) + 2 * (N - 1) + heads * max(m, 1) + 1


def dense_bound(model: DenseModel, number: int, Z: np.ndarray, target: Precision) -> np.ndarray:
    """The bound on layer `number`'s error at every entry: (m, N), rounded up.  Z : (m, N), what comes in."""
    k = roundings(model)
    factor, loss = growth(k, target), 4 * (k + 9) * float(target.underflow)
    S, T = np.abs(Z), np.maximum(np.abs(Z), 1.0)
    plain, ones = S.copy(), T.copy()
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for W, P, M, Q in model.absolute[number]:
            plain += (W @ P @ S @ M @ (S.T @ Q @ S)) * float(model.scale)
            ones += _ones(W) @ _ones(P) @ T @ _ones(M) @ (T.T @ _ones(Q) @ T) * max(float(model.scale), 1.0)
        bound = (factor * plain + loss * (1 + factor) * ones) * (1 + (k + 32) * 2.0**-52)
    return np.where(np.isnan(bound), np.inf, bound)


def _gap(computed: np.ndarray, exact: Any) -> np.ndarray:
    """|computed - exact| entry by entry, as Fractions."""
    difference = dyadic_matrix(computed) - exact
    gaps = [abs(Fraction(int(x), int(difference.den))) for x in difference.num.entries()]
    return np.array(gaps, dtype=object).reshape(computed.shape)


@np.errstate(all="ignore")  # as in `crosscheck`
def dense_check(
    model: DenseModel,
    states: np.ndarray,
    lowered: Lowered,
    target: Precision,
    device: torch.device,
    surroundings: dict[str, str],
) -> FloatResult:
    """Judge every layer of a float run.

    states       : (L+1, T, m, N), what the module returned
    surroundings : what the run depended on besides, read while it ran
    """
    k = roundings(model)
    steps = Steps(
        model.rows,
        model.columns,
        lambda number, _, Z: regrouped(Z, model.layers[number], Rational.of(model.scale)),
        lambda number, _, Z: dense_bound(model, number, Z, target),
    )
    judgement = judge_steps(steps, states, k, target)
    distance = _distance(model, states) if np.isfinite(states).all() else None
    return one_step_result(
        judgement, k, states.shape[1], target, device, surroundings, distance=distance, lowering=lowered.summary()
    )


def _distance(model: DenseModel, states: np.ndarray) -> Distance | None:
    if len(model.layers) > EXACT_LAYERS:
        return None
    largest, relative, where = Fraction(0), 0.0, Place(0, 0, model.rows[0], model.columns[0])
    last, last_relative = Fraction(0), 0.0
    for trial in range(states.shape[1]):
        Z = dyadic_matrix(states[0, trial])
        for number, heads in enumerate(model.layers, 1):
            Z = regrouped(Z, heads, Rational.of(model.scale)).lowest_terms()
            gaps = _gap(states[number, trial], Z)
            at = max(range(gaps.size), key=lambda i, gaps=gaps: gaps.flat[i])  # type: ignore[misc]
            size = max(abs(Fraction(int(x), int(Z.den))) for x in Z.num.entries())
            share = up(gaps.flat[at] / size) if size else 0.0
            relative = max(relative, share)
            if gaps.flat[at] > largest:
                row, column = divmod(at, states.shape[3])
                largest, where = gaps.flat[at], Place(trial, number, model.rows[row], model.columns[column])
            if number == len(model.layers):
                last, last_relative = max(last, gaps.flat[at]), max(last_relative, share)
    return Distance(up(last), last_relative, up(largest), relative, where, up(last), last_relative, 0.0)


def judged_prompts(wanted: int, depth: int) -> int:
    """How many of the prompts wanted are judged at this depth."""
    return min(wanted, max(PROMPTS, WORK // max(depth, 1)))


def run_model(
    model: DenseModel, lowered: Lowered, prompts: Sequence[torch.Tensor], order: str = "keys-first"
) -> np.ndarray:
    """The model in torch with its weights lowered, in one of `ORDERS`: (L+1, T, m, N) as float64."""
    from ..transformer import AttentionHead, AttentionLayer

    layers = [AttentionLayer([AttentionHead(t) for t in heads], lowered.scale) for heads in lowered.layers]
    states = [torch.stack(list(prompts))]
    with torch.no_grad():
        for attention in layers:
            states.append(attention(states[-1], order))
    return np.asarray(torch.stack(states).to("cpu", torch.float64).numpy())

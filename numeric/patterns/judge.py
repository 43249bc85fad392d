"""The judge of float runs of layers with patterns: every layer against the exact layer of the state that came in.

The pattern is taken as it was computed: its floats are exact numbers, and the layer is exact for every pattern.  How
far a computed softmax is from the softmax is another claim, which is not made.

A computed entry is a sum of monomials in the entries of Z, K, V, Q, the scale and the shift, each times factors
1 + delta, |delta| <= u.  How many at most:
    1, 1         V and Q when they were lowered, each where it occurs
    2            two products, V Z A, after (m - 1) + (N - 1) additions in them
    2            two products, Z^T Q Z, after 2 (m - 1) additions, where the head has scores
    heads        additions of the heads' terms, the first to zero
    2            the scale: lowered, and multiplied by
    1            the sum with Z
    m + 2        the shift: lowered, multiplied, m - 1 additions, the sum of what stays and what came
so k = 4 m + N + heads + 6 is no fewer.  With S the same layer on absolute values,
    |computed - exact| <= ((1+u)^k - 1) S + underflow,
where underflow is bounded as in `dense.py`, by the layer on values that are at least one where they are not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np
import torch

from ...symbolic.patterns.layer import Layer, pattern_layer
from ..device import Precision
from ..judge.bounds import WIDE, growth
from ..judge.dense import short
from ..judge.exact_floats import dyadic_matrix, floats, quotient, up
from ..judge.float_result import FloatResult
from ..judge.places import Place
from .attention import whole_scores

NONE = Fraction(0)


@dataclass(frozen=True, eq=False)
class PatternModel:
    """Exact layers with the names of what they act on."""

    layers: tuple[Layer, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]

    @cached_property
    def absolute(self) -> dict[int, tuple[list[tuple[np.ndarray, np.ndarray | None]], list[np.ndarray]]]:
        """|V| and |Q| of each layer's heads, and |shift|, in float64; what layers share is made once."""
        found = {}
        for layer in self.layers:
            if id(layer) not in found:
                scores = whole_scores(layer, len(self.rows))
                heads = [
                    (np.abs(floats(V)), None if Q is None else np.abs(np.array([[float(x) for x in r] for r in Q])))
                    for (V, _), Q in zip(layer.heads, scores, strict=True)
                ]
                found[id(layer)] = heads, [np.abs(floats(x)) for x in layer.shift or ()]
        return found


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
        Z = kept @ Z + moved @ np.concatenate([Z[:, 1:], np.zeros_like(Z[:, :1])], axis=1)
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


@np.errstate(all="ignore")
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
    k, trials = roundings(model), states.shape[1]
    status, worst = "within", (-1.0, None, 0.0, 0.0, "0", "0")
    for number in range(len(model.layers)):
        for trial in range(trials):
            found = _one(model, number, trial, states, patterns, target)
            if found[0] in ("exceeded", "not-finite"):
                status, worst = found
                return _result(model, status, worst, k, trials, target, device, surroundings)
            status = "vacuous" if found[0] == "vacuous" else status
            worst = max(worst, found[1], key=lambda x: x[0])
    status = "vacuous" if growth(k, target) >= WIDE else status
    return _result(model, status, worst, k, trials, target, device, surroundings)


def _one(
    model: PatternModel, number: int, trial: int, states: np.ndarray, patterns: np.ndarray | None, target: Precision
) -> tuple[str, Any]:
    """(status, (ratio, place, bound, error, computed, exact)) of one layer on one prompt, at its worst entry."""
    before, after = states[number, trial], states[number + 1, trial]
    K = None if patterns is None else patterns[trial]
    for at, values in ((number, before), (number + 1, after)):
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            row, column = (int(i) for i in bad[0])
            place = Place(trial, at, model.rows[row], model.columns[column])
            return "not-finite", (0.0, place, None, None, str(values[row, column]), "")
    if K is not None and not np.isfinite(K).all():
        place = Place(trial, number, "the pattern", "")
        return "not-finite", (0.0, place, None, None, "a weight that is no finite number", "")
    exact = pattern_layer(dyadic_matrix(before), model.layers[number], None if K is None else dyadic_matrix(K))
    difference = dyadic_matrix(after) - exact
    den = int(difference.den)
    gaps = [abs(Fraction(int(x), den)) if x else NONE for x in difference.num.entries()]
    bounds = step_bound(model, number, before, K, target).ravel().tolist()
    # Beyond a bound of zero, or an infinite one, there is no ratio: the first is exceeded, the second says nothing.
    ratios = [quotient(g.numerator, g.denominator) / b if g and b and isfinite(b) else 0.0 for g, b in
              zip(gaps, bounds, strict=True)]  # fmt: skip
    exceeded = [i for i, (g, b) in enumerate(zip(gaps, bounds, strict=True)) if isfinite(b) and g > Fraction(b)]
    at = exceeded[0] if exceeded else max(range(len(ratios)), key=ratios.__getitem__)
    row, column = divmod(at, after.shape[1])
    place = Place(trial, number + 1, model.rows[row], model.columns[column])
    wanted = Fraction(int(exact.num[row, column]), int(exact.den))
    computed = str(Fraction(float(after[row, column])))
    status = "exceeded" if exceeded else "within"
    if not exceeded and not max(bounds) < (float(np.abs(after).max()) or 1.0):
        status = "vacuous"
    return status, (ratios[at], place, bounds[at], up(gaps[at]), computed, short(wanted))


def _result(
    model: PatternModel, status: str, worst: Any, k: int, trials: int, target: Precision, device: torch.device,
    surroundings: dict[str, str],
) -> FloatResult:  # fmt: skip
    ratio, place, bound, error, computed, exact = worst
    power = target.unit_roundoff.denominator.bit_length() - 1
    return FloatResult(
        status=status, device=str(device), dtype=target.name, trials=trials, where=place, bound=bound, error=error,
        ratio=None if bound is None else ratio, computed=computed, exact=exact,
        formula=f"((1+u)^k - 1) S + underflow on all of Z, u = 2^-{power}, k = {k}, the pattern as computed",
        k=k, growth=growth(k, target), distance=None, loop_distance=None, lowering={}, environment=surroundings,
        fault="layer" if status == "exceeded" else None,
    )  # fmt: skip

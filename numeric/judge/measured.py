"""How far a float run is from the exact one and from the loop in floats, and the bound that was known before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import torch

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Construction
from ...symbolic.identity.exact import Problem
from ..device import Precision
from ..reference import FloatTransitions, float_iterates, iterates
from .a_priori import a_priori
from .bounds import as_wide
from .exact_distance import distances
from .exact_run import ExactRun
from .float_result import APriori, Curves, Distance, LoopDistance
from .forms import iterates_by_map
from .places import place
from .residuals import UP


def _quotient(error: np.ndarray, size: np.ndarray) -> np.ndarray:
    """error / size, rounded up: 0 where there is no error, infinite where the size may be zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error == 0, 0.0, np.where(size > 0, error * UP / size, np.inf))


def largest(values: np.ndarray, axes: int | tuple[int, ...]) -> np.ndarray:
    """The largest absolute value along some axes, without an array of all of them."""
    return np.asarray(np.maximum(values.max(axis=axes), -values.min(axis=axes)))


@dataclass(frozen=True, eq=False)
class Measured:
    """Certified |float run - exact run| from the same prompt, (T, L+1, K, N), relative to the exact row (T, L+1, K).

    upper         at least the distance
    errors, open  what it is about, and what that may be off by
    slack         the largest of the latter
    """

    upper: np.ndarray
    errors: np.ndarray
    open: np.ndarray
    relative: np.ndarray
    slack: float


def measure(run: ExactRun) -> Measured | None:
    """None where the numbers are too large."""
    measured = distances(run)
    if measured is None:
        return None
    errors, slack = measured
    upper = errors * UP
    upper += slack
    rows = upper.max(axis=3)
    # The exact row is at least as large as the float row less the distance.
    size = largest(run.Y, 3) / UP - rows
    return Measured(upper, errors, slack, _quotient(rows, size), float(slack.max()))


def distance_of(run: ExactRun, measured: Measured) -> Distance:
    layout, readout = run.construction.layout, run.construction.readout
    row = layout.accumulator(readout.row) - layout.p
    worst = np.unravel_index(int(np.argmax(measured.upper)), measured.upper.shape)
    prediction = measured.upper[:, -1, row, -1]
    size = np.abs(run.Y[:, -1, row]).max(axis=1) / UP - measured.upper[:, -1, row].max(axis=1)
    return Distance(
        float(measured.upper[:, -1].max()),
        _finite(measured.relative[:, -1].max()),
        float(measured.upper.max()),
        _finite(measured.relative[:, 1:].max(initial=0)),
        place(run.construction, worst, layout.p),
        float(prediction.max()),
        _finite(_quotient(prediction, size).max()),
        measured.slack,
    )


def _finite(value: Any) -> float | None:
    return float(value) if isfinite(value) else None


def before_any_run(run: ExactRun, measured: Measured, target: Precision) -> tuple[APriori, np.ndarray]:
    """The a-priori tier, and its bound at every entry."""
    known = np.abs(run.Y)
    known *= UP
    known += measured.upper  # at least the exact rows
    bound = a_priori(run.maps, run.X, known, target)
    exceeded = measured.upper > bound
    if exceeded.any():
        exceeded = measured.errors / UP - measured.open > bound
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = measured.upper / bound
    ratio[measured.upper <= measured.slack] = 0.0
    ratio[:, 0] = -1.0  # nothing has been computed yet
    if exceeded.any():
        first = int(np.flatnonzero(exceeded.any(axis=(0, 2, 3)))[0])
        ratio = np.where(exceeded & (np.arange(exceeded.shape[1]) == first)[None, :, None, None], np.inf, -1.0)
    index = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    least = np.abs(run.Y, out=known)
    least /= UP
    least -= measured.upper
    sizes = np.maximum(least.max(axis=(2, 3)), 0)
    zero = sizes == 0
    zero[zero] = ((run.Y[zero] == 0) & (measured.upper[zero] <= measured.slack)).all(axis=(1, 2))
    wide = np.flatnonzero(as_wide(bound, sizes, zero, run.X)[:, 1:].any(axis=0))
    status = "exceeded" if exceeded.any() else "vacuous" if len(wide) else "within"
    where = place(run.construction, index, run.construction.layout.p)
    error, limit = float(measured.upper[index]), float(bound[index])
    share = error / limit if limit else float(error > 0)
    since = int(wide[0]) + 1 if len(wide) else None
    return APriori(status, where, limit, error, share, float(bound[:, -1].max()), since), bound


def curves_of(
    measured: Measured, residuals: tuple[np.ndarray, np.ndarray], bound: np.ndarray, early: np.ndarray
) -> Curves:
    everywhere = (0, 2, 3)
    error = np.abs(residuals[0])
    error += residuals[1]
    errors = error.max(axis=everywhere)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.divide(error, bound, out=error)
    if np.isnan(ratio.max()):  # no error by no bound, or by one that is not known
        ratio[np.isnan(ratio)] = 0.0

    def listed(values: np.ndarray) -> tuple[float | None, ...]:
        return tuple(_finite(v) for v in values)

    return Curves(
        listed(measured.upper.max(axis=everywhere)),
        listed(measured.relative.max(axis=(0, 2))),
        tuple(float(v) for v in errors),
        listed(bound.max(axis=everywhere)),
        listed(ratio.max(axis=everywhere)),
        listed(early.max(axis=everywhere)),
    )


def loop_in_floats(
    construction: Construction, setups: Sequence[Problem], dtype: torch.dtype, device: torch.device
) -> np.ndarray:
    """The accumulator rows of the textbook loop, (T, L+1, K, N); in float64 it runs once on forms, where it can.

    The forms (`forms.py`) are of the update that reads the transitions, and meet a few roundings more than the loop: as
    the distance from it is observed and judged by nothing, they may be in it.
    """

    def run(algorithm: Algorithm, data: FloatTransitions, start: Any, steps: Sequence[Any], p: Any) -> Any:
        mapped = iterates_by_map(algorithm, data, start, steps, p) if dtype == torch.float64 else None
        return mapped[0] if mapped else iterates(algorithm, data, start, steps, p)

    rows = float_iterates(setups, construction.steps, construction.depth, dtype, device, run)
    return np.asarray(rows.to("cpu", torch.float64).numpy())


def loop_distance_of(construction: Construction, stack: np.ndarray, loop: np.ndarray) -> LoopDistance:
    with np.errstate(invalid="ignore"):  # both may be the same infinity: no number, counted as infinite below
        gap = stack - loop
    np.abs(gap, out=gap)
    if np.isnan(gap.max()):
        gap[np.isnan(gap)] = np.inf
    where = np.unravel_index(int(np.argmax(gap)), gap.shape)
    most = float(gap[where])
    return LoopDistance(most if isfinite(most) else None, place(construction, where, construction.layout.p))

"""Judgements of the states of a float run: each layer against its bound, and what may not change at all."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite

import numpy as np
import torch

from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.construction import Construction
from ..device import PRECISIONS, TF32, Precision
from .bounds import WIDE, LayerMaps, growth
from .exact_floats import up
from .exact_run import ExactRun
from .float_result import Judgement
from .places import Place, place
from .residuals import UP


def _text(value: Fraction) -> str:
    """A fraction as text; numbers beyond Python's limit for decimal text are written in hexadecimal."""
    big = max(value.numerator.bit_length(), value.denominator.bit_length()) > 4096
    top, bottom = (hex(x) if big else str(x) for x in (value.numerator, value.denominator))
    return top if value.denominator == 1 else f"{top}/{bottom}"


def not_finite(construction: Construction, states: np.ndarray) -> Judgement | None:
    if np.isfinite(states).all():
        return None
    bad = np.argwhere(~np.isfinite(states))
    layer, trial, row, column = bad[0]  # layers come first, so this is where it began
    where = place(construction, (trial, layer, row, column), 0)
    return Judgement("not-finite", where, None, None, str(states[layer, trial, row, column]), "")


def prompt_changed(construction: Construction, states: np.ndarray, Z: np.ndarray) -> Judgement | None:
    """A module whose first state is not the prompt, (T, m, N), runs its layers on something else."""
    changed = np.argwhere(states[0] != Z)
    if not len(changed):
        return None
    index = tuple(int(i) for i in changed[0])
    got, wanted = Fraction(float(states[0][index])), Fraction(float(Z[index]))
    where = place(construction, (index[0], 0, *index[1:]), 0)
    return Judgement("exceeded", where, 0.0, up(abs(got - wanted)), _text(got), _text(wanted), "prompt")


def features_changed(construction: Construction, states: np.ndarray) -> Judgement | None:
    p = construction.layout.p
    if all(np.array_equal(state[:, :p], states[0, :, :p]) for state in states):
        return None
    changed = np.argwhere(states[:, :, :p] != states[:1, :, :p])
    layer, trial, row, column = changed[0]
    got, wanted = (Fraction(float(states[number, trial, row, column])) for number in (layer, 0))
    where = place(construction, (trial, layer, row, column), 0)
    return Judgement("exceeded", where, 0.0, up(abs(got - wanted)), _text(got), _text(wanted), "features")


def prediction_misread(construction: Construction, predictions: np.ndarray | None, Y: np.ndarray) -> Judgement | None:
    """A prediction that is not the read-out's own entry of Y (T, L+1, K, N) with its sign: reading rounds nothing."""
    if predictions is None:
        return None
    layout, readout = construction.layout, construction.readout
    wanted = readout.sign * Y[:, -1, layout.accumulator(readout.row) - layout.p, layout.n]
    wrong = np.flatnonzero(predictions != wanted)
    if not len(wrong):
        return None
    trial = int(wrong[0])
    held, right = float(predictions[trial]), Fraction(float(wanted[trial]))
    where = Place(trial, construction.depth, "prediction", f"read as {'-' if readout.sign < 0 else '+'}{readout.row}")
    if not isfinite(held):
        return Judgement("exceeded", where, 0.0, None, str(held), _text(right), "read-out")
    got = Fraction(held)
    return Judgement("exceeded", where, 0.0, up(abs(got - right)), _text(got), _text(right), "read-out")


def _entry(matrix: RationalMatrix, row: int, column: int) -> Fraction:
    return Fraction(int(matrix.num[row, column]), int(matrix.den))


def judge(
    run: ExactRun,
    construction: Construction,
    bound: np.ndarray,
    residuals: tuple[np.ndarray, np.ndarray] | None = None,
) -> Judgement:
    """Every one-step error against its bound; the entry of the worst ratio is written out over Q."""
    residual, slack = residuals or run.residuals
    error = np.abs(residual)
    most = error * UP
    most += slack
    exceeded = _exceeded(run, bound, error, slack, most > bound)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.divide(error, bound, out=most)
    if np.isnan(ratio.max()):  # no error by no bound, or by one that is not known
        ratio[np.isnan(ratio)] = 0.0
    if exceeded.any():  # the layer that leaves the algorithm first is the one to name
        first = int(np.flatnonzero(exceeded.any(axis=(0, 2, 3)))[0])
        ratio = np.where(exceeded & (np.arange(exceeded.shape[1]) == first)[None, :, None, None], ratio, -1.0)
    trial, layer, k, column = (int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))
    computed = Fraction(float(run.Y[trial, layer + 1, k, column]))
    wanted = _entry(run.exact_layer(trial, layer), k, column)
    where = place(construction, (trial, layer + 1, k, column), construction.layout.p)
    status = "exceeded" if exceeded.any() else "within"
    limit, fault = float(bound[trial, layer, k, column]), "layer" if exceeded.any() else None
    return Judgement(status, where, limit, up(abs(computed - wanted)), _text(computed), _text(wanted), fault)


def _exceeded(run: ExactRun, bound: np.ndarray, error: np.ndarray, slack: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """Which errors are above their bound, of those beyond it with their slack: what that leaves open, over Q."""
    if not beyond.any():
        return beyond
    exceeded = np.asarray(error / UP - slack > bound)
    open_yet = beyond & ~exceeded
    for trial, layer in np.argwhere(open_yet.any(axis=(2, 3))).tolist():
        exact = run.exact_layer(trial, layer)
        for k, column in np.argwhere(open_yet[trial, layer]).tolist():
            entry, value = (trial, layer, k, column), _entry(exact, k, column)
            here = Fraction(float(run.Y[trial, layer + 1, k, column]))
            exceeded[entry] = isfinite(bound[entry]) and abs(here - value) > Fraction(float(bound[entry]))
    return exceeded


def earlier(
    construction: Construction, maps: LayerMaps, X: np.ndarray, Y: np.ndarray, until: int, target: Precision
) -> tuple[Judgement, str | None] | None:
    """What is wrong with a layer before layer `until`, where the states stopped being ones that can be judged."""
    last = np.repeat(Y[:, until - 1 : until], Y.shape[1] - until, axis=1)
    run = ExactRun(maps, construction, X, np.concatenate([Y[:, :until], last], axis=1))
    bound, residuals = run.bounds(maps, run.Y[:, :-1], target), run.residuals
    bound[:, until - 1 :] = np.inf
    judgement = judge(run, construction, bound, residuals)
    return (judgement, coarser_format(run, target, residuals, until - 1)) if judgement.status == "exceeded" else None


def coarser_format(
    run: ExactRun, target: Precision, residuals: tuple[np.ndarray, np.ndarray], layers: int | None = None
) -> str | None:
    """The first coarser arithmetic within whose bound every layer is: what a product in lower precision looks like."""
    for other in (PRECISIONS[torch.float32], TF32):
        if other.unit_roundoff > target.unit_roundoff and growth(run.maps.roundings, other) < WIDE:
            bound = run.bounds(run.maps, run.Y[:, :-1], other)
            if (np.abs(residuals[0]) * UP + residuals[1] <= bound)[:, :layers].all():
                return other.name
    return None

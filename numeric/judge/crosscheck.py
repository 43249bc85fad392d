"""The judge of a float run: every layer's exact one-step error against its bound, and the run's exact distance.

What a module returned is exact data: floats are integers times powers of two.  The exact layer of the derived
rational weights is applied to the state that came in, and its result compared with the state that came out.
Rationals that are no binary fractions are cut off far below the format, with the cut carried as `slack`; the rare
entry that the slack leaves open is decided over Q.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import nn

from ...symbolic.algorithm import Algorithm
from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError
from ...symbolic.identity.exact import Problem
from ..device import PRECISIONS, TF32, Precision, environment, precision, strict_precision
from ..lower import Lowered, lower, lower_prompt
from ..reference import float_iterates
from ..transformer import LinearTransformer
from .a_priori import a_priori
from .bounds import WIDE, LayerMaps, as_wide, formula, growth, layer_maps, one_step
from .dense import DenseModel, dense_check, judged_prompts
from .exact_distance import distances
from .exact_floats import up
from .exact_run import UP, ExactRun
from .float_result import APriori, Curves, Distance, FloatResult, Judgement, LoopDistance
from .float_run import run_prediction, run_states
from .lowering_error import split_error
from .places import Place, place


def _text(value: Fraction) -> str:
    """A fraction as text; numbers beyond Python's limit for decimal text are written in hexadecimal."""
    big = max(value.numerator.bit_length(), value.denominator.bit_length()) > 4096
    top, bottom = (hex(x) if big else str(x) for x in (value.numerator, value.denominator))
    return top if value.denominator == 1 else f"{top}/{bottom}"


def _quotient(error: np.ndarray, size: np.ndarray) -> np.ndarray:
    """error / size, rounded up: 0 where there is no error, infinite where the size may be zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error == 0, 0.0, np.where(size > 0, error * UP / size, np.inf))


@dataclass(frozen=True, eq=False)
class _Measured:
    """Certified |float run - exact run| from the same prompt, (T, L+1, K, N), relative to the exact row (T, L+1, K)."""

    upper: np.ndarray
    lower: np.ndarray
    relative: np.ndarray
    slack: float


def _measure(run: ExactRun) -> _Measured | None:
    """None where the numbers are too large."""
    measured = distances(run)
    if measured is None:
        return None
    errors, slack = measured
    upper = errors * UP + slack
    # The exact row is at least as large as the float row less the distance.
    size = np.abs(run.Y).max(axis=3) / UP - upper.max(axis=3)
    return _Measured(upper, errors / UP - slack, _quotient(upper.max(axis=3), size), float(slack.max()))


def _distance(run: ExactRun, measured: _Measured) -> Distance:
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


def _before_any_run(run: ExactRun, measured: _Measured, target: Precision) -> tuple[APriori, np.ndarray]:
    """The a-priori tier, and its bound at every entry."""
    known = np.abs(run.Y) * UP + measured.upper  # at least the exact rows
    bound = a_priori(run.maps, run.X, known, target)
    exceeded = measured.lower > bound
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(measured.upper <= measured.slack, 0.0, measured.upper / bound)
    ratio[:, 0] = -1.0  # nothing has been computed yet
    if exceeded.any():
        first = int(np.flatnonzero(exceeded.any(axis=(0, 2, 3)))[0])
        ratio = np.where(exceeded & (np.arange(exceeded.shape[1]) == first)[None, :, None, None], np.inf, -1.0)
    index = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    sizes = np.maximum(np.abs(run.Y) / UP - measured.upper, 0).max(axis=(2, 3))
    zero = ((run.Y == 0) & (measured.upper <= measured.slack)).all(axis=(2, 3))
    wide = np.flatnonzero(as_wide(bound, sizes, zero, run.X)[:, 1:].any(axis=0))
    status = "exceeded" if exceeded.any() else "vacuous" if len(wide) else "within"
    where = place(run.construction, index, run.construction.layout.p)
    error, limit = float(measured.upper[index]), float(bound[index])
    share = error / limit if limit else float(error > 0)
    since = int(wide[0]) + 1 if len(wide) else None
    return APriori(status, where, limit, error, share, float(bound[:, -1].max()), since), bound


def _curves(measured: _Measured, error: np.ndarray, bound: np.ndarray, early: np.ndarray) -> Curves:
    everywhere = (0, 2, 3)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error == 0, 0.0, error / bound)

    def listed(values: np.ndarray) -> tuple[float | None, ...]:
        return tuple(_finite(v) for v in values)

    return Curves(
        listed(measured.upper.max(axis=everywhere)),
        listed(measured.relative.max(axis=(0, 2))),
        tuple(float(v) for v in error.max(axis=everywhere)),
        listed(bound.max(axis=everywhere)),
        listed(ratio.max(axis=everywhere)),
        listed(early.max(axis=everywhere)),
    )


def _loop_distance(construction: Construction, stack: np.ndarray, loop: np.ndarray) -> LoopDistance:
    with np.errstate(invalid="ignore"):  # both may be the same infinity: no number, counted as infinite below
        gap = np.abs(stack - loop)
    where = np.unravel_index(int(np.argmax(np.where(np.isnan(gap), np.inf, gap))), gap.shape)
    largest = float(gap[where])
    return LoopDistance(largest if isfinite(largest) else None, place(construction, where, construction.layout.p))


def _not_finite(construction: Construction, states: np.ndarray) -> Judgement | None:
    if np.isfinite(states).all():
        return None
    bad = np.argwhere(~np.isfinite(states))
    layer, trial, row, column = bad[0]  # layers come first, so this is where it began
    where = place(construction, (trial, layer, row, column), 0)
    return Judgement("not-finite", where, None, None, str(states[layer, trial, row, column]), "")


def _prompt_changed(construction: Construction, states: np.ndarray, Z: np.ndarray) -> Judgement | None:
    """A module whose first state is not the prompt, (T, m, N), runs its layers on something else."""
    changed = np.argwhere(states[0] != Z)
    if not len(changed):
        return None
    index = tuple(int(i) for i in changed[0])
    got, wanted = Fraction(float(states[0][index])), Fraction(float(Z[index]))
    where = place(construction, (index[0], 0, *index[1:]), 0)
    return Judgement("exceeded", where, 0.0, up(abs(got - wanted)), _text(got), _text(wanted), "prompt")


def _features_changed(construction: Construction, states: np.ndarray) -> Judgement | None:
    p = construction.layout.p
    if all(np.array_equal(state[:, :p], states[0, :, :p]) for state in states):
        return None
    changed = np.argwhere(states[:, :, :p] != states[:1, :, :p])
    layer, trial, row, column = changed[0]
    got, wanted = (Fraction(float(states[number, trial, row, column])) for number in (layer, 0))
    where = place(construction, (trial, layer, row, column), 0)
    return Judgement("exceeded", where, 0.0, up(abs(got - wanted)), _text(got), _text(wanted), "features")


def _prediction_misread(
    construction: Construction, predictions: np.ndarray | None, states: np.ndarray
) -> Judgement | None:
    """A prediction that is not the read-out's own entry with its sign: reading an entry rounds nothing."""
    if predictions is None:
        return None
    layout, readout = construction.layout, construction.readout
    wanted = readout.sign * states[-1, :, layout.accumulator(readout.row), layout.n]
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


def _judge(
    run: ExactRun,
    construction: Construction,
    bound: np.ndarray,
    residuals: tuple[np.ndarray, np.ndarray] | None = None,
) -> Judgement:
    """Every one-step error against its bound; the entry of the worst ratio is written out over Q."""
    residual, slack = residuals or run.residuals
    error = np.abs(residual)
    exceeded = error / UP - slack > bound
    open_yet = ~exceeded & (error * UP + slack > bound)
    for trial, layer in np.argwhere(open_yet.any(axis=(2, 3))).tolist():
        exact = run.exact_layer(trial, layer)
        for k, column in np.argwhere(open_yet[trial, layer]).tolist():
            entry, value = (trial, layer, k, column), _entry(exact, k, column)
            here = Fraction(float(run.Y[trial, layer + 1, k, column]))
            exceeded[entry] = isfinite(bound[entry]) and abs(here - value) > Fraction(float(bound[entry]))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((error == 0) | ~np.isfinite(bound), 0.0, error / bound)
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


def _earlier(
    construction: Construction, maps: LayerMaps, states: np.ndarray, until: int, target: Precision
) -> tuple[Judgement, str | None] | None:
    """What is wrong with a layer before layer `until`, where the states stopped being ones that can be judged."""
    run = ExactRun(
        maps,
        construction,
        np.concatenate([states[:until], np.repeat(states[until - 1 : until], len(states) - until, axis=0)]),
    )
    bound, residuals = one_step(maps, run.X, run.Y[:, :-1], target), run.residuals
    bound[:, until - 1 :] = np.inf
    judgement = _judge(run, construction, bound, residuals)
    return (judgement, _coarser(run, target, residuals, until - 1)) if judgement.status == "exceeded" else None


@np.errstate(all="ignore")  # what overflows is judged over Q, or its bound is infinite
def crosscheck(
    construction: Construction,
    algorithm: Algorithm,
    setups: Sequence[Problem],
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float64,
    module: nn.Module | None = None,
    progress: Callable[[str], None] | None = None,
    tf32: bool = False,
    lowered: Lowered | None = None,
) -> FloatResult:
    """Run a construction's weights in floats on rational prompts, all trials at once, and judge every layer.

    setups : one rational `Problem` a trial, of `algorithm` and of the construction's size
    module : what is run instead of the lowered construction: see `run_states`
    tf32   : float32 products may round their inputs to ten bits, and the bound allows for it (CUDA)
    lowered: the construction's weights in floats, where they are at hand
    Weights that write feature rows are judged by `dense.py`, on fewer prompts and without the a-priori tier.
    Raises `ArgumentError` when sizes, algorithm or module do not fit.
    """
    if not setups or any(s.layout != construction.layout for s in setups):
        raise ArgumentError(
            f"setups: wanted at least one prompt of {construction.algorithm}, each of the construction's size"
        )
    if algorithm.name != construction.algorithm or any(s.algorithm is not algorithm for s in setups):
        raise ArgumentError(f"the construction is for {construction.algorithm}, the algorithm or a prompt for another")
    say = progress or (lambda stage: None)
    if construction.row_heads() is None:
        return _dense(construction, setups, torch.device(device), dtype, module, say, tf32, lowered)
    device, target, maps = torch.device(device), TF32 if tf32 else precision(dtype), layer_maps(construction)
    say("running the layers")
    lowered = lowered or lower(construction, dtype, device)
    with torch.no_grad(), strict_precision(tf32):
        if module is None:
            module = LinearTransformer.from_lowered(construction, lowered)
        Z = torch.stack([lower_prompt(s, dtype, device) for s in setups])
        outputs = run_states(module, Z.clone(), construction.depth)
        states = torch.stack(outputs).to("cpu", torch.float64).numpy()
        predicted = run_prediction(module, Z.clone())
        predictions = None if predicted is None else predicted.to("cpu", torch.float64).numpy()
        surroundings = _surroundings(device, dtype, module)
        say("running the textbook loop")
        iterates = float_iterates(setups, construction.steps, construction.depth, dtype, device)
        loop = iterates.to("cpu", torch.float64).numpy()
    loop_distance = _loop_distance(construction, states[:, :, maps.features :].transpose(1, 0, 2, 3), loop)
    distance, early, curves, split, factor = None, None, None, None, growth(maps.roundings, target)
    say("judging every layer")
    prompt, coarser = Z.to("cpu", torch.float64).numpy(), None
    judgement = _not_finite(construction, states) or _prompt_changed(construction, states, prompt)
    judgement = judgement or _features_changed(construction, states)
    if judgement is not None and judgement.where is not None and (until := judgement.where.layer) > 1:
        judgement, coarser = _earlier(construction, maps, states, until, target) or (judgement, None)
    if judgement is None:
        run = ExactRun(maps, construction, states)
        bound, residuals = one_step(maps, run.X, run.Y[:, :-1], target), run.residuals
        judgement = _judge(run, construction, bound, residuals)
        if judgement.status == "exceeded":
            coarser = _coarser(run, target, residuals)
        if judgement.status == "within":
            judgement = _prediction_misread(construction, predictions, states) or judgement
        held = np.abs(run.Y).max(axis=(2, 3))
        wide = as_wide(np.pad(bound, ((0, 0), (1, 0), (0, 0), (0, 0))), held, held == 0, run.X)[:, 1:].any()
        if judgement.status == "within" and (factor >= WIDE or wide or not np.isfinite(bound).all()):
            judgement = replace(judgement, status="vacuous")
        say("measuring the distance")
        if (measured := _measure(run)) is not None:
            distance = _distance(run, measured)
            early, every = _before_any_run(run, measured, target)
            curves = _curves(measured, np.abs(residuals[0]) + residuals[1], bound, every)
        if all(torch.isfinite(t).all() for heads in lowered.layers for head in heads for t in head.values()):
            split = split_error(construction, lowered, setups, states)
    bounded = judgement.bound is not None and judgement.error is not None and judgement.bound > 0
    return FloatResult(
        status=judgement.status,
        device=str(device),
        dtype=target.name,
        trials=len(setups),
        where=judgement.where,
        bound=judgement.bound,
        error=judgement.error,
        ratio=judgement.error / judgement.bound if bounded else None,  # type: ignore[operator]
        computed=judgement.computed,
        exact=judgement.exact,
        formula=formula(maps, target),
        k=maps.roundings,
        growth=factor,
        distance=distance,
        loop_distance=loop_distance,
        lowering=lowered.summary(),
        environment=surroundings,
        a_priori=early,
        split=split,
        curves=curves,
        fault=judgement.fault,
        coarser=coarser,
        read_out_judged=predictions is not None,
    )


def _coarser(
    run: ExactRun, target: Precision, residuals: tuple[np.ndarray, np.ndarray], layers: int | None = None
) -> str | None:
    """The first coarser arithmetic within whose bound every layer is: what a product in lower precision looks like."""
    for other in (PRECISIONS[torch.float32], TF32):
        if other.unit_roundoff > target.unit_roundoff and growth(run.maps.roundings, other) < WIDE:
            bound = one_step(run.maps, run.X, run.Y[:, :-1], other)
            if (np.abs(residuals[0]) * UP + residuals[1] <= bound)[:, :layers].all():
                return other.name
    return None


def _surroundings(device: torch.device, dtype: torch.dtype, module: nn.Module) -> dict[str, str]:
    """What the result depends on; called while the switches are as the run had them."""
    return {**environment(device, dtype), "evaluation": str(getattr(module, "evaluation", "the user's own"))}


def _dense(
    construction: Construction,
    setups: Sequence[Problem],
    device: torch.device,
    dtype: torch.dtype,
    module: nn.Module | None,
    say: Callable[[str], None],
    tf32: bool,
    lowered: Lowered | None,
) -> FloatResult:
    layout, depth = construction.layout, construction.depth
    columns = tuple(layout.column_name(t) for t in range(layout.n + 1))
    layers = tuple(construction.heads(number) for number in range(depth))
    model = DenseModel(layers, Fraction(1, layout.n), tuple(layout.row_names()), columns)
    say("running the layers")
    lowered, target = lowered or lower(construction, dtype, device), TF32 if tf32 else precision(dtype)
    with torch.no_grad(), strict_precision(tf32):
        if module is None:
            module = LinearTransformer.from_lowered(construction, lowered)
        Z = torch.stack([lower_prompt(s, dtype, device) for s in setups[: judged_prompts(len(setups), depth)]])
        states = torch.stack(run_states(module, Z.clone(), depth)).to("cpu", torch.float64).numpy()
        predicted = run_prediction(module, Z.clone())
        predictions = None if predicted is None else predicted.to("cpu", torch.float64).numpy()
        surroundings = _surroundings(device, dtype, module)
    say("judging every layer")
    result = dense_check(model, states, lowered, target, device, surroundings)
    result = replace(result, read_out_judged=predictions is not None)
    changed = _prompt_changed(construction, states, Z.to("cpu", torch.float64).numpy())
    if result.status != "not-finite" and changed is not None:
        return replace(result, **vars(changed), ratio=None)
    if result.status == "within" and (wrong := _prediction_misread(construction, predictions, states)) is not None:
        result = replace(result, **vars(wrong), ratio=None)
    return result

"""The judge of a float run: every layer's exact one-step error against its bound, and the run's exact distance.

What a module returned is exact data: floats are integers times powers of two.  The exact layer of the derived
rational weights is applied to the state that came in, and its result compared with the state that came out.
Rationals that are no binary fractions are cut off far below the format, with the cut carried as `slack`; the rare
entry that the slack leaves open is decided over Q.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..symbolic.algorithm import Algorithm
from ..symbolic.construction import Construction
from ..symbolic.errors import ArgumentError
from ..symbolic.identity import Problem
from .bounds import formula, growth, layer_maps, one_step
from .device import environment, precision, strict_precision
from .exact_run import UP, ExactRun
from .lower import lower, lower_prompt
from .reference import float_iterates
from .transformer import LinearTransformer

WIDE = 2.0**-4
"""A bound of this share of sum |x|, or more, is called vacuous: one algorithm's layer may lie within another's."""


@dataclass(frozen=True)
class Place:
    """An entry of a run: trial and layer (0 is the prompt itself, l the state after l layers), row and column."""

    trial: int
    layer: int
    row: str
    column: str


@dataclass(frozen=True)
class Distance:
    """Certified upper bounds on |float run - exact run from the same float prompt|, largest over trials.

    Relative means: relative to the largest entry of the exact row at that layer.  By the identity the exact run is
    the textbook iteration on that prompt.  `slack` is what cutting off may have added; None: no finite value.
    """

    last_absolute: float
    last_relative: float | None
    worst_absolute: float
    worst_relative: float | None
    worst: Place
    prediction_absolute: float
    prediction_relative: float | None
    slack: float


@dataclass(frozen=True)
class LoopDistance:
    """The largest |stack - textbook loop in floats|: observed, and judged by nothing."""

    largest: float | None
    where: Place


@dataclass(frozen=True)
class FloatResult:
    """What a float run showed.

    status       "within": every one-step error is inside its bound; "exceeded": some is not, `where` says which;
                 "vacuous": within, but (1+u)^k - 1 >= 1/16 or the bound is infinite, so that says too little;
                 "not-finite": a NaN or an infinity, which began at `where`
    bound, error, ratio   at the entry of the worst ratio error / bound (None where the state is not finite)
    computed     the float there, exact, as a fraction
    exact        the exact layer's value there, from the float state that came in
    """

    status: str
    device: str
    dtype: str
    trials: int
    where: Place | None
    bound: float | None
    error: float | None
    ratio: float | None
    computed: str
    exact: str
    formula: str
    k: int
    growth: float
    distance: Distance | None
    loop_distance: LoopDistance | None
    lowering: dict[str, Any]
    environment: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain data; a number that is not finite becomes None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value


def _text(value: Fraction) -> str:
    """A fraction as text; numbers beyond Python's limit for decimal text are written in hexadecimal."""
    big = max(value.numerator.bit_length(), value.denominator.bit_length()) > 4096
    top, bottom = (hex(x) if big else str(x) for x in (value.numerator, value.denominator))
    return top if value.denominator == 1 else f"{top}/{bottom}"


def run_states(module: nn.Module, Z: Tensor, depth: int) -> list[Tensor]:
    """Z_0, ..., Z_L of any module with `states(Z)`, or else with `layers`, L callables applied one after another.

    Z : (B, m, N).  `ArgumentError` when the module has neither, or returns other shapes.
    """
    runs: Any = getattr(module, "states", None)
    if callable(runs):
        states = list(runs(Z))
    elif hasattr(module, "layers"):
        states = [Z]
        for layer in module.layers:  # type: ignore[union-attr]
            states.append(layer(states[-1]))
    else:
        raise ArgumentError(
            f"{type(module).__name__} has neither states(Z), which returns [Z_0, ..., Z_L], nor layers, the layers to "
            "apply one after another: give it one of the two; Z : (prompts, rows, n + 1) is a batch"
        )
    if len(states) != depth + 1:
        wanted = f"{depth + 1}: the prompt Z_0 and Z_1, ..., Z_{depth}"
        raise ArgumentError(f"{type(module).__name__} returns {len(states)} states, wanted {wanted}")
    for number, state in enumerate(states):
        if state.shape != Z.shape or state.dtype != Z.dtype:
            raise ArgumentError(
                f"{type(module).__name__} returns {tuple(state.shape)} of {state.dtype} after layer {number}, "
                f"wanted {tuple(Z.shape)} of {Z.dtype} as the prompts"
            )
    return [Z, *states[1:]] if torch.equal(states[0], Z) else states


def _places(construction: Construction, index: Sequence[Any], first_row: int) -> Place:
    trial, layer, row, column = (int(i) for i in index)
    layout = construction.layout
    return Place(trial, layer, layout.row_names()[first_row + row], layout.column_name(column))


def _quotient(error: np.ndarray, size: np.ndarray) -> np.ndarray:
    """error / size, rounded up: 0 where there is no error, infinite where the size may be zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error == 0, 0.0, np.where(size > 0, error * UP / size, np.inf))


def _distance(run: ExactRun) -> Distance | None:
    """The largest certified distances of a run from its exact iterates; None where the numbers are too large."""
    measured = run.distances()
    if measured is None:
        return None
    errors, slack = measured
    upper = errors * UP + slack
    # The exact row is at least as large as the float row less the distance.
    size = np.abs(run.Y).max(axis=3) / UP - upper.max(axis=3)
    relative = _quotient(upper.max(axis=3), size)
    layout, readout = run.construction.layout, run.construction.readout
    row = layout.accumulator(readout.row) - layout.p
    worst = np.unravel_index(int(np.argmax(upper)), upper.shape)
    prediction = upper[:, -1, row, -1]
    ratios = _quotient(prediction, size[:, -1, row])

    def finite(value: Any) -> float | None:
        return float(value) if isfinite(value) else None

    return Distance(
        float(upper[:, -1].max()),
        finite(relative[:, -1].max()),
        float(upper.max()),
        finite(relative[:, 1:].max(initial=0)),
        _places(run.construction, worst, layout.p),
        float(prediction.max()),
        finite(ratios.max()),
        float(slack.max()),
    )


def _loop_distance(construction: Construction, stack: np.ndarray, loop: np.ndarray) -> LoopDistance:
    gap = np.abs(stack - loop)
    where = np.unravel_index(int(np.argmax(np.where(np.isnan(gap), np.inf, gap))), gap.shape)
    largest = float(gap[where])
    return LoopDistance(largest if isfinite(largest) else None, _places(construction, where, construction.layout.p))


@dataclass(frozen=True)
class _Judgement:
    status: str
    where: Place | None
    bound: float | None
    error: float | None
    computed: str
    exact: str


def _not_finite(construction: Construction, states: np.ndarray) -> _Judgement | None:
    bad = np.argwhere(~np.isfinite(states))
    if not len(bad):
        return None
    layer, trial, row, column = bad[0]  # layers come first, so this is where it began
    where = _places(construction, (trial, layer, row, column), 0)
    return _Judgement("not-finite", where, None, None, str(states[layer, trial, row, column]), "")


def _features_changed(construction: Construction, states: np.ndarray) -> _Judgement | None:
    p = construction.layout.p
    changed = np.argwhere(states[:, :, :p] != states[:1, :, :p])
    if not len(changed):
        return None
    layer, trial, row, column = changed[0]
    got, wanted = (Fraction(float(states[number, trial, row, column])) for number in (layer, 0))
    where = _places(construction, (trial, layer, row, column), 0)
    return _Judgement("exceeded", where, 0.0, float(abs(got - wanted)), _text(got), _text(wanted))


def _prediction_misread(
    construction: Construction, predictions: np.ndarray | None, states: np.ndarray
) -> _Judgement | None:
    """A prediction that is not the read-out's own entry with its sign: reading an entry rounds nothing."""
    if predictions is None:
        return None
    layout, readout = construction.layout, construction.readout
    wanted = readout.sign * states[-1, :, layout.accumulator(readout.row), layout.n]
    wrong = np.flatnonzero(predictions != wanted)
    if not len(wrong):
        return None
    trial = int(wrong[0])
    got, right = Fraction(float(predictions[trial])), Fraction(float(wanted[trial]))
    where = Place(trial, construction.depth, "prediction", f"read as {'-' if readout.sign < 0 else '+'}{readout.row}")
    return _Judgement("exceeded", where, 0.0, float(abs(got - right)), _text(got), _text(right))


def _judge(run: ExactRun, construction: Construction, bound: np.ndarray) -> _Judgement:
    """Every one-step error against its bound; the entry of the worst ratio is written out over Q."""
    residual, slack = run.residuals()
    error = np.abs(residual)
    exceeded = error / UP - slack > bound
    doubtful = np.unique(np.argwhere(~exceeded & (error * UP + slack > bound))[:, :2], axis=0)
    for trial, layer in doubtful.tolist():
        exact = run.exact_layer(trial, layer).fractions()
        for k, row in enumerate(exact):
            for column, value in enumerate(row):
                excess = abs(Fraction(float(run.Y[trial, layer + 1, k, column])) - value)
                exceeded[trial, layer, k, column] = excess > Fraction(float(bound[trial, layer, k, column]))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.isinf(bound), 0.0, np.where(error == 0, 0.0, error / bound))
    if exceeded.any():  # the layer that leaves the algorithm first is the one to name
        first = int(np.flatnonzero(exceeded.any(axis=(0, 2, 3)))[0])
        ratio = np.where(exceeded & (np.arange(exceeded.shape[1]) == first)[None, :, None, None], ratio, -1.0)
    trial, layer, k, column = (int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))
    computed = Fraction(float(run.Y[trial, layer + 1, k, column]))
    wanted = run.exact_layer(trial, layer).fractions()[k][column]
    where = _places(construction, (trial, layer + 1, k, column), construction.layout.p)
    status = "exceeded" if exceeded.any() else "within"
    limit = float(bound[trial, layer, k, column])
    return _Judgement(status, where, limit, float(abs(computed - wanted)), _text(computed), _text(wanted))


def crosscheck(
    construction: Construction,
    algorithm: Algorithm,
    setups: Sequence[Problem],
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float64,
    module: nn.Module | None = None,
    progress: Callable[[str], None] | None = None,
) -> FloatResult:
    """Run a construction's weights in floats on rational prompts, all trials at once, and judge every layer.

    setups : one rational `Problem` a trial, of `algorithm` and of the construction's size
    module : what is run instead of the lowered construction: see `run_states`
    Raises `ArgumentError` when sizes, algorithm or module do not fit, or the weights touch feature rows.
    """
    if not setups or any(s.layout != construction.layout for s in setups):
        raise ArgumentError(
            f"setups: wanted at least one prompt of {construction.algorithm}, each of the construction's size"
        )
    if algorithm.name != construction.algorithm or any(s.algorithm is not algorithm for s in setups):
        raise ArgumentError(f"the construction is for {construction.algorithm}, the algorithm or a prompt for another")
    say = progress or (lambda stage: None)
    device, target, maps = torch.device(device), precision(dtype), layer_maps(construction)
    say("running the layers")
    lowered = lower(construction, dtype, device)
    with torch.no_grad(), strict_precision():
        if module is None:
            module = LinearTransformer.from_lowered(construction, lowered)
        Z = torch.stack([lower_prompt(s, dtype, device) for s in setups])
        outputs = run_states(module, Z, construction.depth)
        states = torch.stack(outputs).to("cpu", torch.float64).numpy()
        predictions = None
        if callable(getattr(module, "prediction", None)):
            predictions = module.prediction(Z).to("cpu", torch.float64).numpy()  # type: ignore[operator]
        surroundings = environment(device, dtype)
        say("running the textbook loop")
        iterates = float_iterates(setups, construction.steps, construction.depth, dtype, device)
        loop = iterates.to("cpu", torch.float64).numpy()
    loop_distance = _loop_distance(construction, states[:, :, maps.features :].transpose(1, 0, 2, 3), loop)
    distance, factor = None, growth(maps.roundings, target)
    say("judging every layer")
    judgement = _not_finite(construction, states) or _features_changed(construction, states)
    if judgement is None:
        run = ExactRun(maps, construction, states)
        bound = one_step(maps, run.X, run.Y[:, :-1], target)
        judgement = _judge(run, construction, bound)
        if judgement.status == "within":
            judgement = _prediction_misread(construction, predictions, states) or judgement
        if judgement.status == "within" and (factor >= WIDE or not np.isfinite(bound).all()):
            judgement = _Judgement(**{**asdict(judgement), "status": "vacuous", "where": judgement.where})
        say("measuring the distance")
        distance = _distance(run)
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
    )

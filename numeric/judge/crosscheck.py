"""The judge of a float run: every layer's exact one-step error against its bound, and the run's exact distance.

What a module returned is exact data: floats are integers times powers of two.  The exact layer of the derived
rational weights is applied to the state that came in, and its result compared with the state that came out.
Rationals that are no binary fractions are cut off far below the format, with the cut carried as `slack`; the rare
entry that the slack leaves open is decided over Q.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
from torch import nn

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError
from ...symbolic.identity.exact import Problem
from ..device import TF32, Precision, precision, strict_precision
from ..lower import Lowered, lower
from .bounds import WIDE, as_wide, formula, growth, layer_maps
from .dense import DenseModel, dense_check, judged_prompts
from .exact_run import ExactRun
from .float_result import FloatResult, Judgement
from .float_run import FloatRun, float_run
from .judgements import coarser_format, earlier, features_changed, judge, not_finite, prediction_misread, prompt_changed
from .lowering_error import split_error
from .measured import before_any_run, curves_of, distance_of, largest, loop_distance_of, loop_in_floats, measure
from .memory import keep_freed_memory


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
    keep_freed_memory()
    device, target, maps = torch.device(device), TF32 if tf32 else precision(dtype), layer_maps(construction)
    lowered = lowered or lower(construction, dtype, device)
    say("running the layers")
    run = float_run(construction, setups, lowered, device, dtype, module, tf32)
    say("running the textbook loop")
    with torch.no_grad(), strict_precision(tf32):
        loop = loop_in_floats(construction, setups, dtype, device)
    loop_distance = loop_distance_of(construction, run.Y, loop)
    say("judging every layer")
    distance, early, curves, split, coarser = None, None, None, None, None
    judgement = _unjudgeable(construction, run)
    if judgement is not None and judgement.where is not None and (until := judgement.where.layer) > 1:
        judgement, coarser = earlier(construction, maps, run.X, run.Y, until, target) or (judgement, None)
    if judgement is None:
        exact = ExactRun(maps, construction, run.X, run.Y)
        bound, residuals = exact.bounds(maps, exact.Y[:, :-1], target), exact.residuals
        judgement, coarser = _judge_layers(construction, run, exact, bound, residuals, target)
        say("measuring the distance")
        if (measured := measure(exact)) is not None:
            distance = distance_of(exact, measured)
            early, every = before_any_run(exact, measured, target)
            curves = curves_of(measured, residuals, bound, every)
        if all(torch.isfinite(t).all() for heads in lowered.layers for head in heads for t in head.values()):
            split = split_error(construction, lowered, setups, run.X, run.Y)
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
        growth=growth(maps.roundings, target),
        distance=distance,
        loop_distance=loop_distance,
        lowering=lowered.summary(),
        environment=run.environment,
        a_priori=early,
        split=split,
        curves=curves,
        fault=judgement.fault,
        coarser=coarser,
        read_out_judged=run.predictions is not None,
    )


def _unjudgeable(construction: Construction, run: FloatRun) -> Judgement | None:
    """What no layer of the construction does whatever the bounds: numbers beyond the range, or other rows changed."""
    if run.states is None:  # finite rows of the construction's own weights, which change no others
        return None
    return (
        not_finite(construction, run.states)
        or prompt_changed(construction, run.states, run.prompt)
        or features_changed(construction, run.states)
    )


def _judge_layers(
    construction: Construction,
    run: FloatRun,
    exact: ExactRun,
    bound: np.ndarray,
    residuals: tuple[np.ndarray, np.ndarray],
    target: Precision,
) -> tuple[Judgement, str | None]:
    """The verdict on every layer and on the read-out, and the coarser format that an exceeded bound looks like."""
    judgement = judge(exact, construction, bound, residuals)
    if judgement.status == "exceeded":
        return judgement, coarser_format(exact, target, residuals)
    judgement = prediction_misread(construction, run.predictions, run.Y) or judgement
    held, most = largest(exact.Y, (2, 3)), np.pad(bound.max(axis=(2, 3)), ((0, 0), (1, 0)))
    wide = as_wide(most[:, :, None, None], held, held == 0, exact.X)[:, 1:].any()
    unbounded = growth(exact.maps.roundings, target) >= WIDE or wide or not np.isfinite(bound).all()
    return replace(judgement, status="vacuous") if judgement.status == "within" and unbounded else judgement, None


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
    problems = setups[: judged_prompts(len(setups), depth)]
    run = float_run(construction, problems, lowered, device, dtype, module, tf32)
    say("judging every layer")
    assert run.states is not None  # where feature rows change, they always come back
    result = dense_check(model, run.states, lowered, target, device, run.environment)
    result = replace(result, read_out_judged=run.predictions is not None)
    changed = prompt_changed(construction, run.states, run.prompt)
    if result.status != "not-finite" and changed is not None:
        return replace(result, **vars(changed), ratio=None)
    wrong = prediction_misread(construction, run.predictions, run.Y) if result.status == "within" else None
    return result if wrong is None else replace(result, **vars(wrong), ratio=None)

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
from ..device import TF32, environment, precision, strict_precision
from ..lower import Lowered, lower, lower_prompt
from ..reference import float_iterates
from ..transformer import LinearTransformer
from .bounds import WIDE, as_wide, formula, growth, layer_maps, one_step
from .dense import DenseModel, dense_check, judged_prompts
from .exact_run import ExactRun
from .float_result import FloatResult
from .float_run import run_prediction, run_states
from .judgements import coarser_format, earlier, features_changed, judge, not_finite, prediction_misread, prompt_changed
from .lowering_error import split_error
from .measured import before_any_run, curves_of, distance_of, loop_distance_of, measure


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
    loop_distance = loop_distance_of(construction, states[:, :, maps.features :].transpose(1, 0, 2, 3), loop)
    distance, early, curves, split, factor = None, None, None, None, growth(maps.roundings, target)
    say("judging every layer")
    prompt, coarser = Z.to("cpu", torch.float64).numpy(), None
    judgement = not_finite(construction, states) or prompt_changed(construction, states, prompt)
    judgement = judgement or features_changed(construction, states)
    if judgement is not None and judgement.where is not None and (until := judgement.where.layer) > 1:
        judgement, coarser = earlier(construction, maps, states, until, target) or (judgement, None)
    if judgement is None:
        run = ExactRun(maps, construction, states)
        bound, residuals = one_step(maps, run.X, run.Y[:, :-1], target), run.residuals
        judgement = judge(run, construction, bound, residuals)
        if judgement.status == "exceeded":
            coarser = coarser_format(run, target, residuals)
        if judgement.status == "within":
            judgement = prediction_misread(construction, predictions, states) or judgement
        held = np.abs(run.Y).max(axis=(2, 3))
        wide = as_wide(np.pad(bound, ((0, 0), (1, 0), (0, 0), (0, 0))), held, held == 0, run.X)[:, 1:].any()
        if judgement.status == "within" and (factor >= WIDE or wide or not np.isfinite(bound).all()):
            judgement = replace(judgement, status="vacuous")
        say("measuring the distance")
        if (measured := measure(run)) is not None:
            distance = distance_of(run, measured)
            early, every = before_any_run(run, measured, target)
            curves = curves_of(measured, np.abs(residuals[0]) + residuals[1], bound, every)
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
    changed = prompt_changed(construction, states, Z.to("cpu", torch.float64).numpy())
    if result.status != "not-finite" and changed is not None:
        return replace(result, **vars(changed), ratio=None)
    if result.status == "within" and (wrong := prediction_misread(construction, predictions, states)) is not None:
        result = replace(result, **vars(wrong), ratio=None)
    return result

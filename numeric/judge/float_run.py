"""A float run: the states and the prediction of a module, taken as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError
from ...symbolic.identity.exact import Problem
from ..device import environment, strict_precision
from ..lower import Lowered, lower_prompts
from ..transformer import LinearTransformer


@dataclass(frozen=True, eq=False)
class FloatRun:
    """What a module returned, exactly, in float64.

    prompt       Z_0 as it was given: (T, m, N)
    X, Y         feature rows of the Z_0 that came back, (T, p, N), accumulator rows of Z_0, ..., Z_L, (T, L+1, K, N)
    states       Z_0, ..., Z_L as they came back, (L+1, T, m, N); None where accumulator rows came alone, all finite
    predictions  of a module with `prediction(Z)`: (T,)
    environment  what the result depends on, read while the switches were as the run had them
    """

    prompt: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    states: np.ndarray | None
    predictions: np.ndarray | None
    environment: dict[str, str]


def float_run(
    construction: Construction,
    problems: Sequence[Problem],
    lowered: Lowered,
    device: torch.device,
    dtype: torch.dtype,
    module: nn.Module | None,
    tf32: bool,
) -> FloatRun:
    """Run the module, or the lowered construction where there is none, on all prompts at once."""
    p = construction.layout.p
    with torch.no_grad(), strict_precision(tf32):
        Z, rows = lower_prompts(problems, dtype, device), None
        if module is None:
            module = own = LinearTransformer.from_lowered(construction, lowered)
            rows = own_rows(own, Z) if construction.row_heads() is not None else None
        prompt, states = _numbers(Z), None
        if rows is None:
            states = _numbers(torch.stack(run_states(module, Z.clone(), construction.depth)))
            X, Y = states[0, :, :p], states[:, :, p:].transpose(1, 0, 2, 3)
        else:
            X, Y = prompt[:, :p], _numbers(rows)
        predictions = run_prediction(module, Z.clone())
        return FloatRun(
            prompt,
            X,
            Y,
            states,
            None if predictions is None else _numbers(predictions),
            {**environment(device, dtype), "evaluation": str(getattr(module, "evaluation", "the user's own"))},
        )


def own_rows(module: LinearTransformer, Z: Tensor) -> Tensor | None:
    """The accumulator rows of Z_0, ..., Z_L, (T, L+1, K, N), which are all of the states that a layer changes.

    None where one is not finite, or the weights may change feature rows: then it is the states that are to be judged.
    """
    try:
        rows = module.rows(Z).transpose(0, 1)
    except ArgumentError:
        return None
    return rows if rows.isfinite().all() and Z.isfinite().all() else None


def _numbers(values: Tensor) -> np.ndarray:
    return values.to("cpu", torch.float64).numpy()


def run_states(module: nn.Module, Z: Tensor, depth: int) -> list[Tensor]:
    """Z_0, ..., Z_L of any module with `states(Z)`, or else with `layers`, L callables applied one after another.

    Z : (B, m, N), given as it is: `states` may do to it what it will.  The Z_0 of `states(Z)` is returned as the module
    returned it: whether it is Z is for the judge.  Layers in turn may work in place.  `ArgumentError` when the module
    has neither, or returns something else.
    """
    name, runs, layers = type(module).__name__, getattr(module, "states", None), getattr(module, "layers", None)
    if callable(runs):
        returned = runs(Z)
        if not isinstance(returned, (list, tuple)) and not (isinstance(returned, Tensor) and returned.ndim):
            raise ArgumentError(
                f"{name}.states(Z) returns {_kind(returned)}, wanted the {depth + 1} tensors Z_0, ..., Z_{depth}"
            )
        states = list(returned)
    elif isinstance(layers, Iterable):
        # of layers by name (nn.ModuleDict) the values are the layers
        applied = list(layers.values() if isinstance(layers, (Mapping, nn.ModuleDict)) else layers)
        for number, layer in enumerate(applied, 1):
            if not callable(layer):
                raise ArgumentError(f"layer {number} of {name} is {_kind(layer)}, wanted what makes Z_{number} of Z")
        if len(applied) != depth:
            raise ArgumentError(f"{name} has {len(applied)} layers, wanted {depth}, as many as its reference")
        states = [Z]
        for layer in applied:
            states.append(layer(states[-1].clone()))
            _check_state(name, states[-1], Z, len(states) - 1)  # before the next layer meets it
    else:
        raise ArgumentError(
            f"{name} has neither states(Z), which returns [Z_0, ..., Z_L], nor layers, the layers to "
            "apply one after another: give it one of the two; Z : (prompts, rows, n + 1) is a batch"
        )
    if len(states) != depth + 1:
        wanted = f"{depth + 1}: the prompt Z_0 and Z_1, ..., Z_{depth}"
        raise ArgumentError(f"{name} returns {len(states)} states, wanted {wanted}")
    for number, state in enumerate(states):
        _check_state(name, state, Z, number)
    return states


def _kind(value: Any) -> str:
    return "a tensor of one number" if isinstance(value, Tensor) else type(value).__name__


def _check_state(name: str, state: Any, Z: Tensor, number: int) -> None:
    if not isinstance(state, Tensor):
        raise ArgumentError(f"{name} returns {type(state).__name__} after layer {number}, wanted a tensor")
    if state.shape != Z.shape or state.dtype != Z.dtype:
        raise ArgumentError(
            f"{name} returns {tuple(state.shape)} of {state.dtype} after layer {number}, "
            f"wanted {tuple(Z.shape)} of {Z.dtype} as the prompts"
        )


def run_prediction(module: nn.Module, Z: Tensor) -> Tensor | None:
    """What a module with `prediction(Z)` predicts, one number a prompt: (B,); None when it has none.

    Z : (B, m, N).  `ArgumentError` when it returns anything else.
    """
    predicts = getattr(module, "prediction", None)
    if not callable(predicts):
        return None
    predictions = predicts(Z)
    if not isinstance(predictions, Tensor) or predictions.shape != Z.shape[:1]:
        shown = tuple(predictions.shape) if isinstance(predictions, Tensor) else type(predictions).__name__
        raise ArgumentError(
            f"{type(module).__name__}.prediction(Z) returns {shown}, wanted one number a prompt: {tuple(Z.shape[:1])}"
        )
    return predictions

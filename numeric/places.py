"""The states of a module under judgement, and the places in them by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..symbolic.construction import Construction
from ..symbolic.errors import ArgumentError


@dataclass(frozen=True)
class Place:
    """An entry of a run: trial and layer (0 is the prompt itself, l the state after l layers), row and column."""

    trial: int
    layer: int
    row: str
    column: str


def place(construction: Construction, index: Sequence[Any], first_row: int) -> Place:
    """The place of an entry (trial, layer, row - first_row, column)."""
    trial, layer, row, column = (int(i) for i in index)
    layout = construction.layout
    return Place(trial, layer, layout.row_names()[first_row + row], layout.column_name(column))


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

"""The places in a run by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...symbolic.construction import Construction


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

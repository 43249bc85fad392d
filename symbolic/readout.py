"""Where a prompt shows its prediction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Readout:
    """Where the prediction stands: sign * (entry of `row` in the query column)."""

    row: str
    sign: int

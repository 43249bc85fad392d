"""The counterpart in the paper and how it differs."""

from __future__ import annotations

from .facts import Facts
from .model import Block


def comparison_blocks(facts: Facts) -> list[Block]:
    """Nothing yet."""
    return []

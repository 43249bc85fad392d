"""How wide a formula of a paper is, and where it is broken into lines."""

from __future__ import annotations

from collections.abc import Mapping

from ...formula.lines import lines, width
from ...formula.macros import Macro
from ...formula.nodes import Node
from ...formula.reader import read_with

LINE = 37
"""About how many letters of a formula fit into a column of 3.3 inches, beside the number of the equation."""


def breadth(latex: str, macros: Mapping[str, Macro]) -> float:
    """About how many letters wide a formula is."""
    return width(read_with(macros, latex))


def broken(latex: str, macros: Mapping[str, Macro], limit: float) -> list[Node]:
    """The formula in lines of about `limit` letters."""
    return lines(read_with(macros, latex), limit)

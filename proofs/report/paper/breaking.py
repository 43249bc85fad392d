"""How wide a formula is, matrices by their widest row, and where it is broken into lines."""

from __future__ import annotations

import re

from .latex_lines import lines, width

LINE = 37
"""About how many letters of a formula fit into a column of 3.3 inches, beside the number of the equation."""
_GRID = re.compile(r"\\begin\{(\w*matrix|cases)\}(.*?)\\end\{\1\}", re.DOTALL)
_HELD = "\ue000"
"""A character that stands for a part of a matrix's width while lines are looked for."""


def breadth(latex: str) -> float:
    """About how many letters wide a formula is."""
    return width(_held(latex)[0])


def broken(latex: str, limit: float) -> list[str]:
    """The formula in lines of about `limit` letters; no matrix is broken."""
    shown, grids = _held(latex)
    result = []
    for line in lines(shown, limit):
        result.append(re.sub(f"{_HELD}+", lambda _: grids.pop(0), line))
    return result


def _held(latex: str) -> tuple[str, list[str]]:
    grids: list[str] = []

    def held(found: re.Match[str]) -> str:
        grids.append(found[0])
        rows = [row.split("&") for row in found[2].split(r"\\")]
        columns = max(len(row) for row in rows)
        wide = sum(max(width(row[c]) for row in rows if c < len(row)) for c in range(columns))
        small = 0.7 if found[1] == "smallmatrix" else 1
        return _HELD * round(small * wide + 1.4 * (columns - 1) + 2)

    return _GRID.sub(held, latex), grids

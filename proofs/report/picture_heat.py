"""Exact matrices as heat maps: the sign is the colour, the size its strength; panels beside one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from .svg import FONT, WIDTH, element, number, picture, rect, ruled, solid, text

LETTER = 0.62 * FONT
"""How wide a letter is at most, on average."""
PANEL, GRID, LEFT, TOP = WIDTH / 2, 132.0, 54.0, 42.0
FAINTEST = 0.12


@dataclass(frozen=True)
class Panel:
    """One matrix: its name, what stands beside its rows and above its columns, and its entries."""

    name: str
    rows: Sequence[str]
    columns: Sequence[str]
    entries: Sequence[Sequence[Fraction]]


def heat_cells(
    entries: Sequence[Sequence[Fraction]], rows: Sequence[str], columns: Sequence[str], x: float, y: float, size: float
) -> list[str]:
    """The cells of a matrix in a square at (x, y), its labels to the left and above, as many as fit."""
    wide, high = size / max(len(columns), 1), size / max(len(rows), 1)
    most = max((abs(v) for line in entries for v in line), default=Fraction(0)) or Fraction(1)
    across = "".join(f"M{number(x)} {number(y + i * high)}h{number(size)}" for i in range(len(rows) + 1))
    down = "".join(f"M{number(x + j * wide)} {number(y)}v{number(size)}" for j in range(len(columns) + 1))
    parts = [element("path", d=across + down, fill="none", stroke_width=0.8, **ruled("grid"))]
    for i, line in enumerate(entries):
        for j, value in enumerate(line):
            if value:
                strength = FAINTEST + (1 - FAINTEST) * float(abs(value) / most)
                left, top = x + j * wide + 1, y + i * high + 1
                parts.append(rect(left, top, wide - 2, high - 2, fill_opacity=strength, **solid(int(value < 0))))
    for j in range(0, len(columns), ceil(max(LETTER * max(map(len, columns), default=1) + 2, 1) / wide)):
        middle = x + (j + 0.5) * wide
        if middle + LETTER * len(columns[j]) / 2 <= x + size + 4:  # the next panel, or the picture's edge, is beyond
            parts.append(text(middle, y - 6, columns[j], "middle", "muted"))
    for i in range(0, len(rows), ceil((FONT + 2) / high)):
        parts.append(text(x - 5, y + (i + 0.5) * high + 4.5, rows[i], "end", "muted"))
    return parts


def heat_picture(panels: Sequence[Panel], title: str, id: str) -> tuple[str, str]:
    """Panels two by two as SVG, and what they show in words."""
    parts = []
    step = TOP + GRID + 14
    for k, panel in enumerate(panels):
        x, y = (k % 2) * PANEL + LEFT, (k // 2) * step + TOP
        parts.append(text(x + GRID / 2, y - 25, panel.name, "middle"))
        parts += heat_cells(panel.entries, panel.rows, panel.columns, x, y, GRID)
    bottom = ceil(len(panels) / 2) * step + 12
    for k, meaning in enumerate(("positive", "negative")):
        at = LEFT + 110.0 * k
        parts += [rect(at, bottom - 11, 14, 14, **solid(k)), text(at + 20, bottom, meaning, colour="muted")]
    words = f"{title}: " + "; ".join(map(_words, panels)) + "."
    return picture(bottom + 10, title, words, parts, id), words


def _words(panel: Panel) -> str:
    nonzero = [(abs(v), v, i, j) for i, line in enumerate(panel.entries) for j, v in enumerate(line) if v]
    if not nonzero:
        return f"{panel.name} is zero"
    _, value, i, j = max(nonzero, key=lambda entry: entry[0])
    return f"{panel.name} has {len(nonzero)} entries, the largest {value} at ({panel.rows[i]}, {panel.columns[j]})"

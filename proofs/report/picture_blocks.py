"""Weights block by block: how much of the interaction tensor stands in each, and what of it an algorithm leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .picture_letters import line_of_letters
from .svg import FONT, WIDTH, line, picture, rect, ruled, solid, text

MOST = 12
"""Blocks that are drawn; the rest is summed up in one row."""
LEFT, RIGHT, STEP, BAR = 4.0, 64.0, 44.0, 9.0
SHORT = {"gamma_phi_next": "phi'", "phi_next": "phi'", "one": "1"}
"""Names of rows that are short enough to be labels."""
NO_SYMBOLS: Mapping[str, str] = MappingProxyType({})


def block_name(block: Mapping[str, Any], symbols: Mapping[str, str]) -> str:
    """A block in words: what is written, from which value, by which key, asked by what; rows by their symbols."""
    a, b, r, s = (
        SHORT.get(block[name], symbols.get(block[name], block[name])) for name in ("written", "value", "key", "query")
    )
    return f"{a} += {b} ({r} . {s})"


def shown_blocks(
    blocks: Sequence[Mapping[str, Any]], symbols: Mapping[str, str] = NO_SYMBOLS
) -> list[tuple[str, float, float]]:
    """(name, share of the squared norm, what is left) of the largest blocks, and of all others together."""
    rows = [(block_name(b, symbols), float(b["share"]), float(b["left"])) for b in blocks]
    rows.sort(key=lambda row: -max(row[1:]))
    rest = rows[MOST:]
    if rest:
        rows = [*rows[:MOST], (f"{len(rest)} other blocks", sum(r[1] for r in rest), sum(r[2] for r in rest))]
    return rows


def blocks_picture(
    blocks: Sequence[Mapping[str, Any]], algorithm: str, id: str, symbols: Mapping[str, str] = NO_SYMBOLS
) -> tuple[str, str]:
    """The picture as SVG, and what it shows in words.

    blocks : written, value, key, query, `share` of the tensor's squared norm, `left` beside the algorithm
    symbols : what a paper calls rows that a program calls td_error
    """
    rows = shown_blocks(blocks, symbols)
    largest = max((x for row in rows for x in row[1:]), default=0.0) or 1.0
    wide = WIDTH - LEFT - RIGHT
    parts = [
        rect(LEFT, 6.0, 10.0, BAR, **solid(0)), text(LEFT + 14, 14, "in the weights"),
        rect(LEFT + 120, 6.0, 10.0, BAR, **solid(1)), text(LEFT + 134, 14, f"left beside {algorithm}"),
    ]  # fmt: skip
    for k, (name, share, left) in enumerate(rows):
        y = 28 + k * STEP
        parts.append(text(LEFT, y + FONT - 3, line_of_letters(name)))
        for j, value in enumerate((share, left)):
            top = y + FONT + 1 + j * (BAR + 3)
            parts.append(rect(LEFT, top, max(wide * value / largest, 0.5), BAR, **solid(j)))
            parts.append(text(LEFT + wide * value / largest + 5, top + BAR, f"{value:.1%}", colour="muted"))
    high = 28 + len(rows) * STEP + 6
    parts.append(line(LEFT, 24, LEFT, high - 6, stroke_width=0.8, **ruled()))
    title = f"The weights block by block, beside {algorithm}"
    words = f"{title}, as shares of the squared norm of the interaction tensor: " + "; ".join(
        f"{name}: {share:.1%}, of which {left:.1%} is left"
        if left <= share
        else f"{name}: {share:.1%}, left {left:.1%}"
        for name, share, left in rows
    )
    return picture(high, title, words, parts, id), f"{words}."

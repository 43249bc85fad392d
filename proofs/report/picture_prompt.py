"""The prompt as a labelled picture: a cell for each row block and column, the accumulator rows marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .svg import WIDTH, box, line, picture, rect, ruled, text

LEFT, TOP, CELL = 128.0, 34.0, 50.0
TALL, SHORT, LONGEST = 46.0, 30.0, 7


@dataclass(frozen=True)
class Row:
    """One row block: its name, what columns 1, 2, n and the query hold, whether it is d rows high, whether layers
    write it, and what a paper calls it."""

    name: str
    cells: tuple[str, str, str, str]
    tall: bool
    accumulator: bool
    label: str


def prompt_picture(rows: Sequence[Row], title: str) -> tuple[str, str]:
    """The picture as SVG, and what it shows in words."""
    heads = ("1", "2", "…", "n", "query")
    lefts = [LEFT + CELL * k for k in range(4)] + [LEFT + CELL * 4 + 4]
    widths = [CELL - 4] * 4 + [WIDTH - LEFT - 4 * CELL - 8]
    parts = [
        text(x + w / 2, TOP - 12, head, "middle", "muted") for x, w, head in zip(lefts, widths, heads, strict=True)
    ]
    y, described = TOP, []
    for row in rows:
        height = TALL if row.tall else SHORT
        parts += _label(row, y, height)
        first, second, last, query = row.cells
        for x, w, content in zip(lefts, widths, (first, second, "…", last, query), strict=True):
            parts.append(_cell(x, y, w, height, content, row.accumulator))
        described.append(f"{row.name}: {', '.join(row.cells[:2])}, and so on, {row.cells[2]}; query {row.cells[3]}")
        y += height + 4
    x = lefts[4] - 4
    parts.append(line(x, TOP - 26, x, y, stroke_dasharray="4 3", **ruled("ink")))
    last_line = y + 16
    parts += [
        rect(LEFT, last_line - 11, 14, 14, stroke_width=1.2, **box(1)),
        text(LEFT + 20, last_line, "rows that layers change"),
    ]
    words = "Rows of the prompt Z_0, top to bottom. " + ". ".join(described) + "."
    return picture(last_line + 10, title, words, parts, "prompt-picture"), words


def _label(row: Row, y: float, height: float) -> list[str]:
    name = row.label if len(row.label) <= 16 else f"{row.label[:15]}…"
    size = "d rows" if row.tall else "1 row"
    middle = y + height / 2
    if row.tall:
        return [text(4, middle - 3, name), text(4, middle + 14, size, colour="muted")]
    return [text(4, middle + 4, name)]


def _cell(x: float, y: float, width: float, height: float, content: str, accumulator: bool) -> str:
    zero = content == "0"
    frame = rect(x, y, width, height, rx=3, stroke_width=1.2, stroke_dasharray="2 3" if zero else "none",
               **box(int(accumulator)))  # fmt: skip
    shown = content if len(content) <= LONGEST else "∗"
    return frame + text(x + width / 2, y + height / 2 + 4.5, shown, "middle", "muted" if zero else "ink")

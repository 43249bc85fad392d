"""Sections as plain text for a terminal: formulas on lines of their own, matrices and tables with aligned columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from ..model import Block, Cell, Display, Folded, Label, Matrix, Paragraph, Section, Table, text_of

WIDTH = 78
"""The columns of a terminal that text fits into; a matrix whose columns need more is listed entry by entry."""


def write(title: str, sections: Iterable[Section]) -> str:
    """The sections, numbered, below a title."""
    lines = textwrap.wrap(title, WIDTH)
    lines.append("=" * max(map(len, lines), default=0))
    for number, section in enumerate(sections, 1):
        lines += ["", f"{number}. {section.title}", "", *_blocks(section.blocks)]
    return "\n".join(lines).rstrip() + "\n"


def _blocks(blocks: Sequence[Block]) -> list[str]:
    """The lines of blocks; behind a matrix or a table with more to come is an empty one."""
    lines: list[str] = []
    for place, block in enumerate(blocks):
        last = place == len(blocks) - 1
        lines += [*_lines(block), *([""] if isinstance(block, (Matrix, Table)) and not last else [])]
    return lines


def _lines(block: Block) -> list[str]:
    """The lines of one block; `TypeError` for a kind that no derivation has."""
    match block:
        case Paragraph(spans):
            return textwrap.wrap(text_of(spans), WIDTH, initial_indent="  ", subsequent_indent="  ")
        case Display(formula):
            return _wrapped(formula.text)
        case Matrix():
            return _matrix(block)
        case Table():
            return _table(block)
        case Folded(title, inner):
            return [*_lines(Paragraph((f"{title}:",))), *_blocks(inner)]
    raise TypeError(f"plain text has no {type(block).__name__}")


def _wrapped(text: str, indent: int = 4) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2),
                         break_long_words=False, break_on_hyphens=False)  # fmt: skip


def names_of(names: Sequence[str], sizes: Sequence[str]) -> list[str]:
    """Rows or columns by what a paper calls them, with their sizes."""
    shown = [name.formula.text if isinstance(name, Label) else name for name in names]
    return [f"{name} ({size})" for name, size in zip(shown, sizes, strict=True)] if sizes else shown


def _matrix(value: Matrix) -> list[str]:
    rows, columns = names_of(value.rows, value.row_sizes), names_of(value.columns, value.column_sizes)
    entries = [["0" if e is None else e.text for e in row] for row in value.entries]
    name = _wrapped(f"{value.name.text} =")
    lines = _aligned(rows, columns, entries)
    if max(map(len, lines)) > WIDTH and value.rows == value.columns:  # its rows name its columns: numbers will do
        lines = _aligned(rows, [str(k) for k in range(1, len(columns) + 1)], entries)
    if max(map(len, lines)) <= WIDTH:
        return [*name, *lines]
    listed = [
        line
        for r, row in zip(rows, entries, strict=True)
        for c, e in zip(columns, row, strict=True)
        if e != "0"
        for line in _wrapped(f"[{r}, {c}]  {e}", 6)
    ]
    return [*name, *(listed or ["      0"]), *(["      (all other entries are 0)"] if listed else [])]


def _aligned(rows: Sequence[str], columns: Sequence[str], entries: Sequence[Sequence[str]]) -> list[str]:
    cells = [["", *columns], *([name, *row] for name, row in zip(rows, entries, strict=True))]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    justified = [
        [x.rjust(w) if k else x.ljust(w) for k, (x, w) in enumerate(zip(row, widths, strict=True))] for row in cells
    ]
    return ["      " + "  ".join(row).rstrip() for row in justified]


def _table(value: Table) -> list[str]:
    """A table with aligned columns; where they need more than a line, each row below its first cell."""
    cells = [list(value.headers), *([_cell(cell) for cell in row] for row in value.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["    " + "  ".join(x.ljust(w) for x, w in zip(row, widths, strict=True)).rstrip() for row in cells]
    if max(map(len, lines)) <= WIDTH:
        return lines
    result: list[str] = []
    for first, *rest in cells[1:]:
        told = "; ".join(f"{name}: {x}" for name, x in zip(value.headers[1:], rest, strict=True) if x)
        result += _wrapped(f"{first}; {told}")
    return result


def _cell(cell: Cell) -> str:
    shown = text_of(cell.spans)
    return f"{cell.verdict.value} {shown}".rstrip() if cell.verdict else shown

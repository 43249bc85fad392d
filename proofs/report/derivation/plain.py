"""Documents as plain text, LaTeX and JSON."""

from __future__ import annotations

import textwrap
from typing import Any

from ...formula.formula import Formula
from ...formula.tex_text import prose
from .derivation import Section, Table
from .parts import Label

WIDTH = 78
"""The columns of a terminal that text fits into; a matrix whose columns need more is listed entry by entry."""


def as_text(title: str, sections: list[Section]) -> str:
    """Plain text with aligned tables."""
    lines = [title, "=" * len(title)]
    for number, section in enumerate(sections, 1):
        lines += ["", f"{number}. {section.title}", ""]
        for part in section.parts:
            if isinstance(part, Table):
                lines += [*_table(part), ""]
            elif isinstance(part, Formula):
                lines += textwrap.wrap(part.text, WIDTH, initial_indent="    ", subsequent_indent="      ",
                                       break_long_words=False, break_on_hyphens=False)  # fmt: skip
            else:
                lines += _wrapped(part)
    return "\n".join(lines).rstrip() + "\n"


def _wrapped(text: str, width: int = WIDTH) -> list[str]:
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ")


def _table(table: Table) -> list[str]:
    lines = _aligned(table, table.columns)
    if (
        max(map(len, lines)) > WIDTH and table.rows == table.columns
    ):  # its columns are named by its rows: numbers will do
        lines = _aligned(table, tuple(str(k) for k in range(1, len(table.columns) + 1)))
    if max(map(len, lines)) <= WIDTH:
        return lines
    entries = [
        f"      [{_label(r)}, {_label(c)}]  {e.text}"
        for r, row in zip(table.rows, table.entries, strict=True)
        for c, e in zip(table.columns, row, strict=True)
        if e.text != "0"
    ]
    return [lines[0], *(entries or ["      0"]), *(["      (all other entries are 0)"] if entries else [])]


def _label(name: str) -> str:
    return name.formula.text if isinstance(name, Label) else name


def _head(name: str) -> str:
    return rf"\scriptstyle {name.formula.latex}" if isinstance(name, Label) else rf"\text{{\scriptsize {prose(name)}}}"


def _aligned(table: Table, columns: tuple[str, ...]) -> list[str]:
    heads, rows = map(_label, columns), map(_label, table.rows)
    cells = [["", *heads], *([r, *(e.text for e in row)] for r, row in zip(rows, table.entries, strict=True))]
    widths = [max(len(row[c]) for row in cells) for c in range(len(cells[0]))]
    lines = [f"    {table.name.text} ="]
    for row in cells:
        aligned = (cell.rjust(w) if c else cell.ljust(w) for c, (cell, w) in enumerate(zip(row, widths, strict=True)))
        lines.append("      " + "  ".join(aligned).rstrip())
    return lines


def as_latex(title: str, sections: list[Section]) -> str:
    """A LaTeX fragment that compiles with amsmath."""
    lines = [rf"\section*{{{prose(title)}}}"]
    for section in sections:
        lines += ["", rf"\subsection*{{{prose(section.title)}}}"]
        for part in section.parts:
            if isinstance(part, Table):
                lines += [r"\[", _matrix(part), r"\]"]
            elif isinstance(part, Formula):
                lines += [r"\[", part.latex, r"\]"]
            else:
                lines += ["", prose(part)]
    return "\n".join(lines) + "\n"


def _matrix(table: Table) -> str:
    columns = " & ".join(map(_head, table.columns))
    body = [rf"& {columns} \\"]
    body += [
        f"{_head(r)} & " + " & ".join(e.latex for e in row) + r" \\"
        for r, row in zip(table.rows, table.entries, strict=True)
    ]
    return "\n".join([rf"{table.name.latex} = \begin{{array}}{{r{'c' * len(table.columns)}}}", *body, r"\end{array}"])


def as_json(sections: list[Section]) -> list[dict[str, Any]]:
    """Plain data: every formula as text and LaTeX."""

    def part(p: Any) -> Any:
        if isinstance(p, Table):
            return {
                "table": {"text": p.name.text, "latex": p.name.latex},
                "rows": list(p.rows),
                "columns": list(p.columns),
                "entries": [[{"text": e.text, "latex": e.latex} for e in row] for row in p.entries],
            }
        return {"formula": {"text": p.text, "latex": p.latex}} if isinstance(p, Formula) else {"text": p}

    return [{"title": s.title, "parts": [part(p) for p in s.parts]} for s in sections]

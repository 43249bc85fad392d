"""A report as one JSON document: everything the other formats show, and the data behind it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

from ....symbolic.strict_json import dumps, rational_text
from ...formula.build import row
from ...formula.formula import Formula
from ..model import Block, Display, Folded, Matrix, Paragraph, Report, Section, Table, text_of
from .plain_text import names_of

ZERO = row("0")
FORMAT = "layerproof report"
SCHEMA = 1
"""The version of the document; it grows with every change that a reader of it could notice."""


def write(report: Report) -> dict[str, bytes]:
    """The file of the report: report.json."""
    document = {"format": FORMAT, "schema": SCHEMA, "report": plain(report)}
    return {"report.json": encode(document)}


def encode(document: Any) -> bytes:
    """Canonical JSON as bytes; a lone surrogate, which no UTF-8 can hold, is written as JSON's escape for it."""
    return dumps(document).encode("utf-8", "backslashreplace")


def steps(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """The sections of a derivation: every formula as text and LaTeX."""
    return [{"title": s.title, "parts": [part for block in s.blocks for part in _parts(block)]} for s in sections]


def _parts(block: Block) -> list[dict[str, Any]]:
    match block:
        case Paragraph(spans):
            return [{"text": text_of(spans)}]
        case Display(formula):
            return [{"formula": _formula(formula)}]
        case Folded(title, inner):
            return [{"text": f"{title}:"}, *(part for b in inner for part in _parts(b))]
        case Matrix():
            entries = [[_formula(ZERO if e is None else e) for e in row] for row in block.entries]
            rows, columns = names_of(block.rows, block.row_sizes), names_of(block.columns, block.column_sizes)
            return [{"table": _formula(block.name), "rows": rows, "columns": columns, "entries": entries}]
        case Table():
            cells = [[text_of(cell.spans) for cell in row] for row in block.rows]
            return [{"columns": list(map(str, block.headers)), "rows": cells}]
    raise TypeError(f"a derivation has no {type(block).__name__}")


def _formula(value: Formula) -> dict[str, str]:
    return {"text": value.text, "latex": value.latex}


def plain(value: Any) -> Any:
    """A part of a report as plain data: a dataclass as its fields and its "kind", a rational as text.

    Raises `TypeError` for whatever has no JSON form of its own.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Formula):
        return {"kind": "formula", **_formula(value)}
    if is_dataclass(value) and not isinstance(value, type):
        document = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return {"kind": type(value).__name__.lower(), **document}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Fraction):
        return rational_text(value)
    json.dumps(value)  # raises where there is no JSON for it
    return value

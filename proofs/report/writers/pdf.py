"""A report as one PDF, set by Typst from the extra `pdf`: no TeX installation, no fonts of the machine, no date."""

from __future__ import annotations

import re
import tempfile
from importlib.resources import files as resources
from importlib.util import find_spec
from pathlib import Path
from typing import assert_never

from ....symbolic.errors import LayerproofError
from ...formula.escape import code_point, visible
from ...formula.formula import Formula
from ...formula.lines import width
from ...verdict import Verdict
from ..model import (
    Block,
    Cell,
    Code,
    Display,
    Folded,
    Link,
    Listing,
    Matrix,
    Note,
    Page,
    Paragraph,
    Picture,
    Report,
    Span,
    Steps,
    Table,
    called,
    worded,
)
from .checked import is_outside
from .signs import CLASSES, SIGNS, SUMMARIES, WORDS, key, lead
from .typst_math import literal, typst_math

_VARIABLE = re.compile(r"var\(--[\w-]+,\s*([^()]+)\)")
MANY = 4
"""More pages than these are listed without their sections."""
LONG = 32
"""A word of as many characters, such as a long rational, may be broken."""
NARROW = 36
"""Formulas of fewer letters are narrower than a page: they are not laid out twice to measure them."""
ROOM = 40.0
"""Nor are matrices of fewer em: a page has 43.7, and what is framed two less."""
_FIGURES = {**dict.fromkeys("0123456789/", 0.5), "-": 0.8, " ": 0.3}
_BREAK = "\u200b"
_LACKING = re.compile("[\u0530-\u1cff\u2e80-\ufaff\ufb07-\ufffc\U00010000-\U0001d3ff\U0001d800-\U0010ffff]")
"""Scripts beyond Latin, Greek, Cyrillic and mathematics: the fonts that come with Typst lack or misplace them."""
_LAST: list[tuple[Report, str]] = []
"""The report that was written last, and its document."""


def available() -> str | None:
    """None when PDFs can be written, otherwise one line saying how to get what is missing."""
    if find_spec("typst") is None:
        return "PDF needs the extra pdf: pip install 'layerproof[pdf]'; the other formats were written without it"
    return None


def write(report: Report) -> dict[str, bytes]:
    """The file of the report: report.pdf. Raises `LayerproofError` where the extra `pdf` is not installed."""
    return {"report.pdf": compiled(source(report), "the report")}


def compiled(text: str, what: str) -> bytes:
    """A Typst document as a PDF.

    Raises `LayerproofError` where the extra `pdf` is not installed, and where Typst does not take the document.
    """
    if trouble := available():
        raise LayerproofError(trouble)
    import typst

    with tempfile.TemporaryDirectory() as folder:  # the root: the document can read no file but itself
        main = Path(folder, "main.typ")
        main.write_text(text, encoding="utf-8")
        try:
            content = typst.compile(main, root=Path(folder), ignore_system_fonts=True, format="pdf")
        except typst.TypstError as error:
            raise LayerproofError(f"Typst did not take {what}: {error}") from error
    return bytes(content)


def source(report: Report) -> str:
    """The report as a Typst document; a letter that its fonts lack is named by its code point, as in `[U+4E2D]`."""
    return _LACKING.sub(lambda letter: code_point(letter[0]), _source(report))


def lacking(report: Report) -> str:
    """One line on the letters of the report that the PDF's fonts lack, empty where it has them all."""
    letters = sorted(set(_LACKING.findall(_source(report))))
    named = ", ".join(f"U+{ord(c):04X}" for c in letters[:8]) + ", ..." * (len(letters) > 8)
    return f"the PDF's fonts lack {named}: the code points stand there" if letters else ""


def _source(report: Report) -> str:
    """The document, made once for its PDF and for the letters that it lacks."""
    if not (_LAST and _LAST[0][0] is report):
        _LAST[:] = [(report, _whole(report))]
    return _LAST[0][1]


def _whole(report: Report) -> str:
    template = (resources("layerproof.proofs.report") / "templates" / "report.typ").read_text(encoding="utf-8")
    parts = [template, f"#show: body => whole({literal(report.title)}, body)"]
    parts += [f'#block(text(size: 1.9em, weight: "bold", {literal(report.title)}))']
    parts += _Writer("index").blocks(report.lead)
    parts += [f"#outline(depth: {2 if len(report.pages) <= MANY else 1}, indent: auto)"]
    for page in report.pages:
        parts += _page(page)
    return "\n\n".join(parts) + "\n"


def _page(page: Page) -> list[str]:
    writer = _Writer(page.name)
    mark = badge(page.verdict)
    title = f"#page-title({text(page.title)}, [{mark}], {text(SUMMARIES[page.verdict])})"
    parts = [f"{title}#metadata(none)#label({literal(page.name)})"]
    parts += writer.blocks(lead(page))
    for section in page.sections:
        parts.append(f"#heading(level: 2, {text(section.title)})#label({literal(f'{page.name}#{section.id}')})")
        parts += writer.blocks(section.blocks)
    return parts


def text(value: str) -> str:
    """Text as an argument of a Typst function."""
    return f"[#{literal(value)}]"


def badge(verdict: Verdict) -> str:
    """A verdict as sign, word and colour."""
    return f"#badge({literal(CLASSES[verdict])}, {literal(SIGNS[verdict])}, {literal(WORDS[verdict])})"


class _Writer:
    """Writes the blocks of one page, whose name begins its labels."""

    def __init__(self, page: str) -> None:
        self.page = page

    def blocks(self, blocks: tuple[Block, ...]) -> list[str]:
        return [self.block(block) for block in blocks]

    def content(self, blocks: tuple[Block, ...]) -> str:
        return "[\n" + "\n\n".join(self.blocks(blocks)) + "\n]"

    def spans(self, parts: tuple[Span, ...]) -> str:
        return "".join(self.span(part) for part in parts)

    def worded(self, caption: str) -> str:
        """A caption or title: a literal, or content where formulas are in it."""
        parts = worded(caption)
        return text(caption) if all(isinstance(part, str) for part in parts) else f"[{self.spans(parts)}]"

    def span(self, part: Span) -> str:
        match part:
            case str():
                return f"#{_breakable(part)};"
            case Code(value):
                return code(value)
            case Formula():
                return typst_math(part)
            case Link(value, target):
                if is_outside(target):
                    return f"#link({literal(target)}, {text(value)});"
                full = self.page + target if target.startswith("#") else target
                return f"#link(label({literal(full)}), {text(value)});"
            case _:
                assert_never(part)

    def block(self, block: Block) -> str:
        match block:
            case Paragraph(parts):
                return self.spans(parts)
            case Display(value, label):
                shown = typst_math(value, display=True) + (self.anchor(label) if label else "")
                return shown if width(value.tree) <= NARROW else f"#wide[{shown}]"
            case Table():
                return self.table(block)
            case Matrix():
                return matrix(block, self.worded(block.caption))
            case Picture(svg, alt, caption, _):
                drawn = _VARIABLE.sub(r"\1", svg)  # Typst knows no variables of CSS, only what they fall back to
                return f"#picture({literal(drawn)}, {literal(alt)}, {self.worded(caption)})"
            case Listing(source_text, language):
                return f"#listing({literal(source_text)}, {literal(language)})"
            case Note(verdict, title, inner):
                sign = badge(verdict) + " " if verdict else ""
                kind = CLASSES[verdict] if verdict else "plain"
                return f"#note({literal(kind)}, [{sign}{self.spans(worded(title))}], {self.content(inner)})"
            case Steps(items):
                return "\n\n".join(
                    f"#step([{self.spans((f'{number}. ', *worded(title)))}], {self.content(inner)})"
                    for number, (title, inner) in enumerate(items, 1)
                )
            case Folded(title, inner, name):
                anchor = self.anchor(name) if name else ""
                return f"#heading(level: 3, {self.worded(title)}){anchor}\n\n" + "\n\n".join(self.blocks(inner))
            case _:
                assert_never(block)

    def anchor(self, name: str) -> str:
        return f"#label({literal(f'{self.page}#{name}')})"

    def table(self, table: Table) -> str:
        weights = [
            max([len(name), *(_length(row[c]) for row in table.rows)], default=1)
            for c, name in enumerate(table.headers)
        ]
        least = [22.0 if any(row[c].verdict for row in table.rows) else 5.0 for c in range(len(table.headers))]
        least = [
            max(low, 1.6 * max(map(len, name.split()), default=0))
            for low, name in zip(least, table.headers, strict=True)
        ]
        short = sum(weights) <= 80
        columns = ", ".join(
            "auto" if short else f"{max(size, low) ** 0.6:.3f}fr" for size, low in zip(weights, least, strict=True)
        )
        header = "".join(f"{self.worded(name)}, " for name in table.headers)
        rows = ",\n".join("(" + "".join(f"{self.cell(cell)}, " for cell in row) + ")" for row in table.rows)
        return f"#numbers(({columns},), ({header}), (\n{rows}{',' if rows else ''}\n), {self.worded(table.caption)})"

    def cell(self, cell: Cell) -> str:
        shown = self.spans(cell.spans)
        if cell.verdict:
            return f"[#marked[{badge(cell.verdict)}]{shown}]"
        return f"[{shown}]"


def code(value: str) -> str:
    """A word in a typewriter face that may be broken after its signs, so that none runs out of the page."""
    return f"#raw({_breakable(value, signs='_./-:,=')});"


def _breakable(value: str, signs: str = "") -> str:
    """A literal in which long words may be broken, and every word after the `signs`."""
    result, run = "", 0
    for c in visible(value):
        result += c
        run = 0 if c.isspace() else run + 1
        if c in signs or (run >= LONG and run % 8 == 0):
            result += _BREAK
    return literal(result, also=_BREAK)


def _length(cell: Cell) -> float:
    shown = sum(
        1.5 * width(s.tree) if isinstance(s, Formula) else len(s) if isinstance(s, str) else len(s.text)
        for s in cell.spans
    )
    return shown + (11 if cell.verdict else 0)


def matrix(value: Matrix, caption: str) -> str:
    """A labelled matrix as a table in colours; made smaller where it is wider than the page."""
    sizes, breadths = value.row_sizes or ("",) * len(value.rows), value.column_sizes or ("",) * len(value.columns)
    columns = "".join(f"{_name(called(n), s)}, " for n, s in zip(value.columns, breadths, strict=True))
    groups = value.groups or ((None,) * len(value.columns),) * len(value.rows)
    rows = ""
    for name, size, entries, row in zip(value.rows, sizes, value.entries, groups, strict=True):
        cells = "".join(_entry(entry, group) for entry, group in zip(entries, row, strict=True))
        rows += f"({_name(called(name), size)}, {cells}),\n"
    legend = "".join(
        f"({number}, {literal(key(number))}, {text(meaning)}), " for number, meaning in enumerate(value.legend)
    )
    narrow = "true" if _breadth(value) <= ROOM else "false"
    return f"#matrix([{typst_math(value.name)}], ({columns}), (\n{rows}), ({legend}), {caption}, {narrow})"


def _breadth(value: Matrix) -> float:
    """How many em wide a matrix is at most: its cells have half an em on each side, and labels are set smaller."""
    sizes, breadths = value.row_sizes or ("",) * len(value.rows), value.column_sizes or ("",) * len(value.columns)
    keys = 0.6 * bool(value.legend)
    total = 1 + max(_em(value.name), *(map(_label, value.rows, sizes)))
    for c, (name, size) in enumerate(zip(value.columns, breadths, strict=True)):
        entries = [row[c] for row in value.entries]
        total += 1 + max(_label(name, size), *(_em(e) + keys for e in entries if e is not None), 0.5 + keys)
    return total


def _em(value: Formula) -> float:
    """How many em wide a formula is at most; figures are half an em, no letter is wider than W."""
    if all(c in _FIGURES for c in value.text):
        return sum(_FIGURES[c] for c in value.text)
    return 1.1 * width(value.tree)


def _label(name: str, size: str) -> float:
    return 0.75 * (len(called(name)) + (len(size) + 3) * bool(size))


def _name(name: str, size: str) -> str:
    return text(f"{name} × {size}" if size else name)


def _entry(entry: Formula | None, group: int | None) -> str:
    if entry is None:
        return '(none, "", text(fill: muted)[0]), '
    letter = "" if group is None else key(group)
    return f"({'none' if group is None else group}, {literal(letter)}, [{typst_math(entry)}]), "

"""A report as GitHub-flavoured Markdown: formulas between dollars, pictures as SVG files beside the text."""

from __future__ import annotations

import re
from typing import assert_never

from ...formula.escape import visible
from ...formula.formula import Formula
from ...formula.latex import latex
from ...formula.lines import lines
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
from .signs import SIGNS, SUMMARIES, WORDS, key, lead

LINE = 90
_STRUCTURE = re.compile(
    r"[&<>\\`*_\[\]~$#|!{}@^]|^[ \t]*(?:[-+](?=\s|$)|[-=]{2,}|\d+[.)](?=\s|$))|:(?=//)|(?<=www)\.", re.MULTILINE
)


def write(report: Report) -> dict[str, bytes]:
    """The files of the report by name: index.md, one for each page, and the pictures."""
    result: dict[str, str] = {}
    index = [f"# {text(report.title)}", *_Writer(result, "index").blocks(report.lead)]
    index += ["\n".join(f"- [{text(p.title)}]({p.name}.md): {_verdict_text(p)}" for p in report.pages)]
    result["index.md"] = _joined(index)
    for page in report.pages:
        result[f"{page.name}.md"] = _joined(_page(result, page))
    return {name: content.encode() for name, content in result.items()}


def _joined(parts: list[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict_text(page: Page) -> str:
    return f"{SIGNS[page.verdict]} **{WORDS[page.verdict]}**"


def _page(result: dict[str, str], page: Page) -> list[str]:
    writer = _Writer(result, page.name)
    parts = [f"# {text(page.title)}", f"{_verdict_text(page)} {SUMMARIES[page.verdict]}", *writer.blocks(lead(page))]
    for section in page.sections:
        parts += [f'<a id="{section.id}"></a>', f"## {text(section.title)}", *writer.blocks(section.blocks)]
    return parts


def text(value: str) -> str:
    r"""Text in which Markdown, HTML and mathematics find nothing to read.

    >>> text("a <b> $x$ [y](z)")
    'a &#60;b&#62; &#36;x&#36; &#91;y&#93;(z)'
    """

    def safe(match: re.Match[str]) -> str:
        return "".join(c if c.isspace() or c.isalnum() else f"&#{ord(c)};" for c in match.group())

    return _STRUCTURE.sub(safe, visible(" ".join(value.split("\n"))))


def code(value: str) -> str:
    """Text in a typewriter face; HTML's element, since no backticks hold every text in a table."""
    return f"<code>{text(value)}</code>"


def formula(value: Formula) -> str:
    """A formula in running text, between GitHub's $` and `$, which nothing inside can end; else its plain text."""
    return code(value.text) if value.set_as_text or not value.latex.strip() else f"$`{_single(value.latex)}`$"


def _single(latex: str) -> str:
    return " ".join(latex.split())


def display(value: Formula) -> str:
    """A formula on lines of its own, as a fenced block of mathematics; else its plain text."""
    if value.set_as_text:
        return code(value.text)
    parts = [_single(latex(part)) for part in lines(value.tree, LINE)]
    if len(parts) > 1:
        body = " \\\\\n&\\quad ".join(parts)
        return f"```math\n\\begin{{aligned}}\n&{body}\n\\end{{aligned}}\n```"
    return f"```math\n{parts[0]}\n```"


def spans(parts: tuple[Span, ...]) -> str:
    """Running text on one line."""
    return "".join(_span(part) for part in parts)


def _span(part: Span) -> str:
    match part:
        case str():
            return text(part)
        case Code(value):
            return code(value)
        case Formula():
            return formula(part)
        case Link(value, target):
            return f"[{text(value)}]({_address(target)})"
        case _:
            assert_never(part)


def _address(target: str) -> str:
    if target.startswith("#") or is_outside(target):
        return target
    page, _, section = target.partition("#")
    return f"{page}.md" + (f"#{section}" if section else "")


class _Writer:
    """Writes the blocks of one page; its pictures go into `result`, numbered."""

    def __init__(self, result: dict[str, str], page: str) -> None:
        self.result, self.page, self.pictures = result, page, 0

    def blocks(self, blocks: tuple[Block, ...]) -> list[str]:
        return [part for block in blocks for part in self.block(block)]

    def block(self, block: Block) -> list[str]:
        match block:
            case Paragraph(parts):
                return [spans(parts)]
            case Display(value, label):
                return [*([f'<a id="{label}"></a>'] if label else []), display(value)]
            case Table():
                return [*([f"*{spans(worded(block.caption))}*"] if block.caption else []), table(block)]
            case Matrix():
                return matrix(block)
            case Picture(svg, alt, caption, data):
                self.pictures += 1
                name = f"{self.page}-{self.pictures}.svg"
                self.result[name] = svg if svg.endswith("\n") else svg + "\n"
                shown = [f"![{text(alt)}]({name})", *([f"*{spans(worded(caption))}*"] if caption else [])]
                return [*shown, *(fold("The numbers", [table(data)]) if data.rows else [])]
            case Listing(source, language):
                return [fenced(source, {"rocq": "coq", "shell": "sh"}.get(language, language))]
            case Note(verdict, title, inner):
                sign = f"{SIGNS[verdict]} {WORDS[verdict]}: " if verdict else ""
                content = "\n\n".join([f"**{sign}{spans(worded(title))}**", *self.blocks(inner)])
                return ["\n".join(f"> {line}".rstrip() for line in content.split("\n"))]
            case Steps(items):
                return [
                    part
                    for number, (title, inner) in enumerate(items, 1)
                    for part in (f"### {number}. {spans(worded(title))}", *self.blocks(inner))
                ]
            case Folded(title, inner, name):
                anchor = [f'<a id="{name}"></a>'] if name else []
                return [*anchor, *fold(title, self.blocks(inner))]
            case _:
                assert_never(block)


def fold(title: str, parts: list[str]) -> list[str]:
    """Blocks under a title that opens them."""
    return [f"<details><summary>{text(title)}</summary>", *parts, "</details>"]


def fenced(source: str, language: str) -> str:
    """Source text between fences longer than any run of backticks in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", source)), default=0))
    return f"{fence}{language}\n{visible(source)}\n{fence}"


def table(value: Table) -> str:
    """A table; every cell is one line."""
    rows = [[_cell(Cell(worded(name))) for name in value.headers], ["---"] * len(value.headers)]
    rows += [
        [f"**{_cell(cell)}**" if value.header_column and not place and _bold(cell) else _cell(cell)
         for place, cell in enumerate(row)]
        for row in value.rows
    ]  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _bold(cell: Cell) -> bool:
    return bool(cell.spans) and all(isinstance(span, str) and span.strip() == span != "" for span in cell.spans)


def _cell(cell: Cell) -> str:
    shown = "".join(
        formula(span) if isinstance(span, Formula) and "|" not in span.latex else
        code(span.text) if isinstance(span, Formula) else _span(span)
        for span in cell.spans
    )  # fmt: skip
    return f"{SIGNS[cell.verdict]} {WORDS[cell.verdict]} {shown}".strip() if cell.verdict else shown


def matrix(value: Matrix) -> list[str]:
    """A labelled matrix as a table; the group of a block is the letter beside it."""
    columns = [
        f"{called(name)} ({size})" if size else called(name)
        for name, size in zip(value.columns, value.column_sizes or ("",) * len(value.columns), strict=True)
    ]
    names = [
        f"{called(name)} ({size})" if size else called(name)
        for name, size in zip(value.rows, value.row_sizes or ("",) * len(value.rows), strict=True)
    ]
    groups = value.groups or ((None,) * len(value.columns),) * len(value.rows)
    rows = []
    for name, entries, row in zip(names, value.entries, groups, strict=True):
        cells: list[Cell] = [Cell((name,))]
        for entry, group in zip(entries, row, strict=True):
            mark = () if group is None else (f" ({key(group)})",)
            cells.append(Cell(("0",) if entry is None else (entry, *mark)))
        rows.append(tuple(cells))
    shown = table(Table((value.name.text, *columns), tuple(rows)))
    legend = "; ".join(f"({key(number)}) {text(meaning)}" for number, meaning in enumerate(value.legend))
    return [shown, *([legend] if legend else []), *([f"*{spans(worded(value.caption))}*"] if value.caption else [])]

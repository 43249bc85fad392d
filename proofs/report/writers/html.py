"""A report as HTML pages that need nothing beside them: no network, no fonts, no scripts but one small one inside."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files as resources
from typing import assert_never

from ...formula.escape import visible
from ...formula.formula import Formula
from ...formula.lines import width
from ...verdict import Verdict, worst
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
    Section,
    Span,
    Steps,
    Table,
    called,
    worded,
)
from .checked import is_outside
from .mathml import mathml
from .signs import CLASSES, SIGNS, SUMMARIES, WORDS, key, lead

LONG = 24
"""Formulas in running text of more letters get a scroll box of their own."""
SHORT = 24
"""Code of fewer letters is not broken at its hyphens."""
PROSE = 40
"""Cells of more letters are kept wide enough to be read as a text."""


def write(report: Report) -> dict[str, bytes]:
    """The files of the report by name: index.html and one for each page."""
    result = {"index.html": _index(report)}
    for page in report.pages:
        result[f"{page.name}.html"] = _page(report, page)
    return {name: text.encode() for name, text in result.items()}


def text(value: str) -> str:
    """Text as HTML shows it, in an attribute too."""
    return escape(visible(value))


@cache
def _template(name: str) -> str:
    return (resources("layerproof.proofs.report") / "templates" / name).read_text(encoding="utf-8")


def _document(title: str, header: str, contents: str, body: str, kind: str) -> str:
    script, style = _template("page.js"), _template("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body class="{kind}">
<a class="skip" href="#main">Skip to the content</a>
{header}
<div class="frame">
{contents}
<main id="main">
{body}
</main>
</div>
<script>{script}</script>
</body>
</html>
"""


def _index(report: Report) -> str:
    mark = badge(worst(page.verdict for page in report.pages)) if report.pages else ""
    header = f'<header class="top"><div><h1>{text(report.title)}</h1>{mark}</div></header>'
    items = ""
    for page in report.pages:  # what holds is said once, above; what does not, at each
        mine = "" if page.verdict is Verdict.HOLDS else f" {badge(page.verdict)}"
        items += f'<li><a href="{page.name}.html">{text(page.title)}</a>{mine}</li>'
    contents = f'<nav class="pages" aria-label="Pages"><h2>Pages</h2><ul>{items}</ul></nav>' if items else ""
    return _document(text(report.title), header, "", contents + _blocks(report.lead), "index")


def _page(report: Report, page: Page) -> str:
    shout = ""
    if page.verdict is not Verdict.HOLDS:
        shout = (
            f'<p class="shout {CLASSES[page.verdict]}" role="alert">{badge(page.verdict)} {SUMMARIES[page.verdict]}</p>'
        )
    header = (
        f'<header class="top {CLASSES[page.verdict]}"><p class="up"><a href="index.html">{text(report.title)}</a></p>'
        f"<div><h1>{text(page.title)}</h1>{badge(page.verdict)}</div>{shout}</header>"
    )
    links = "".join(f'<li><a href="#{section.id}">{text(section.title)}</a></li>' for section in page.sections)
    contents = (
        '<nav class="contents" aria-label="Contents"><details open><summary>Contents</summary>'
        f"<ol>{links}</ol></details></nav>"
    )
    body = f'<div class="lead">{_blocks(lead(page))}</div>' + "".join(_section(section) for section in page.sections)
    return _document(f"{text(page.title)} – {text(report.title)}", header, contents, body, "page")


def _section(section: Section) -> str:
    match section.blocks:
        case (Note(Verdict.NOT_RUN, _, (Paragraph(parts),)),):  # what was not asked for takes a line
            return (
                f'<section class="brief" id="{section.id}" aria-labelledby="{section.id}-title">'
                f'<h2 id="{section.id}-title"><a href="#{section.id}">{text(section.title)}</a></h2> '
                f"{badge(Verdict.NOT_RUN)} <p>{spans(parts)}</p></section>\n"
            )
    return (
        f'<section id="{section.id}" aria-labelledby="{section.id}-title">\n'
        f'<h2 id="{section.id}-title"><a href="#{section.id}">{text(section.title)}</a></h2>\n'
        f"{_blocks(section.blocks)}</section>\n"
    )


def badge(verdict: Verdict) -> str:
    """A verdict as sign, word and colour."""
    return (
        f'<span class="badge {CLASSES[verdict]}"><span class="sign" aria-hidden="true">{SIGNS[verdict]}</span> '
        f"{WORDS[verdict]}</span>"
    )


def spans(parts: tuple[Span, ...]) -> str:
    """Running text; no line begins with the comma or the full stop behind a formula."""
    result = ""
    for k, part in enumerate(parts):
        after = parts[k + 1] if k + 1 < len(parts) else ""
        before = parts[k - 1] if k else ""
        if isinstance(part, Formula) and _closing(after):
            result += f'<span class="kept">{_span(part)}{text(after[0])}</span>'  # type: ignore[index]
        elif isinstance(part, str) and isinstance(before, Formula) and _closing(part):
            result += text(part[1:])
        else:
            result += _span(part)
    return result


def _closing(part: Span) -> bool:
    return isinstance(part, str) and part[:1] in tuple(",.;:)")


def _span(part: Span) -> str:
    match part:
        case str():
            return text(part)
        case Code(value):
            short = ' class="short"' if len(visible(value)) <= SHORT else ""
            return f"<code{short}>{text(value)}</code>"
        case Formula():
            shown = mathml(part)
            return f'<span class="long">{shown}</span>' if max(len(part.text), width(part.tree)) > LONG else shown
        case Link(value, target):
            return f'<a href="{_address(target)}">{text(value)}</a>'
        case _:
            assert_never(part)


def _address(target: str) -> str:
    if target.startswith("#") or is_outside(target):
        return escape(target)
    page, _, section = target.partition("#")
    return escape(f"{page}.html" + (f"#{section}" if section else ""))


def _blocks(blocks: tuple[Block, ...]) -> str:
    return "".join(_block(block) + "\n" for block in blocks)


def _block(block: Block) -> str:
    match block:
        case Paragraph(parts):
            return f"<p>{spans(parts)}</p>"
        case Display(formula, label):
            anchor = f' id="{label}"' if label else ""
            return f'<div class="display"{anchor}>{mathml(formula, display=True)}</div>'
        case Table():
            return _table(block)
        case Matrix():
            return _matrix(block)
        case Picture(svg, alt, caption, data):
            numbers = f"<details><summary>The numbers</summary>{_table(data)}</details>" if data.rows else ""
            return (
                f'<figure class="picture"><div class="canvas" role="img" aria-label="{text(alt)}">{svg}</div>'
                f"{_caption(caption)}{numbers}</figure>"
            )
        case Listing(source, language):
            return f'<pre class="{language}" tabindex="0"><code>{text(source)}</code></pre>'
        case Note(verdict, title, inner):
            kind = CLASSES[verdict] if verdict else "plain"
            sign = f"{badge(verdict)} " if verdict else ""
            heading = f'<p class="title">{sign}{spans(worded(title))}</p>'
            return f'<aside class="note {kind}">{heading}\n{_blocks(inner)}</aside>'
        case Steps():
            return _steps(block)
        case Folded(title, inner, name):
            anchor = f' id="{name}"' if name else ""
            return f"<details{anchor}><summary>{spans(worded(title))}</summary>\n{_blocks(inner)}</details>"
        case _:
            assert_never(block)


def _steps(steps: Steps) -> str:
    shown = "".join(
        f'<section class="step"><h3>{number}. {spans(worded(title))}</h3>\n{_blocks(inner)}</section>\n'
        for number, (title, inner) in enumerate(steps.items, 1)
    )
    together = " together" if steps.together else ""
    return f'<div class="steps{together}" role="group" aria-label="Steps">\n{shown}</div>'


def _caption(caption: str) -> str:
    return f"<figcaption>{spans(worded(caption))}</figcaption>" if caption else ""


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{spans(worded(name))}</th>' for name in table.headers)
    names = table.headers if table.cards else ("",) * len(table.headers)
    rows = "".join(
        f"<tr>{''.join(_cell(cell, table.header_column and not k, names[k]) for k, cell in enumerate(row))}</tr>\n"
        for row in table.rows
    )
    caption = f"<caption>{spans(worded(table.caption))}</caption>" if table.caption else ""
    label = text(table.caption or "Table")
    kinds = ["dense"] * (len(table.headers) > 5) + ["cards"] * table.cards
    look = f' class="{" ".join(kinds)}"' if kinds else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table{look}>{caption}'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>"
    )


def _cell(cell: Cell, names_row: bool, column: str = "") -> str:
    inner = spans(cell.spans)
    words = sum(len(span if isinstance(span, str) else span.text) for span in cell.spans)
    kind = ' class="prose"' if words > PROSE else ""
    if cell.verdict:
        kind = f' class="verdict {CLASSES[cell.verdict]}"'
        inner = badge(cell.verdict) + (f' <span class="said">{inner}</span>' if inner else "")
    if cell.drawing:  # it has the words as its description
        kind, inner = ' class="drawn"', f'<span class="drawing">{cell.drawing}</span>'
    if column and not inner:  # a card leaves it out
        kind, inner = ' class="none"', "–"
    named = f' data-column="{text(column)}"' if column else ""
    return f'<th scope="row"{kind}>{inner}</th>' if names_row else f"<td{kind}{named}>{inner}</td>"


def _matrix(matrix: Matrix) -> str:
    row_sizes, column_sizes = matrix.row_sizes or ("",) * len(matrix.rows), matrix.column_sizes
    groups = matrix.groups or ((None,) * len(matrix.columns),) * len(matrix.rows)
    head = "".join(
        _label("col", called(name), size, {row[c] for row in groups})
        for c, (name, size) in enumerate(zip(matrix.columns, column_sizes or ("",) * len(matrix.columns), strict=True))
    )
    rows = ""
    for name, size, entries, row in zip(matrix.rows, row_sizes, matrix.entries, groups, strict=True):
        cells = "".join(_entry(entry, group) for entry, group in zip(entries, row, strict=True))
        rows += f"<tr>{_label('row', called(name), size, set(row))}{cells}</tr>\n"
    legend = "".join(
        f'<li tabindex="0" data-group="{number}"><span class="key g{number % 8}">{key(number)}</span> '
        f"{spans(worded(meaning))}</li>"
        for number, meaning in enumerate(matrix.legend)
    )
    shown = f'<ul class="legend" aria-label="Colours">{legend}</ul>' if legend else ""
    wide = " wide" if len(matrix.columns) > 9 else ""
    return (
        f'<figure class="matrix"><div class="scroll" tabindex="0" role="region" aria-label="Matrix '
        f'{text(matrix.name.text)}"><table class="blocks{wide}"><thead><tr><td class="name">{mathml(matrix.name)}'
        f"</td>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>{shown}{_caption(matrix.caption)}</figure>"
    )


def _label(scope: str, name: str, size: str, groups: set[int | None]) -> str:
    meant = " ".join(str(g) for g in sorted(g for g in groups if g is not None))
    mark = f' data-groups="{meant}"' if meant else ""
    extent = f' <span class="size">{text(size)}</span>' if size else ""
    return f'<th scope="{scope}"{mark}>{text(name)}{extent}</th>'


def _entry(entry: Formula | None, group: int | None) -> str:
    if entry is None:
        return '<td class="zero">0</td>'
    colour = "" if group is None else f' class="g{group % 8}" data-group="{group}" data-key="{key(group)}"'
    return f"<td{colour}>{mathml(entry)}</td>"

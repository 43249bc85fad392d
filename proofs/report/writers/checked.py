"""What every writer relies on, checked before anything is written: names, link targets, shapes, pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from ....symbolic.errors import LayerproofError
from ..model import Block, Display, Folded, Link, Matrix, Note, Page, Paragraph, Picture, Report, Steps, Table

RESERVED = frozenset({"index", "report", "con", "prn", "aux", "nul"})
"""Names that files of a report or devices of some systems have."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_OUTSIDE = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~%/?=&+-]*)?(#[A-Za-z0-9._-]*)?")
_ELEMENTS = frozenset({
    "svg", "g", "defs", "title", "desc", "path", "line", "polyline", "polygon", "rect", "circle", "ellipse", "text",
    "tspan", "marker", "clipPath", "pattern", "linearGradient", "stop", "use",
})  # fmt: skip
_NAMESPACE = "{http://www.w3.org/2000/svg}"


def check(report: Report) -> None:
    """Raise `LayerproofError` saying where, if a name is unsafe or taken, a link leads nowhere or a table is ragged."""
    names = [page.name for page in report.pages]
    for name in names:
        if not _NAME.fullmatch(name) or name.lower() in RESERVED:
            raise LayerproofError(f"page {name!a}: wanted a name of letters, digits, - and _, not one of ours")
    if len({name.lower() for name in names}) < len(names):
        raise LayerproofError("two pages have one name: wanted a name for each")
    targets = {*names, *(f"#{block.id}" for block in walk(report.lead) if isinstance(block, Folded) and block.id)}
    for page in report.pages:
        for known in ids(page):
            if not _NAME.fullmatch(known):
                raise LayerproofError(f"{page.name}: id {known!a}: wanted letters, digits, - and _")
            if f"{page.name}#{known}" in targets:
                raise LayerproofError(f"{page.name}: id {known!a} is there twice")
            targets.add(f"{page.name}#{known}")
    for where, blocks in [("", report.lead), *((page.name, _blocks(page)) for page in report.pages)]:
        for block in walk(blocks):
            _check_block(where, block, targets)


def _blocks(page: Page) -> tuple[Block, ...]:
    return (*page.lead, *(block for section in page.sections for block in section.blocks))


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """The blocks and those inside of them."""
    for block in blocks:
        yield block
        if isinstance(block, Note | Folded):
            yield from walk(block.blocks)
        elif isinstance(block, Steps):
            for _, inner in block.items:
                yield from walk(inner)


def ids(page: Page) -> Iterator[str]:
    """What links on the page may name: sections, labelled formulas and named folds."""
    for section in page.sections:
        yield section.id
    for block in walk(_blocks(page)):
        if isinstance(block, Display) and block.label:
            yield block.label
        if isinstance(block, Folded) and block.id:
            yield block.id


def is_outside(target: str) -> bool:
    """Whether a link's target is an address outside of the report that is safe to write down."""
    return _OUTSIDE.fullmatch(target) is not None


def _check_block(where: str, block: Block, targets: set[str]) -> None:
    if isinstance(block, Paragraph):
        _check_links(where, block.spans, targets)
    elif isinstance(block, Table):
        for row in block.rows:
            if len(row) != len(block.headers):
                raise LayerproofError(f"{where}: a row of {len(row)} cells below {len(block.headers)} headers")
            for cell in row:
                _check_links(where, cell.spans, targets)
                if cell.drawing:
                    check_picture(where, cell.drawing)
    elif isinstance(block, Matrix):
        shape, groups = (len(block.rows), len(block.columns)), block.groups or block.entries
        for grid in (block.entries, groups):
            if len(grid) != shape[0] or any(len(row) != shape[1] for row in grid):
                raise LayerproofError(f"{where}: matrix {block.name.text!a} is not {shape[0]} by {shape[1]}")
        if (block.row_sizes and len(block.row_sizes) != shape[0]) or (
            block.column_sizes and len(block.column_sizes) != shape[1]
        ):
            raise LayerproofError(f"{where}: matrix {block.name.text!a} has sizes for other rows or columns")
        used = {g for row in block.groups for g in row if g is not None}
        if any(not 0 <= g < len(block.legend) for g in used):
            raise LayerproofError(f"{where}: matrix {block.name.text!a} has a group without a legend")
    elif isinstance(block, Picture):
        _check_block(where, block.data, targets)
        check_picture(where, block.svg)


def _check_links(where: str, spans: tuple[object, ...], targets: set[str]) -> None:
    for span in spans:
        if isinstance(span, Link) and not is_outside(span.target):
            full = where + span.target if span.target.startswith("#") else span.target
            if full not in targets:
                raise LayerproofError(f"{where or 'index'}: link to {span.target!a} leads nowhere")


def check_picture(where: str, svg: str) -> None:
    """Raise `LayerproofError` unless the SVG is well-formed and draws only: no script, no style, nothing fetched."""
    if "<!" in svg or "<?" in svg:
        raise LayerproofError(f"{where}: a picture has a declaration or a comment")
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise LayerproofError(f"{where}: a picture is no XML: {error}") from None
    if root.tag != f"{_NAMESPACE}svg":
        raise LayerproofError(f"{where}: a picture is no <svg> in its namespace")
    for element in root.iter():
        name = element.tag.removeprefix(_NAMESPACE)
        if name not in _ELEMENTS:
            raise LayerproofError(f"{where}: a picture has an element {name[:40]!a}")
        for key, value in element.attrib.items():
            plain = key.rpartition("}")[2].lower()
            fetched = re.sub(r"url\(#[\w-]+\)", "", value).lower()
            if plain.startswith("on") or "url(" in fetched or "javascript:" in fetched:
                raise LayerproofError(f"{where}: a picture has an attribute {key[:40]!a} that is not let through")
            if plain in ("href", "src") and not value.startswith("#"):
                raise LayerproofError(f"{where}: a picture refers to {value[:40]!a}")

"""What a report is made of, whatever format it is written in: pages, sections and blocks of plain data.

Sections build these from the exact objects; the writers (HTML, LaTeX, Markdown, JSON, PDF) only lay them out.  A string
anywhere here is text and never markup: each writer escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..formula.formula import Formula
from ..verdict import Verdict
from .picture_letters import letters


@dataclass(frozen=True)
class Code:
    """A word to be set in a typewriter face: a name, a command, a digest."""

    text: str


@dataclass(frozen=True)
class Link:
    """A reference: `target` is "#section-id" on the same page, "page-name" or "page-name#section-id" in the report."""

    text: str
    target: str


Span = str | Formula | Code | Link


def text_of(spans: Iterable[Span]) -> str:
    """Running text for formats that set no formulas in text.

    >>> text_of(("the row ", Code("td_error")))
    'the row td_error'
    """
    return "".join(span if isinstance(span, str) else span.text for span in spans)


class Label(str):
    """The name of a row or a column, and what a paper calls it."""

    formula: Formula

    def __new__(cls, name: str, formula: Formula) -> Label:
        """The name with its formula."""
        label = super().__new__(cls, name)
        label.formula = formula
        return label

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.formula


class Sentence(str):
    """A title or a caption with formulas in it: its text, and its `spans` for formats that set formulas there."""

    spans: tuple[str | Formula, ...]

    def __new__(cls, spans: Sequence[str | Formula]) -> Sentence:
        """The sentence of these spans."""
        sentence = super().__new__(cls, text_of(spans))
        sentence.spans = tuple(spans)
        return sentence

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.spans,)


@dataclass(frozen=True)
class Paragraph:
    """Running text with inline formulas, code and links."""

    spans: tuple[Span, ...]

    @staticmethod
    def of(*spans: Span) -> Paragraph:
        """A paragraph of the given spans."""
        return Paragraph(spans)


@dataclass(frozen=True)
class Display:
    """A formula on a line of its own; `label` is what LaTeX's \\label and a link's target call it."""

    formula: Formula
    label: str | None = None


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its spans, and the verdict whose colour, sign and word it bears, if it has one.

    drawing : an <svg> that shows what the spans say in words, in their place on an HTML page
    """

    spans: tuple[Span, ...]
    verdict: Verdict | None = None
    drawing: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells below a header.

    header_column : the first cell of each row names the row
    cards         : where the page is narrow each row is a card, its cells below one another
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    header_column: bool = True
    cards: bool = False


@dataclass(frozen=True)
class Matrix:
    """A labelled block matrix.

    rows, columns : names of the blocks; `sizes` in words ("d", "1") beside them
    entries       : a formula for each block; None for a block of zeros (drawn pale)
    groups        : for each block the index of its colour, None for none: one colour a meaning, told in `legend`
    """

    name: Formula
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    entries: tuple[tuple[Formula | None, ...], ...]
    row_sizes: tuple[str, ...] = ()
    column_sizes: tuple[str, ...] = ()
    groups: tuple[tuple[int | None, ...], ...] = ()
    legend: tuple[str, ...] = ()
    caption: str = ""


def called(name: str) -> str:
    """A row's or column's name as a reader sees it: in letters, where a paper has a symbol for it."""
    return letters(name.formula.text) if isinstance(name, Label) else name


def worded(text: str) -> tuple[Span, ...]:
    """A title or caption as spans: formulas are set as such where it is a `Sentence`."""
    return text.spans if isinstance(text, Sentence) else (text,)


@dataclass(frozen=True)
class Picture:
    """A drawing: complete SVG of its own (classes for colours, no script), and all that it shows in words and numbers.

    svg   : one <svg> element whose colours come from CSS classes with fallbacks, so that dark mode and print work
    alt   : what a reader who cannot see it must know
    data  : the numbers behind it, for formats without pictures and for JSON
    """

    svg: str
    alt: str
    caption: str
    data: Table


@dataclass(frozen=True)
class Listing:
    """Source text or a command, set as it is; `language` is "rocq", "python", "shell" or "text"."""

    text: str
    language: str = "text"


@dataclass(frozen=True)
class Note:
    """A framed remark; a refuted one shouts, an undecided or not-run one never looks like success."""

    verdict: Verdict | None
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Steps:
    """A sequence to be followed one by one, such as the layers of a worked example: (title, blocks) each.

    together : all are to be read at once, as the steps of a derivation: no format hides any
    """

    items: tuple[tuple[str, tuple[Block, ...]], ...]
    together: bool = False


@dataclass(frozen=True)
class Folded:
    """Details that need not be seen at once: open in print and in formats that do not fold.

    id : what links call it, where one leads here
    """

    title: str
    blocks: tuple[Block, ...]
    id: str = ""


Block = Paragraph | Display | Table | Matrix | Picture | Listing | Note | Steps | Folded


@dataclass(frozen=True)
class Section:
    """One section of a page; `id` is what links and LaTeX labels call it."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """One page: the first blocks say the claim and the verdict, the sections follow.

    name     : the file name without ending, safe on every system
    title    : what the page is headed with: text, whatever it holds
    verdict  : the worst verdict among what was asked for
    data     : what the JSON format says beside the blocks: exact values as text, digests, settings
    """

    name: str
    title: str
    verdict: Verdict
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]
    data: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Report:
    """An index and its pages."""

    title: str
    lead: tuple[Block, ...]
    pages: tuple[Page, ...]
    data: dict[str, Any] = field(default_factory=dict, hash=False)

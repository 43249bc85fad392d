"""What the paper form is made of: paragraphs, displays and theorem-like environments of plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...formula.build import row
from ...formula.formula import Formula
from ...formula.macros import Macro


@dataclass(frozen=True)
class Ref:
    """A reference to a label of the same paper: "Theorem 1", or "(2)" for an equation."""

    label: str
    kind: str = ""


@dataclass(frozen=True)
class Cite:
    """Sources by their keys."""

    keys: tuple[str, ...]


@dataclass(frozen=True)
class Word:
    """A name in a typewriter face."""

    text: str


@dataclass(frozen=True)
class Footnote:
    """A note at the foot of the page."""

    spans: tuple[Span, ...]


Span = str | Formula | Ref | Cite | Word | Footnote
Text = tuple[Span, ...]


@dataclass(frozen=True)
class Paragraph:
    """Running text, with a heading at its front or without."""

    spans: Text
    heading: str = ""


@dataclass(frozen=True)
class Display:
    """Formulas line by line, numbered where they have a label."""

    lines: tuple[Formula, ...]
    label: str = ""


@dataclass(frozen=True)
class Environment:
    """A theorem, lemma, proof or remark."""

    kind: str
    blocks: tuple[Paragraph | Display, ...]
    title: Text = ()
    label: str = ""


Block = Paragraph | Display | Environment


@dataclass(frozen=True)
class Paper:
    """One algorithm's paper form.

    title  : its heading, formulas in it
    macros : every macro that it may use
    """

    name: str
    title: Text
    blocks: tuple[Block, ...]
    macros: dict[str, Macro]


def text(*parts: Span | Text) -> Text:
    """Spans, and parts that are texts already, as one text."""
    result: list[Span] = []
    for span in (x for part in parts for x in (part if isinstance(part, tuple) else (part,))):
        if isinstance(span, str) and result and isinstance(result[-1], str):
            result[-1] += span
        elif span != "":
            result.append(span)
    return tuple(result)


def joined(parts: Iterable[Span | Text], separator: str) -> Text:
    """Parts with a separator between them."""
    return text(*(x for k, part in enumerate(parts) for x in ((separator, part) if k else (part,))))


def display(lines: Sequence[Formula], label: str = "", end: str = ".") -> Display:
    """Formulas line by line, a comma behind each but the last, and `end` behind that one."""
    return Display((*(row(line, ",") for line in lines[:-1]), row(lines[-1], *end)), label)


def paragraph(*parts: Span | Text, heading: str = "") -> Paragraph:
    """A paragraph of `text`."""
    return Paragraph(text(*parts), heading)

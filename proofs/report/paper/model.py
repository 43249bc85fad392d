"""What the paper form is made of: paragraphs, displays and theorem-like environments of plain data."""

from __future__ import annotations

from dataclasses import dataclass

from ...formula.macros import Macro


@dataclass(frozen=True)
class Math:
    """A formula in running text, in macros."""

    latex: str


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


Span = str | Math | Ref | Cite | Word | Footnote
Text = tuple[Span, ...]


@dataclass(frozen=True)
class Paragraph:
    """Running text, with a heading at its front or without."""

    spans: Text
    heading: str = ""


@dataclass(frozen=True)
class Display:
    """Formulas line by line, numbered where they have a label."""

    lines: tuple[str, ...]
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
    """Spans, and parts that are texts already, as one text; "$...$" in a string is a formula."""
    result: list[Span] = []
    for part in parts:
        if isinstance(part, str):
            pieces = part.split("$")
            result += [Math(p) if k % 2 else p for k, p in enumerate(pieces) if p]
        elif isinstance(part, tuple):
            result += part
        else:
            result.append(part)
    return tuple(result)


def paragraph(*parts: Span | Text, heading: str = "") -> Paragraph:
    """A paragraph of `text`."""
    return Paragraph(text(*parts), heading)

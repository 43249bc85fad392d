"""What a document of sentences, formulas and labelled matrices is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...formula.formula import Formula, quoted, written
from ...formula.reader import readable


@dataclass(frozen=True)
class Table:
    """A labelled matrix of formulas."""

    name: Formula
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    entries: tuple[tuple[Formula, ...], ...]


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
    """Running text with formulas in it: the text itself, for formats that set no formulas in text, and its `spans`."""

    spans: tuple[str | Formula, ...]

    def __new__(cls, spans: Sequence[str | Formula]) -> Sentence:
        """The sentence of these spans."""
        sentence = super().__new__(cls, "".join(span if isinstance(span, str) else span.text for span in spans))
        sentence.spans = tuple(spans)
        return sentence

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.spans,)


@dataclass(frozen=True)
class Section:
    """One step: a title, and sentences, formulas and tables in order."""

    title: str
    parts: tuple[str | Formula | Table, ...]


def said(text: str) -> Sentence:
    r"""A sentence of our own words with formulas in LaTeX between dollars.

    No name that others chose belongs in it.

    >>> said(r"every $d \ge 2$ will do")
    'every d >= 2 will do'
    """
    pieces = text.split("$")
    return Sentence([written(p) if k % 2 else p for k, p in enumerate(pieces) if p])


def meaning(latex: str) -> Formula:
    r"""What a row of an algorithm holds, as its author wrote it; text, where the gate refuses that.

    >>> meaning(r"R_j + \gamma w^\top \phi'_j").text
    "R_j + gamma w.phi'_j"
    """
    return quoted(latex, latex) if not readable(latex) else written(latex)

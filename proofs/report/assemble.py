"""Short ways to write blocks: prose with formulas and code in it, tables, matrices of formulas, witnesses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from ..formula.formula import written
from ..verdict import Claim, Verdict
from ..witness_text import reason_beside, witness_lines
from .model import Block, Cell, Code, Listing, Matrix, Note, Paragraph, Sentence, Span

RESERVED = frozenset({"index", "report", "con", "prn", "aux", "nul"})
_GREEK = {"lambda": "λ", "gamma": "γ", "alpha": "α", "beta": "β", "rho": "ρ", "tau": "τ"}
Part = TypeVar("Part")
_PIECE = re.compile(r"(\$[^$]*\$|`[^`]*`)")


def spans(text: str) -> tuple[Span, ...]:
    r"""Our own words with "$latex$" and `code` in them as spans; names that others chose are spans of their own.

    >>> spans("set `-L` to $L$")
    ('set ', Code(text='-L'), ' to ', Formula('L', 'L'))
    """
    result: list[Span] = []
    for piece in _PIECE.split(text):
        if piece.startswith("`"):
            result.append(Code(piece[1:-1]))
        elif piece:
            result.append(written(piece[1:-1]) if piece.startswith("$") else piece)
    return tuple(result)


def heading(text: str) -> Sentence:
    r"""A title or a caption of our own words with "$latex$" in them.

    >>> heading(r"every $d \ge 2$ will do")
    'every d >= 2 will do'
    """
    return Sentence([written(piece) if k % 2 else piece for k, piece in enumerate(text.split("$")) if piece])


def prose(*parts: str | Span | tuple[Span, ...]) -> Paragraph:
    """A paragraph: plain strings are read as `spans` does, anything else stays as it is."""
    result: list[Span] = []
    for part in parts:
        if isinstance(part, str):
            result += spans(part)
        elif isinstance(part, tuple):
            result += part
        else:
            result.append(part)
    return Paragraph(tuple(result))


def commas(spans: Iterable[Part]) -> list[Part | str]:
    """Spans with commas between them."""
    result: list[Part | str] = []
    for span in spans:
        result += [", ", span] if result else [span]
    return result


def plain(text: str) -> Paragraph:
    """A paragraph of text that others may have written."""
    return Paragraph((text,))


def cell(*parts: str | Span, verdict: Verdict | None = None) -> Cell:
    """A cell; its strings are text and nothing else."""
    return Cell(tuple(parts), verdict)


def matrix(value: Matrix, legend: Sequence[str] = (), sizes: Sequence[str] = ()) -> Matrix:
    """A labelled matrix with its zero blocks left open; with a legend of one or two, entries coloured by their sign."""
    entries = tuple(tuple(None if e is None or e.text == "0" else e for e in row) for row in value.entries)
    groups: tuple[tuple[int | None, ...], ...] = ()
    if legend:
        last = len(legend) - 1
        if not any(e is not None and e.text.startswith("-") for row in entries for e in row):
            legend, last = legend[:1], 0
        groups = tuple(
            tuple(None if e is None else min(last, int(e.text.startswith("-"))) for e in row) for row in entries
        )
    return replace(value, entries=entries, row_sizes=tuple(sizes), column_sizes=tuple(sizes), groups=groups,
                   legend=tuple(legend))  # fmt: skip


def greek(title: str) -> str:
    """A title with its Greek letters as letters: TD(λ).

    >>> greek("TD(lambda)")
    'TD(λ)'
    """
    return re.sub(r"\b(?:lambda|gamma|alpha|beta|rho|tau)\b", lambda name: _GREEK[name[0]], title)


def sentence(text: str) -> str:
    """The text with a capital in front and a full stop behind."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")


def witness(claim: Claim) -> tuple[Block, ...]:
    """What shows that a claim is wrong, as `layerproof verify` prints it."""
    lines = witness_lines(claim.witness) if claim.witness else []
    return (Listing("\n".join(line.rstrip() for line in lines)),) if lines else ()


def alarm(claim: Claim) -> Note:
    """A refuted, open or missing claim, framed."""
    explanation = reason_beside(claim.reason, claim.witness)
    return Note(claim.verdict, sentence(claim.claim).removesuffix("."), (plain(sentence(explanation)), *witness(claim)))


def page_name(name: str, taken: set[str]) -> str:
    """A file name for a page: letters, digits and hyphens, not taken and no name of ours; it is added to `taken`."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60] or "page"
    if plain.lower() in RESERVED:
        plain = f"page-{plain}"
    candidate, k = plain, 2
    while candidate.lower() in taken:
        candidate, k = f"{plain}-{k}", k + 1
    taken.add(candidate.lower())
    return candidate

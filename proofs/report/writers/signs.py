"""What a verdict is shown as: a word and a sign beside its colour, so that no reader needs the colour."""

from __future__ import annotations

from string import ascii_lowercase

from ...verdict import Verdict
from ..model import Block, Note, Page

WORDS = {v: v.value.replace("_", " ") for v in Verdict}
SIGNS = {Verdict.HOLDS: "✓", Verdict.REFUTED: "✗", Verdict.UNDECIDED: "?", Verdict.NOT_RUN: "–"}
CLASSES = {v: v.value.lower().replace("_", "-") for v in Verdict}
SUMMARIES = {
    Verdict.HOLDS: "Everything that was asked for holds.",
    Verdict.REFUTED: "Something that was asked for is refuted.",
    Verdict.UNDECIDED: "Something that was asked for is undecided: this is no success.",
    Verdict.NOT_RUN: "Something that was asked for was not run: this is no success.",
}


def key(group: int) -> str:
    """The letter that a group of blocks is known by: a, ..., z, a1, ..., z1, a2 and so on.

    >>> key(0), key(25), key(26)
    ('a', 'z', 'a1')
    """
    again, letter = divmod(group, len(ascii_lowercase))
    return ascii_lowercase[letter] + (str(again) if again else "")


def lead(page: Page) -> tuple[Block, ...]:
    """The first blocks of a page, what is refuted before everything else."""
    return tuple(sorted(page.lead, key=lambda b: not (isinstance(b, Note) and b.verdict is Verdict.REFUTED)))

"""The first page of a report: every algorithm beside every kind of evidence, and what each kind rests on."""

from __future__ import annotations

from collections.abc import Sequence

from ..evidence import kinds
from ..verdict import PROVED, Claim, Verdict, worst_asked
from .assemble import cell, prose
from .model import Block, Cell, Link, Page, Picture, Table
from .sections import trust
from .sections.verdicts import badge, short, strengths

COLUMNS = {
    "identity-symbolic": "symbolic", "identity-entrywise": "entries", "identity-exact": "exact",
    "identity-random": "random points", PROVED: "Rocq",
}  # fmt: skip
"""What the index calls the kinds of evidence."""


def index_blocks(
    tables: Sequence[Table], entries: Sequence[tuple[Page, tuple[Claim, ...]]], theory: Page | None
) -> tuple[Block, ...]:
    """The index's blocks.

    tables  : what is said of every algorithm, one table for each sort of them
    entries : each page with the claims about its algorithm
    theory  : the page of what the theorems rest on, where there is one
    """
    names = list(kinds())
    rows = []
    for page, claims in entries:
        cells = [_summary([c for c in claims if c.evidence == name]) for name in names]
        rows.append((cell(page.title), *cells))
    everything = [c for _, claims in entries for c in claims]
    meaning = tuple(
        (cell(n), cell(strengths([c for c in everything if c.evidence == n]) or k.STRENGTH), cell(trust.BELIEVE[n]))
        for n, k in kinds().items()
    )
    return (
        prose("Each page below shows, for one algorithm, how the weights of a linear transformer follow from the "
              "algorithm's update, why layer $\\ell$ is iterate $\\ell$, and what stands behind every claim."),
        *tables,
        Table(("algorithm", *(COLUMNS.get(name, name) for name in names)), tuple(rows),
              _matrix_caption(everything), cards=True),
        prose("HOLDS is as strong as its kind of evidence; UNDECIDED and NOT_RUN are no success:"),
        Table(("evidence", "what HOLDS means", "what it rests on"), meaning),
        *_theory(theory),
    )  # fmt: skip


def _theory(theory: Page | None) -> tuple[Block, ...]:
    """The picture of what the theorems rest on, or how to have it."""
    if theory is None:
        return (prose("What the theorems rest on, as a picture with a page of its own: with `--prove`."),)
    drawn = [block for block in theory.lead if isinstance(block, Picture)]
    return (prose("Which theorems there are, and what each rests on: ", Link(theory.title, theory.name), "."), *drawn)


def _matrix_caption(claims: Sequence[Claim]) -> str:
    """What the signs of the matrix mean, and that the prover was not asked where it was not."""
    signs = "Verdicts by kind of evidence: ✓ holds, – was not asked for; each page says what they mean."
    asked = any(c.asked for c in claims if c.evidence == PROVED)
    return signs if asked else f"{signs} Rocq was not asked in this report: with --prove it is."


def _summary(claims: Sequence[Claim]) -> Cell:
    if not claims:
        return Cell(("–",))
    if any(c.asked for c in claims):
        verdict = worst_asked(claims)
        return Cell(("✓",)) if verdict is Verdict.HOLDS else Cell((), verdict)
    return Cell(("–",)) if badge(claims[0]) is Verdict.NOT_RUN else Cell((short(claims[0]),), badge(claims[0]))

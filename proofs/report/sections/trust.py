"""Section "trust": what a sceptic must believe for each kind of evidence."""

from __future__ import annotations

from ...evidence import kinds
from ...verdict import worst_asked
from ..assemble import cell, prose
from ..findings import Findings
from ..model import Cell, Section, Table
from .verdicts import badge, short, strengths

NAME, TITLE, ORDER = "trust", "What one must believe", 160
BELIEVE = {
    "derived": "SymPy's linear algebra over polynomials, and that the update's code is the update of its source",
    "identity-symbolic": "SymPy's arithmetic and simplification, and that a loop whose 64 generic steps agree does the "
    "same at every step",
    "identity-entrywise": "FLINT's polynomials",
    "identity-exact": "FLINT's and Python's integers",
    "identity-random": "the same integers, and that the random point was not an unlucky one: its probability is stated",
    "float": "that torch returned these bytes, and that its arithmetic rounds as the bound assumes",
    "proved-all-sizes": "the Rocq kernel and the audited statements",
}
"""For each kind of evidence what a HOLDS of it rests on."""


def build(findings: Findings) -> Section | None:
    """The table of trust."""
    rows = []
    for name, kind in kinds().items():
        claims = findings.of_kind(name)
        if claims:
            asked = any(c.asked for c in claims)
            here = cell(verdict=worst_asked(claims)) if asked else Cell((short(claims[0]),), badge(claims[0]))
            means = strengths(claims) or kind.STRENGTH
            rows.append((cell(name), cell(means), cell(BELIEVE[name]), here))
    intro = prose(
        "How strong a HOLDS is, is said by its kind and never by the word. UNDECIDED and NOT_RUN are no success."
    )
    table = Table(("evidence", "what HOLDS means", "what it rests on", "here"), tuple(rows))
    return Section(NAME, TITLE, (intro, table))

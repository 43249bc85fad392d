"""What stands behind the theorem, in a line, with what must be trusted in a footnote; and what is unique about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....symbolic.derivation.derive import SOLVED_AT, Derivation
from ...case import Settings
from ...formula.build import NO_GAP, equation, listed, row
from ...theory.audit import Audit
from ...theory.audits import audits_for
from ...verdict import Claim, Verdict, worst_asked
from ..assemble import sentence
from ..findings import Findings
from ..lead import alarming
from ..sections.trust import BELIEVE
from .facts import Facts
from .model import Block, Environment, Footnote, Text, Word, joined, paragraph, text
from .notation import Notation

ASKED = ("derived", "identity-symbolic", "identity-exact")
"""What a paper form asks for where nothing else is said."""
ASKED_OF_GIVEN = ("identity-exact",)
"""The same for weights that a file gives."""
ASKED_OF_LAYER = ("identity-symbolic", "identity-exact")
"""The same for a layer of patterns that a file gives."""
HOLDS = {
    "derived": "the weights were solved for, not typed in",
    "identity-symbolic": "one layer's identity and the masks hold for all $d$, $n$ and $L$ in exact symbolic algebra",
    "identity-entrywise": "the identity holds entry by entry as polynomials at a small size",
    "identity-exact": "every layer, row and column agrees with the update in rational arithmetic, at ",
    "identity-random": "the identity holds at random points of a prime field",
    "float": "the layers in floating point stay within a proved bound of the update",
    "proved-all-sizes": "the Rocq kernel accepts the theorem for all $d$, $n$ and $L$, without axioms",
}


def alarm_blocks(claims: Sequence[Claim]) -> list[Block]:
    """What is refuted or open, before everything else."""
    bad = (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN)
    return [
        paragraph(f"{sentence(c.claim)} {sentence(c.reason)}", heading=f"{v.value.replace('_', ' ')}: no theorem.")
        for v in bad
        for c in claims
        if alarming(c, v)
    ]


@dataclass(frozen=True)
class Stated:
    """What a HOLDS of each kind of evidence says, what must be believed for it, and the audits of the theorem."""

    holds: Mapping[str, str]
    believe: Mapping[str, str]
    audits: Sequence[Audit]


def linear(findings: Findings) -> Stated:
    """What is said of linear attention."""
    assert findings.case is not None
    return Stated(HOLDS, BELIEVE, audits_for(findings.case.algorithm, findings.case.options))


def evidence_blocks(
    notation: Notation, claims: Sequence[Claim], settings: Settings, stated: Stated, version: str
) -> list[Block]:
    """One paragraph: what was checked and how, the formal theorems by name, what one must believe."""
    asked = {k: of_kind for k in HOLDS if (of_kind := [c for c in claims if c.evidence == k and c.asked])}
    good = [k for k, of_kind in asked.items() if all(c.verdict is Verdict.HOLDS for c in of_kind)]
    sizes = zip(("d", "n", "L"), (settings.features, settings.context, settings.layers), strict=True)
    size = joined([equation(notation.letter(x), str(number)) for x, number in sizes], ", ")
    checked = [text(notation.words(stated.holds[k]), *(size if k == "identity-exact" else ())) for k in good]
    believed = "; ".join(stated.believe[k].replace("$", "") for k in good)
    note = f"To be believed: {believed}; and that the update is the one that was meant."
    bad = (f"{k} ({worst_asked(asked[k]).value.replace('_', ' ')})" for k in asked if k not in good)
    return [paragraph(
        f"Checked by layerproof {version}", (": ", *joined(checked, "; "), Footnote((note,))) if good else (), ". ",
        f"Not established: {', '.join(bad)}. " if len(good) < len(asked) else "",
        _formal(stated.audits, "proved-all-sizes" in good), heading="Evidence.",
    )]  # fmt: skip


def _formal(audits: Sequence[Audit], proved: bool) -> Text:
    if not audits:
        return text("No formal theorem is about it.")
    names = [Word(t.name) for t in audits[0].theorems][:2]
    asked = "are proved" if proved else "state it; the prover was not asked for this text"
    return text("The formal theorems ", joined(names, " and "), f" (Rocq) {asked}.")


def unique_blocks(facts: Facts, derivation: Derivation) -> list[Block]:
    """What of the weights is forced."""
    count, least = len(derivation.heads), derivation.head_lower_bound
    fewest = f" No layer of this form has fewer than {least} heads." if count > 1 and least == count else ""
    loose = " but for entries that occur and are not forced" if derivation.tensors[-1].undetermined else ""
    free = "the scales of $P$, $Q$ and $M$ in a head" if count == 1 else "how the heads are cut, and their scales"
    at = equation(facts.n, listed(map(str, SOLVED_AT), NO_GAP))
    told = paragraph(
        "Among layers that leave feature rows alone, what the heads do together is forced by the update, for ",
        row(facts.letter("d"), ">=", "2"), " and ", at, f" (solved as a linear system){loose}; free are ",
        facts.words(free), f".{fewest}",
    )  # fmt: skip
    return [Environment("remark", (told,), ("What is unique",), "unique")]

"""What stands behind the theorem, in a line, with what must be trusted in a footnote; and what is unique about it."""

from __future__ import annotations

from collections.abc import Sequence

from ....symbolic.derivation.derive import SOLVED_AT, Derivation
from ...theory.audits import audits_for
from ...verdict import Claim, Verdict, worst_asked
from ..assemble import sentence
from ..lead import alarming
from ..sections.trust import BELIEVE
from ..subject import Subject
from .facts import Facts
from .model import Block, Environment, Footnote, Span, Word, paragraph, text

ASKED = ("derived", "identity-symbolic", "identity-exact")
"""What a paper form asks for where nothing else is said."""
ASKED_OF_GIVEN = ("identity-exact",)
"""The same for weights that a file gives."""
HOLDS = {
    "derived": "the weights were solved for, not typed in",
    "identity-symbolic": "one layer's identity and the masks hold for all $d$, $n$ and $L$ in exact symbolic algebra",
    "identity-entrywise": "the identity holds entry by entry as polynomials at a small size",
    "identity-exact": "every layer, row and column agrees with the update in rational arithmetic, at {size}",
    "identity-random": "the identity holds at random points of a prime field",
    "float": "the layers in floating point stay within a proved bound of the update",
    "proved-all-sizes": "the Rocq kernel accepts the theorem for all $d$, $n$ and $L$, without axioms",
}


def alarm_blocks(subject: Subject) -> list[Block]:
    """What is refuted or open, before everything else."""
    bad = (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN)
    return [
        paragraph(f"{sentence(c.claim)} {sentence(c.reason)}", heading=f"{v.value.replace('_', ' ')}: no theorem.")
        for v in bad
        for c in subject.claims
        if alarming(c, v)
    ]


def evidence_blocks(facts: Facts, version: str) -> list[Block]:
    """One paragraph: what was checked and how, the formal theorems by name, what one must believe."""
    subject = facts.subject
    asked = [k for k in HOLDS if any(c.asked for c in subject.of_kind(k))]
    good = [k for k in asked if _all(subject.of_kind(k), Verdict.HOLDS)]
    bad = [k for k in asked if k not in good]
    s = subject.settings
    d, n, depth = facts.fixed("size", "d"), facts.fixed("sweep", "n"), facts.fixed("size", "L")
    size = f"${d} = {s.features}$, ${n} = {s.context}$, ${depth} = {s.layers}$"
    parts: list[Span] = [*text(f"Checked by layerproof {version}")]
    if good:
        parts += text(": ", "; ".join(facts.words(HOLDS[k]).replace("{size}", size) for k in good))
    parts += (
        text(
            Footnote(
                text(
                    "To be believed: ",
                    "; ".join(_plain(BELIEVE[k]) for k in good),
                    "; and that the update is the one that was meant.",
                )
            ),
            ". ",
        )
        if good
        else text(". ")
    )
    if bad:
        parts += text("Not established: ", ", ".join(
            f"{k} ({worst_asked(subject.of_kind(k)).value.replace('_', ' ')})" for k in bad), ". ")  # fmt: skip
    return [paragraph(tuple(parts), _formal(subject, "proved-all-sizes" in good), heading="Evidence.")]


def _plain(words: str) -> str:
    return words.replace("$", "")


def _all(claims: Sequence[Claim], verdict: Verdict) -> bool:
    return all(c.verdict is verdict for c in claims if c.asked)


def _formal(subject: Subject, proved: bool) -> tuple[Span, ...]:
    assert subject.case is not None
    audits = audits_for(subject.case.algorithm, subject.case.options)
    if not audits:
        return text("No formal theorem is about it.")
    names = [t.name for t in audits[0].theorems][:2]
    words = [x for k, name in enumerate(names) for x in ((" and ", Word(name)) if k else (Word(name),))]
    asked = "are proved" if proved else "state it; the prover was not asked for this text"
    return text("The formal theorems ", tuple(words), f" (Rocq) {asked}.")


def unique_blocks(facts: Facts, derivation: Derivation) -> list[Block]:
    """What of the weights is forced."""
    count, least = len(derivation.heads), derivation.head_lower_bound
    at = ", ".join(map(str, SOLVED_AT))
    fewest = f" No layer of this form has fewer than {least} heads." if count > 1 and least == count else ""
    loose = " but for entries that occur and are not forced" if derivation.tensors[-1].undetermined else ""
    free = "the scales of $P$, $Q$ and $M$ in a head" if count == 1 else "how the heads are cut, and their scales"
    return [Environment("remark", (paragraph(facts.words(
        f"Among layers that leave feature rows alone, what the heads do together is forced by the update, for "
        f"$d \\ge 2$ and $n = {at}$ (solved as a linear system){loose}; free are {free}.{fewest}"),
    ),), ("What is unique",), "unique")]  # fmt: skip

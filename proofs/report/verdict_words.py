"""The verdicts of a page in words, and what they mean: for its first screen."""

from __future__ import annotations

from collections.abc import Sequence

from ..verdict import Claim, Verdict
from .assemble import prose, spans
from .findings import Findings
from .model import Paragraph, Span
from .names import declared_formula

SAID = {
    Verdict.HOLDS: "Holds: ",
    Verdict.REFUTED: "Refuted: ",
    Verdict.UNDECIDED: "Undecided, which is no success: ",
    Verdict.NOT_RUN: "Not run, which is no success: ",
}
UNASKED = "Not asked for: "
MEANS = {
    "derived": "that the weights follow from the update, by linear equations",
    "identity-symbolic": "that one layer is one update for all $d$, $n$ and $L$, in SymPy",
    "identity-entrywise": "that all entries agree as polynomials at one $d$ and $n$, in FLINT",
    "identity-exact": "that layers are iterates in exact numbers on concrete prompts",
    "identity-random": "that they are modulo a prime at random points",
    "float": "that torch stays within proven bounds",
    "proved-all-sizes": "that the Rocq kernel accepts the theorem for all $d$, $n$ and $L$",
}
"""What each kind of evidence is about."""


def verdict_words(findings: Findings) -> list[Paragraph]:
    """A line for each verdict that there is, worst first, and one for what was not asked."""
    return words_of(findings.claims, findings.algorithm is not None)


def words_of(claims: Sequence[Claim], prover: bool) -> list[Paragraph]:
    """The same of any claims; `prover` says whether the prover can be asked."""
    by_kind: dict[str, list[Claim]] = {}
    for claim in claims:
        by_kind.setdefault(claim.evidence, []).append(claim)
    by_front: dict[str, list[str]] = {}
    for kind, of_kind in by_kind.items():
        asked = [c for c in of_kind if c.asked]
        for verdict in dict.fromkeys(c.verdict for c in asked):
            by_front.setdefault(SAID[verdict], []).append(_what(kind, [c for c in asked if c.verdict is verdict]))
        if not asked:
            command = ", with `--prove`" if kind == "proved-all-sizes" and prover else ""
            by_front.setdefault(UNASKED, []).append(MEANS.get(kind, kind) + command)
    order = [SAID[v] for v in (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN, Verdict.HOLDS)]
    return [Paragraph((front, *_listed(by_front[front]), ".")) for front in (*order, UNASKED) if front in by_front]


def _listed(parts: Sequence[str]) -> list[Span]:
    result: list[Span] = []
    for k, part in enumerate(parts):
        result += [", and " if k == len(parts) - 1 else ", "] * bool(k) + list(spans(part))
    return result


def _what(kind: str, claims: Sequence[Claim]) -> str:
    """What the claims of one kind and verdict say; of symbolic ones that are not all, which."""
    facts = {c.details.get("fact") for c in claims}
    if kind == "identity-symbolic" and len(facts) == 1 and facts & {"blocks", "masks"}:
        return "that the blocks of one layer are one update" if facts == {"blocks"} else "that the masks carry the loop"
    return MEANS.get(kind, kind)


def meaning(findings: Findings) -> Paragraph | None:
    """What follows for somebody who runs such a network; None where the claim is not established."""
    if findings.verdict is not Verdict.HOLDS or findings.algorithm is None:
        return None
    return prose(
        "What it means: a forward pass through $L$ layers does what $L$ steps of the algorithm would do on the "
        "transitions in the prompt, the learned weights ",
        declared_formula(findings.algorithm, findings.algorithm.weights[0]),
        " being nowhere stored but in the prompt's own rows.",
    )

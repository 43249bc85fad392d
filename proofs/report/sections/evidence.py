"""Section "evidence": each claim in words, with what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...evidence import kinds
from ...verdict import Claim, Verdict
from ..assemble import cell, plain, sentence, witness
from ..findings import Findings
from ..model import Block, Code, Folded, Note, Section, Table
from .verdicts import strengths

NAME, TITLE, ORDER = "evidence", "The evidence in detail", 130
LONG = 40
"""Letters of a word that no column has room for."""
_HIDDEN = frozenset({"environment", "curves", "fact", "tiers", "split"})
"""Drawn or told in words elsewhere on the page, or different from machine to machine."""


def build(findings: Findings) -> Section | None:
    """One fold for each kind of evidence; the verdict table leads here."""
    return of_claims(findings.claims, findings.dates)


def of_claims(every_claim: Sequence[Claim], dates: bool) -> Section | None:
    """As `build`, of these claims."""
    groups: dict[str, list[Claim]] = {}
    for claim in every_claim:
        groups.setdefault(claim.evidence, []).append(claim)
    known = kinds()
    folds = []
    for name, claims in groups.items():
        blocks: list[Block] = []
        for claim in claims:
            blocks.append(_claim(claim, dates))
        strength = strengths(claims) or (known[name].STRENGTH if name in known else claims[0].strength)
        folds.append(Folded(f"{name}: {strength}", tuple(blocks), f"evidence-{name}"))
    return Section(NAME, TITLE, tuple(folds)) if folds else None


def _claim(claim: Claim, dates: bool) -> Note:
    shown: list[Block] = [plain(sentence(claim.reason))]
    if not claim.asked and claim.verdict is not Verdict.NOT_RUN:
        shown.append(plain("It was not asked for, and does not count."))
    rows = tuple((cell(key), cell(_breakable(value))) for key, value in flat(claim.details, dates))
    if rows and claim.verdict is not Verdict.NOT_RUN:
        shown.append(Table(("what", "found"), rows))
    return Note(claim.verdict, sentence(claim.claim).removesuffix("."), (*shown, *witness(claim)))


def flat(details: Any, dates: bool = False, path: str = "") -> list[tuple[str, str]]:
    """Nested details as lines; what differs from machine to machine only with `dates`."""
    result: list[tuple[str, str]] = []
    for key, value in details.items():
        if key in _HIDDEN and not (dates and key == "environment"):
            continue
        name = f"{path}{key}".replace("_", " ")
        if isinstance(value, dict):
            result += flat(value, dates, f"{name}: ")
        elif isinstance(value, (list, tuple)):
            for k, item in enumerate(value, 1):
                if isinstance(item, dict):
                    told = (f"{a} = {_text(b)}" for a, b in item.items() if b is not None)
                    result.append((f"{name} {k}", ", ".join(told)))
            if value and not isinstance(value[0], dict):
                result.append((name, ", ".join(_text(item) for item in value)))
        elif value not in (None, ""):
            result.append((name, _text(value)))
    return result


def _breakable(text: str) -> str | Code:
    """A long number in a typewriter face, where it may be broken."""
    return Code(text) if max(map(len, text.split()), default=0) > LONG else text


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "; ".join(map(_text, value))
    text = str(value)
    return text if len(text) <= 120 else f"{text[:100]}… ({len(text)} characters)"

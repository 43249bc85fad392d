"""What is said of a certificate itself: its digest, its content, and claims that the run here does not bear out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..verdict import Claim, Verdict
from .form import shown

CERTIFICATE = "certificate"
_WORDS = ("algorithm.", "theorems", "sources", "statement")  # what another version of the tool may put differently


def digest_claim(certificate: Mapping[str, Any], digest: str) -> Claim:
    """Whether a certificate states the digest that was found of the rest of it."""
    stated = certificate["digest"]
    strength = "SHA-256 of the canonical form of everything else in the certificate"
    name = certificate["algorithm"]["name"]
    if stated == digest:
        return Claim(name, "certificate-digest", CERTIFICATE, Verdict.HOLDS, strength, f"the digest is {digest}")
    fields = [{"field": "digest", "certificate": shown(stated), "derived": shown(digest)}]
    reason = f"digest is {shown(stated)}, but the content has {digest}: it was edited"
    return Claim(name, "certificate-digest", CERTIFICATE, Verdict.REFUTED, strength, reason, witness={"fields": fields})


def content_claim(certificate: Mapping[str, Any], wanted: Mapping[str, Any], wrong: list[dict[str, str]]) -> Claim:
    """Whether a certificate is the one that is wanted; `wrong` has the fields that differ."""
    notes = [
        f"{key} {shown(certificate['tool'][key])[1:-1]}, here {wanted['tool'][key]}"
        for key in wanted["tool"]
        if certificate["tool"][key] != wanted["tool"][key]
    ]
    note = f" (note: made with {'; '.join(notes)})" if notes else ""
    worded = certificate["tool"]["version"] != wanted["tool"]["version"] and all(_is_wording(d["field"]) for d in wrong)
    verdict = (Verdict.UNDECIDED if worded else Verdict.REFUTED) if wrong else Verdict.HOLDS
    reason = f"every field is as derived again from the settings{note}"
    if wrong:
        named = ", ".join(d["field"] for d in wrong[:10])
        more = f" and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        reason = f"derived again from the settings, {len(wrong)} fields differ: {named}{more}{note}"
    return Claim(
        certificate["algorithm"]["name"], "certificate-content", CERTIFICATE, verdict,
        "derived again here, compared field by field", reason,
        witness={"fields": wrong[:1000]} if wrong else None, details={"fields": len(wrong), "notes": notes},
    )  # fmt: skip


def _is_wording(field: str) -> bool:
    return field.startswith(_WORDS) or (
        field.startswith("claims[") and field.endswith((".claim", ".strength", ".reason"))
    )


def contradicted(claim: Claim, stated: Mapping[str, Any] | None) -> Claim:
    """The claim as run again; REFUTED where the certificate claims HOLDS and the run did not give it."""
    if stated is None or stated["evidence"] != claim.evidence or stated["verdict"] != Verdict.HOLDS:
        return claim
    if claim.verdict is Verdict.HOLDS or (claim.asked and claim.verdict is Verdict.NOT_RUN):
        return claim
    reason = f"the certificate claims HOLDS, the run here gives {claim.verdict.value}: {claim.reason}"
    return replace(claim, verdict=Verdict.REFUTED, asked=True, reason=reason)

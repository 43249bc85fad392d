"""Evidence `identity-entrywise`: the one-layer identity as polynomials in all entries, at small sizes."""

from __future__ import annotations

from collections.abc import Iterator

from ...symbolic.identity.entrywise import EntrywiseResult, entrywise
from ..case import Case
from ..verdict import Claim, Verdict

NAME, ORDER = "identity-entrywise", 30
NEEDS = "blocks"
STRENGTH = "proved at this d and n for all entries (FLINT)"


def establish(case: Case) -> Iterator[Claim]:
    """Expand layer minus update with every entry generic, by default at d up to 3 and n up to 5."""
    d, n = case.entrywise_sizes
    yield judged(case.algorithm.name, entrywise(case.form, d, n))


def judged(name: str, result: EntrywiseResult) -> Claim:
    """The claim about an expansion."""
    d, n = result.d, result.n
    return Claim(
        name,
        f"one layer is one update as a polynomial identity in all entries at d = {d}, n = {n}",
        NAME,
        Verdict.HOLDS if result.holds else Verdict.REFUTED,
        STRENGTH,
        f"{result.terms} terms in {result.variables} variables agree" if result.holds else f"{result.difference}",
        witness=None if result.holds else {"difference": result.difference},
        details={"d": d, "n": n, "terms": result.terms, "variables": result.variables},
    )

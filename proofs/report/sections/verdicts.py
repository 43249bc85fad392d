"""Section "verdicts": every claim beside the kind of evidence that speaks for it, each cell linked to its details."""

from __future__ import annotations

from collections.abc import Sequence

from ....symbolic.plain_text import rounded_up
from ...evidence.floats import EVERY_RUN
from ...verdict import Claim, Verdict, worst_asked
from ..assemble import cell, heading, prose
from ..findings import Findings
from ..model import Block, Cell, Link, Section, Table

NAME, TITLE, ORDER = "verdicts", "Verdicts", 10
KINDS = (
    heading("proved for all $d$, $n$, $L$"),
    "proved at stated sizes",
    "exact on this instance",
    "at random points",
    "within a proven bound on this run",
    "within a proven bound on every run",
)
ALL, SIZES, INSTANCE, RANDOM, BOUND, EVERY = range(6)
ROWS = (
    "The weights follow from the update",
    "One layer is one update",
    "The masks carry the loop, for every n",
    "L layers are L iterates",
    "Torch computes each layer",
    "L layers in floats stay near the exact ones",
)
_PLACES: dict[str, tuple[tuple[str | None, int, int], ...]] = {
    "derived": ((None, 0, SIZES),),
    "identity-symbolic": (("blocks", 1, ALL), ("masks", 2, ALL)),
    "identity-entrywise": ((None, 1, SIZES),),
    "identity-exact": ((None, 3, INSTANCE),),
    "identity-random": ((None, 3, RANDOM),),
    "float": (("this run", 4, BOUND), ("every run", 5, EVERY)),
    "proved-all-sizes": ((None, 3, ALL),),
}
"""Where a kind of evidence stands: the fact that it is about (None: the only one), the claim, the strength."""
_OWN_ROW, _OTHER_ROW = "The entries are those of the reference, after every layer", "Evidence of another kind"


def build(findings: Findings) -> Section | None:
    """The table of claims and evidence."""
    return of_claims(findings.claims, findings.own is not None)


def of_claims(claims: Sequence[Claim], own: bool = False) -> Section:
    """As `build`, of these claims.  own : they are about a construction all of one's own"""
    grid = placed(claims)
    names = [_OWN_ROW if k == 3 else r for k, r in enumerate(ROWS)] if own else list(ROWS)
    rows = []
    for k, name in enumerate([*names, _OTHER_ROW]):
        cells = [_cell(grid.get((k, column), [])) for column in range(len(KINDS))]
        if any((k, column) in grid for column in range(len(KINDS))):
            rows.append((cell(name), *cells))
    blocks: list[Block] = [
        prose(
            "A row a claim, a column a kind of evidence; only what was asked for counts. Each entry leads to its "
            "details. A HOLDS is as strong as its column says and no stronger; an entry that was not run is no success."
        ),
        Table(("claim", *KINDS), tuple(rows), cards=True),
    ]
    return Section(NAME, TITLE, tuple(blocks))


def placed(claims: Sequence[Claim]) -> dict[tuple[int, int], list[Claim]]:
    """The claims by row and column of the table."""
    grid: dict[tuple[int, int], list[Claim]] = {}
    for claim in claims:
        places = _PLACES.get(claim.evidence, ((None, len(ROWS), INSTANCE),))
        fact = _fact(claim)
        for wanted, row, column in places:
            if wanted is None or fact is None or fact == wanted:
                grid.setdefault((row, column), []).append(claim)
    return grid


def _fact(claim: Claim) -> str | None:
    """Which of several facts of one kind of evidence a claim is about; None for all, as when nothing was run."""
    if claim.evidence != "float":
        fact: str | None = claim.details.get("fact")
        return fact
    if claim.verdict is Verdict.NOT_RUN:
        return None
    return "every run" if claim.strength == EVERY_RUN else "this run"


def _cell(claims: Sequence[Claim]) -> Cell:
    if not claims:
        return Cell(())
    verdict = worst_asked(claims) if any(c.asked for c in claims) else claims[0].verdict
    claim = next(c for c in claims if c.verdict is verdict)
    return Cell((Link(short(claim), f"#evidence-{claim.evidence}"),), badge(claim))


def badge(claim: Claim) -> Verdict | None:
    """The verdict that a claim may bear in a table: none where it holds but was not asked for, so does not count."""
    return None if claim.verdict is Verdict.HOLDS and not claim.asked else claim.verdict


def strengths(claims: Sequence[Claim]) -> str:
    """What a HOLDS of these claims means, where something was run; several meanings apart."""
    return "; ".join(dict.fromkeys(c.strength for c in claims if c.verdict is not Verdict.NOT_RUN))


def short(claim: Claim) -> str:
    """A claim's evidence in a few words."""
    details = claim.details
    if claim.verdict is Verdict.NOT_RUN:
        if claim.reason.startswith("not machine-checked"):
            return "no theory"
        if claim.reason.startswith("not asked"):
            return "not asked for" + "; an earlier run passed" * bool(details.get("earlier"))
        return "could not run" if claim.asked else "does not apply"
    if claim.verdict is not Verdict.HOLDS:
        return "see why"
    if claim.strength == EVERY_RUN:
        return f"at most {rounded_up(details['a_priori']['last_bound'])} off after layer L"
    if claim.evidence == "float" and isinstance(claim.bound, float) and isinstance(claim.error, float):
        return f"error {claim.error:.0e} of {claim.bound:.0e}"
    if claim.evidence == "identity-random":
        return f"a false one passes with probability at most {rounded_up(details['probability'])}"
    if claim.evidence == "identity-entrywise":
        return f"d = {details['d']}, n = {details['n']}"
    if claim.evidence == "derived":
        return "SymPy" if "every pattern" in claim.strength else "d ≥ 2, n = 2, 3, 4"
    if claim.evidence == "identity-exact":
        count = len(details.get("prompts", ()))
        return f"{count} prompts" if count else "over Q"
    return {"identity-symbolic": "SymPy", "proved-all-sizes": "Rocq"}.get(claim.evidence, "details")

"""Evidence `identity-symbolic`: the block identity for every d and mask, and the mask lemma for every n."""

from __future__ import annotations

from collections.abc import Iterator

from ...symbolic.derivation.derive import Derivation
from ...symbolic.identity.blocks import block_identity
from ..case import Case
from ..verdict import Claim, Verdict
from .derived import conditions

NAME, ORDER = "identity-symbolic", 20
NEEDS = "blocks"
STRENGTH = "proved for all d, n, L (SymPy)"
BLOCKS = "one layer from any reachable state is one update, for symbolic d and n and whatever the masks are"
LEMMA = "the masks carry the textbook loop for every n: the recurrences of one generic step give their closed forms"


def establish(case: Case) -> Iterator[Claim]:
    """The two facts, apart: the block identity with opaque masks, and the mask lemma."""
    name, form = case.algorithm.name, case.form
    residuals = block_identity(form)
    where, more = conditions(form, case.parameters, case.settings.context)
    wrong = [r for r in residuals if not r.holds]
    yield Claim(
        name,
        BLOCKS + where,
        NAME,
        Verdict.REFUTED if wrong else Verdict.HOLDS,
        STRENGTH,
        f"row {wrong[0].row} differs by {str(wrong[0].residual)[:300]}"
        if wrong
        else f"layer minus update is the zero matrix in all {len(residuals)} block rows",
        witness={"row": wrong[0].row, "difference": str(wrong[0].residual)} if wrong else None,
        details={"fact": "blocks", "rows": [r.row for r in residuals], **more},
    )
    steps = [(key, step) for key, group in form.lemma.items() for step in group]
    bad = [(key, step) for key, step in steps if not step.holds]
    yield Claim(
        name,
        LEMMA,
        NAME,
        Verdict.REFUTED if bad else Verdict.HOLDS,
        STRENGTH,
        f"{bad[0][1].claim}: the closed form is off by {bad[0][1].residual}"
        if bad
        else f"{len(steps)} identities at symbolic positions hold"
        + ("; the same masks were solved for at n = 2, 3, 4" if isinstance(form, Derivation) else ""),
        witness={"identity": bad[0][1].claim, "difference": str(bad[0][1].residual)} if bad else None,
        details={"fact": "masks", "identities": [step.claim for _, step in steps]},
    )

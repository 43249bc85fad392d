"""Evidence `derived`: the weights come out of the update, uniquely up to the stated freedom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...symbolic.derivation.state import SymbolicState
from ...symbolic.derivation.suggest import suggest
from ...symbolic.errors import NotPolynomialError, NotRepresentableError, RefusedError
from ...symbolic.identity.uniqueness import rank_at
from ..case import Case
from ..verdict import Claim, Verdict

NAME, ORDER = "derived", 10
NEEDS_DERIVATION = True
STRENGTH = "proved for all d >= 2 at n = 2, 3, 4"
CLAIM = "the weights follow from the textbook update by a linear system; prompts with d >= 2 force them as stated"


def establish(case: Case) -> Iterator[Claim]:
    """Solve for the interaction tensor, factor it, and check by rank at d = 2 that prompts determine it."""
    name = case.algorithm.name
    try:
        derivation = case.derivation
    except RefusedError:
        raise  # nothing was traced: that is no finding about its weights
    except (NotRepresentableError, NotPolynomialError) as error:
        found = suggest(case.algorithm, case.options) if isinstance(error, NotRepresentableError) else None
        reason = str(error) if found is None else f"{error}; {found.sentence()}"
        hint: dict[str, Any] = {} if found is None else {"suggestion": {"rows": found.rows, "heads": found.heads}}
        witness = {"terms": _terms(error)}
        verdict = Verdict.REFUTED if _rules_out(case, error) else Verdict.UNDECIDED
        yield Claim(name, CLAIM, NAME, verdict, STRENGTH, reason, witness=witness, details=hint)
        return
    rank = rank_at(derivation, 2)
    heads, lower = len(derivation.heads), derivation.head_lower_bound
    details = {
        "heads": heads,
        "head_lower_bound": lower,
        "masks": list(derivation.mask_names),
        "readout": {"row": derivation.readout.row, "sign": derivation.readout.sign},
        "systems": [
            {"n": t.n, "unknowns": t.unknowns, "determined": t.determined, "undetermined": len(t.undetermined),
             "invisible": t.invisible, "equations": t.equations}
            for t in derivation.tensors
        ],
        "rank_at_d2": {"n": rank.n, "visible": rank.visible, "rank": rank.rank},
    }  # fmt: skip
    system = derivation.tensors[-1]
    reason = (
        f"{system.determined} of {system.unknowns} unknowns forced at n = {system.n}, "
        f"{system.invisible} seen by no prompt"
        + (f", {len(system.undetermined)} chosen to save heads" if system.undetermined else "")
        + f"; {heads} head{'s' * (heads > 1)}, at least {lower} needed"
    )
    if not rank.as_symbolic:
        reason = f"prompts of dimension 2 determine {rank.rank} unknowns only, symbolic d determines {rank.symbolic}"
    verdict = Verdict.HOLDS if rank.as_symbolic else Verdict.UNDECIDED
    yield Claim(name, CLAIM, NAME, verdict, STRENGTH, reason, details=details)


def _rules_out(case: Case, error: NotRepresentableError | NotPolynomialError) -> bool:
    """Whether no layer of any form does the update, and not only none of the form that is derived."""
    if isinstance(error, NotPolynomialError):
        state = SymbolicState(case.algorithm, dict(case.options))
        try:  # rows may be any function of a transition, and an update polynomial in them
            case.algorithm.context_token(state.transition("1"), state.p)
        except NotPolynomialError:
            return False
    return error.impossible


def _terms(error: Exception) -> list[str]:
    return list(getattr(error, "monomials", ()))

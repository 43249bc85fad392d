"""Evidence `derived`: the weights come out of the update, uniquely up to the stated freedom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from ...symbolic.derivation.form import Form
from ...symbolic.derivation.suggest import suggest
from ...symbolic.errors import ArgumentError, NotPolynomialError, NotRepresentableError, RefusedError
from ...symbolic.identity.uniqueness import rank_at
from ...symbolic.identity.unreachable import Unreachable, unreachable
from ...symbolic.strict_json import rational_text
from ..case import Case
from ..verdict import Claim, Verdict, prompt_json

NAME, ORDER = "derived", 10
NEEDS = "derivation"
STRENGTH = "proved for all d >= 2 at n = 2, 3, 4"
OTHER_HEADS = "; other heads may: give them as heads=..., as examples/heavy_ball_td.py does"
CLAIM = "the weights follow from the textbook update by a linear system; prompts with d >= 2 force them as stated"


def establish(case: Case) -> Iterator[Claim]:
    """Solve for the interaction tensor, factor it, and check by rank at d = 2 that prompts determine it."""
    name = case.algorithm.name
    try:
        derivation = case.derivation
    except RefusedError:
        raise  # nothing was traced: that is no finding about its weights
    except (NotRepresentableError, NotPolynomialError) as error:
        yield _not_derived(case, error)
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
    claim, more = conditions(derivation, case.parameters, case.settings.context)
    yield Claim(name, CLAIM + claim, NAME, verdict, STRENGTH, reason, details=details | more)


def conditions(derivation: Form, values: Mapping[str, Fraction], n: int) -> tuple[str, dict[str, Any]]:
    """Under which conditions the weights are those, in words and as data: nothing for most updates.

    Raises `ArgumentError` when a value that is given makes the update divide by zero.
    """
    claim = ""
    details: dict[str, Any] = {}
    hypotheses = derivation.hypotheses
    if hypotheses.names:
        zero = hypotheses.broken(values, n)
        if zero is not None:
            at = ", ".join(f"{k} = {values[k]}" for k in sorted(hypotheses.parameters)) or f"n = {n}"
            place = f", at j = {zero[1]}" if hypotheses.positions else ""
            raise ArgumentError(f"{at} makes the update divide by {zero[0]} = 0{place}: choose another value")
        known = {name: values[name] for name in sorted(hypotheses.parameters) if name in values}
        shown = ", ".join(f"{k} = {rational_text(v)}" for k, v in known.items())
        every = f" for every j <= n = {n}" if hypotheses.positions else ""
        claim += f"; where the update divides, {hypotheses.text()}"
        if steps := sorted(hypotheses.parameters - values.keys()):
            claim += f", which is asked of every layer's {', '.join(steps)}"
        else:
            claim += f", as holds{f' at {shown}' if shown else ''}{every}"
        details["hypotheses"] = {
            "nonzero": [f"{text}" for text in hypotheses.texts()],
            "hold_at": {k: rational_text(v) for k, v in known.items()},
            "context": n,
        }
    if derivation.tokenwise:
        row = derivation.tokenwise[0].row
        claim += f"; what is over the constant row {row} is divided by n, 0 < n"
        details["constant_row"] = row
    if derivation.algorithm.unit_columns:
        held = ", ".join(f"{name} = {c} e_i" for name, c in derivation.algorithm.unit_columns.items())
        claim += f"; the last d context columns hold {held}, over which (w.e_i) e_i sums to w"
        details["unit_columns"] = dict(derivation.algorithm.unit_columns)
    if derivation.depends_on_length:
        claim += "; the weights depend on n, so that this is a family of transformers, one for each context length"
        details["depends_on_n"] = True
    return claim, details


def _not_derived(case: Case, error: NotRepresentableError | NotPolynomialError) -> Claim:
    """REFUTED with a witness that no layer whatever does the update; UNDECIDED where none was found."""
    suggestion = suggest(case.algorithm, case.options) if isinstance(error, NotRepresentableError) else None
    hint: dict[str, Any] = (
        {} if suggestion is None else {"suggestion": {"rows": suggestion.rows, "heads": suggestion.heads}}
    )
    helped = "" if suggestion is None else f"; {suggestion.sentence()}"
    witness: dict[str, Any] = {"terms": list(getattr(error, "monomials", ()))}
    shown = unreachable(case.algorithm, case.algorithm.choose(case.options), case.parameters)
    verdict, reason = Verdict.UNDECIDED, f"{error}{helped or OTHER_HEADS}"
    if shown is not None:
        verdict, reason = Verdict.REFUTED, f"{shown.sentence()}; {error}{helped}"
        witness["annihilates"] = unreachable_json(shown)
    return Claim(case.algorithm.name, CLAIM, NAME, verdict, STRENGTH, reason, witness=witness, details=hint)


def unreachable_json(witness: Unreachable) -> dict[str, Any]:
    """The witness that no layer does an update, as plain data: everything that redoing it by hand takes."""

    def plain(value: Any) -> Any:
        return [plain(x) for x in value] if isinstance(value, (list, tuple)) else rational_text(value)

    points = [
        {
            "multiplier": rational_text(multiplier),
            "column": "the query" if s.column == s.context.n else f"context token {s.column + 1}",
            "prompt": prompt_json(s.context),
            "starting_weights": plain(s.start),
            "Z": plain(s.Z),
            "new_weights": plain(s.new),
            "change": rational_text(change),
        }
        for multiplier, s, change in zip(witness.multipliers, witness.samples, witness.changes, strict=True)
    ]
    return {
        "row": witness.row,
        "rows": list(witness.rows),
        "parameters": {k: rational_text(v) for k, v in sorted(witness.values.items())},
        "preconditioners": {name: plain(C) for name, C in witness.steps},
        "points": points,
        "every_layer": "0",
        "update": rational_text(witness.total),
    }

"""Evidence `identity-exact`: every layer, column and row on concrete rational prompts, compared with == over Q."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

from ...numeric.data.draws import prompts
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.exact import decimal_text
from ...symbolic.identity.exact import Mismatch, check_construction, problem, textbook
from ...symbolic.identity.witness import shrink
from ...symbolic.prompt import Context
from ..case import Case
from ..counterexample import counterexample
from ..verdict import Claim, Verdict

NAME, ORDER = "identity-exact", 40
NEEDS = "heads"
STRENGTH = "exact on these instances (over Q)"


def first_mismatch(case: Case, context: Context, start: tuple[Any, ...]) -> Mismatch | None:
    """Where the subject first leaves the textbook loop on one prompt, or None."""
    setup = problem(case.algorithm, RATIONALS, context, start, case.parameters, case.algorithm.choose(case.options))
    return next((m for m in check_construction(case.subject, setup, case.per_layer()) if m is not None), None)


def _prediction(case: Case, context: Context, start: tuple[Any, ...]) -> Fraction:
    """The textbook iteration's last value of the query."""
    setup = problem(case.algorithm, RATIONALS, context, start, case.parameters, case.algorithm.choose(case.options))
    *_, weights = textbook(setup, case.per_layer())
    value: Fraction = (weights[0] @ setup.query).fraction()
    return value


def establish(case: Case) -> Iterator[Claim]:
    """Run the subject on `exact_trials` prompts; a difference is shrunk to a small counterexample."""
    s, name = case.settings, case.algorithm.name
    form = "looped" if case.subject.looped else "sequential"
    claim = f"all {s.layers} layers are the iterates ({form}, d = {s.features}, n = {s.context}), every column and row"
    drawn = islice(prompts(case.algorithm, s.features, s.context, s.seed, s.process, s.prompt), s.exact_trials)
    kinds: list[str] = []
    prediction = ""
    for number, (kind, context, start) in enumerate(drawn, 1):
        case.progress(f"{name}: exact arithmetic, prompt {number} of {s.exact_trials}")
        kinds.append(kind)
        if kind == "given":
            value = _prediction(case, context, start)
            prediction = f"; on the given prompt w_{s.layers}.q = {decimal_text(value)}"
        if first_mismatch(case, context, start) is None:
            continue
        witness = shrink(lambda c, w: first_mismatch(case, c, w), context, start)
        where = witness.mismatch
        yield Claim(
            name, claim, NAME, Verdict.REFUTED, STRENGTH,
            f"layer {where.layer}, row {where.row}, {where.column_name}: "
            "the transformer and the textbook loop give different values",
            witness=counterexample(case, witness), details={"prompts": kinds},
        )  # fmt: skip
        return
    count = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    ran = ", ".join(f"{k} {kind}" for kind, k in count.items())
    yield Claim(
        name, claim, NAME, Verdict.HOLDS, STRENGTH,
        f"equal over Q on {len(kinds)} prompt{'s' * (len(kinds) > 1)} ({ran}){prediction}", details={"prompts": kinds},
    )  # fmt: skip

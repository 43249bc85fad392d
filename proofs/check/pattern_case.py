"""A counterexample of layers that attend by patterns as a regression case: the pattern that they met, its replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ...symbolic.errors import ContentError
from ...symbolic.exact import parse_rational
from ...symbolic.identity.witness import Witness
from ...symbolic.patterns.balls import BALLS, precise
from ...symbolic.patterns.given import pattern_form
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.prompt import Context
from ..case import Settings
from ..patterns.draws import drawn_steps
from ..patterns.trials import Trial, counterexample_of, first_of, trials_of
from ..patterns.weights import pattern_parameters
from ..verdict import Claim, Verdict

LAYER = ("pattern", "layer_pattern", "pattern_layer")
"""The keys of a counterexample that say what the layer is: the subject's own, but for the weights K that it met."""


def kept_pattern(witness: Mapping[str, Any]) -> Any:
    """The weights K of a counterexample where they are rational: K is opaque, so a case must keep it; else null."""
    K = witness.get("pattern")
    return None if K is None or "layer_pattern" in witness else K


def read_pattern(content: Any, n: int) -> list[list[Fraction]] | None:
    """K : (n + 1, n + 1) of a case; `ContentError` where it has another shape or is no rationals."""
    if content is None:
        return None
    rows = content if isinstance(content, list) else []
    if [len(row) if isinstance(row, list) else None for row in rows] != [n + 1] * (n + 1):
        raise ContentError(f"pattern has the wrong shape, wanted {n + 1} rows of {n + 1} rationals, or null")
    return [[parse_rational(x, "an entry of pattern") for x in row] for row in rows]


def replayed(
    algorithm: PatternAlgorithm, s: Settings, context: Context, start: tuple[Any, ...], K: Any, claim: Claim
) -> Claim:
    """The claim that the layers are the update on the case's prompt and pattern, with what was found.

    K : what the layers attend by where they attend by the update's weights; None as for drawn prompts
    Raises what `pattern_form` raises, `ContentError` for starting states that do not fit.
    """
    count, shape = (1 if algorithm.column else context.n + 1), (0 if algorithm.numbers else context.d)
    if [len(w) if isinstance(w, list) else 0 for w in start] != [shape] * count:
        raise ContentError(f"starting_weights do not fit: wanted {algorithm.state}, {count} of them at n = {context.n}")
    form, values, s = pattern_form(algorithm), pattern_parameters(algorithm, s), replace(s, context=context.n)
    trial: Trial = trials_of(algorithm)[0]
    steps = drawn_steps(form, s)
    with precise():
        difference = first_of(form, s, trial, steps, values, context, start, K)
        if difference is not None:
            witness = counterexample_of(form, Witness(context, start, difference), trial, steps, values, s, K)
            reason = f"layer {difference.layer}, row {difference.row}, {difference.column_name}: still different"
            return replace(claim, verdict=Verdict.REFUTED, reason=reason, witness=witness)
    if trial.arithmetic is BALLS:
        reason = "balls overlap on its prompt: no exponential is rational, and an overlap is no equality"
        return replace(claim, verdict=Verdict.UNDECIDED, reason=reason)
    return replace(claim, reason="layers and update agree on its prompt")

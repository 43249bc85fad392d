"""Layers and update on numbers under a pattern of rationals, or a pattern each; where they differ, what redoes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ...symbolic.arithmetics.arithmetic import RATIONALS, Arithmetic
from ...symbolic.identity.exact import Mismatch
from ...symbolic.identity.witness import Witness
from ...symbolic.patterns.balls import BALLS, Ball, exponential
from ...symbolic.patterns.heads import PatternForm, heads_text, shift_text
from ...symbolic.patterns.kernels import EXACT, exact_pattern, random_pattern
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.patterns.run import (
    are_rational,
    chained,
    mismatches,
    patterns_of,
    setup,
    two_patterns,
)
from ...symbolic.prompt import Context
from ...symbolic.strict_json import rational_text
from ..case import Settings
from ..verdict import number_text, witness_json

EXACT_PATTERNS = ("random rationals", *EXACT)


def other_pattern(algorithm: PatternAlgorithm) -> str:
    """Why evidence for every pattern says nothing: the layer attends by another than the update's; else empty."""
    kernels = two_patterns(algorithm)
    if kernels is None:
        return ""
    first = ", the mask before it" if algorithm.layer is not None and algorithm.layer.mask_first else ""
    return (
        f"the update's weights are {kernels[0]}, the layer attends by {kernels[1]}{first}: what holds for every "
        "pattern says nothing of two of them"
    )


@dataclass(frozen=True)
class Trial:
    """One way to run layers and update on numbers: a pattern of rationals for both, or a pattern each.

    name : what the pattern is; empty where scores are linear
    """

    name: str
    arithmetic: Arithmetic = RATIONALS
    two: bool = False


def trials_of(algorithm: PatternAlgorithm) -> list[Trial]:
    """The ways to run an algorithm: one where its layer attends by another pattern, else one for each exact pattern."""
    kernels = two_patterns(algorithm)
    if kernels is not None:
        name = f"{kernels[0]} in the update and {kernels[1]} in the layer"
        return [Trial(name, RATIONALS if are_rational(kernels) else BALLS, two=True)]
    return [Trial(name) for name in (EXACT_PATTERNS if algorithm.kernels else ("",))]


def first_of(
    form: PatternForm,
    s: Settings,
    trial: Trial,
    steps: list[Any],
    values: Any,
    context: Context,
    start: Any,
    K: Any = None,
) -> Mismatch | None:
    """Where the layers first leave the update on a prompt, or None.  K : the pattern, where it is given."""
    algorithm, a = form.algorithm, trial.arithmetic
    K = _pattern_of(trial, context, s.seed, K)
    pattern = None
    if trial.two:
        K, pattern = patterns_of(algorithm, context, exponential)
    numbers = {name: a.number(x) for name, x in values.items()}
    posed = setup(algorithm, a, context, start, numbers, K)
    differs = mismatches(posed, form, steps, numbers, pattern=pattern)
    return next((m for m in differs if m is not None), None)


def counterexample_of(
    form: PatternForm,
    witness: Witness,
    trial: Trial,
    steps: list[Any],
    values: dict[str, Fraction],
    s: Settings,
    given: Any = None,
) -> dict[str, Any]:
    """What redoing it by hand takes: prompt, states, weights K, the layers, C of each up to the one that differs."""
    context, where = chained(witness.context) if form.algorithm.chained else witness.context, witness.mismatch
    document = witness_json(Witness(context, witness.start, replace(where, layer_value=0, iterate_value=0)))
    document |= {"layer_value": _told(where.layer_value), "iterate_value": _told(where.iterate_value)}
    K: Any = _pattern_of(trial, context, s.seed, given)
    more: dict[str, Any] = {}
    if trial.two:
        K, attended = patterns_of(form.algorithm, context, exponential)
        more = {"layer_pattern": [[_told(x) for x in row] for row in attended]}
    used = steps[: where.layer] if form.algorithm.preconditioned else []
    return {
        **document,
        "parameters": {name: rational_text(x) for name, x in values.items()},
        "pattern": None if K is None else [[_told(x) for x in row] for row in K],
        **more,
        "preconditioners": [{"C": [[rational_text(x) for x in row] for row in C]} for C in used],
        "looped": s.looped,
        "pattern_layer": {
            "heads": heads_text(form), "mask": form.sees, "scale": "1/n" if form.by_length else "1",
            "shift": shift_text(form), "kernel": trial.name,
        },
    }  # fmt: skip


def _pattern_of(trial: Trial, context: Context, seed: int, given: Any) -> Any:
    """K of a trial by one pattern: the given one, or the trial's own; None where scores are linear."""
    if not trial.name or trial.two:
        return None
    return _weights(trial.name, context, seed) if given is None else given


def _weights(pattern: str, context: Context, seed: int) -> list[list[Fraction]]:
    if pattern in EXACT:
        return exact_pattern(pattern, (*context.features, context.query))
    return random_pattern(context.n + 1, seed)


def _told(value: Any) -> str:
    """A number as text: exact, or the ball that holds it."""
    return str(value) if isinstance(value, Ball) else number_text(value)

"""Whether exact layers that attend by patterns run an algorithm: their own numbers beside the textbook's update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...symbolic.errors import ArgumentError
from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.plain_text import shown
from ...symbolic.strict_json import rational_text
from ..evidence.exact import NAME, STRENGTH
from ..verdict import Claim, Result, Verdict, witness_json
from .weights import first_difference

PROMPTS = 2


def judge_patterns(
    subject: Any, algorithm: PatternAlgorithm, layers: int | None, seed: int, others: Mapping[str, Any]
) -> Result:
    """What `assert_implements` finds of a `PatternConstruction`, with the parameters and C that it carries.

    others : arguments that are for linear attention, None where they are left out
    Raises `ArgumentError` for those, another subject, and one of other rows, or without a parameter's value.
    """
    c = subject
    if not isinstance(c, PatternConstruction):
        raise ArgumentError(
            f"subject is {shown(subject)}, wanted a PatternConstruction for {algorithm.name}, which attends by a "
            "pattern: lp.read_weights reads one, lp.load(folder).construction is one"
        )
    given = next((name for name, value in others.items() if value is not None), None)
    if given is not None:
        raise ArgumentError(f"{given} is for linear attention, and {algorithm.name} attends by a pattern: leave it out")
    if layers is not None and layers != c.depth:
        raise ArgumentError(f"layers is {layers}, but the construction has {c.depth}")
    wanted = tuple((row.name, 1 if row.scalar else c.d) for row in algorithm.rows)
    if c.rows != wanted or c.last != algorithm.families[-1]:
        raise ArgumentError(
            f"the subject's rows are {', '.join(name for name, _ in c.rows)}, wanted those of {algorithm.name}: "
            f"{', '.join(name for name, _ in wanted)}, and last the {algorithm.families[-1]}'s column"
        )
    missing = [name for name in algorithm.parameters if name not in c.parameters]
    if missing:
        raise ArgumentError(f"the construction has no value for {', '.join(missing)}, wanted one for {algorithm.name}")
    if algorithm.preconditioned and any(C is None for C in c.steps):
        raise ArgumentError(f"the construction has no C, wanted one a stored layer for {algorithm.name}")
    return Result("assert_implements", {"subject": type(c).__name__, "evidence": [NAME]}, (_claim(c, algorithm, seed),))


def _claim(c: PatternConstruction, algorithm: PatternAlgorithm, seed: int) -> Claim:
    form = "looped" if c.looped else "sequential"
    kernel = f", given the {c.kernel} pattern K" if c.kernel else ""
    text = f"all {c.depth} layers are the iterates ({form}, d = {c.d}, n = {c.n}), every column and row{kernel}"

    def claim(verdict: Verdict, reason: str, witness: dict[str, Any] | None = None) -> Claim:
        return Claim(algorithm.name, text, NAME, verdict, STRENGTH, reason, witness=witness)

    if bool(c.kernel) != bool(algorithm.kernels):
        return claim(
            Verdict.UNDECIDED, "one side attends by a kernel and the other does not: no pattern is both sides'"
        )
    if c.kernel and c.kernel not in algorithm.kernels:
        known = ", ".join(algorithm.kernels)
        return claim(Verdict.UNDECIDED, f"the layers attend by {c.kernel}, and the update is said of {known}")
    if c.kernel and (c.mask_first or c.scored != algorithm.scored):
        why = "the mask comes before its kernel" if c.mask_first else f"its kernel scores {c.scored}"
        return claim(Verdict.UNDECIDED, f"{why}: its pattern is not the K that the update has")
    steps = c.steps if algorithm.preconditioned else (None,) * len(c.steps)
    difference = first_difference(c, algorithm, c.parameters, steps, PROMPTS, seed)
    if difference is None:
        pattern = " with K of random rationals" if c.kernel else ""
        return claim(Verdict.HOLDS, f"equal over Q on {PROMPTS} prompts{pattern}")
    where = difference.mismatch
    witness = {
        **witness_json(difference),
        "parameters": {name: rational_text(c.parameters[name]) for name in algorithm.parameters},
    }
    reason = f"layer {where.layer}, row {where.row}, {where.column_name}: the layers and the textbook loop differ"
    return claim(Verdict.REFUTED, reason, witness)

"""Evidence `proved-all-sizes`: the Rocq kernel checks the theorem for every d, n and L, about the weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...symbolic.algorithm import Algorithm
from ...symbolic.patterns.record import PatternAlgorithm
from ..case import Case, Progress, silent
from ..theory import record as proof_record
from ..theory.audit import Audit
from ..theory.audits import audits, unproved
from ..theory.gate import LIMIT, THEORY, Outcome, gate
from ..theory.prover import INSTALL, Prover, find_prover
from ..theory.theorem import Theorem
from ..verdict import PROVED, Claim, Verdict

NAME, ORDER = PROVED, 70
NEEDS = "heads"
STRENGTH = "proved for all d, n, L (Rocq kernel, no axioms)"
"""Not among what `verify` asks for by default: it takes the prover, and minutes."""
NO_LOOP = (
    "not machine-checked: an OwnConstruction's reference is a program that runs at one size, and a theorem for every d,"
    " n and L is about a loop over transitions: write it as an Algorithm with an update, and heads if they are yours"
)
"""Why there is no theorem about a construction without an update."""
EARLIER = "an earlier layerproof prove passed here, with these very files, statements, gate, prover and library"
CLAIM = "the L-layer transformer with these heads is the textbook iteration, for every d, n, L and preconditioner"


def establish(case: Case) -> Iterator[Claim]:
    """Run the gate on the algorithm's theorems: one claim for all of them."""
    yield judged(case.algorithm, case.progress)


def recorded(case: Case) -> Claim:
    """Not run, whatever an earlier gate said here; the reason says so where that gate passed with all as it is now."""
    return recorded_of(case.algorithm)


def recorded_of(algorithm: Algorithm | PatternAlgorithm) -> Claim:
    """The same of an algorithm, whatever it attends by."""
    name = algorithm.name
    prover = find_prover() if proof_record.knows(name) else None
    holds = prover is not None and proof_record.holds(name, audits(algorithm), prover)
    reason, details = f"not asked: --prove{f'; {EARLIER}' * holds}", {"earlier": True} if holds else {}
    return Claim(name, CLAIM, NAME, Verdict.NOT_RUN, STRENGTH, reason, asked=False, details=details)


def judged(algorithm: Algorithm | PatternAlgorithm, progress: Progress = silent) -> Claim:
    """The gate's verdict on all theorems of an algorithm, whatever it attends by."""
    name, own = algorithm.name, audits(algorithm)
    if not own:
        reason = f"not machine-checked: {unproved(algorithm) or 'no theorem is about it'}"
        return Claim(name, CLAIM, NAME, Verdict.NOT_RUN, STRENGTH, reason)
    prover = find_prover()
    if prover is None:
        return Claim(name, CLAIM, NAME, Verdict.NOT_RUN, STRENGTH, f"no Rocq prover on this machine: {INSTALL}")
    progress(f"{name}: the Rocq gate")
    outcome = gate(own, prover, progress=lambda text: progress(f"{name}: {text}"))
    proof_record.write(name, own, prover, outcome)
    claims = [claim_of(t, outcome, name) for a in own for t in a.theorems]
    worst = next((c for v in (Verdict.REFUTED, Verdict.UNDECIDED) for c in claims if c.verdict is v), None)
    verdicts = {str(c.details["theorem"]): c.verdict.value for c in claims}
    details = {"theorems": list(verdicts), "verdicts": verdicts, "prover": outcome.version}
    if worst is not None:
        return Claim(
            name, CLAIM, NAME, worst.verdict, STRENGTH, f"{worst.details['theorem']}: {worst.reason}", details=details
        )
    reason = f"{len(claims)} theorems restated with their heads, compiled and free of axioms ({outcome.version})"
    return Claim(name, CLAIM, NAME, Verdict.HOLDS, STRENGTH, reason, details=details)


def claim_of(theorem: Theorem, outcome: Outcome, name: str) -> Claim:
    """The gate's verdict on one theorem."""
    if theorem.name in outcome.passed:
        verdict, reason = Verdict.HOLDS, "restated, compiled, no axioms"
    elif theorem.name in outcome.refused:
        verdict, reason = Verdict.REFUTED, outcome.refused[theorem.name]
    else:
        verdict, reason = Verdict.UNDECIDED, outcome.undecided.get(theorem.name, "the gate said nothing of it")
    details = {"theorem": theorem.name, "file": f"{theorem.file}.v", "statement": theorem.statement}
    return Claim(name, theorem.sentence, NAME, verdict, STRENGTH, reason, details=details)


def prove_all(
    named: dict[str, list[Audit]],
    prover: Prover,
    keep: Path | None = None,
    progress: Progress = silent,
    theory: Path = THEORY,
    limit: float = LIMIT,
) -> tuple[Claim, ...]:
    """One gate over several algorithms' audits (and the general one), a claim for each theorem; records successes."""
    every = [a for own in named.values() for a in own]
    outcome = gate(every, prover, theory, keep, limit, progress)
    for name, own in named.items():
        if theory == THEORY:
            proof_record.write(name, own, prover, outcome)
    return tuple(claim_of(t, outcome, name) for name, own in named.items() for a in own for t in a.theorems)

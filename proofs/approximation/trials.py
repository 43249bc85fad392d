"""The same questions on many drawn processes: for each assumption on how many it holds, and the first where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..verdict import Claim, Verdict

ORDER = (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN, Verdict.HOLDS)
"""What stands for all trials is the first of these that occurs among those where anything was asked."""


def summarised(trials: Sequence[Sequence[Claim]], seed: int) -> list[Claim]:
    """One claim an assumption, from one list of claims a trial; the trials' seeds count up from `seed`.

    The claim is that it holds on every process: HOLDS when it does, REFUTED when some process refutes it.
    """
    if len(trials) == 1:
        return list(trials[0])
    keys = list(dict.fromkeys(c.details["assumption"] for claims in trials for c in claims))
    by_key = [{c.details["assumption"]: c for c in claims} for claims in trials]
    return [
        _over(key, [(seed + k, own[key]) for k, own in enumerate(by_key) if key in own], len(trials)) for key in keys
    ]


def _over(key: str, seen: Sequence[tuple[int, Claim]], trials: int) -> Claim:
    counts = {v: sum(c.verdict is v for _, c in seen) for v in Verdict}
    verdict = next(v for v in ORDER if counts[v])
    seed, first = next((s, c) for s, c in seen if c.verdict is verdict)
    shown = ", ".join(f"{v.value} {counts[v]}" for v in Verdict if counts[v])
    details: dict[str, Any] = {
        "assumption": key, "established": first.details["established"], "process": first.details["process"],
        "trials": trials, "counts": {v.value: counts[v] for v in Verdict if counts[v]}, "first_seed": seed,
    }  # fmt: skip
    reason = f"of {trials}: {shown}; seed {seed}: {first.reason}"
    return Claim(
        first.algorithm, first.claim, first.evidence, verdict, first.strength, reason, first.asked, details=details
    )

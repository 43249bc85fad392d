"""What follows: stability by the theorem, convergence with the mean ODE, and what a proof assistant has proved."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ...symbolic.markov import matrices
from ...symbolic.rules import rules
from ..verdict import Claim, Verdict
from .assumptions import CONCLUDED, EXACT, NEEDED, THEOREM
from .study import Study

GIVEN = ("traced", "mean-field")
"""What everything else is computed from: where h on numbers, or the literature's field, is another, nothing follows."""
LEAN = "rl-theory-in-lean (Zhang 2025, arXiv 2511.03618)"


def stability(study: Study, claims: Mapping[str, Claim]) -> Claim:
    """Every condition holds, fails, or is cited or assumed: the conclusion is as strong as the weakest."""
    failing = [key for key in (*GIVEN, *NEEDED) if key in claims and claims[key].verdict is Verdict.REFUTED]
    if failing:
        reason = f"not covered: {', '.join(failing)} fail{'s' if len(failing) == 1 else ''}"
        return study.holds("stability", False, reason, answer="not covered", failing=failing)
    return _following(study, "stability", [claims[key] for key in NEEDED], "stable", THEOREM)


def convergence(study: Study, claims: Mapping[str, Claim]) -> Claim:
    """Stability, and one equilibrium of the mean ODE that attracts everything."""
    needed = [claims["stability"], claims["mean-ode"]]
    failing = [c.details["assumption"] for c in needed if c.verdict is Verdict.REFUTED]
    if failing:
        reason = "no conclusion: " + ", ".join(failing) + (" fails" if len(failing) == 1 else " fail")
        return study.holds("convergence", False, reason, answer="not covered", failing=failing)
    claim = _following(
        study, "convergence", needed, "converges", "the ODE method: bounded iterates follow the mean ODE"
    )
    limit = claims["mean-ode"].details.get("limit")
    return claim if limit is None else study.claim(
        "convergence", claim.verdict, claim.reason, claim.details["established"], claim.asked,
        **{k: v for k, v in claim.details.items() if k not in ("assumption", "established", "process")}, limit=limit,
    )  # fmt: skip


def _following(study: Study, key: str, needed: list[Claim], answer: str, source: str) -> Claim:
    names = [c.details["assumption"] for c in needed]
    undecided = [c.details["assumption"] for c in needed if c.verdict is Verdict.UNDECIDED]
    if undecided:
        return study.open(key, f"{', '.join(undecided)} not decided", answer="undecided")
    weak = [c for c in needed if c.verdict is not Verdict.HOLDS]
    if any(c.details["established"] not in (EXACT, CONCLUDED, "cited", "assumed") for c in weak):
        return study.skipped(
            key, f"not reached: {', '.join(c.details['assumption'] for c in weak)}", answer="not covered"
        )
    if weak:
        conditions = ", ".join(f"{c.details['assumption']} is {c.details['established']}" for c in weak)
        how = "cited" if any(c.details["established"] == "cited" for c in weak) else "assumed"
        return study.claim(key, Verdict.NOT_RUN, f"it follows by {source} if this holds: {conditions}", how, False,
                           answer=f"{answer}, if what is cited or assumed holds")  # fmt: skip
    return study.claim(key, Verdict.HOLDS, f"{', '.join(names)} hold: it follows by {source}", CONCLUDED, answer=answer)


def formal(study: Study) -> Claim | None:
    """Whether the hypotheses of a machine-checked theorem hold here; None for rules that none is about."""
    process, name = study.process, study.rule.name
    if name not in ("linear-td", "tabular-td", "q-learning") or study.subject is not rules()[name]:
        return None  # a rule of one's own may have any name
    gamma = study.parameters["gamma"]
    theorem = "ae_tendsto_of_QLearning_markov" if name == "q-learning" else "ae_tendsto_of_linearTD_markov"
    missing = []
    if not study.chain.irreducible:
        missing.append("an irreducible chain")
    if study.unique and study.chain.closed_classes[0].period != 1:
        missing.append("an aperiodic chain")
    if gamma >= 1:
        missing.append("gamma < 1")
    if not _plain_rewards(study):
        missing.append("rewards r(s, a)" if name == "q-learning" else "rewards r(s)")
    if name == "q-learning" and any(not x for row in process.behaviour for x in row):
        missing.append("a behaviour that takes every action")
    if name != "q-learning" and not process.on_policy:
        missing.append("one policy")
    if name == "linear-td" and matrices.matrix(process.features).rank() < process.d:
        missing.append("independent features")
    if missing:
        return study.holds("formal", False, f"{theorem} of {LEAN} asks for {', '.join(missing)}", theorem=theorem)
    return study.holds(
        "formal", True, f"{theorem} of {LEAN}, for steps (k + 2)^-nu with 2/3 < nu < 1: its hypotheses hold here; the "
        "proof is cited, not run", theorem=theorem,
    )  # fmt: skip


def _plain_rewards(study: Study) -> bool:
    """Whether rewards depend on the state (and action, for Q-learning) alone, where they are met."""
    seen: dict[tuple[int, ...], Fraction] = {}
    with_action = study.rule.name == "q-learning"
    for t in study.samples.transitions:
        key = (t.state, t.action) if with_action else (t.state,)
        reward = study.process.reward[t.state][t.action][t.next_state]
        if seen.setdefault(key, reward) != reward:
            return False
    return True

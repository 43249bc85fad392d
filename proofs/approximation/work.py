"""How much work a question about rules asks for, estimated before anything runs.

The units are those of `..limit`; the factors are measured (docs/robustness.md).  Work grows with the transitions times
what h changes on each; with s^4 digits of the stationary law's and Poisson's exact numbers, which have about s times
those of a row; with n^3 of systems for equilibria.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import lcm

from ...symbolic.approximation.rule import OuterRule, Rule
from ...symbolic.approximation.vector import size_of
from ...symbolic.markov.decision import DecisionProcess
from .. import limit
from .question import Question


@dataclass(frozen=True)
class Sizes:
    """What work grows with; successors: of a state and an action, at most; bits: of a row of the chain."""

    states: int
    features: int
    actions: int
    successors: int
    bits: int


NAMED = ("states", "features", "actions")
"""The sizes that a message names."""
LEAST = 200_000
"""The units that the smallest question takes."""
OUTER = 5 * 10**7
"""The units that an outer iteration takes: its network has two layers at most, and a process of few features."""


def check_work(chosen: Sequence[Rule | OuterRule], question: Question) -> None:
    """Raise `WorkLimitError` where all rules together would take more than the question's limit."""
    own = {r.name: (r, Sizes(1, 1, 1, 1, 4) if isinstance(r, OuterRule) else sizes_of(r, question)) for r in chosen}

    def parts(z: Mapping[str, int]) -> dict[str, int]:
        least = {name: replace(x, **{k: min(getattr(x, k), z[k]) for k in NAMED}) for name, (_, x) in own.items()}
        return {
            name: OUTER if isinstance(rule, OuterRule) else z["trials"] * units(rule, least[name])
            for name, (rule, _) in own.items()
        }

    sizes = {k: limit.Size(max(getattr(x, k) for _, x in own.values()), words=f"{k} are {{1}}") for k in NAMED}
    limit.check(question.max_work, {**sizes, "trials": limit.Size(question.trials)}, parts)


def units(rule: Rule, sizes: Sizes) -> int:
    """What one rule takes on one process."""
    s, d, a = sizes.states, sizes.features, sizes.actions
    known = {"states": s, "features": d, "state-actions": s * a}
    n = sum(known[x] if isinstance(x, str) else x for x in rule.parts.values())
    # a table changes in one entry, what is as long as the features in all of them
    moved = sum(d if x == "features" else 1 if isinstance(x, str) else x for x in rule.parts.values())
    carried = sum(known[x] if isinstance(x, str) else x for x in rule.trace_parts.values())
    traced = s * a * min(s, sizes.successors) * (1500 + 400 * (moved + carried) + 16 * moved * d)
    return LEAST + traced + s**4 * sizes.bits // 40 + 4 * n**3


def simulated_units(rule: Rule, process: DecisionProcess, runs: int, steps: int) -> int:
    """What runs of a rule take in floats."""
    n = sum(map(size_of, rule.layout(process).values()))
    carried = sum(map(size_of, rule.trace_layout(process).values()))
    maxima = process.states if rule.policy == "behaviour" else 0
    return runs * steps * (1 + (n + maxima * process.actions) // 4 + (1 + carried) * n // 2 * bool(carried))


def check_simulation(rule: Rule, process: DecisionProcess, runs: int, steps: int, most: int) -> None:
    """Raise `WorkLimitError` where runs would take more than the limit `most`."""
    sizes = {"runs": limit.Size(runs, words="{0} are {1}"), "steps": limit.Size(steps, words="{0} are {1}")}
    limit.check(
        most, sizes, lambda z: {f"simulating {rule.name}": simulated_units(rule, process, z["runs"], z["steps"])}
    )


def sizes_of(rule: Rule, question: Question) -> Sizes:
    """The sizes of the process that a rule is asked about."""
    if question.drawn:
        s, d, a = question.sizes_for(rule)
        return Sizes(s, d, a, s if question.process == "random-ergodic" else 3, 12 * a)
    process = question.process_for(rule)
    bits = max(lcm(*(x.denominator for x in row)).bit_length() for row in process.chain.transition)
    count = sum(bool(p and x) for block, acts in zip(process.transition, process.behaviour, strict=True)
                for row, p in zip(block, acts, strict=True) for x in row)  # fmt: skip
    pairs = process.states * process.actions
    return Sizes(process.states, process.d, process.actions, -(-count // pairs), max(bits, 4))

"""How much work a question about rules asks for, estimated before anything runs.

One unit is about 0.1 microseconds of one core, as in `..work`, so that the default limit of 10^9 is meant as two
minutes: the factors are fitted to questions below it.  Work grows with the transitions times what h changes on
each; with s^4 digits of the stationary law's and Poisson's exact numbers, which have about s times those of a row; with
n^3 of systems for equilibria.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm

from ...symbolic.approximation.rule import OuterRule, Rule
from ...symbolic.approximation.vector import size_of
from ...symbolic.errors import WorkLimitError
from ...symbolic.markov.decision import DecisionProcess
from ...symbolic.plain_text import amount
from .question import Question

LEAST = 200_000
"""The units that the smallest question takes."""
OUTER = 5 * 10**7
"""The units that an outer iteration takes: its network has two layers at most, and a process of few features."""


def check_work(chosen: Sequence[Rule | OuterRule], question: Question) -> None:
    """Raise `WorkLimitError` where all rules together would take more than the question's limit."""
    each = {r.name: units(r, question) * (1 if isinstance(r, OuterRule) else question.trials) for r in chosen}
    total = sum(each.values())
    if total <= question.max_work:
        return
    worst = max(each, key=each.__getitem__)
    s, d, a, _, _ = _sizes(next(rule for rule in chosen if rule.name == worst), question)
    trials = f" on {question.trials} processes" if question.trials > 1 else ""
    raise WorkLimitError(
        f"the work asked for, about {amount(total)}, is above the limit of {question.max_work}, and most of it is "
        f"{worst}{trials}, of {s} states, {a} actions and {d} features: ask for less, or raise it with --max-work "
        f"{amount(total)}"
    )


def units(rule: Rule | OuterRule, question: Question) -> int:
    """What one rule takes on one process."""
    if isinstance(rule, OuterRule):
        return OUTER
    s, d, a, transitions, bits = _sizes(rule, question)
    known = {"states": s, "features": d, "state-actions": s * a}
    n = sum(known[x] if isinstance(x, str) else x for x in rule.parts.values())
    # a table changes in one entry, what is as long as the features in all of them
    moved = sum(d if x == "features" else 1 if isinstance(x, str) else x for x in rule.parts.values())
    carried = sum(known[x] if isinstance(x, str) else x for x in rule.trace_parts.values())
    traced = transitions * (1500 + 400 * (moved + carried) + 16 * moved * d)
    return LEAST + traced + s**4 * bits // 40 + 4 * n**3


def simulated_units(rule: Rule, process: DecisionProcess, runs: int, steps: int) -> int:
    """What runs of a rule take in floats."""
    n = sum(map(size_of, rule.layout(process).values()))
    carried = sum(map(size_of, rule.trace_layout(process).values()))
    maxima = process.states if rule.policy == "behaviour" else 0
    return runs * steps * (1 + (n + maxima * process.actions) // 4 + (1 + carried) * n // 2 * bool(carried))


def check_simulation(rule: Rule, process: DecisionProcess, runs: int, steps: int, limit: int) -> None:
    """Raise `WorkLimitError` where runs would take more than the limit."""
    asked = simulated_units(rule, process, runs, steps)
    if asked > limit:
        raise WorkLimitError(
            f"the work asked for, about {amount(asked)}, is above the limit of {limit}: {runs} runs of {steps} steps "
            f"of {rule.name}: give fewer runs or steps, or raise it with --max-work {amount(asked)}"
        )


def _sizes(rule: Rule | OuterRule, question: Question) -> tuple[int, int, int, int, int]:
    """States, features, actions, transitions, and the binary digits of a row of the chain."""
    if not question.drawn:
        process = question.process_for(rule)
        bits = max(lcm(*(x.denominator for x in row)).bit_length() for row in process.chain.transition)
        count = sum(bool(p and x) for block, acts in zip(process.transition, process.behaviour, strict=True)
                    for row, p in zip(block, acts, strict=True) for x in row)  # fmt: skip
        return process.states, process.d, process.actions, count, max(bits, 4)
    s, d, a = question.sizes_for(rule)
    dense = question.process == "random-ergodic"
    return s, d, a, s * a * (s if dense else min(s, 3)), 12 * a

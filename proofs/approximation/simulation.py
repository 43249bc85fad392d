"""Simulation beside theory: seeded runs on the exact chain against the mean ODE, and averages against their limits.

A simulation claims nothing: what is exact stands in the claims, this shows it at work and at which rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np

from ...numeric.simulation.compiled import Floats
from ...numeric.simulation.ode import ode
from ...numeric.simulation.run import Runs, Schedule, simulate
from ...symbolic.approximation.rule import OuterRule, Rule
from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.strict_json import rational_text
from ..case import Progress, silent
from ..own.client import TIME_LIMIT
from ..user_file import guarded
from .claims import resolved
from .question import Question
from .study import Study
from .work import check_simulation

SHOWN, LINES = 4, 8
"""The weights and the steps that a table shows."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """What runs of a rule did, and what they are held against.

    names  : of the weights;  runs : at some steps, see `Runs`
    ode    : (T, n), v' = h(v) from v = 0 at the times of those steps; None where there is no mean field
    reward : the stationary average of the reward, deviation : sigma of its averages, which after k steps are about
             sigma/sqrt(k) away; None where the stationary law is not unique
    """

    rule: str
    process: str
    settings: dict[str, Any]
    names: tuple[str, ...]
    runs: Runs
    ode: Floats | None
    law: tuple[Fraction, ...] | None
    reward: Fraction | None
    deviation: float | None

    def document(self) -> dict[str, Any]:
        """As plain data; floats that overflowed are text."""
        r = self.runs
        return {
            "rule": self.rule, "process": self.process, **self.settings, "weights": list(self.names),
            "at": r.at.tolist(), "time": _plain(r.time), "mean": _plain(r.mean), "low": _plain(r.low),
            "high": _plain(r.high), "ode": None if self.ode is None else _plain(self.ode),
            "average_reward": {
                "mean": _plain(r.rewards.mean(axis=1)), "low": _plain(np.quantile(r.rewards, 0.05, axis=1)),
                "high": _plain(np.quantile(r.rewards, 0.95, axis=1)),
                "stationary": None if self.reward is None else rational_text(self.reward), "sigma": self.deviation,
            },
            "visits": _plain(self.visits()),
            "law": None if self.law is None else [rational_text(x) for x in self.law],
        }  # fmt: skip

    def visits(self) -> Floats:
        """How often each state was left, as a share of all steps of all runs."""
        counted: Floats = self.runs.visits.mean(axis=1) / self.runs.at[-1]
        return counted

    def lines(self) -> list[str]:
        """As text, a line each."""
        r, s = self.runs, self.settings
        text = [
            f"Simulation: {s['runs']} runs of {s['steps']} steps, alpha_k = {s['alpha']}, seed {s['seed']}, floats",
            "  mean of the runs [what nine in ten lie in] beside the ODE v' = h(v) at t = alpha_1 + ... + alpha_k",
        ]
        shown = np.unique(np.linspace(0, len(r.at) - 1, LINES).round().astype(int))
        for k in shown:
            weights = ", ".join(
                f"{name} {r.mean[k, i]:.4g} [{r.low[k, i]:.4g}, {r.high[k, i]:.4g}]"
                + ("" if self.ode is None else f" ODE {self.ode[k, i]:.4g}")
                for i, name in enumerate(self.names[:SHOWN])
            )
            text.append(f"  k = {r.at[k]:<7} t = {r.time[k]:<8.4g} {weights}{', ...' * (len(self.names) > SHOWN)}")
        text.append("  averages of the reward along the chain, the law of large numbers at work")
        for k in shown:
            low, high = np.quantile(r.rewards[k], (0.05, 0.95))
            wanted = ""
            if self.reward is not None and self.deviation is not None:
                half = 1.645 * self.deviation / sqrt(r.at[k])
                wanted = f"  stationary {float(self.reward):.5g}, for large k [-{half:.2g}, +{half:.2g}] around it"
            text.append(f"  k = {r.at[k]:<7} {r.rewards[k].mean():.5g} [{low:.5g}, {high:.5g}]{wanted}")
        if self.law is not None:
            away = float(np.max(np.abs(self.visits() - np.array([float(x) for x in self.law]))))
            text.append(f"  shares of time in the states are within {away:.2g} of the stationary law")
        return text


def _plain(values: Floats) -> Any:
    def entry(x: Any) -> Any:
        return [entry(y) for y in x] if isinstance(x, list) else x if np.isfinite(x) else str(x)

    return entry(values.tolist())


def simulation(
    rule: Rule, question: Question, runs: int = 1000, steps: int = 10_000, scale: Fraction = Fraction(1),
    offset: Fraction = Fraction(0), progress: Progress = silent,
) -> Simulation:  # fmt: skip
    """Runs of a rule from v = 0 with alpha_k = scale/(k + offset)^power, power and seed those of the question.

    Raises `ArgumentError` for a rule that multiplies weights, or for too many steps.
    """
    whole_number("runs", runs, 1, 10**6)
    whole_number("steps", steps, 1, 10**9)
    if not scale > 0 or offset < 0:
        raise ArgumentError("the scale of the steps is positive, their offset at least 0")
    process = question.process_for(rule)
    check_simulation(rule, process, runs, steps, question.max_work)
    study = Study(rule, process, question.parameters_for(process), question.power)
    schedule = Schedule(float(scale), float(offset), float(question.power))
    trajectories = simulate(
        study.samples, runs, steps, question.seed, schedule, progress=lambda s: progress(f"{rule.name}: {s}")
    )
    reward, deviation = averages(study) if study.unique else (None, None)
    below = "k" if not offset else f"(k + {rational_text(offset)})"
    power = "" if question.power == 1 else f"^{rational_text(question.power)}"
    settings = {
        "runs": runs, "steps": steps, "seed": question.seed, "alpha": f"{rational_text(scale)}/{below}{power}"
    }  # fmt: skip
    return Simulation(
        rule.name, process.name, settings, study.samples.names, trajectories,
        None if study.field is None else ode(study.field, trajectories.time),
        study.chain.law if study.unique else None, reward, deviation,
    )  # fmt: skip


def averages(study: Study) -> tuple[Fraction, float]:
    """The stationary mean of the reward and sigma, sigma^2/k the variance of its averages for large k.

    With u the solution of Poisson's equation for E[R | s], R - mean + u(s') - u(s) is a martingale difference: sigma^2
    is its stationary mean square.  Source: Meyn and Tweedie, Markov Chains and Stochastic Stability, chapter 17.
    """
    process, law = study.process, study.chain.law
    given = process.expected_reward(process.behaviour)
    mean = sum((d * x for d, x in zip(law, given, strict=True)), Fraction(0))
    u = study.chain.poisson(given)
    total = Fraction(0)
    for t in process.transitions():
        step = process.reward[t.state][t.action][t.next_state] - mean + u[t.next_state] - u[t.state]
        total += law[t.state] * t.probability * step * step
    return mean, sqrt(total)


def simulated(names: Sequence[str | Rule | OuterRule], question: Question) -> list[Rule]:
    """The rules that a simulation is asked of, those in files too; outer rules are left out.

    Raises `ArgumentError` where none is named, and where more than one process is asked about.
    """
    if question.trials > 1:
        raise ArgumentError(f"trials is {question.trials}, and a simulation is of one process: leave trials out")
    chosen = [rule for rule in map(resolved, names) if isinstance(rule, Rule)]
    if not chosen:
        raise ArgumentError("no rule v + alpha h(v, Y) is named to simulate, wanted one or more such as linear-td")
    return chosen


def simulations(
    chosen: Sequence[Rule], question: Question, runs: int, steps: int, scale: Fraction, offset: Fraction,
    progress: Progress = silent, time_limit: float = TIME_LIMIT,
) -> list[Simulation]:  # fmt: skip
    """A simulation of each rule; raises as `simulation` does."""
    with guarded(chosen, time_limit):
        return [simulation(rule, question, runs, steps, scale, offset, progress) for rule in chosen]

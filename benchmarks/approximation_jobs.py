"""Rules of stochastic approximation: exact checks on large chains, and many simulated runs beside a plain loop."""

from __future__ import annotations

from typing import Any

from layerproof.numeric.simulation.run import Schedule, plain_loop, simulate
from layerproof.proofs.approximation.claims import sa
from layerproof.proofs.approximation.question import Question
from layerproof.symbolic.approximation.samples import samples
from layerproof.symbolic.rules import rules

OUTER = ("deep-td", "dqn")
BESIDE = "one run as a Python loop over lists, times the runs"


def jobs(quick: bool, seconds: Any, entry: Any) -> list[dict[str, Any]]:
    """The lines of the benchmark's table."""
    states, d = (8, 3) if quick else (50, 10)
    question = Question("random-ergodic", states=states, d=d)
    lines = []
    for name in rules():
        if name not in OUTER:
            job = f"sa {name}, every exact check, {states} states, {d} features"
            lines.append(entry(job, seconds(lambda name=name: sa(name, question=question), 1)))
    trials = Question("random-ergodic", trials=5 if quick else 100)
    job = f"sa linear-td --process random-ergodic --trials {trials.trials}"
    lines.append(entry(job, seconds(lambda: sa("linear-td", question=trials), 1)))
    runs, steps = (10, 1000) if quick else (1000, 100_000)
    rule = rules()["linear-td"]
    process = Question().process_for(rule)
    sampled = samples(rule, process, Question().parameters_for(process))
    schedule = Schedule(10, 20)
    ours = seconds(lambda: simulate(sampled, runs, steps, 0, schedule), 1)
    theirs = seconds(lambda: plain_loop(sampled, steps, 0, schedule), 1) * runs
    lines.append(entry(f"simulate linear-td, {runs} runs of {steps} steps, 5 states, d=3", ours, BESIDE, theirs))
    return lines

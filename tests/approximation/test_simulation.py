"""Simulated runs beside their theory: fixed seeds, bounds of stated power, and faults that they see.

A mean of R independent runs is within 6 of its standard errors but for two chances in 10^9 (normal), so a bound of 6
sees a shift of 10 standard errors in all but one of 10^4 cases.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from math import sqrt
from typing import Any

import numpy as np
import pytest
from cli import assert_refused, run_cli

import layerproof as lp
from layerproof.numeric.simulation.compiled import compiled
from layerproof.numeric.simulation.ode import ode
from layerproof.numeric.simulation.run import Runs, Schedule, Walk, plain_loop, simulate
from layerproof.proofs.approximation.question import Question
from layerproof.proofs.approximation.simulation import averages, simulation
from layerproof.proofs.approximation.study import Study
from layerproof.symbolic.approximation.samples import Samples, plain, samples
from layerproof.symbolic.markov.decision import DecisionProcess
from layerproof.symbolic.markov.named import two_state
from layerproof.symbolic.rules import find_rule

PARAMETERS = {"gamma": F(1, 2), "lam": F(1, 2), "eta": F(1)}


def sampled(name: str, process: DecisionProcess | None = None) -> Samples:
    rule: Any = find_rule(name)
    return samples(rule, process or two_state(), PARAMETERS)


@pytest.mark.parametrize("name", ["linear-td", "td-lambda", "gtd2", "q-learning", "emphatic-td", "differential-td"])
def test_a_run_is_the_rule_on_plain_numbers(name: str) -> None:
    """The same transitions, step for step: only rounding differs, 40 steps of numbers below 4."""
    samples = sampled(name, Question(states=3, d=2, seed=4).process_for(find_rule(name)))
    runs = simulate(samples, 1, 40, 7, Schedule(0.5), looks=40)
    at = plain(samples.rule, samples.process, PARAMETERS)
    walked = Walk(compiled(samples), 1, 7, 0)
    ys = [int(y) for count in (16, 16, 8) for y in walked.walk(count)[1][:, 0]]
    v, e = [F(0)] * samples.size, [F(0)] * samples.trace_size
    for k in range(40):
        y = ys[k]
        assert samples.transitions[y].state == (samples.transitions[ys[k - 1]].next_state if k else 0)
        ((move, after),) = at([(y, v, e)])
        v = [x + F(1, 2 * (k + 1)) * move.get(i, 0) for i, x in enumerate(v)]
        v = [F(round(x * 2**60), 2**60) for x in v]  # keeps the numbers short
        e = [after.get(j, F(0)) for j in range(samples.trace_size)]
    assert np.allclose(runs.final[:, 0], [float(x) for x in v], rtol=0, atol=1e-9)


def standard(runs: Runs) -> Any:
    return runs.final.std(axis=1) / sqrt(runs.final.shape[1])


def test_linear_td_ends_at_the_solution_and_averages_at_theirs() -> None:
    simulated = simulation(find_rule("linear-td"), Question("two-state"), 400, 2000, F(10), F(20))
    limit = np.array([18 / 11, 6 / 11])  # by hand
    # the mean of v_k - v* is of order alpha_k (about 1/200 here times the field's curvature, none for a linear rule)
    assert np.all(np.abs(simulated.runs.final.mean(axis=1) - limit) < 6 * standard(simulated.runs) + 1e-3)
    assert simulated.ode is not None and np.allclose(simulated.ode[-1], limit, atol=1e-3)
    assert simulated.reward == F(3, 5) and simulated.deviation is not None
    error = 6 * simulated.deviation / sqrt(400 * 2000) + 1 / 2000  # the start, in state 0, weighs as 1/k
    assert abs(simulated.runs.rewards[-1].mean() - 0.6) < error
    low, high = np.quantile(simulated.runs.rewards[-1], (0.05, 0.95))
    assert (high - low) / (2 * 1.645 * simulated.deviation / sqrt(2000)) == pytest.approx(1, abs=0.25)


def test_the_variance_of_averages_by_hand() -> None:
    """Two states a, b = 1/3, 1/2: sigma^2 = pi_0 pi_1 (2 - a - b)/(a + b) for the indicator of one of them."""
    rule: Any = find_rule("linear-td")
    mean, sigma = averages(Study(rule, two_state(), PARAMETERS))
    assert mean == F(3, 5) and sigma**2 == pytest.approx(float(F(6, 25) * F(7, 6) / F(5, 6)))


def test_a_chain_of_other_probabilities_is_seen() -> None:
    third = F(1, 3)
    process = two_state()
    other = replace(process, transition=(((third, 1 - third),), process.transition[1]))
    runs = simulate(sampled("linear-td", other), 400, 2000, 0, Schedule())
    assert abs(runs.rewards[-1].mean() - 0.6) > 0.1  # its law is (3/7, 4/7)


def test_what_diverges_diverges() -> None:
    simulated = simulation(find_rule("linear-td"), Question("w-to-2w"), 50, 500, F(1), F(0))
    assert np.all(simulated.runs.final == 0)  # from v = 0 with rewards 0 nothing moves
    process = Question("w-to-2w").process_for(find_rule("linear-td"))
    paid = replace(process, reward=tuple(tuple((F(1),) * 2 for _ in row) for row in process.reward))
    rule: Any = find_rule("linear-td")
    grown = simulation(rule, Question(paid, power=F(1, 2)), 50, 4000)
    assert np.abs(grown.runs.final).mean() > 100 and np.abs(grown.ode[-1]).max() > 100


def test_the_ode_of_a_linear_field_by_hand() -> None:
    """v' = -v/2 + 1 on one state: v = 2 (1 - exp(-t/2))."""
    process = DecisionProcess.of("one", [[1]], [1], [[1]])
    rule: Any = find_rule("linear-td")
    field = Study(rule, process, PARAMETERS).field
    assert field is not None
    times = np.array([0.1, 1.0, 7.0])
    assert np.allclose(ode(field, times)[:, 0], 2 * (1 - np.exp(-times / 2)), atol=1e-6)


def test_the_plain_loop_of_the_benchmark_is_linear_td() -> None:
    assert np.allclose(plain_loop(sampled("linear-td"), 3000, 1, Schedule(10, 20)), [18 / 11, 6 / 11], atol=0.2)


def test_the_command_simulates_and_counts_trials(capsys: pytest.CaptureFixture[str]) -> None:
    small = ("--runs", "20", "--steps", "50")
    ran = run_cli(capsys, "sa", "q-learning", "--simulate", *small, "--step-scale", "1/2", "--json", "-d", "2")
    (simulated,) = ran.document["simulation"]
    assert (
        ran.code == 0
        and simulated["alpha"] == "1/2/k"
        and len(simulated["mean"]) == len(simulated["at"]) == len(simulated["ode"])
    )
    ran = run_cli(capsys, "sa", "gtd2", "--process", "random-ergodic", "--trials", "3", "--json")
    counts = {c["details"]["assumption"]: c["details"]["counts"] for c in ran.document["claims"]}
    assert ran.code == 0 and counts["hurwitz"] == {"HOLDS": 3} and counts["negative-definite"] == {"REFUTED": 3}
    assert_refused(run_cli(capsys, "sa", "dqn", "--simulate"), 2, "to simulate")
    assert_refused(run_cli(capsys, "sa", "gtd2", "--process", "baird", "--trials", "3"), 2, "drawn from seeds")


def test_weights_multiplied_are_not_simulated() -> None:
    rule = lp.Rule("mine", "Mine", "me", {"v": "states"}, lambda v, y: {y.state: v[0] * v[1]})
    with pytest.raises(lp.ArgumentError, match="multiplies weights"):
        simulation(rule, Question("two-state"), 2, 2)

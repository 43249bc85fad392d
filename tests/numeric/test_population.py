"""Endless contexts and true values: closed forms, and the parts of an error that add up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from convergence_prompts import VALUES, scaled
from expected import expected
from helpers import each_kind_by_name

from layerproof.numeric.convergence.population import one_hot_values, population
from layerproof.numeric.convergence.truth import split, true_values
from layerproof.numeric.data.processes import MarkovRewardProcess, boyan_chain, random_ergodic, value_function
from layerproof.numeric.data.prompts import trajectory_context
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.convergence.decide import decide
from layerproof.symbolic.convergence.rationals import column, fraction

THIRD = Fraction(1, 3)
CHAIN = MarkovRewardProcess.of(
    "two states", [[THIRD, 1 - THIRD], [Fraction(1, 2), Fraction(1, 2)]], [1, 0], [[1, 0], [0, 1]], [1, 0]
)


def endless(name: str, process: MarkovRewardProcess, **values: Fraction):
    algorithm = find(name)
    context = trajectory_context(process, 6, seed=0)
    steps = tuple(
        Fraction(1) if p in algorithm.scalar_preconditioners else scaled(process.d, Fraction(1))[0]
        for p in algorithm.preconditioners
    )
    size = sum(1 if w in algorithm.scalar_weights else process.d for w in algorithm.weights)
    known = algorithm.values({**VALUES, **values})
    return population(algorithm, process, context, steps, known, algorithm.choose(None), column([0] * size))


@pytest.mark.parametrize("name", ["td0", "gtd2", "tdc", "td-lambda"])
def test_tabular_methods_find_the_true_values_of_an_endless_context(name: str) -> None:
    fate = decide(endless(name, CHAIN))
    assert tuple(fraction(x) for x in fate.limit.entries()[:2]) == value_function(CHAIN, VALUES["gamma"])


def test_residual_gradient_finds_something_else_and_least_squares_the_rewards() -> None:
    biased = decide(endless("residual-gradient", CHAIN)).limit
    assert tuple(fraction(x) for x in biased.entries()) != value_function(CHAIN, VALUES["gamma"])
    assert decide(endless("least-squares", CHAIN)).limit == column([1, 0])


def test_a_trace_that_never_decays_has_no_endless_context() -> None:
    assert endless("td-lambda", CHAIN, lam=Fraction(1)) is None


@each_kind_by_name
def test_the_parts_of_the_error_add_up(name: str) -> None:
    process = boyan_chain(4, 2, seed=1)
    context = trajectory_context(process, 8, seed=1)
    truth = true_values(find(name), process, VALUES if "gamma" in find(name).parameters else {})
    far = endless(name, process)
    assert far is not None and truth is not None
    last, star, long = column([1, 2, 0]), column([0, 1, 0]), column([3, -1, 0])
    _, true, centred = truth
    known = find(name).values(VALUES)
    hot = None if centred else one_hot_values(find(name), process, known, find(name).choose(None))
    error = split(process, truth, last, star, long, context.query, hot)
    total = [sum(x) for x in zip(error.layers, error.context, error.features, error.bias, strict=True)]
    assert any(error.bias) is expected(name).biased
    values = [sum(x * y for x, y in zip(phi, (1, 2), strict=True)) for phi in process.features]
    shift = [v - t for v, t in zip(values, true, strict=True)]
    if centred:
        mean = sum(d * x for d, x in zip(error.D, shift, strict=True))
        shift = [x - mean for x in shift]
    assert total == shift and error.state is not None


def test_differential_values_solve_their_equation() -> None:
    process = random_ergodic(4, 2, seed=2)
    kind, h, centred = true_values(find("average-reward-td"), process, {})
    after = [sum(p * x for p, x in zip(line, h, strict=True)) for line in process.transition]
    gaps = {r + y - x for r, x, y in zip(process.reward, h, after, strict=True)}
    assert len(gaps) == 1 and centred and "differential" in kind  # r - rate + P h = h


def test_gamma_one_has_no_true_values() -> None:
    assert true_values(find("td0"), CHAIN, {"gamma": Fraction(1)}) is None

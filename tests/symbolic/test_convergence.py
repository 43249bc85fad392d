"""Whether iterations converge, against what is known by hand; and every way in which a wrong yes could come about."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from convergence_prompts import CYCLE, EXPANDING, ONE_HOT, TWO, VALUES, of, raw, scaled
from flint import fmpq, fmpq_mat
from helpers import td_solution

from layerproof.numeric.data.draws import preconditioners, starting_weights
from layerproof.numeric.data.processes import boyan_chain
from layerproof.numeric.data.prompts import generic_context, trajectory_context, with_extras
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.convergence.decide import decide
from layerproof.symbolic.convergence.iteration import NotAffineError, iteration
from layerproof.symbolic.convergence.rationals import column, fraction
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.prompt import Context

HALF = Fraction(1, 2)


def values_of(m: fmpq_mat) -> list[Fraction]:
    return [fraction(x) for x in m.entries()]


# the iteration is the textbook loop's


@pytest.mark.parametrize("name", [n for n, a in catalogue().items() if not a.selections])
def test_the_iteration_gives_the_textbook_loops_weights(name: str) -> None:
    algorithm = find(name)
    context = with_extras(generic_context(2, 4, seed=3), algorithm.extras, 3)
    (step,) = preconditioners(algorithm, 2, 1, 3)
    start, values = starting_weights(algorithm, 2, 3), algorithm.values(VALUES)
    it = iteration(algorithm, context, [step], values, algorithm.choose(None), start)
    w = it.start
    for after in textbook(problem(algorithm, RATIONALS, context, start, values, algorithm.choose(None)), [step] * 3):
        w = it.T * w + it.c
        flat = [x for v in after for x in (v.fractions() if hasattr(v, "fractions") else [v.fraction()])]
        assert values_of(w) == flat


def test_an_update_that_is_not_affine_is_refused_and_one_that_only_looks_so_is_not() -> None:
    def squared(weights, preconditioners, sweep, p):
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + (w @ t.phi) * (w @ t.phi) * t.phi
        return (w + sweep.total / sweep.n,)

    def cancelled(weights, preconditioners, sweep, p):
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            square = (w @ t.phi) * (w @ t.phi)
            sweep.total = sweep.total + (square - square + w @ t.phi) * t.phi
        return (w - sweep.total / sweep.n,)

    def divided(weights, preconditioners, sweep, p):
        (w,) = weights
        for t in sweep:
            sweep.last = w / (1 + w @ t.phi)
        return (sweep.last,)

    step = scaled(2, 1)
    for update in (squared, divided):
        with pytest.raises(NotAffineError):
            iteration(replace(find("td0"), update=update), generic_context(2, 2, 0), [step], VALUES, {})
    affine = iteration(replace(find("td0"), update=cancelled), Context.of([[1]], [[0]], [0], [1]), [scaled(1, 1)],
                      VALUES, {})  # fmt: skip
    assert fmpq_mat(1, 1, [0]) == affine.T


# by hand


def test_two_states_by_hand() -> None:
    gamma = VALUES["gamma"]
    fate = decide(of("td0", TWO, alpha=1))
    # T = (1/2) [[1, gamma], [gamma, 1]]: eigenvalues (1 +- gamma) / 2
    assert fmpq_mat(2, 2, [fmpq(1, 2), fmpq(9, 20), fmpq(9, 20), fmpq(1, 2)]) == fate.iteration.T
    assert fate.start.converges and fate.every.converges and fate.prediction.converges
    star = [1 / (1 - gamma**2), gamma / (1 - gamma**2)]
    assert values_of(fate.limit) == star and fraction(fate.value) == star[0]


def test_on_policy_data_may_diverge_for_every_step() -> None:
    for alpha in (Fraction(1, 10**6), HALF, 10):
        fate = decide(of("td0", EXPANDING, alpha))
        assert not fate.start.converges and not fate.every.converges and not fate.prediction.converges
        assert fate.limit is None and fate.value is None
        assert "outside the unit disc" in fate.start.why


def test_only_the_cyclic_subspace_converges() -> None:
    """G = diag(1, -1), b = e1, alpha = 1/2: from zero it converges, from elsewhere it does not."""
    it = raw([[HALF, 0], [0, Fraction(3, 2)]], [HALF, 0], read=[1, 1])
    fate = decide(it)
    assert fate.start.converges and values_of(fate.limit) == [1, 0]
    assert not fate.every.converges and "modulus 1.5" in fate.every.why
    assert fate.prediction.converges and not fate.prediction_every.converges
    moved = decide(replace(it, start=column([0, 1])))
    assert not moved.start.converges and moved.limit is None


def test_what_the_query_cannot_see_may_diverge() -> None:
    fate = decide(raw([[HALF, 0], [0, 2]], [1, 1], read=[1, 0]))
    assert not fate.start.converges and fate.limit is None
    assert fate.prediction.converges and fraction(fate.value) == 2 and fate.prediction_every.converges


def test_an_eigenvalue_of_exactly_one() -> None:
    still = decide(raw([[1, 0], [0, HALF]], [0, 1]))
    assert still.start.converges and still.every.converges and "depends on the start" in still.every.why
    drifts = decide(raw([[1, 0], [0, HALF]], [1, 1]))
    assert not drifts.start.converges and not drifts.every.converges and "no fixed point" in drifts.every.why
    assert values_of(drifts.drift) == [1, 0]
    turns = decide(raw([[0, 1], [-1, 0]], [1, 0]))
    assert not turns.start.converges and "modulus exactly 1" in turns.start.why and turns.drift is None


def test_a_defective_matrix() -> None:
    defective = decide(raw([[1, 1], [0, 1]], [0, 0]))
    assert defective.start.converges and not defective.every.converges and "defective" in defective.every.why
    excited = decide(raw([[1, 1], [0, 1]], [0, 0], start=[0, 1]))
    assert not excited.start.converges
    grows = decide(raw([[1, 1], [0, 1]], [0, 1]))
    assert not grows.start.converges and grows.drift is None  # quadratically: no drift is reported
    inside = decide(raw([[HALF, 1], [0, HALF]], [1, 1]))
    assert inside.start.converges and inside.every.converges


def test_a_zero_feature_leaves_its_weight_alone() -> None:
    context = Context.of([[1, 0], [2, 0]], [[0, 0], [1, 0]], [1, 3], [1, 1])
    fate = decide(of("td0", context, HALF))
    assert fate.start.converges and fate.every.converges and "depends on the start" in fate.every.why
    assert fate.limit[1, 0] == 0


def test_gamma_one_on_a_closed_trajectory_drifts() -> None:
    fate = decide(of("td0", CYCLE, 1, gamma=Fraction(1)))
    assert not fate.start.converges and not fate.every.converges
    # 1^T w grows by alpha times the mean reward, 1/3, at every layer: along (1, 1, 1)
    assert values_of(fate.drift) == [Fraction(1, 9)] * 3


def test_tabular_td_converges_up_to_one_over_the_largest_visit_frequency() -> None:
    path = [0, 1, 0, 2, 1, 0]
    context = Context.of([ONE_HOT[s] for s in path[:-1]], [ONE_HOT[s] for s in path[1:]], [1, 2, 3, 4, 5], ONE_HOT[0])
    for alpha in (Fraction(1, 100), Fraction(1), Fraction(5, 2)):  # visits 2, 2, 1 of 5
        it = of("td0", context, alpha)
        assert decide(it).every.converges
        rows = [sum(abs(fraction(x)) for x in line) for line in it.T.tolist()]
        assert max(rows) <= 1 - alpha * Fraction(1, 10) * Fraction(1, 5)
    assert not decide(of("td0", context, Fraction(5))).every.converges


def test_average_reward_drifts_along_the_constants_while_differences_converge() -> None:
    fate = decide(of("average-reward-td", CYCLE, 1), [*map(tuple, ONE_HOT)])
    assert not fate.start.converges and fate.differences.converges and fate.limit is None
    # R - prefix means: 0, 0, 1 - 1/3; their mean 2/9 is what 1^T w gains at every layer
    assert sum(values_of(fate.drift)) == Fraction(2, 9) and len(set(values_of(fate.drift))) == 1
    w = fate.iteration.start
    for layer in range(4):
        assert sum(values_of(w)) == layer * Fraction(2, 9)
        w = fate.iteration.T * w + fate.iteration.c


def test_differential_td_has_its_conserved_quantity_and_converges_from_zero() -> None:
    fate = decide(of("differential-td", CYCLE, HALF))
    gap = fmpq_mat(4, 4, [int(i == j) for i in range(4) for j in range(4)]) - fate.iteration.T
    assert gap.rank() == 3
    assert fate.start.converges and fate.every.converges and "depends on the start" in fate.every.why
    w = fate.limit
    assert w[3, 0] == w[0, 0] + w[1, 0] + w[2, 0]  # rbar = eta sum_s w(s), eta = 1
    assert w[3, 0] == fmpq(1, 3)


def test_boyans_chain_converges_to_lstd() -> None:
    context = trajectory_context(boyan_chain(10, 2, seed=1), 12, seed=1)
    star = td_solution(context, VALUES["gamma"])
    assert values_of(decide(of("td0", context)).limit) == star


# steps that change from layer to layer


def test_a_period_of_preconditioners() -> None:
    steps = [([[Fraction(3, 2), 0], [0, HALF]],), ([[1, Fraction(1, 5)], [0, Fraction(1)]],)]
    steps = [tuple([[Fraction(x) for x in line] for line in C] for C in step) for step in steps]
    fate = decide(iteration(find("td0"), TWO, steps, VALUES, {}))
    assert fate.iteration.period == 2 and fate.start.converges and fate.every.converges
    assert values_of(fate.limit) == values_of(decide(of("td0", TWO)).limit)


def test_a_period_without_a_common_fixed_point_is_a_cycle() -> None:
    one, two = (fmpq_mat(1, 1, [0]), fmpq_mat(1, 1, [1])), (fmpq_mat(1, 1, [0]), fmpq_mat(1, 1, [2]))
    it = replace(raw([[0]], [2], read=[1]), phases=(one, two))
    fate = decide(it)
    assert not fate.start.converges and "cycle" in fate.start.why and fate.limit is None
    assert not fate.prediction.converges and not fate.every.converges

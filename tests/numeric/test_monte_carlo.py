"""The joint test over random processes: symmetric laws pass, every planted fault is rejected."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from helpers import trained

from layerproof.numeric.training.monte_carlo import LAWS, draw, f_power, f_tail, hotelling, joint_test
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.invariance.samples import Outer
from layerproof.symbolic.invariance.sets import commutant
from layerproof.symbolic.invariance.symmetry import group_named

D, N = 2, 3
OUTER = Outer(discount=Fraction(9, 10))


def made(depth=1, group="signed-permutations", name="td0"):
    space, point = trained(name, D, N, depth, {"gamma": Fraction(9, 10)})
    return point, commutant(space, group_named(group, D))


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("law", LAWS)
def test_only_the_symmetric_law_stays_in_the_commutant(law, depth):
    point, whole = made(depth)
    outcome = joint_test(point, OUTER, whole, law)
    assert outcome.rejected is (law != "symmetric"), outcome
    assert outcome.power > 0.999
    assert outcome.coordinates + outcome.silent == whole.space.size - whole.dimension


@pytest.mark.parametrize("depth", [1, 2])
def test_equal_means_stay_in_the_commutant_of_the_permutations(depth):
    point, whole = made(depth, "permutations")
    assert whole.dimension == 26
    assert not joint_test(point, OUTER, whole, "mean").rejected


def test_a_heads_wise_algorithm_and_every_kind_of_outer_update_pass():
    point, whole = made(1, name="average-reward-td")
    for kind in ("semi-gradient", "residual-gradient", "monte-carlo"):
        assert not joint_test(point, Outer("shared", kind), whole).rejected


def test_a_seed_gives_the_same_test_and_another_seed_another():
    point, whole = made()
    first, again, other = (joint_test(point, OUTER, whole, units=100, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.statistic != other.statistic


def test_a_draw_is_what_its_law_says():
    plain = draw("symmetric", D, N, 500, 2, seed=3)
    assert plain.features.shape == (1000, N + 3, D)
    assert plain.rewards.shape == (1000, N + 2)
    assert plain.rewards.abs().max() <= 1
    assert plain.features.abs().min() >= 0.5
    tied = draw("reward-is-feature", D, N, 50, 1, seed=3)
    assert torch.equal(tied.rewards, tied.features[:, :-1, 0])
    fixed = draw("fixed-process", D, N, 500, 1, seed=3)
    assert len(fixed.features.reshape(-1, D).unique(dim=0)) == 3
    assert 1.4 < float(draw("mean", D, N, 2000, 1, seed=3).features.mean()) < 1.6


def test_the_statistic_and_its_distribution_by_hand():
    parts = torch.tensor([[1.0], [2.0], [3.0], [4.0]], dtype=torch.float64)
    assert hotelling(parts) == pytest.approx(4 * 2.5**2 / (5 / 3))  # the square of Student's t
    assert hotelling(torch.ones(5, 2, dtype=torch.float64)) == float("inf")
    # F(2, b) has the tail (1 + 2 x / b)^(-b / 2).
    assert f_tail(3.0, 2, 8) == pytest.approx((1 + 6 / 8) ** -4)
    assert f_tail(float("inf"), 2, 8) == 0
    assert f_power(7, 90, 1e-3, 0.0) == pytest.approx(1e-3)
    # A simulation of 20,000 tests of 100 normal units in 5 coordinates, mean 0.4 standard deviations, said 0.688.
    assert f_power(5, 95, 1e-2, 100 * 0.4**2) == pytest.approx(0.688, abs=0.01)


def test_what_cannot_be_tested_is_refused():
    point, whole = made()
    with pytest.raises(ArgumentError, match="law"):
        joint_test(point, OUTER, whole, "uniform")
    with pytest.raises(ArgumentError, match="give more units"):
        joint_test(point, OUTER, whole, units=12)
    with pytest.raises(ArgumentError, match="level"):
        joint_test(point, OUTER, whole, level=2)

"""The outer update by autograd: it is the exact one, and what the exact side does not cover keeps the commutant too."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
import torch
from helpers import trained

from layerproof.numeric.training.monte_carlo import off_set_basis
from layerproof.numeric.training.outer_update import (
    LINEAR,
    Attention,
    adam_difference,
    average_over_group,
    compare_with_exact,
    flat,
    moved_samples,
    outer_update,
    samples_of,
)
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.invariance.samples import OUTERS, WINDOWS, Outer, Trajectory
from layerproof.symbolic.invariance.sets import commutant
from layerproof.symbolic.invariance.symmetry import group_named
from layerproof.symbolic.invariance.update import sample_update

D, N = 2, 2
GROUP = group_named("signed-permutations", D)
DISCOUNT, RATE = Fraction(9, 10), Fraction(2, 7)
ROUNDING = 2.0**-40  # of the largest entry: observed residuals are below 2^-48 of it, real ones above 2^-8


def made(name="td0", depth=2, looped=True):
    scales = [Fraction(1, k + 1) for k in range(1 if looped else depth)]
    return trained(name, D, N, depth, {"gamma": Fraction(9, 10), "lam": Fraction(1, 2)}, looped, scales)


def trajectory(seed=0):
    rng = Random(seed)
    features = tuple(tuple(Fraction(rng.randint(-9, 9), 7) for _ in range(D)) for _ in range(N + 3))
    return Trajectory(features, tuple(Fraction(rng.randint(-9, 9), 5) for _ in range(N + 2)))


def anywhere(space, seed=0):
    rng = Random(seed)
    return tuple(Fraction(rng.randint(-9, 9), 9) for _ in range(space.size))


def off_set(space, average):
    """The largest entry outside the commutant, as a share of the largest entry."""
    everything = torch.ones(space.size, dtype=torch.bool)
    basis = off_set_basis(commutant(space, GROUP), everything)
    return float((basis @ (average @ basis)).abs().max() / average.abs().max())


@pytest.mark.parametrize("depth, looped", [(1, True), (2, True), (2, False)])
@pytest.mark.parametrize("name", ["td0", "average-reward-td", "gtd2", "tdc", "differential-td"])
def test_autograd_is_the_exact_update(name, depth, looped):
    space, point = made(name, depth, looped)
    for window in WINDOWS:
        for kind in OUTERS:
            outer = Outer(window, kind, DISCOUNT, RATE)
            comparison = compare_with_exact(space, point, trajectory(), outer, GROUP)
            assert comparison.within, comparison
            assert comparison.bound < 1e-9 * comparison.largest  # the bound says something
    assert compare_with_exact(space, anywhere(space), trajectory(1), outer, group_named("none", D)).within


def test_predictions_and_errors_are_the_exact_ones():
    space, point = made("tdc")
    sample, outer = trajectory(), Outer("shared", "residual-gradient", DISCOUNT, RATE)
    update = outer_update(space, flat(point), samples_of([sample]), outer)
    exact = sample_update(space, point, sample, outer, RATIONALS)
    for computed, wanted in zip(
        (update.predictions, update.following, update.errors),
        (exact.prediction, exact.following, exact.delta),
        strict=True,
    ):
        assert torch.allclose(computed, flat([wanted]), rtol=1e-13, atol=1e-13)


def test_a_small_fault_is_outside_the_bound():
    space, point = made()
    used = flat(point)
    outer = Outer(discount=DISCOUNT)
    assert compare_with_exact(space, point, trajectory(), outer, GROUP, used).within
    for position in range(0, space.size, 7):
        wrong = used.clone()
        wrong[position] += 2.0**-20
        assert compare_with_exact(space, point, trajectory(), outer, GROUP, wrong).ratio > 1000
    other = replace(outer, window="shared")
    right = average_over_group(space, used, trajectory(), outer, GROUP.elements)
    assert not torch.allclose(right, average_over_group(space, used, trajectory(), other, GROUP.elements))


def test_an_infinite_group_is_refused():
    space, point = made(depth=1)
    with pytest.raises(ArgumentError, match="no list of elements"):
        compare_with_exact(space, point, trajectory(), Outer(), group_named("rotations", D))


@pytest.mark.parametrize("name", ["td0", "average-reward-td"])
@pytest.mark.parametrize("kind", ["linear", "relu", "softmax"])
def test_every_attention_keeps_the_commutant_on_average_only(name, kind):
    space, point = made(name)
    attention = replace(LINEAR, kind=kind)
    each = outer_update(space, flat(point), moved_samples(trajectory(), GROUP.elements), Outer(), attention).updates
    assert off_set(space, each.mean(dim=0)) < ROUNDING
    assert off_set(space, each[0]) > 2.0**-8


def test_the_three_attentions_differ():
    space, point = made()
    averages = [
        average_over_group(space, flat(point), trajectory(), Outer(), GROUP.elements, Attention(kind))
        for kind in ("linear", "relu", "softmax")
    ]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert float((averages[a] - averages[b]).abs().max()) > 0.01
    with pytest.raises(ArgumentError, match="attention"):
        Attention("cosine")


def test_any_token_mask_keeps_the_commutant_and_a_matrix_on_the_rows_does_not():
    space, point = made()
    m, rng = space.layout.m, Random(5)
    dense = tuple(tuple(Fraction(rng.randint(-9, 9), 4) for _ in range(N + 1)) for _ in range(N + 1))
    masked = replace(space, masks=(dense,))
    assert compare_with_exact(masked, point, trajectory(), Outer(), GROUP).within
    mask = torch.tensor([[float(x) for x in row] for row in dense], dtype=torch.float64)
    given = average_over_group(space, flat(point), trajectory(), Outer(), GROUP.elements, Attention(masks=(mask,)))
    assert torch.equal(given, average_over_group(masked, flat(point), trajectory(), Outer(), GROUP.elements))
    assert off_set(space, given) < ROUNDING
    for rows, keeps in ((torch.arange(1.0, m + 1), False), (torch.tensor([3.0, 3, 2, 2, 7]), True)):
        attention = Attention(rows=torch.diag(rows.double()))
        average = average_over_group(space, flat(point), trajectory(), Outer(), GROUP.elements, attention)
        assert (off_set(space, average) < ROUNDING) is keeps
        assert keeps or off_set(space, average) > 2.0**-8


def test_adam_commutes_with_signed_permutations_and_not_with_rotations():
    space, point = made("average-reward-td")
    samples = samples_of([trajectory(seed) for seed in range(5)])
    updates = outer_update(space, flat(point), samples, Outer()).updates
    for element in GROUP.elements:
        assert adam_difference(space, updates, element) == 0
    rotation = group_named("rotations", D).generators[0]
    assert adam_difference(space, updates, rotation, rate=0.01) > 0.005

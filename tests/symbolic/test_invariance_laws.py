"""What the theorem needs: laws that break its assumption leave the set, exactly; laws and masks that keep it do not."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction
from random import Random

import pytest
from helpers import trained

from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.attention import Head
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.invariance import decide, flow
from layerproof.symbolic.invariance.decide import find_witness, random_invariance, single_sample
from layerproof.symbolic.invariance.flow import balances
from layerproof.symbolic.invariance.one_layer import one_layer_set
from layerproof.symbolic.invariance.samples import OUTERS, WINDOWS, Outer, Trajectory
from layerproof.symbolic.invariance.sets import commutant
from layerproof.symbolic.invariance.symmetry import group_named
from layerproof.symbolic.invariance.update import averaged_update, check_equivariance, row_action, sample_update
from layerproof.symbolic.invariance.weights import WeightSpace

D, N = 2, 2
SIGNED = group_named("signed-permutations", D)
OUTER = Outer(discount=Fraction(9, 10))


def made(name="td0", depth=1, looped=True, n=N):
    scales = [Fraction(1, k + 1) for k in range(1 if looped else depth)]
    return trained(name, D, n, depth, {"gamma": Fraction(9, 10), "lam": Fraction(1, 2)}, looped, scales)


def trajectory(seed=0, n=N):
    rng = Random(f"law {seed}")
    features = tuple(tuple(Fraction(rng.randint(-9, 9), 7) for _ in range(D)) for _ in range(n + 3))
    return Trajectory(features, tuple(Fraction(rng.randint(1, 9), 5) for _ in range(n + 2)))


def inside(space, rng):
    """A random point of the commutant of signed permutations, nothing special about it."""
    whole = commutant(space, SIGNED)
    return whole.point([Fraction(rng.randint(-9, 9), 7) for _ in range(whole.dimension)])


def anywhere(space, rng):
    return tuple(Fraction(rng.randint(-9, 9), 7) for _ in range(space.size))


def plain(update):
    return [x.fraction() for x in update]


def mean(updates):
    return [sum(column, Fraction(0)) / len(updates) for column in zip(*updates, strict=True)]


def sticks_out(space, group, update):
    whole = commutant(space, group)
    return [k for k, x in enumerate(whole.span.residual([RATIONALS.number(x) for x in update], RATIONALS)) if x != 0]


def one_update(space, point, sample, outer=OUTER):
    return plain(sample_update(space, point, sample, outer, RATIONALS).update)


def orbit_update(space, point, sample, outer=OUTER, group=SIGNED):
    return plain(averaged_update(space, point, sample, outer, group.elements, RATIONALS))


# laws


def reward_is_feature(sample):
    """r_t = the first feature of the state that the step leaves, whatever it was before."""
    return Trajectory(sample.features, tuple(f[0] for f in sample.features[: len(sample.rewards)]))


@pytest.mark.parametrize("seed", range(3))
def test_a_reward_that_is_a_feature_leaves_the_set_of_one_layer(seed):
    space, start = made()
    weights = one_layer_set(space, SIGNED, OUTER, start)
    moved = [reward_is_feature(trajectory(seed).moved(g, RATIONALS.number)) for g in SIGNED.elements]
    update = mean([one_update(space, start, s) for s in moved])
    left = weights.span.residual([RATIONALS.number(x) for x in update], RATIONALS)
    assert any(x != 0 for x in left) and sticks_out(space, SIGNED, update)
    # the same features with rewards of their own do not
    update = orbit_update(space, start, trajectory(seed))
    assert not any(x != 0 for x in weights.span.residual([RATIONALS.number(x) for x in update], RATIONALS))


def test_the_reward_of_the_unmoved_feature_is_harmless():
    """What matters is that rewards do not move with the features, not where their values come from."""
    space, start = made(depth=2)
    assert not sticks_out(space, SIGNED, orbit_update(space, start, reward_is_feature(trajectory())))


@pytest.mark.parametrize("name", ["td0", "average-reward-td"])
@pytest.mark.parametrize("depth", [1, 2])
def test_one_fixed_sample_leaves_the_commutant(name, depth):
    space, start = made(name, depth)
    sample = trajectory()
    fixed = orbit_update(space, start, sample, group=group_named("none", D))
    assert fixed == one_update(space, start, sample)
    assert sticks_out(space, SIGNED, fixed)
    answer = single_sample(space, SIGNED, OUTER, start)
    assert answer is not None and answer.residual and list(answer.update) == one_update(space, start, answer.sample)
    assert sorted(answer.residual) == sticks_out(space, SIGNED, answer.update)
    # half of the orbit is not enough either: sign flips alone keep a larger set only
    flips = orbit_update(space, start, sample, group=group_named("sign-flips", D))
    assert sticks_out(space, SIGNED, flips) and not sticks_out(space, group_named("sign-flips", D), flips)


def test_an_average_over_nothing_is_refused():
    space, start = made()
    with pytest.raises(ArgumentError, match="elements is empty"):
        averaged_update(space, start, trajectory(), OUTER, (), RATIONALS)


@pytest.mark.parametrize("depth, looped", [(1, True), (2, True), (2, False)])
def test_features_with_equal_means_lands_in_the_thirteen_dimensions_and_no_fewer(depth, looped):
    """mean c (1, 1) plus a symmetric part: the law is symmetric under permutations, not under sign flips."""
    space, start = made(depth=depth, looped=looped)
    per_matrix = commutant(space, group_named("permutations", D)).dimension // (2 * space.stored)
    assert per_matrix == 13
    shifted = [
        Trajectory(tuple(tuple(x + Fraction(1, 2) for x in f) for f in s.features), s.rewards)
        for s in (trajectory().moved(g, RATIONALS.number) for g in SIGNED.elements)
    ]
    update = mean([plain(sample_update(space, start, s, OUTER, RATIONALS).update) for s in shifted])
    assert not sticks_out(space, group_named("permutations", D), update)
    left = {space.coordinate(k) for k in sticks_out(space, SIGNED, update)}
    assert left
    assert any((c.row_block == "td_error") != (c.column_block == "td_error") for c in left)  # a coupling b 1^T
    assert any(c.row_block == c.column_block == "phi" and c.row != c.column for c in left)  # b 1 1^T


# the action must be on rows, and nothing but masks may act on tokens


def with_masks(space, seed=0):
    rng = Random(f"masks {seed}")
    size = space.layout.n + 1
    drawn = tuple(
        tuple(tuple(Fraction(rng.randint(-4, 4), 3) for _ in range(size)) for _ in range(size)) for _ in space.masks
    )
    return replace(space, masks=drawn)


@pytest.mark.parametrize("name", ["td0", "average-reward-td", "differential-td"])
@pytest.mark.parametrize("depth, looped", [(1, True), (2, True), (3, True), (2, False)])
def test_any_token_mask_keeps_the_commutant(name, depth, looped):
    rng = Random(5)
    for seed in range(2):
        space = with_masks(made(name, depth, looped)[0], seed)
        point = inside(space, rng)
        update = orbit_update(space, point, trajectory(seed))
        assert any(update) and not sticks_out(space, SIGNED, update)
        assert check_equivariance(space, anywhere(space, rng), trajectory(seed), OUTER, SIGNED, RATIONALS) is None


class RowMatrix(WeightSpace):
    """Heads whose P is followed by a fixed row matrix D, with the gradient's chain rule for it."""

    rows: list[list[int]]

    def heads(self, point, arithmetic):
        D = arithmetic.matrix([[arithmetic.number(x) for x in row] for row in self.rows])
        return [tuple(Head(h.W @ D, h.P, h.Q, h.M) for h in layer) for layer in super().heads(point, arithmetic)]


def with_rows(space, rows):
    """Z + (1/n) D P Z M Z^T Q Z: with one head W is not trained, so it can hold D, and the gradient stays right."""
    changed = RowMatrix(**{f.name: getattr(space, f.name) for f in fields(space)})
    object.__setattr__(changed, "rows", rows)
    return changed


def test_a_row_matrix_that_does_not_commute_leaves_the_commutant():
    space, _ = made(depth=2)
    rng, m = Random(7), space.layout.m
    lopsided = [[int(i == j) * (2 if i == 0 else 1) for j in range(m)] for i in range(m)]  # D S != S D
    scalar = [[int(i == j) * (1, 1, 3, 3, 2)[i] for j in range(m)] for i in range(m)]
    S = row_action(space, SIGNED.generators[0])
    for rows, commutes in ((lopsided, False), (scalar, True)):
        left = [[sum(a * b for a, b in zip(r, c, strict=True)) for c in zip(*S, strict=True)] for r in rows]
        right = [[sum(a * b for a, b in zip(r, c, strict=True)) for c in zip(*rows, strict=True)] for r in S]
        assert (left == right) == commutes
        changed = with_rows(space, rows)
        point = inside(changed, rng)
        update = orbit_update(changed, point, trajectory())
        assert bool(sticks_out(space, SIGNED, update)) != commutes
        wrong = check_equivariance(changed, anywhere(space, rng), trajectory(), OUTER, SIGNED, RATIONALS)
        assert (wrong is None) == commutes


def test_no_average_is_taken_by_projection_when_the_update_is_not_equivariant(monkeypatch):
    space, start = made(depth=2)
    lopsided = with_rows(space, [[int(i == j) * (2 if i == 0 else 1) for j in range(5)] for i in range(5)])
    whole = commutant(lopsided, SIGNED)
    answer = random_invariance(whole, SIGNED, OUTER)
    assert not answer.holds and answer.averaged == "over all 8 elements"
    witness = find_witness(whole, SIGNED, OUTER, start)
    assert witness is not None and list(witness.update) == orbit_update(lopsided, witness.point, witness.sample)
    monkeypatch.setattr(decide, "ORBIT_LIMIT", 1)  # nor when the group is too large to move a sample by each
    assert random_invariance(whole, SIGNED, OUTER) is None and find_witness(whole, SIGNED, OUTER, start) is None


# the flow


@pytest.mark.parametrize("kind", OUTERS)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    "name, depth, looped", [("td0", 1, True), ("td0", 3, True), ("td-lambda", 2, False), ("average-reward-td", 2, True)]
)
def test_the_flow_conserves_the_balance_at_any_weights(name, depth, looped, window, kind):
    space = with_masks(made(name, depth, looped)[0])
    rng = Random(11)
    point, outer = anywhere(space, rng), Outer(window, kind, Fraction(9, 10), Fraction(1, 3))
    balanced = balances(space, point, trajectory(), outer)
    assert len(balanced) == space.stored * (1 if len(space.masks) == 1 else 2 * len(space.masks))
    assert all(b.rate == 0 for b in balanced) and any(b.step != 0 for b in balanced)
    # by hand: ||X||^2 - ||Y||^2 after a step of size alpha moves by alpha^2 (||u_X||^2 - ||u_Y||^2), no more
    update, alpha = one_update(space, point, trajectory(), outer), Fraction(1, 3)
    m2 = space.layout.m**2

    def norm(values, layer, matrix):
        first = (layer * len(space.matrices) + space.matrices.index(matrix)) * m2
        return sum(x * x for x in values[first : first + m2])

    stepped = [x + alpha * u for x, u in zip(point, update, strict=True)]
    for b in balanced:
        change = [norm(stepped, b.layer, x) - norm(point, b.layer, x) for x in (b.first, b.second)]
        assert change[0] - change[1] == alpha**2 * b.step
        assert b.step == norm(update, b.layer, b.first) - norm(update, b.layer, b.second)


@pytest.mark.parametrize("fault", ["weight decay", "rescaled Q"])
def test_a_flow_that_does_not_conserve_it_is_noticed(monkeypatch, fault):
    space, _ = made("td0", 2, False)
    point = anywhere(space, Random(13))
    m2 = space.layout.m**2

    def changed(space, point, sample, outer, arithmetic):
        outcome = sample_update(space, point, sample, outer, arithmetic)
        update = [
            u - arithmetic.number(Fraction(x) / 10) if fault == "weight decay" else u * (1 + (k // m2) % 2)
            for k, (u, x) in enumerate(zip(outcome.update, point, strict=True))
        ]
        return replace(outcome, update=update)

    assert all(b.rate == 0 for b in balances(space, point, trajectory(), OUTER))
    monkeypatch.setattr(flow, "sample_update", changed)
    assert all(b.rate != 0 for b in balances(space, point, trajectory(), OUTER))


# equivariance, beyond the group that can be listed


@pytest.mark.parametrize("group_name", ["orthogonal", "rotations", "permutations", "minus-identity"])
@pytest.mark.parametrize("name", ["td0", "average-reward-td", "tdc", "differential-td", "least-squares"])
def test_the_update_is_equivariant_at_random_weights(name, group_name):
    space, _ = made(name, 2, False)
    group = group_named(group_name, D)
    for kind in OUTERS:
        outer = Outer("shared", kind, Fraction(9, 10), Fraction(1, 3))
        assert check_equivariance(space, anywhere(space, Random(17)), trajectory(), outer, group, RATIONALS) is None


def test_the_commutant_has_no_witness_and_a_smaller_law_has_one():
    space, start = made(depth=2)
    assert find_witness(commutant(space, SIGNED), SIGNED, OUTER, start) is None
    permuted = group_named("permutations", D)
    witness = find_witness(commutant(space, SIGNED), permuted, OUTER, start)
    assert witness is not None
    update = orbit_update(space, witness.point, witness.sample, group=permuted)
    assert update == list(witness.update) and sorted(witness.residual) == sticks_out(space, SIGNED, update)

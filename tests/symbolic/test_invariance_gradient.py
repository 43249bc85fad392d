"""The gradient of the outer update is the derivative: against dual numbers through a forward pass of its own (dual.py).

theta is random, so nothing about it is symmetric, and neither are the masks.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from dual import derivative, turned
from helpers import trained

from layerproof.symbolic.arithmetics.arithmetic import PRIME_FIELD, RATIONALS
from layerproof.symbolic.arithmetics.prime_field import element
from layerproof.symbolic.invariance import gradient as gradient_module
from layerproof.symbolic.invariance import update as update_module
from layerproof.symbolic.invariance.samples import OUTERS, WINDOWS, Outer, Trajectory, prompts
from layerproof.symbolic.invariance.symmetry import group_named
from layerproof.symbolic.invariance.update import (
    averaged_update,
    check_equivariance,
    gradient,
    predict,
    prompt_matrix,
    sample_update,
)

DEPTHS = [(1, True), (2, True), (2, False), (3, True), (3, False)]
DISCOUNT, RATE = Fraction(3, 5), Fraction(2, 7)


def made(name, depth, looped, d=2, n=2, seed=0, masks=False):
    space, _ = trained(name, d, n, depth, {"gamma": Fraction(3, 5), "lam": Fraction(1, 3)}, looped)
    rng = Random(f"{name} {depth} {looped} {seed}")
    if masks:
        drawn = tuple(
            tuple(tuple(Fraction(rng.randint(-3, 3)) for _ in range(n + 1)) for _ in range(n + 1)) for _ in space.masks
        )
        space = replace(space, masks=drawn)
    point = tuple(Fraction(rng.randint(-2, 2), rng.choice((1, 2))) for _ in range(space.size))
    features = tuple(tuple(Fraction(rng.choice((-2, -1, 1, 2))) for _ in range(d)) for _ in range(n + 3))
    return space, point, Trajectory(features, tuple(Fraction(rng.choice((-2, 1, 3))) for _ in range(n + 2))), rng


def agrees(space, point, sample, rng, directions=2):
    """Whether gradient and prediction are those of the test's own forward pass, at both prompts of a sample."""
    layers = space.heads(point, RATIONALS)
    for setup in prompts(space, RATIONALS, sample, "sliding"):
        Z = prompt_matrix(setup).fractions()
        prediction, before = predict(space, layers, setup)
        slopes = [x.fraction() for x in gradient(space, layers, before, RATIONALS)]
        assert len(slopes) == space.size
        for _ in range(directions):
            direction = [Fraction(rng.randint(-3, 3)) for _ in range(space.size)]
            value, slope = derivative(space, point, direction, Z)
            assert slope != 0  # the comparison says something
            if prediction.fraction() != value or sum(g * e for g, e in zip(slopes, direction, strict=True)) != slope:
                return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("masks", [False, True], ids=["own masks", "any masks"])
@pytest.mark.parametrize("depth, looped", DEPTHS)
@pytest.mark.parametrize("name", ["td0", "td-lambda", "residual-gradient", "average-reward-td", "differential-td"])
def test_the_gradient_is_the_derivative_along_random_directions(name, depth, looped, masks):
    assert agrees(*made(name, depth, looped, masks=masks))


@pytest.mark.parametrize("name", ["gtd2", "tdc", "least-squares"])
def test_the_gradient_of_the_other_algorithms_too(name):
    for depth, looped in ((1, True), (2, True), (2, False)):
        assert agrees(*made(name, depth, looped, masks=True), directions=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, d, n, depth, looped",
    [
        ("td0", 1, 3, 1, True),
        ("td0", 1, 3, 3, False),
        ("average-reward-td", 1, 2, 2, True),
        ("average-reward-td", 1, 2, 2, False),
        ("td-lambda", 3, 2, 1, True),
        ("td-lambda", 3, 2, 2, True),
    ],
)
def test_every_single_entry_of_the_gradient(name, d, n, depth, looped):
    space, point, sample, _ = made(name, depth, looped, d, n, masks=True)
    layers = space.heads(point, RATIONALS)
    setup, _ = prompts(space, RATIONALS, sample, "sliding")
    Z = prompt_matrix(setup).fractions()
    _, before = predict(space, layers, setup)
    slopes = [x.fraction() for x in gradient(space, layers, before, RATIONALS)]
    for k in range(space.size):
        assert slopes[k] == derivative(space, point, [Fraction(int(j == k)) for j in range(space.size)], Z)[1], k
    assert any(slopes)


def hand_prompt(sample, first, query, n, gamma):
    """Z of TD(0): (phi_j; gamma phi'_j; R_j) and the query column (q; 0; 0)."""
    f, r = sample.features, sample.rewards
    columns = [[*f[first + j], *(gamma * x for x in f[first + j + 1]), r[first + j]] for j in range(n)]
    return turned([*columns, [*f[query], *([Fraction(0)] * (len(f[0]) + 1))]])


@pytest.mark.parametrize("kind", OUTERS)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("depth, looped", [(1, True), (2, False)])
def test_the_outer_update_by_hand(depth, looped, window, kind):
    space, point, sample, rng = made("td0", depth, looped, n=3)
    n, R = 3, sample.rewards[-1]
    Z = hand_prompt(sample, 0, n + 1, n, Fraction(3, 5))
    later = hand_prompt(sample, 1 if window == "sliding" else 0, n + 2, n, Fraction(3, 5))
    outer = Outer(window, kind, DISCOUNT, RATE)
    result = sample_update(space, point, sample, outer, RATIONALS)
    for _ in range(2):
        direction = [Fraction(rng.randint(-3, 3)) for _ in range(space.size)]
        (value, slope), (following, slope_later) = (derivative(space, point, direction, z) for z in (Z, later))
        assert (result.prediction, result.following) == (value, following)
        delta = R - RATE - value + (0 if kind == "monte-carlo" else DISCOUNT * following)
        assert result.delta == delta
        wanted = delta * slope - (DISCOUNT * delta * slope_later if kind == "residual-gradient" else 0)
        assert sum(u.fraction() * e for u, e in zip(result.update, direction, strict=True)) == wanted


@pytest.mark.parametrize("name", ["td-lambda", "average-reward-td"])
def test_the_prime_field_says_the_same(name):
    space, point, sample, _ = made(name, 2, False, masks=True)
    outer = Outer("shared", "residual-gradient", DISCOUNT, RATE)
    there = Trajectory(
        tuple(tuple(element(x) for x in f) for f in sample.features), tuple(element(r) for r in sample.rewards)
    )
    field = sample_update(space, [element(x) for x in point], there, outer, PRIME_FIELD).update
    exact = sample_update(space, point, sample, outer, RATIONALS).update
    assert [int(x) for x in field] == [int(element(x.fraction())) for x in exact]


# planted faults: every one must be noticed

FAULTS = [
    ("the query's path", "h.Q.mT @ (met @ F)", "h.Q.mT @ (met @ F) * 0"),
    ("the keys' path", "h.Q @ (T @ masked)", "h.Q @ (T @ masked) * 0"),
    ("the values' path", "h.P.mT @ ((compared @ Z) @ h.M.mT)", "h.P.mT @ ((compared @ Z) @ h.M.mT) * 0"),
    ("a transposed mask on the values", "@ h.M.mT", "@ h.M"),
    ("a transposed mask in Z M^T Z^T", "met = Z @ masked.mT", "met = masked @ Z.mT"),
    ("Q for Q^T", "h.Q @ (T @ masked)", "h.Q.mT @ (T @ masked)"),
    ("P for P^T", "F = h.P.mT @ B", "F = h.P @ B"),
    ("W for W^T", "B = h.W.mT @ scaled", "B = h.W @ scaled"),
    ("the transposed gradient of Q", "Q=met @ T.mT", "Q=T @ met.mT"),
    ("no 1/n", "scaled = G * scale", "scaled = G"),
    ("no residual stream", "back = G\n", "back = G * 0\n"),
]


@pytest.mark.parametrize("right, wrong", [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_planted_fault_in_the_gradient_is_noticed(monkeypatch, right, wrong):
    source = inspect.getsource(gradient_module.gradients)
    assert source.count(right) == 1, "the formula is written otherwise now: plant the fault anew"
    scope = dict(vars(gradient_module))
    exec(source.replace(right, wrong), scope)
    case = made("average-reward-td", 2, False, masks=True)
    assert agrees(*case)
    monkeypatch.setattr(update_module, "gradients", scope["gradients"])
    assert not agrees(*case)


def test_a_looped_gradient_that_forgets_a_layer_is_noticed(monkeypatch):
    whole = update_module.gradients
    monkeypatch.setattr(
        update_module,
        "gradients",
        lambda *a: [
            [replace(g, P=g.P * int(k > 0), Q=g.Q * int(k > 0)) for g in heads] for k, heads in enumerate(whole(*a))
        ],
    )
    assert not agrees(*made("td0", 2, True))


def test_equivariance_holds_anywhere_and_a_fault_breaks_it(monkeypatch):
    space, point, sample, _ = made("td0", 2, False, masks=True)
    group = group_named("orthogonal", 2)
    assert check_equivariance(space, point, sample, Outer(), group, RATIONALS) is None
    whole = update_module.gradients

    def lopsided(before, layers, scale, seed):  # reads only the first feature's row of the gradient of Q
        keep = RATIONALS.matrix([[int(i == j == 0) for j in range(5)] for i in range(5)])
        return [[replace(g, Q=keep @ g.Q) for g in heads] for heads in whole(before, layers, scale, seed)]

    monkeypatch.setattr(update_module, "gradients", lopsided)
    wrong = check_equivariance(space, point, sample, Outer(), group, RATIONALS)
    assert wrong is not None and "does not carry the update's entry" in wrong


# numbers worked out by hand (mathematics.md, section 4)


def test_the_counterexample_in_one_dimension():
    """d = n = 1, L = 2, context (phi, gamma phi', R) = (1, 1, 1), query 1: f = 2 and ten derivatives."""
    space, point = trained("td0", 1, 1, 2, {"gamma": Fraction(1)})
    assert space.matrix_rows(point, 0, 0) == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert space.matrix_rows(point, 0, 1) == [[-1, 1, 0], [0, 0, 0], [0, 0, 0]]
    one, zero = Fraction(1), Fraction(0)
    sample = Trajectory(((one,), (one,), (one,), (one,)), (one, zero, zero))
    now, _ = prompts(space, RATIONALS, sample, "sliding")
    assert prompt_matrix(now).fractions() == [[1, 1], [1, 0], [1, 0]]
    prediction, before = predict(space, space.heads(point, RATIONALS), now)
    assert prediction == 2
    slopes = [x.fraction() for x in gradient(space, space.heads(point, RATIONALS), before, RATIONALS)]
    P, Q = (space.matrix_rows(slopes, 0, k) for k in range(2))
    assert [P[0][0], P[0][1], P[1][0], P[1][1], P[2][2]] == [-1, -1, 1, 1, 2]
    assert [Q[0][0], Q[1][0], Q[0][1], Q[1][1], Q[2][2]] == [-1, -1, 1, 1, 2]
    # the law: the prompt or its sign flip, R' = 0, rewards of the next prompt zero: delta = -2
    flips = group_named("minus-identity", 1)
    update = averaged_update(space, point, sample, Outer(), flips.elements, RATIONALS)
    assert sample_update(space, point, sample, Outer(), RATIONALS).delta == -2
    assert [x.fraction() for x in update] == [
        *(2, 2, 0, -2, -2, 0, 0, 0, -4),
        *(2, -2, 0, 2, -2, 0, 0, 0, -4),
    ]


def blocks(space, update, matrix):
    """The numbers that stand for a matrix's blocks, [phi, phi], [phi, phi'], ..., which must all be scalar."""
    rows = space.matrix_rows([x.fraction() for x in update], 0, matrix)
    numbers = []
    for _, height, moved in space.blocks:
        for _, width, moved_too in space.blocks:
            c = rows[height[0]][width[0]]
            assert moved == moved_too or c == 0
            assert all(rows[i][j] == (c if i - height[0] == j - width[0] else 0) for i in height for j in width)
            numbers.append(c)
    return numbers


FEATURES = ((-1, 2), (-2, 0), (-2, 1), (1, 1), (1, -1))


def example(name):
    space, point = trained(name, 2, 2, 2, {"gamma": Fraction(1, 2), "lam": Fraction(1, 2)})
    features = tuple(tuple(map(Fraction, f)) for f in FEATURES)
    return space, point, Trajectory(features, tuple(map(Fraction, (-2, 1, -2, 1))))


def fractions(text):
    return [Fraction(x) for x in text.split()]


@pytest.mark.parametrize("window", WINDOWS)
def test_the_average_over_eight_signed_permutations(window):
    """All ten numbers of the commutant move, and nothing outside it does."""
    space, point, sample = example("td0")
    group = group_named("signed-permutations", 2)
    outer = Outer(window, discount=Fraction(1, 2))
    update = averaged_update(space, point, sample, outer, group.elements, RATIONALS)
    assert blocks(space, update, 0) == fractions("-15/8 21/8 0  3/8 -9/8 0  0 0 3")
    assert blocks(space, update, 1) == fractions("-3/4 3/4 0  15/16 3/32 0  0 0 -27/2")


def test_the_same_with_a_trace():
    space, point, sample = example("td-lambda")
    group = group_named("signed-permutations", 2)
    update = averaged_update(space, point, sample, Outer(discount=Fraction(1, 2)), group.elements, RATIONALS)
    P, Q = blocks(space, update, 0), blocks(space, update, 1)
    assert (P[4], Q[8]) == (Fraction(1, 4), Fraction(35, 8))
    assert all(x != 0 for k, x in enumerate([*P, *Q]) if k % 9 in (0, 1, 3, 4, 8))

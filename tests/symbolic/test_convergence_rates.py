"""Certified rates, sets of steps, and fields that are no gradient: by hand, and with planted faults."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from convergence_prompts import CYCLE, EXPANDING, TWO, VALUES, WINDOW, of, raw, scaled
from flint import fmpq, fmpq_mat, fmpq_poly

from layerproof.symbolic.algorithms import find
from layerproof.symbolic.convergence.decide import decide
from layerproof.symbolic.convergence.field import field, half_mean_square, serves, spectral_metric
from layerproof.symbolic.convergence.iteration import affine_family, iteration
from layerproof.symbolic.convergence.krylov import changes, minimal_polynomial, observe, recurrence, restrict
from layerproof.symbolic.convergence.layers import layers_for
from layerproof.symbolic.convergence.lyapunov import Envelope, certifies, positive_definite, root_above
from layerproof.symbolic.convergence.rate import rate
from layerproof.symbolic.convergence.rationals import column, fraction, identity, matrix, row
from layerproof.symbolic.convergence.steps import _inners, largest_step, steps
from layerproof.symbolic.prompt import Context

HALF, EPSILON = Fraction(1, 2), Fraction(1, 10**6)


# rates


@pytest.mark.parametrize("name", ["td0", "gtd2", "differential-td"])
def test_every_iterate_is_inside_the_envelope_and_epsilon_is_met(name: str) -> None:
    fate = decide(of(name, CYCLE, HALF))
    epsilon = Fraction(1, 100) if name != "gtd2" else Fraction(1)
    speed = rate(fate, epsilon)
    assert speed.radius[0] <= speed.envelope.r < 1
    it, w = fate.iteration, fate.iteration.start
    for layer in range(min(speed.layers + 2, 120)):
        error = abs(fraction((it.read * w)[0, 0] - fate.value))
        assert error <= speed.envelope.bound(layer)
        assert layer < speed.layers or error <= epsilon
        w = it.T * w + it.c
    assert speed.envelope.bound(speed.layers - 1) > epsilon >= speed.envelope.bound(speed.layers)


def test_the_rate_is_close_to_the_spectral_radius() -> None:
    speed = rate(decide(of("td0", TWO)), EPSILON)
    assert speed.radius == (Fraction(19, 20), Fraction(19, 20))
    assert Fraction(19, 20) < speed.envelope.r < Fraction(96, 100)


def test_a_hair_within_the_largest_step_there_is_a_rate_all_the_same() -> None:
    for digits in (12, 40):
        inside = rate(decide(of("td0", TWO, Fraction(40, 19) - Fraction(1, 10**digits))), EPSILON)
        assert inside.radius[0] < inside.radius[1] <= inside.envelope.r < 1
        assert 10 ** (digits - 1) < inside.layers < 10 ** (digits + 3)
        assert certifies(inside.errors.F, inside.envelope.X, inside.envelope.r)
    beyond = decide(of("td0", TWO, Fraction(40, 19) + Fraction(1, 10**40))).start
    assert not beyond.converges and beyond.why.endswith("of modulus just above 1")


def test_the_envelope_of_a_period_bounds_each_of_its_layers() -> None:
    steps = [scaled(2, Fraction(3, 2)), scaled(2, Fraction(1, 3))]
    fate = decide(iteration(find("td0"), TWO, steps, VALUES, {}))
    speed = rate(fate, EPSILON)
    w = fate.iteration.start
    assert len(speed.envelope.constants) == 2
    for layer in range(60):
        assert abs(fraction((fate.iteration.read * w)[0, 0] - fate.value)) <= speed.envelope.bound(layer)
        T, c = fate.iteration.phases[layer % 2]
        w = T * w + c


def test_a_prediction_that_never_changes_or_ends_exactly() -> None:
    still = rate(decide(raw([[HALF]], [0])), EPSILON)
    assert still.layers == 0 and still.envelope.bound(0) == 0
    unseen = rate(decide(raw([[HALF, 0], [0, 2]], [0, 1], read=[1, 0])), EPSILON)
    assert unseen.layers == 0
    nilpotent = rate(decide(raw([[0, 1], [0, 0]], [1, 1])), EPSILON)
    assert nilpotent.radius == (0, 0) and 2 <= nilpotent.layers < 30


def test_no_rate_is_given_where_the_prediction_diverges() -> None:
    assert rate(decide(of("td0", EXPANDING)), EPSILON) is None


def test_a_certificate_edited_by_one_entry_is_refused() -> None:
    speed = rate(decide(of("td0", CYCLE)), EPSILON)
    F, X, r = speed.errors.F, speed.envelope.X, speed.envelope.r
    assert certifies(F, X, r)
    for i in range(X.nrows()):
        for j in range(X.nrows()):
            edited = fmpq_mat(X)
            edited[i, j] = X[i, j] * (-1 if i == j else 1) + (1 if i != j else 0)
            assert not certifies(F, edited, r)
    assert not certifies(F, X, Fraction(9, 10)) and not certifies(F, X, Fraction(1))


def test_positive_definite_by_hand() -> None:
    assert positive_definite(matrix([[2, 1], [1, 1]]))
    for m in ([[1, 1], [1, 1]], [[1, 2], [2, 1]], [[-1]], [[0]], [[1, 0], [1, 1]], [[0, 1], [1, 0]]):
        assert not positive_definite(matrix(m))


def test_layers_are_counted_at_the_edge() -> None:
    exact = Envelope(HALF, fmpq_mat(0, 0), (Fraction(1),))
    assert layers_for(exact, Fraction(1, 2**20)) == 20 and layers_for(exact, Fraction(1)) == 0
    assert layers_for(exact, Fraction(1, 2**20) - Fraction(1, 2**90)) == 21
    assert layers_for(exact, Fraction(1, 2**9000)) == 9000
    two = Envelope(HALF, fmpq_mat(0, 0), (Fraction(1), Fraction(4)))
    assert layers_for(two, Fraction(1, 4)) == 8  # layer 7 = 3 2 + 1: 4 / 8 is above 1/4
    assert root_above(Fraction(2)) ** 2 > 2 and float(root_above(Fraction(2))) == pytest.approx(2**0.5, rel=1e-6)


def test_krylov_spaces_and_recurrences_are_as_small_as_they_can_be() -> None:
    rng = random.Random(3)
    for _ in range(60):
        n = rng.randint(1, 5)
        T = matrix(
            [[fmpq(rng.randint(-3, 3), 2) if rng.random() < 0.6 else fmpq(0) for _ in range(n)] for _ in range(n)]
        )
        r, h = (f([rng.choice([0, 0, 1, -2]) for _ in range(n)]) for f in (column, row))
        s = changes(T, r, h, 4 * n)
        m = minimal_polynomial(T, r)
        powers = [r]
        for _ in range(n - 1):
            powers.append(T * powers[-1])
        assert fmpq_mat(n, n, [v[i, 0] for i in range(n) for v in powers]).rank() == m.degree()
        p = recurrence(m, s) if m.degree() else fmpq_poly([1])
        hankel = fmpq_mat(n, n, [s[i + j] for i in range(n) for j in range(n)])
        assert hankel.rank() == p.degree()
        assert all(sum((p[i] * s[k + i] for i in range(p.degree() + 1)), fmpq(0)) == 0 for k in range(2 * n))
        if m.degree():
            small = observe(restrict(T, r, r, [h], m.degree()))
            assert small.F.nrows() in (p.degree(), m.degree())
            assert changes(small.F, small.z, small.read[0], 2 * n) == s[: 2 * n]


# steps


def allowed(context: Context, name: str = "td0", **fixed: Fraction):
    algorithm = find(name)
    family = affine_family(
        algorithm, context,
        lambda alpha: scaled(context.d, *(fixed.get(p, alpha) for p in algorithm.preconditioners)),
        algorithm.values(VALUES), algorithm.choose(None),
    )  # fmt: skip
    size = family[0][0].nrows()
    return steps(family, column([0] * size), row([0] * size), (("w", size),))


def test_the_largest_step_is_exact() -> None:
    steps = allowed(TWO)  # G = (1/2) [[1, -gamma], [-gamma, 1]]: 2 / ((1 + gamma) / 2) = 40/19
    ((low, high),) = steps.every
    assert (low.upper, high.lower, high.upper) == (0, Fraction(40, 19), Fraction(40, 19))
    edge = high.lower
    for beyond, answer in ((-Fraction(1, 2**100), True), (Fraction(0), False), (Fraction(1, 2**100), False)):
        assert decide(of("td0", TWO, edge + beyond)).start.converges is answer


def test_no_step_at_all() -> None:
    steps = allowed(EXPANDING)
    assert steps.start == steps.every == () and steps.form == "T = I - alpha A"


def test_a_closed_trajectory_with_spanning_features_has_an_exact_largest_step() -> None:
    ((_, high),) = allowed(CYCLE).start
    # eigenvalues of G: 1/30, and 29/60 +- 3 sqrt(3) i / 20 with 2 Re / |.|^2 = 2 (29/60) / (271/900)
    assert high.lower == high.upper == Fraction(870, 271)
    assert not decide(of("td0", CYCLE, high.lower)).start.converges
    assert decide(of("td0", CYCLE, high.lower - Fraction(1, 10**30))).start.converges


def test_stable_steps_need_not_begin_at_zero() -> None:
    steps = allowed(WINDOW, "gtd2", D=HALF)
    ((low, high),) = steps.start
    assert Fraction(2, 25) < low.lower <= low.upper < Fraction(1, 10) < high.lower <= high.upper < Fraction(3, 25)
    assert steps.form == "T = T_0 + alpha T_1" and high.upper - high.lower < Fraction(1, 10**9)
    for alpha, answer in ((Fraction(1, 10), True), (Fraction(2, 25), False), (Fraction(3, 25), False)):
        step = scaled(2, alpha, HALF)
        assert decide(iteration(find("gtd2"), WINDOW, [step], VALUES, {})).start.converges is answer


def test_more_eigenvalues_than_are_isolated_is_said() -> None:
    every = [[int(i == j) for j in range(5)] for i in range(5)]
    context = Context.of(every, [*every[1:], every[0]], [1, 0, 0, 0, 0], [1] * 5)
    steps = allowed(context, "gtd2", D=HALF)
    assert steps.start is None and "10 eigenvalues" in steps.why


def test_the_product_over_pairs_of_roots() -> None:
    roots = [fmpq(1, 2), fmpq(-3), fmpq(2, 5), fmpq(1, 3)]
    p, product = fmpq_poly([1]), fmpq(1)
    for i, x in enumerate(roots):
        p *= fmpq_poly([-x, 1])
        for y in roots[:i]:
            product *= 1 - x * y
    assert _inners(p.coeffs()) == product


# gradients


def test_td_on_a_cycle_is_no_gradient_descent() -> None:
    judged = field(of("td0", CYCLE).T, of("td0", CYCLE).c)
    assert not judged.gradient and judged.metric is None
    (root, _) = judged.roots
    assert root.real == pytest.approx(29 / 60) and abs(root.imag) == pytest.approx(3 * 3**0.5 / 20)


def test_reversible_tabular_td_is_gradient_descent_in_some_metric() -> None:
    judged = field(of("td0", TWO).T, of("td0", TWO).c)
    assert judged.gradient and judged.metric == identity(2)
    it = iteration(find("td0"), TWO, [([[Fraction(1), Fraction(0)], [Fraction(0), HALF]],)], VALUES, {})
    judged = field(it.T, it.c)
    gap = identity(2) - it.T
    assert gap != gap.transpose() and judged.gradient and serves(judged.metric, gap)


def test_least_squares_and_residual_gradient_exhibit_their_loss() -> None:
    gamma = VALUES["gamma"]
    for name, discount in (("least-squares", Fraction(0)), ("residual-gradient", gamma)):
        it = of(name, CYCLE, Fraction(1, 3))
        judged = field(it.T, it.c, [identity(3) * fmpq(3)])
        moved = [
            [a - discount * b for a, b in zip(phi, after, strict=True)]
            for phi, after in zip(CYCLE.features, CYCLE.next_features, strict=True)
        ]
        assert judged.gradient and (judged.hessian, judged.slope) == half_mean_square(moved, list(CYCLE.rewards))


def test_a_defective_field_is_no_gradient() -> None:
    judged = field(matrix([[HALF, 1], [0, HALF]]), column([0, 0]))
    assert not judged.gradient and "defective" in judged.why


def test_a_metric_is_constructed_wherever_there_is_one() -> None:
    rng = random.Random(1)
    for _ in range(30):
        n = rng.randint(1, 4)
        S = fmpq_mat(n, n, [rng.randint(-3, 3) for _ in range(n * n)])
        if not S.det():
            continue
        D = fmpq_mat(n, n)
        for i in range(n):
            D[i, i] = rng.choice([1, 2, fmpq(1, 2), -3, 0])
        M = S * D * S.inv()
        assert field(identity(n) - M, column([1] * n)).gradient
        assert serves(spectral_metric(M, M.minpoly()), M)
        assert not serves(-1 * identity(n), M)


def test_a_fate_without_steps_or_differences_is_whole() -> None:
    fate = decide(replace(of("td0", TWO), start=column([1, 2])))
    assert fate.differences is None and fate.limit is not None


def test_a_largest_step_below_all_floats_is_bracketed_too() -> None:
    bracket = largest_step(fmpq_poly([-fmpq(10**400), 1]) * fmpq_poly([-1, 1]))
    assert bracket.lower <= Fraction(2, 10**400) <= bracket.upper < bracket.lower * 2

"""Roots inside the unit disc, on it, and their largest modulus: by hand, against ball arithmetic, and at the edge."""

from __future__ import annotations

import random
from fractions import Fraction
from math import inf

import pytest
from flint import fmpq, fmpq_poly, fmpz, fmpz_poly

from layerproof.symbolic.convergence.balls import balls_inside, largest_root, too_close
from layerproof.symbolic.convergence.decide import judged
from layerproof.symbolic.convergence.disc import closed, inside, radius, within
from layerproof.symbolic.convergence.rationals import integer_polynomial
from layerproof.symbolic.convergence.sturm import isolate, real_roots

HALF = Fraction(1, 2)
BY_HAND = [  # coefficients from the constant on; inside, closed, rho, different real roots
    ([0, 1], True, True, 0, 1),
    ([-1, 2], True, True, HALF, 1),
    ([1, -4, 4], True, True, HALF, 1),
    ([-1, 1], False, True, 1, 1),
    ([1, -2, 1], False, True, 1, 1),
    ([1, 0, 1], False, True, 1, 0),
    ([1, -1, 1], False, True, 1, 0),
    ([1, 0, 0, 0, 0, 1], False, True, 1, 1),
    ([-1, 2, -4, 8], True, True, HALF, 1),  # 1/2 and +-i/2
    ([-2, 1], False, False, 2, 1),
    ([1, fmpq(-5, 2), 1], False, False, 2, 2),  # 2 and 1/2: the product is 1, neither is on the circle
    ([5], True, True, 0, 0),
]


@pytest.mark.parametrize(("coefficients", "strictly", "weakly", "rho", "real"), BY_HAND)
def test_by_hand(coefficients: list, strictly: bool, weakly: bool, rho: Fraction, real: int) -> None:
    p = fmpq_poly(coefficients)
    assert inside(p) is strictly and closed(p) is weakly
    if p.degree() > 0:
        assert radius(p) == (rho, rho) and real_roots(p) == real


def test_exact_and_ball_arithmetic_agree_where_balls_can_tell() -> None:
    rng, told = random.Random(5), 0
    for _ in range(120):
        p = fmpz_poly([rng.randint(-6, 6) for _ in range(rng.randint(1, 6))] + [rng.randint(1, 9)])
        balls = balls_inside(p)
        told += balls is not None
        assert balls in (None, inside(p))
        if balls is None:
            assert closed(p) and not inside(p)
        low, high = radius(p)
        assert low <= high and not (low < 1 < high) and (high <= 1) >= inside(p)
        assert not within(p, low) if low else True
        assert low == high or within(p, high)
    assert 100 < told < 120  # the rest have a root on the circle, which only the exact test decides


@pytest.mark.parametrize("bits", [1, 60, 2000])
def test_an_eigenvalue_beside_the_circle_is_told_from_one_on_it(bits: int) -> None:
    near = fmpq(2**bits - 1, 2**bits)
    assert inside(fmpq_poly([-near, 1])) and not inside(fmpq_poly([-1 / near, 1]))
    assert inside(fmpq_poly([near, 0, 1])) and not inside(fmpq_poly([1 / near, 0, 1]))


def test_positive_roots_are_isolated_and_counted() -> None:
    p = fmpq_poly([-2, 0, 1]) * fmpq_poly([-1, 3]) * fmpq_poly([5, 1]) * fmpq_poly([1, 0, 1]) * fmpq_poly([-1, 3])
    third, root = isolate(p)
    assert third == (Fraction(1, 3), Fraction(1, 3))
    assert root[0] ** 2 < 2 < root[1] ** 2 and root[1] - root[0] < Fraction(1, 10**9)
    with pytest.raises(ValueError, match="zero polynomial"):
        isolate(fmpq_poly([0]))
    with pytest.raises(ValueError, match="zero polynomial"):
        inside(fmpq_poly([0]))


def test_a_radius_beyond_all_floats_has_a_bracket_too() -> None:
    lower, upper = radius(fmpz_poly([-(10**400), 1]) * fmpz_poly([-1, 2]))
    assert lower <= 10**400 <= upper < lower * (1 + Fraction(1, 1000))


def test_an_eigenvalue_beyond_floats_is_told_in_words() -> None:
    reason = judged(fmpq_poly([-(10**400), 1])).why
    assert reason.endswith("one too large for a float of modulus above 1.8e+308") and "inf" not in reason
    assert judged(fmpq_poly([-3, 1])).why.endswith("about 3 of modulus 3")


def test_roots_too_close_for_enclosures_are_not_looked_for_and_others_are() -> None:
    a, b = fmpz(10) ** 600, fmpz(10) ** 10
    near = fmpz_poly([a, -2 * a - b, a])  # 1 +- 10^-295
    assert too_close(near) and balls_inside(near) is None and largest_root(near)[1] == pytest.approx(1)
    assert too_close(near * fmpz_poly([-1, 1]) ** 2)  # a root that is there twice hides nothing
    for apart in (fmpz_poly([a, -3 * a, 2 * a + 1]), fmpz_poly([1, a, 3]), fmpz_poly([1, -1]) ** 5, fmpz_poly([5])):
        assert not too_close(apart)


@pytest.mark.parametrize(
    "scale", [Fraction(1), 1 - Fraction(1, 10**400), Fraction(1, 10**500), Fraction(10**500), Fraction(7, 3)]
)
def test_the_radius_of_roots_too_close_for_enclosures_is_halved_exactly(scale: Fraction) -> None:
    a, b = Fraction(10) ** 600, Fraction(10) ** 10
    for middle in (a + b / 2, a - b / 2):  # the roots of a x^2 - 2 m x + a: real, or a pair on a circle
        p = fmpq_poly([fmpq(*x.as_integer_ratio()) for x in (a * scale**2, -2 * middle * scale, a)])
        assert too_close(integer_polynomial(p))
        lower, upper = radius(p)
        assert not lower or not within(p, lower)
        assert upper == lower or within(p, upper)
        assert upper - lower <= upper / 2**15 and not lower < 1 < upper
        shown = largest_root(p)[1]
        assert shown == (inf if scale > 10**308 else pytest.approx(float(scale)))


def test_a_largest_root_beside_close_ones_is_not_lost() -> None:
    a = fmpz(10) ** 600
    p = fmpz_poly([a, -2 * a - 1, a]) * fmpz_poly([-(fmpz(10) ** 200), 1])
    assert too_close(p) and largest_root(p) == (1e200, 1e200) and not inside(p)
    lower, upper = radius(p)
    assert lower <= 10**200 <= upper

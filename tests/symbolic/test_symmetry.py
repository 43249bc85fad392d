"""Symmetry groups of the features: their elements, what commutes with them, and what is refused."""

from __future__ import annotations

import time
from fractions import Fraction
from itertools import product
from math import factorial
from random import Random

import pytest
from flint import fmpq, fmpq_mat
from helpers import trained
from hypothesis import given, settings
from hypothesis import strategies as st

import layerproof as lp
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.invariance.moved import _split
from layerproof.symbolic.invariance.sets import commutant
from layerproof.symbolic.invariance.symmetry import (
    ENUMERATION_LIMIT,
    GROUPS,
    SymmetryGroup,
    group_named,
    identity,
    multiply,
    nullspace,
    transpose,
)

FINITE = {
    "signed-permutations": lambda d: 2**d * factorial(d),
    "permutations": factorial,
    "sign-flips": lambda d: 2**d,
    "minus-identity": lambda d: 2,
    "none": lambda d: 1,
}
TURN = ((Fraction(0), Fraction(-1)), (Fraction(1), Fraction(0)))
SWAP = ((Fraction(0), Fraction(1)), (Fraction(1), Fraction(0)))
PYTHAGORAS = ((Fraction(5, 13), Fraction(-12, 13)), (Fraction(12, 13), Fraction(5, 13)))


def space_of(name="td0", d=2, n=2):
    return trained(name, d, n, 1, {"gamma": Fraction(9, 10), "lam": Fraction(1, 2)})[0]


def rank(rows, width):
    rows = [row for row in rows if any(row)]
    flat = [fmpq(x.numerator, x.denominator) for row in rows for x in row]
    return fmpq_mat(len(rows), width, flat).rank() if rows else 0


def action(space, g):
    """S = diag(g, g, 1, ...) by rows, from the layout alone."""
    d, m = space.layout.d, space.layout.m
    scalars = {b.name for b in space.algorithm.features if b.scalar}
    S = [[Fraction(int(i == j)) for j in range(m)] for i in range(m)]
    start = 0
    for name, size in space.layout.features:
        if name not in scalars:
            for i, j in product(range(d), repeat=2):
                S[start + i][start + j] = g[i][j]
        start += size
    return S


def commuting_equations(S):
    """Rows of the linear system S A - A S = 0 in all m^2 entries of A."""
    m = len(S)
    rows = []
    for i, j in product(range(m), repeat=2):
        row = [Fraction(0)] * (m * m)
        for k in range(m):
            row[k * m + j] += S[i][k]
            row[i * m + k] -= S[k][j]
        rows.append(row)
    return rows


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("name", FINITE)
def test_orders_and_elements(name, d):
    group = group_named(name, d)
    elements = set(group.elements)
    assert group.order == len(group.elements) == len(elements) == FINITE[name](d)
    assert identity(d) in elements
    rng = Random(d)
    for _ in range(10):
        a, b = rng.choice(group.elements), rng.choice(group.elements)
        assert multiply(a, b) in elements and transpose(a) in elements
        assert multiply(a, transpose(a)) == identity(d)
    assert set(group.generators) <= elements


@pytest.mark.parametrize("d", [2, 3, 4])
@pytest.mark.parametrize("name", ["signed-permutations", "permutations", "sign-flips"])
def test_the_listed_elements_are_those_that_the_generators_make(name, d):
    named = group_named(name, d)
    assert named.is_monomial
    closed = SymmetryGroup("by generators", d, named.generators)
    assert not closed.is_monomial
    assert set(closed.elements) == set(named.elements) and closed.order == named.order


def test_a_group_that_only_borrows_a_name_is_not_taken_for_it():
    group = SymmetryGroup("signed-permutations", 2, (SWAP,))
    assert not group.is_monomial and group.order == 2


def test_six_features_have_46080_signed_permutations():
    start = time.perf_counter()
    assert group_named("signed-permutations", 6).order == 46080 <= ENUMERATION_LIMIT
    assert group_named("signed-permutations", 7).elements is None
    assert group_named("signed-permutations", 7).order == 645120
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("d", [2, 3, 5])
@pytest.mark.parametrize("name", ["orthogonal", "rotations"])
def test_infinite_groups_are_recognised_at_once(name, d):
    start = time.perf_counter()
    group = group_named(name, d)
    assert group.elements is None and group.order is None
    assert time.perf_counter() - start < 5


def test_a_rational_rotation_of_the_users_is_recognised_as_infinite():
    assert SymmetryGroup("mine", 2, (PYTHAGORAS,)).order is None
    # two reflections, each of order 2, whose product is that rotation
    mirror = multiply(PYTHAGORAS, ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(-1))))
    assert SymmetryGroup("one", 2, (mirror,)).order == 2
    flip = ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(-1)))
    assert SymmetryGroup("two", 2, (mirror, flip)).order is None


def test_an_infinite_group_whose_first_products_have_integer_traces():
    """Reflections in three dimensions: traces are 1 for long, but the group is infinite."""
    a = Fraction(3, 5)
    b = Fraction(4, 5)
    one, zero = Fraction(1), Fraction(0)
    mirror = ((-a, b, zero), (b, a, zero), (zero, zero, one))  # trace 1
    group = SymmetryGroup("mirrors", 3, (mirror, *group_named("permutations", 3).generators))
    start = time.perf_counter()
    assert group.order is None
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    "generator, message",
    [
        (((1, 1), (0, 1)), "is not orthogonal"),
        (((2, 0), (0, Fraction(1, 2))), "is not orthogonal"),
        (((0, 0), (0, 0)), "is not orthogonal"),
        (((Fraction(3, 5), Fraction(4, 5)), (Fraction(4, 5), Fraction(3, 5))), "is not orthogonal"),
        (((1, 0),), "is no 2 x 2 matrix"),
        (((1, 0, 0), (0, 1, 0)), "is no 2 x 2 matrix"),
        (((1, 0), (0,)), "is no 2 x 2 matrix"),
        (((1, 0, 0), (0, 1, 0), (0, 0, 1)), "is no 2 x 2 matrix"),
        ((), "is no 2 x 2 matrix"),
    ],
)
def test_what_is_no_group_action_on_the_prompt_is_refused(generator, message):
    rows = tuple(tuple(Fraction(x) for x in row) for row in generator)
    with pytest.raises(ArgumentError, match=rf"generators\[1\] {message}"):
        SymmetryGroup("mine", 2, (identity(2), rows))


def test_an_unknown_name_is_refused_with_the_names():
    with pytest.raises(ArgumentError, match="group is 'unitary', wanted one of signed-permutations"):
        group_named("unitary", 2)


# the commutant, against the dense system over all m x m matrices

ALL_NAMES = ["td0", "least-squares", "average-reward-td", "differential-td"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL_NAMES)
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("group_name", GROUPS)
def test_the_commutant_is_the_nullspace_of_all_commutators(group_name, d, name):
    space, group = space_of(name, d), group_named(group_name, d)
    assert_commutant(space, group)


def assert_commutant(space, group):
    m, whole = space.layout.m, commutant(space, group)
    rows = [row for g in group.generators for row in commuting_equations(action(space, g))]
    per_matrix = m * m - rank(rows, m * m)
    assert whole.dimension == per_matrix * len(space.matrices)
    assert not any(whole.base) and len(whole.labels) == whole.dimension
    for v in whole.directions:
        (start,) = {k // (m * m) * m * m for k in v}
        flat = [v.get(start + k, Fraction(0)) for k in range(m * m)]
        assert all(sum(row[k] * x for k, x in enumerate(flat) if x) == 0 for row in rows)
    dense = [[v.get(k, Fraction(0)) for k in range(space.size)] for v in whole.directions]
    assert rank(dense, space.size) == whole.dimension


@pytest.mark.parametrize("d", [2, 3, 4, 6])
@pytest.mark.parametrize("name, r", [("td0", 1), ("average-reward-td", 2)])
def test_the_known_dimensions_for_each_matrix(name, r, d):
    space = space_of(name, d)

    def dimension(group_name):
        whole = commutant(space, group_named(group_name, d)).dimension
        assert whole % len(space.matrices) == 0
        return whole // len(space.matrices)

    assert dimension("signed-permutations") == 4 + r * r == {1: 5, 2: 8}[r]
    assert dimension("orthogonal") == 4 + r * r
    assert dimension("permutations") == {1: 13, 2: 20}[r]
    assert dimension("sign-flips") == 4 * d + r * r
    assert dimension("minus-identity") == 4 * d * d + r * r
    assert dimension("none") == (2 * d + r) ** 2
    assert dimension("rotations") == ((9 if r == 1 else 12) if d == 2 else 4 + r * r)


def test_whole_dimensions_one_head_two_heads_and_sequential():
    signed = group_named("signed-permutations", 2)
    assert commutant(space_of("td0"), signed).dimension == 10
    assert commutant(space_of("average-reward-td"), signed).dimension == 48
    three, _ = trained("td0", 2, 2, 3, {"gamma": Fraction(1, 2)}, False)
    assert commutant(three, signed).dimension == 30


@pytest.mark.parametrize("generators", [(TURN,), (SWAP,), (PYTHAGORAS,), (TURN, SWAP), ()], ids=range(5))
@pytest.mark.parametrize("name", ["td0", "average-reward-td"])
def test_the_commutant_of_the_users_generators(name, generators):
    group = SymmetryGroup("mine", 2, generators)
    assert_commutant(space_of(name), group)
    # a quarter turn commutes with every rotation, so it has the commutant of all of them
    if generators == (TURN,):
        assert set(group.scalars) == set(group_named("rotations", 2).scalars)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.permutations(range(3)), st.tuples(*[st.sampled_from((1, -1))] * 3)), max_size=3))
def test_any_subgroup_of_signed_permutations(drawn):
    generators = tuple(
        tuple(tuple(Fraction(signs[i] if images[i] == j else 0) for j in range(3)) for i in range(3))
        for images, signs in drawn
    )
    group = SymmetryGroup("mine", 3, generators)
    assert 48 % group.order == 0 and set(group.elements) <= set(group_named("signed-permutations", 3).elements)
    assert_commutant(space_of("least-squares", 3), group)
    for v in group.fixed_vectors:
        assert all(tuple(sum(x * y for x, y in zip(row, v, strict=True)) for row in g) == v for g in group.elements)
    # Burnside: the number of fixed vectors is the mean trace
    traces = sum(g[i][i] for g in group.elements for i in range(3))
    assert len(group.fixed_vectors) == traces / group.order


@pytest.mark.slow
@given(st.lists(st.lists(st.fractions(-3, 3, max_denominator=4), min_size=4, max_size=4), max_size=5))
def test_the_nullspace_is_one(rows):
    basis = nullspace(rows, 4)
    assert len(basis) == 4 - rank(rows, 4) and rank(basis, 4) == len(basis)
    assert all(sum(x * y for x, y in zip(row, v, strict=True)) == 0 for row in rows for v in basis)


# a wrong dimension in a set's document is refuted

GRID = [["a", "b", "0"], ["c", "d", "0"], ["0", "0", "e"]]
PRIMED = [[x if x == "0" else f"{x}1" for x in row] for row in GRID]


@pytest.mark.parametrize("dimension, code", [(10, 0), (4, 1), (11, 1), (0, 1)])
def test_a_wrong_dimension_is_refuted(dimension, code):
    document = {"schema": 1, "matrices": {"P": GRID, "Q": PRIMED}, "dimension": dimension}
    result = lp.invariance("td0", layers=1, set=document, floats=False)
    assert result.exit_code == code
    first, *rest = result.claims
    assert (first.verdict.value == "HOLDS") == (code == 0) and first.dimension == 10
    assert rest and all(c.verdict.value == "HOLDS" for c in rest if c.asked)


def test_dependent_names_do_not_count_twice():
    grid = [["a + b", "0", "0"], ["0", "a + b", "0"], ["0", "0", "0"]]
    zero = [["0"] * 3] * 3
    document = {"schema": 1, "matrices": {"P": grid, "Q": zero}, "dimension": 1}
    assert lp.invariance("td0", layers=1, set=document, floats=False).claims[0].verdict.value == "HOLDS"


@pytest.mark.slow
def test_cosets_of_the_sign_flips_are_counted_once_each():
    """In the group of the 24-cell whole families of elements agree up to signs and are still different cosets."""
    half = Fraction(1, 2)
    mixing = ((half,) * 4, (half, half, -half, -half), (half, -half, half, -half), (half, -half, -half, half))
    group = SymmetryGroup("the 24-cell", 4, (*group_named("signed-permutations", 4).generators, mixing))
    flips, cosets = _split(group)
    assert flips and group.order == 1152 and len(cosets) == group.order // 2**4

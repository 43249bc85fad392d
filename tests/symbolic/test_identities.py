"""Layer l is iterate l: exactly on rational prompts, as polynomials in all entries, and at random points of a field."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from expected import expected
from helpers import (
    CASES,
    PARAMETERS,
    Case,
    contexts,
    each_case,
    each_case_looped_or_not,
    plain_weights,
    prediction,
    random_start,
    random_vector,
    run_layers,
    trial,
    zero_start,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layerproof.numeric.data.draws import prompts
from layerproof.numeric.data.processes import boyan_chain
from layerproof.numeric.data.prompts import trajectory_context
from layerproof.symbolic.algorithm import Accumulator
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.arithmetics.prime_field import PRIME
from layerproof.symbolic.arithmetics.rational import Rational, RationalMatrix
from layerproof.symbolic.attention import AccumulatorHead, accumulate, iterate, masked_keys
from layerproof.symbolic.identity.degree import identity_degree
from layerproof.symbolic.identity.entrywise import entrywise
from layerproof.symbolic.identity.exact import mismatches, problem, textbook
from layerproof.symbolic.identity.random import random_identity


def prompt_of(t):
    """Z with all its rows at the starting weights, as Fractions."""
    return [*t.setup.X.fractions(), *([x.fraction() for x in row] for row in t.setup.rows(t.setup.start))]


@each_case_looped_or_not
@pytest.mark.parametrize("start", ["zero", "generic"])
@pytest.mark.parametrize("data", ["generic", "trajectory"])
def test_every_layer_is_one_iterate(case: Case, looped, start, data):
    d, n, depth = 3, 5, 4
    context = trajectory_context(boyan_chain(6, d, seed=1), n, seed=2) if data == "trajectory" else None
    weights = zero_start(case.algorithm, d) if start == "zero" else None
    t = trial(case, d, n, depth, looped=looped, context=context, start=weights)
    assert t.construction.looped == looped
    assert t.check() == [None] * depth


@pytest.mark.parametrize("case", CASES, ids=str)
@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_layer_is_one_iterate_on_any_rational_prompt(case: Case, data):
    context = data.draw(contexts(data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))))
    parameters = {name: data.draw(st.fractions(0, 1, max_denominator=20)) for name in PARAMETERS}
    t = trial(case, depth=2, context=context, parameters=parameters, seed=data.draw(st.integers(0, 99)))
    assert t.check() == [None, None]


@each_case
def test_the_layer_formula_as_written_leaves_features_alone_and_gives_the_iterates_rows(case: Case):
    # The check runs heads on the accumulator rows only; this is the dense formula Z + (1/n) sum W P Z M Z^T Q Z.
    t = trial(case)
    Z = prompt_of(t)
    p = t.setup.layout.p
    for state, weights in zip(run_layers(t.construction, Z), t.iterates(), strict=True):
        assert state[:p] == Z[:p]
        moved = trial(case, start=list(weights), context=t.context)
        assert state == prompt_of(moved)


@each_case
def test_the_readout_is_w_dot_query_at_every_layer(case: Case):
    t = trial(case)
    for state, (w, *_) in zip(run_layers(t.construction, prompt_of(t)), t.iterates(), strict=True):
        assert prediction(t.construction, state) == sum(x * y for x, y in zip(w, t.context.query, strict=True))


@each_case
@pytest.mark.parametrize(("d", "n"), [(2, 3), (3, 4)])
def test_the_identity_holds_as_polynomials_in_every_entry(case: Case, d, n):
    result = entrywise(case.derivation, d, n)
    assert result.holds
    assert set(result.rows) == {row.name for row in case.algorithm.accumulators}
    assert result.difference is None
    assert result.terms > 0  # something was compared


@each_case_looped_or_not
def test_the_identity_holds_at_random_points_of_the_field(case: Case, looped):
    result = random_identity(case.derivation, 4, 9, 6, PARAMETERS, seed=3, looped=looped)
    assert result.mismatch is None
    assert result.probability == Fraction(identity_degree(case.derivation, 6), 2**61 - 1)
    assert result.prime == PRIME == 2**61 - 1


@each_case
@pytest.mark.parametrize("depth", [1, 2, 3, 40])
def test_the_degree_grows_by_the_same_with_every_layer(case: Case, depth):
    # Each layer adds C * (row) * (key): the row holds w.phi, one degree above w, the key is one more, C one more.
    # So deg w_l = deg w_{l-1} + 3, deg w_0 = 1, deg w_L = 3 L + 1, and the rows hold w_L . phi, one degree above.
    # What transitions carry further, an importance ratio in a row or a key, adds to those ones.
    (row, key), more = expected(case.name).degrees, expected(case.name).more
    step = int(bool(case.algorithm.preconditioners))
    assert identity_degree(case.derivation, depth) == (step + row + key + more) * depth + 1 + row


@each_case
def test_one_random_point_is_decided_by_its_seed(case: Case):
    first, again = (random_identity(case.derivation, 2, 3, 2, PARAMETERS, seed=5) for _ in range(2))
    assert first == again


def test_different_starting_weights_give_different_iterates():
    # so that "non-zero start" is a stronger question and not the same one
    case = CASES[0]
    started = trial(case, start=random_start(case.algorithm, 2, 1)).iterates()
    assert started != trial(case, start=zero_start(case.algorithm, 2)).iterates()


def test_steps_may_come_from_a_generator():
    t = trial(Case("td0"), depth=30)
    fresh = (([list(row) for row in C],) for (C,) in t.steps)
    assert [plain_weights(w) for w in textbook(t.setup, fresh)] == t.iterates()


# one matrix a layer on either side, and what it stands for


@each_case
def test_rows_of_all_columns_at_once_are_the_rows_column_by_column(case: Case):
    t = trial(case, 3, 5)
    for weights in (t.setup.start, *textbook(t.setup, t.steps)):
        one_by_one = [[x.fraction() for x in row] for row in t.setup.rows(weights)]
        assert t.setup.row_matrix(weights).fractions() == one_by_one


def with_accumulator(t, value):
    """The trial's problem with one accumulator row of another value."""
    algorithm = replace(t.case.algorithm, accumulators=(Accumulator("row", value),))
    return replace(t.setup, algorithm=algorithm)


def test_an_accumulator_is_evaluated_once_a_layer_where_its_operations_allow():
    calls = []

    def value(weights, x, p):
        calls.append(x)
        return 1 - p.gamma * (x.reward * (x.phi @ weights[0])) / 2

    setup = with_accumulator(trial(Case("td0"), 2, 4), value)
    matrix = setup.row_matrix(setup.start)
    assert len(calls) == 1
    assert matrix.fractions() == [[x.fraction() for x in row] for row in setup.rows(setup.start)]


@pytest.mark.parametrize(
    "value",
    [
        lambda weights, x, p: x.phi @ x.gamma_phi_next + weights[0] @ x.phi,
        lambda weights, x, p: weights[0] @ x.phi / (1 + x.reward * x.reward),
        lambda weights, x, p: weights[0] @ x.phi if x.reward == 0 else 2 * x.reward,
        lambda weights, x, p: (weights[0] + x.phi) @ x.phi,
    ],
)
def test_an_accumulator_that_needs_each_column_gets_each_column(value):
    # as many columns as features: a product of matrices would fit, and be wrong
    setup = with_accumulator(trial(Case("td0"), 4, 3), value)
    assert setup.row_matrix(setup.start).fractions() == [[x.fraction() for x in row] for row in setup.rows(setup.start)]


@given(seed=st.integers(0, 10**6), K=st.integers(1, 2), masks=st.integers(1, 2))
@settings(max_examples=20, deadline=None)
def test_layers_with_the_brackets_moved_are_the_layers(seed, K, masks):
    rng, p, N, scale = Random(seed), 3, 4, Rational.of(Fraction(1, 3))

    def matrix(height, width):
        return RationalMatrix.of([random_vector(rng, width) for _ in range(height)])

    X, Y, M = matrix(p, N), matrix(K, N), [matrix(N, N) for _ in range(masks)]
    layers = [
        [AccumulatorHead(matrix(K, K), matrix(p, p), rng.choice(M)) for _ in range(count)] for count in (2, 0, 1, 3)
    ]
    for heads, accumulated in zip(layers, iterate(X, Y, layers, scale), strict=True):
        Y = accumulate(X, Y, heads, scale, masked_keys(X, heads))
        assert accumulated.fractions() == Y.fractions()


@pytest.mark.parametrize("case", [Case("td0"), Case("gtd2")], ids=str)
@pytest.mark.parametrize("layer", [1, 3])
def test_one_entry_that_is_off_by_a_hair_is_named_with_both_values(case: Case, layer):
    t, depth = trial(case), 3
    Z = prompt_of(t)
    layout = t.setup.layout
    names = layout.row_names()
    states = run_layers(t.construction, Z)
    for i, name in enumerate(names):
        for column in range(layout.n + 1):
            moved = [[list(row) for row in state] for state in states]
            moved[layer - 1][i][column] += Fraction(1, 2**200)
            compared = mismatches(t.setup, map(RationalMatrix.of, moved), t.steps, names, t.construction.readout)
            answers = list(compared)
            assert [m is None for m in answers] == [k != layer - 1 for k in range(depth)]
            where = answers[layer - 1]
            assert (where.layer, where.row, where.column) == (layer, name, column)
            assert where.layer_value == states[layer - 1][i][column] + Fraction(1, 2**200)
            wanted = Z[i][column] if i < layout.p else states[layer - 1][i][column]
            assert where.iterate_value == wanted


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_a_prompt_made_for_all_columns_at_once_is_the_one_made_column_by_column(name):
    algorithm = catalogue()[name]
    d = n = 3
    _, context, start = next(prompts(algorithm, d, n, 1, "boyan-chain"))
    values = {p: Fraction(k + 1, k + 3) for k, p in enumerate(algorithm.parameters)}
    setup = problem(algorithm, RATIONALS, context, start, values, algorithm.choose({}))
    every = RATIONALS.columns.of
    for key, part in vars(setup.every).items():
        alone = every([getattr(t, key) for t in setup.tokens])
        assert part.num * alone.den == alone.num * part.den
    assert setup.row_matrix(setup.start) == RATIONALS.matrix(setup.rows(setup.start))


@pytest.mark.parametrize("block", [lambda t, p: t.phi_next / t.index, lambda t, p: 2**-t.index * t.phi_next])
def test_a_block_that_columns_cannot_make_is_made_column_by_column(block):
    td0 = catalogue()["td0"]
    algorithm = replace(td0, features=(td0.features[0], replace(td0.features[1], context=block)))
    _, context, start = next(prompts(td0, 2, 3, 1, "boyan-chain"))
    setup = problem(algorithm, RATIONALS, context, start, {"gamma": Fraction(1, 2)}, {})
    wanted = [[RATIONALS.entries(t.gamma_phi_next)[i] for t in setup.tokens] for i in range(2)]
    assert setup.X.take_rows([2, 3]) == RATIONALS.matrix(wanted)

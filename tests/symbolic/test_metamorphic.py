"""Truths that need no second implementation: what must change nothing, what must change something, and by how much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from expected import expected
from flint import fmpq_mat
from helpers import (
    CASES,
    LAM,
    PARAMETERS,
    Case,
    Matrix,
    Trial,
    Vector,
    apply,
    dot,
    each_case,
    each_case_alike,
    each_case_with_steps,
    prediction,
    random_context,
    random_matrix,
    random_vector,
    run_layers,
    times,
    transposed,
    trial,
    zero_start,
)

from layerproof.symbolic.arithmetics.rational import Rational, RationalMatrix
from layerproof.symbolic.attention import layer
from layerproof.symbolic.construction import construct
from layerproof.symbolic.prompt import Context

D, N, DEPTH = 2, 4, 3


def prompt_of(t: Trial) -> Matrix:
    return [*t.setup.X.fractions(), *([x.fraction() for x in row] for row in t.setup.rows(t.setup.start))]


def predictions(t: Trial) -> list[Fraction]:
    """The transformer's prediction after each layer."""
    return [prediction(t.construction, Z) for Z in run_layers(t.construction, prompt_of(t))]


def permuted(context: Context, order: Sequence[int]) -> Context:
    def moved(values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(values[j] for j in order)

    return replace(
        context, features=moved(context.features), next_features=moved(context.next_features),
        rewards=moved(context.rewards), extras=tuple((name, moved(values)) for name, values in context.extras),
    )  # fmt: skip


@each_case
def test_the_order_of_the_context_matters_exactly_when_there_is_a_trace_or_a_running_mean(case: Case):
    t = trial(case, D, N, DEPTH)
    for order in ([1, 0, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1]):
        other = predictions(replace(t, context=permuted(t.context, order)))
        if expected(case.name).ordered:
            assert all(x != y for x, y in zip(predictions(t), other, strict=True))
        else:
            assert predictions(t) == other


def in_all_vectors(context: Context, change: Callable[[Vector], Vector]) -> Context:
    """The context with every vector of it changed, those that transitions carry further included."""

    def moved(values: Sequence[Any]) -> list[Any]:
        return [change(v) if isinstance(v, tuple) else v for v in values]

    extras = {name: moved(values) for name, values in context.extras}
    return Context.of(
        moved(context.features), moved(context.next_features), context.rewards, change(context.query), extras
    )


ROTATION = [[Fraction(3, 5), Fraction(-4, 5)], [Fraction(4, 5), Fraction(3, 5)]]


def inverse(A: Matrix) -> Matrix:
    exact = fmpq_mat(RationalMatrix.of(A).num) / RationalMatrix.of(A).den
    return [[Fraction(int(x.p), int(x.q)) for x in row] for row in exact.inv().tolist()]


def product(A: Matrix, B: Matrix) -> Matrix:
    return transposed([apply(A, column) for column in transposed(B)])


@each_case
def test_a_change_of_basis_leaves_every_value_unchanged(case: Case):
    # phi -> A phi, w -> A^-T w and C -> A^-T C A^-1: then w.phi, and every iterate's values, are what they were
    t, algorithm = trial(case, D, N, DEPTH), case.algorithm
    # a scalar step of a weight vector is b I, and so is none: only a rotation leaves it as it is
    scalars = len(algorithm.scalar_preconditioners) > len(algorithm.scalar_weights)
    turned = scalars or not algorithm.preconditioners
    A = ROTATION if turned else random_matrix(Random("basis"), D)
    back = inverse(A)

    context = in_all_vectors(t.context, lambda v: apply(A, v))
    start = [w if name in algorithm.scalar_weights else apply(transposed(back), w)
             for name, w in zip(algorithm.weights, t.start, strict=True)]  # fmt: skip
    steps = [
        tuple(
            c if name in algorithm.scalar_preconditioners else product(product(transposed(back), c), back)
            for name, c in zip(algorithm.preconditioners, step, strict=True)
        )
        for step in t.steps
    ]
    other = replace(t, context=context, start=start, steps=steps)
    p = t.setup.layout.p
    after, before = (run_layers(x.construction, prompt_of(x)) for x in (other, t))
    assert [Z[p:] for Z in after] == [Z[p:] for Z in before]
    if turned:
        return  # A^-T is A
    # and the same change with C -> A C A^-1 is a different one
    wrong = [
        tuple(
            c if name in algorithm.scalar_preconditioners else product(product(A, c), back)
            for name, c in zip(algorithm.preconditioners, step, strict=True)
        )
        for step in t.steps
    ]
    assert predictions(replace(other, steps=wrong)) != predictions(t)


@each_case
def test_scaled_rewards_scale_the_values_from_zero(case: Case):
    c = Fraction(-7, 3)
    t = trial(case, D, N, DEPTH, start=zero_start(case.algorithm, D))
    scaled = replace(t.context, rewards=tuple(times(c, t.context.rewards)))
    assert predictions(replace(t, context=scaled)) == times(c, predictions(t))
    assert predictions(t)[-1] != 0  # gradient TD's first layer moves v only


@each_case
def test_rewards_of_zero_leave_zero_weights_at_zero(case: Case):
    t = trial(case, D, N, DEPTH, start=zero_start(case.algorithm, D))
    assert predictions(replace(t, context=replace(t.context, rewards=(Fraction(0),) * N))) == [0] * DEPTH


def same_iterates(case: Case, other: Case, **parameters: Fraction) -> bool:
    t = trial(case, D, N, DEPTH, parameters={**PARAMETERS, **parameters})
    u = replace(t, case=other)
    assert predictions(t) == [dot(w[0], t.context.query) for w in t.iterates()]
    return predictions(t) == predictions(u)


def case_named(name: str, *options: tuple[str, str]) -> Case:
    return Case(name, options)


TRACES = [c for c in CASES if c.name == "td-lambda"]


@pytest.mark.parametrize("case", TRACES, ids=str)
def test_lambda_zero_is_td0(case: Case):
    assert same_iterates(case, Case("td0"), lam=Fraction(0))
    assert not same_iterates(case, Case("td0"), lam=Fraction(1, 10**9))


@pytest.mark.parametrize("name", ["td0", "residual-gradient"])
def test_gamma_zero_is_least_squares(name: str):
    assert same_iterates(Case(name), Case("least-squares"), gamma=Fraction(0))
    assert not same_iterates(Case(name), Case("least-squares"), gamma=Fraction(1, 10**9))


def test_gamma_zero_makes_the_textbooks_trace_td0_and_not_the_papers():
    paper, textbook = TRACES
    assert same_iterates(textbook, Case("td0"), gamma=Fraction(0))
    assert not same_iterates(paper, Case("td0"), gamma=Fraction(0))


def test_gamma_one_makes_the_two_traces_the_same():
    assert same_iterates(*TRACES, gamma=Fraction(1))
    assert not same_iterates(*TRACES)


def test_tdc_without_its_second_weight_is_td0():
    # D = 0 and v = 0: the correction never starts
    t = trial(Case("tdc"), D, N, DEPTH)
    zero = [[Fraction(0)] * D] * D
    tdc = replace(t, start=[t.start[0], [Fraction(0)] * D], steps=[(C, zero) for C, _ in t.steps])
    td0 = replace(t, case=Case("td0"), start=t.start[:1], steps=[(C,) for C, _ in t.steps])
    assert predictions(tdc) == predictions(td0)


def test_differential_td_without_its_rate_is_td0_without_a_discount():
    t = trial(Case("differential-td"), D, N, DEPTH, parameters={**PARAMETERS, "gamma": Fraction(1)})
    still = replace(t, start=[t.start[0], Fraction(0)], steps=[(C, Fraction(0)) for C, _ in t.steps])
    td0 = replace(t, case=Case("td0"), start=t.start[:1], steps=[(C,) for C, _ in t.steps])
    assert predictions(still) == predictions(td0)


def test_average_reward_td_with_a_constant_reward_forgets_it():
    # R_j - rbar_j = 0 whatever the constant is
    t = trial(Case("average-reward-td"), D, N, DEPTH)
    constants = [replace(t, context=replace(t.context, rewards=(c,) * N)) for c in (Fraction(0), Fraction(17, 4))]
    assert predictions(constants[0]) == predictions(constants[1]) != predictions(t)


@each_case_alike
def test_stacking_l1_and_l2_layers_is_l1_plus_l2_iterates(case: Case):
    t = trial(case, D, N, 5)
    for cut in (1, 3):
        first = replace(t, depth=cut, steps=t.steps[:cut])
        second = replace(t, depth=5 - cut, steps=t.steps[cut:], start=list(first.iterates()[-1]))
        stacked = run_layers(first.construction, prompt_of(t))
        stacked += run_layers(second.construction, stacked[-1])
        assert stacked == run_layers(t.construction, prompt_of(t))
        assert predictions(t)[cut:] == [dot(w[0], t.context.query) for w in second.iterates()]


@each_case_alike
def test_a_looped_transformer_is_a_sequential_one_with_equal_layers(case: Case):
    looped = trial(case, D, N, DEPTH, looped=True)
    assert predictions(looped) == predictions(replace(looped, steps=looped.steps * DEPTH))


@each_case
def test_the_query_column_influences_no_other_column(case: Case):
    t = trial(case, D, N, DEPTH)
    Z = prompt_of(t)
    anything = random_vector(Random("query"), len(Z))
    other = [[*row[:-1], x] for row, x in zip(Z, anything, strict=True)]
    for right, changed in zip(*(run_layers(t.construction, start) for start in (Z, other)), strict=True):
        assert [row[:-1] for row in right] == [row[:-1] for row in changed]
        assert [row[-1] for row in right] != [row[-1] for row in changed]


@each_case
def test_two_queries_are_answered_as_each_alone(case: Case):
    # the prediction is linear in the query from zero weights: it is w.q for one and the same w
    t = trial(case, D, N, DEPTH, start=zero_start(case.algorithm, D))
    one, two = t.context.query, tuple(random_context(D, N, seed=9).query)
    both = tuple(x + 3 * y for x, y in zip(one, two, strict=True))
    values = [predictions(replace(t, context=replace(t.context, query=q))) for q in (one, two, both)]
    assert values[2] == [x + 3 * y for x, y in zip(values[0], values[1], strict=True)]


@each_case
def test_features_of_minus_one_times_the_features_change_no_value_row(case: Case):
    t = trial(case, D, N, DEPTH, start=zero_start(case.algorithm, D))
    turned = in_all_vectors(t.context, lambda v: times(Fraction(-1), v))
    assert predictions(replace(t, context=turned)) == predictions(t)


@each_case_with_steps
def test_one_layer_from_zero_is_linear_in_its_step(case: Case):
    # w_1 = (C/n) * (something the prompt decides): doubling every step doubles the first prediction
    t = trial(case, D, N, 1, start=zero_start(case.algorithm, D))
    doubled = [
        tuple(2 * c if isinstance(c, Fraction) else [times(Fraction(2), row) for row in c] for c in step)
        for step in t.steps
    ]
    assert predictions(replace(t, steps=doubled)) == times(Fraction(2), predictions(t))


@each_case
def test_heads_may_stand_in_any_order(case: Case):
    t = trial(case, D, N, 1)
    heads, scale = t.construction.heads(0), Rational.of(Fraction(1, N))
    Z = RationalMatrix.of(prompt_of(t))
    assert layer(Z, heads, scale) == layer(Z, heads[::-1], scale)


@each_case
def test_a_heads_scale_may_move_between_its_matrices(case: Case):
    # (W, P, Q) -> (a W, b P, Q / (a b)) is the same layer
    t, a, b = trial(case, D, N, DEPTH), Fraction(3, 5), Fraction(-2)
    layers = tuple(
        tuple(replace(h, W=h.W * a, P=h.P * b, Q=h.Q * (1 / (a * b))) for h in heads) for heads in t.construction.layers
    )
    assert t.check(replace(t.construction, layers=layers)) == [None] * DEPTH


def test_lambda_weighs_the_trace_as_powers_of_lambda():
    # one transition moved one place earlier weighs one power of lambda more, at one layer from zero
    case, d = TRACES[0], D
    t = trial(case, d, 2, 1, start=zero_start(case.algorithm, d))
    empty = (Fraction(0),) * d
    feature, reward = t.context.features[0], Fraction(5)
    late = Context((feature, empty), (empty, empty), (Fraction(0), reward), t.context.query)
    same = Context((empty, feature), (empty, empty), (Fraction(0), reward), t.context.query)
    assert predictions(replace(t, context=late)) == times(LAM, predictions(replace(t, context=same)))
    built = construct(case.derivation, d, 2, 1, t.steps, PARAMETERS)
    assert built.heads(0)[0].M.fractions()[1][0] == LAM

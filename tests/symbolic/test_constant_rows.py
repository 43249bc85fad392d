"""Heads over a constant row by hand: heavy ball and weight decay derived, and every way to get them wrong refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from helpers import apply, block_matrix, dot, negated, plus, random_context, run_layers, times, transposed
from own_algorithms import own

from layerproof.symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.attention import AccumulatorHead, Head, TokenwiseHead
from layerproof.symbolic.blocks import CONSTANT
from layerproof.symbolic.construction import construct, row_head
from layerproof.symbolic.derivation.derive import Derivation, derive
from layerproof.symbolic.derivation.given_form import given_form
from layerproof.symbolic.derivation.suggest import suggest
from layerproof.symbolic.derivation.tokenwise import SymbolicTokenwiseHead
from layerproof.symbolic.errors import MissingRowError, NotRepresentableError
from layerproof.symbolic.given import traced
from layerproof.symbolic.identity.blocks import block_identity
from layerproof.symbolic.identity.entrywise import entrywise
from layerproof.symbolic.identity.exact import check_construction, problem
from layerproof.symbolic.identity.expansion import expanded, layer_change, update_change
from layerproof.symbolic.identity.random import random_identity
from layerproof.symbolic.identity.uniqueness import rank_at

BETA, GAMMA = Fraction(2, 7), Fraction(9, 10)
VALUES = {"gamma": GAMMA, "beta": BETA}
D, N = 2, 3
PHI = FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q)
NEXT = FeatureBlock("next", lambda t, p: p.gamma * t.phi_next)
ONE = FeatureBlock("one", lambda t, p: 1, scalar=True)
TD_ERROR = Accumulator("td_error", lambda w, x, p: x.reward + w[0] @ x.next - w[0] @ x.phi)
MOMENTUM = Accumulator("momentum", lambda w, x, p: (w[0] - w[1]) @ x.next - (w[0] - w[1]) @ x.phi)


def momentum_update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j delta_j phi_j + beta (w - u) and u <- the old w."""
    w, u = weights
    sweep.total = 0 * w
    for t in sweep:
        sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
    return w + preconditioners[0] @ sweep.total / sweep.n + p.beta * (w - u), w


def heavy_ball(*features: FeatureBlock, rows: tuple[Accumulator, ...] = (TD_ERROR, MOMENTUM)) -> Algorithm:
    return own(
        name="heavy", update=momentum_update, features=features or (PHI, NEXT, ONE), accumulators=rows,
        weights=("w", "u"), parameters=("gamma", "beta"),
    )  # fmt: skip


HEAVY = heavy_ball()
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


def prompt(context, w, u, at_query=0):
    """Columns (phi; gamma phi'; 1; the TD error of w; (w - u).(gamma phi' - phi)) and the query's."""
    moved = plus(w, negated([u])[0])

    def column(x, y, one, r):
        return [*x, *y, one, r + dot(w, y) - dot(w, x), dot(moved, y) - dot(moved, x)]

    nexts = [times(GAMMA, y) for y in context.next_features]
    columns = [column(x, y, 1, r) for x, y, r in zip(context.features, nexts, context.rewards, strict=True)]
    return transposed([*columns, column(context.query, [Fraction(0)] * D, at_query, 0)])


def one_iterate(context, w, u):
    total = [Fraction(0)] * D
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        total = plus(total, times(r + GAMMA * dot(w, y) - dot(w, x), x))
    return plus(w, times(Fraction(1, N), apply(C, total)), times(BETA, plus(w, negated([u])[0]))), w


def test_the_weights_are_those_of_the_hand_made_file():
    built = construct(derive(HEAVY), D, N, 1, [(C,)], VALUES)
    gradient, momentum = built.heads(0)
    sizes = (D, D, 1, 1, 1)
    assert (gradient.W @ gradient.P).fractions() == block_matrix(sizes, {(3, 3): [[1]], (4, 3): [[1]]})
    assert gradient.Q.fractions() == block_matrix(sizes, {(0, 0): negated(transposed(C)), (0, 1): transposed(C)})
    assert (momentum.W @ momentum.P).fractions() == block_matrix(sizes, {(3, 2): [[BETA]], (4, 2): [[BETA - 1]]})
    assert momentum.Q.fractions() == block_matrix(sizes, {(2, 4): [[1]]})
    assert momentum.M.fractions() == [[int(i == j < N) for j in range(N + 1)] for i in range(N + 1)]
    assert derive(HEAVY).head_lower_bound == 2


@pytest.mark.parametrize("at_query", [0, -5])
def test_layers_are_iterates_whatever_the_constant_row_holds_at_the_query(at_query):
    context, w, u = random_context(D, N, seed=3), [Fraction(3, 4), Fraction(-2)], [Fraction(1, 5), Fraction(3)]
    algorithm = heavy_ball(PHI, NEXT, replace(ONE, query=lambda q: at_query))
    built = construct(derive(algorithm), D, N, 2, [(C,)], VALUES, looped=True)
    first = one_iterate(context, w, u)
    wanted = [prompt(context, *first, at_query), prompt(context, *one_iterate(context, *first), at_query)]
    assert run_layers(built, prompt(context, w, u, at_query)) == wanted


def holds(derivation: Derivation) -> dict[str, bool]:
    """What each kind of symbolic evidence says."""
    return {
        "blocks": all(row.holds for row in block_identity(derivation)),
        "entrywise": entrywise(derivation, 2, 2).holds,
        "random": random_identity(derivation, 2, 3, 2, VALUES, 0).mismatch is None,
        "terms": layer_change(derivation) == update_change(derivation),
        "expanded": all(entry.holds for entry in expanded(derivation)),
    }


def test_every_kind_of_symbolic_evidence_holds():
    assert set(holds(derive(HEAVY)).values()) == {True}
    assert rank_at(derive(HEAVY), 2).as_symbolic


def faults():
    """Wrong heads: momentum's sign, beta and 1 - beta exchanged, another row read, no momentum, C for C^T."""
    derivation = derive(HEAVY)
    gradient, momentum = derivation.heads
    U, E = momentum.U, momentum.E
    return {
        "sign": [gradient, replace(momentum, U={row: -u for row, u in U.items()})],
        "exchanged": [gradient, replace(momentum, U={"td_error": -U["momentum"], "momentum": -U["td_error"]})],
        "other row": [gradient, replace(momentum, E={"td_error": E["momentum"]})],
        "none": [gradient],
        "transposed": [
            replace(gradient, E={(r, tuple((c, not t) for c, t in word), s): e
                                 for (r, word, s), e in gradient.E.items()}), momentum],
    }  # fmt: skip


@pytest.mark.parametrize("fault", ["sign", "exchanged", "other row", "none", "transposed"])
def test_wrong_heads_are_refused_by_every_kind(fault):
    assert set(holds(replace(derive(HEAVY), heads=tuple(faults()[fault]))).values()) == {False}


def test_a_mask_that_counts_the_query_is_refused():
    # with the query among the tokens that the constant row meets, its entry there matters
    context, w, u = random_context(D, N, seed=4), [Fraction(3, 4), Fraction(-2)], [Fraction(1, 5), Fraction(3)]
    built = construct(derive(HEAVY), D, N, 1, [(C,)], VALUES)
    gradient, momentum = built.heads(0)
    everywhere = replace(momentum, M=type(momentum.M).of([[int(i == j) for j in range(N + 1)] for i in range(N + 1)]))
    counting = replace(built, layers=((gradient, everywhere),))
    for at_query, same in ((0, True), (2, False)):
        wanted = [prompt(context, *one_iterate(context, w, u), at_query)]
        assert (run_layers(counting, prompt(context, w, u, at_query)) == wanted) is same


def test_without_a_constant_row_the_row_and_the_head_are_named():
    with pytest.raises(NotRepresentableError, match=r"row td_error gains .*beta.*constant row.*FeatureBlock\(\"one\""):
        derive(heavy_ball(PHI, NEXT))


def test_for_a_matrix_times_the_old_weights_the_columns_and_the_head_are_named():
    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
        return (w + C @ (sweep.total / sweep.n - p.kappa * w),)

    ridge = replace(find("td0"), parameters=("gamma", "kappa"), defaults={"kappa": "1/3"}, update=update)
    for algorithm in (ridge, replace(ridge, features=(*ridge.features, CONSTANT))):
        with pytest.raises(MissingRowError, match=r"gain -kappa \* C w: .*d more context columns .*the same head"):
            derive(algorithm)


def test_a_constant_row_is_suggested_where_one_would_do():
    suggestion = suggest(heavy_ball(PHI, NEXT), {})
    assert suggestion.sentence() == "with one more prompt row that holds the number 1 it takes 2 heads"
    assert suggest(heavy_ball(PHI, NEXT, rows=(TD_ERROR,)), {}).heads == 2  # with an accumulator row too


def test_a_row_of_twos_is_no_constant_row():
    with pytest.raises(NotRepresentableError, match="constant row"):
        derive(heavy_ball(PHI, NEXT, replace(ONE, context=lambda t, p: 2)))


def test_a_row_that_is_missing_is_asked_for():
    with pytest.raises(NotRepresentableError, match=r"no combination of the rows td_error: add an accumulator row"):
        derive(heavy_ball(rows=(TD_ERROR,)))


def decaying(weights, preconditioners, sweep, p):
    """w <- (1 - beta) w + (1/n) C sum_j delta_j phi_j."""
    (w,) = weights
    sweep.total = 0 * w
    for t in sweep:
        sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
    return (w - p.beta * w + preconditioners[0] @ sweep.total / sweep.n,)


def test_weight_decay_subtracts_what_the_rows_hold_at_no_weights():
    # Y = (R + w.(gamma phi' - phi); R): the second row never changes, and (-1, 1) kills R
    decay = own(
        name="decay", update=decaying, features=(PHI, NEXT, ONE), parameters=("gamma", "beta"),
        accumulators=(TD_ERROR, Accumulator("reward_row", lambda w, x, p: x.reward)),
    )  # fmt: skip
    derivation = derive(decay)
    _, head = derivation.heads
    assert isinstance(head, SymbolicTokenwiseHead)
    (pair,) = [{(w, r): (u * e).text() for w, u in head.U.items() for r, e in head.E.items()}]
    assert pair == {("td_error", "td_error"): "-beta", ("td_error", "reward_row"): "beta"}
    assert all(row.holds for row in block_identity(derivation))
    wrong = replace(derivation, heads=(derivation.heads[0], replace(head, E={"td_error": head.E["td_error"]})))
    assert not all(row.holds for row in block_identity(wrong))  # it would let R decay too


def test_dense_heads_of_either_shape_are_recognised():
    built = construct(derive(HEAVY), D, N, 1, [(C,)], VALUES)
    ((gradient, momentum),) = built.row_heads()
    assert (type(gradient), type(momentum)) == (AccumulatorHead, TokenwiseHead)
    zero = Fraction(0)
    assert momentum.U.fractions() == [[zero] * 2 * D + [BETA], [zero] * 2 * D + [BETA - 1]]
    assert momentum.E.fractions() == [[zero, zero]] * 2 * D + [[zero, Fraction(1)]]
    m = built.layout.m
    dense = replace(built.heads(0)[1], W=RationalMatrix.of([[int(i == j) for j in range(m)] for i in range(m)]))
    assert isinstance(row_head(dense, built.layout.p), TokenwiseHead)
    for other in (replace(dense, Q=dense.Q.mT), replace(dense, P=dense.P.mT), replace(dense, P=dense.P + dense.P.mT)):
        assert row_head(other, built.layout.p) is None


def test_check_construction_runs_both_shapes_and_refuses_a_fault():
    start = [[Fraction(3, 4), Fraction(-2)], [Fraction(1, 5), Fraction(3)]]
    setup = problem(HEAVY, RATIONALS, random_context(D, N, seed=5), start, VALUES, {})
    built = construct(derive(HEAVY), D, N, 3, [(C,)], VALUES, looped=True)
    assert list(check_construction(built, setup, [(C,)])) == [None] * 3
    gradient, momentum = built.heads(0)
    wrong = replace(built, layers=((gradient, replace(momentum, Q=momentum.Q * -1)),))
    assert next(check_construction(wrong, setup, [(C,)])).layer == 1


# the same heads, given


def given_heads(beta=lambda p: p.beta, C=lambda step: step.C.mT, reads="momentum", W=None):
    def heads(layout, step, p, layer):
        gradient = Head(
            W and layout.matrix({(row, "td_error"): c / p.beta for row, c in W.items()}),
            layout.matrix({("td_error", "td_error"): p.beta} if W else {(row, "td_error"): 1 for row in WRITTEN}),
            layout.matrix({("phi", "phi"): -C(step), ("phi", "next"): C(step)}), layout.mask(),
        )  # fmt: skip
        momentum = Head(
            None, layout.matrix({("td_error", "one"): beta(p), ("momentum", "one"): p.beta - 1}),
            layout.matrix({("one", reads): 1}), layout.mask(),
        )  # fmt: skip
        return [gradient, momentum]

    return heads


WRITTEN = {"td_error": 1, "momentum": 1}


def form_of(**wrong):
    algorithm = replace(HEAVY, heads=given_heads(**wrong))
    return given_form(algorithm, {}, traced(algorithm, {}))


@pytest.mark.parametrize("W", [None, WRITTEN], ids=["W = I", "a W of its own"])
def test_given_heads_are_the_derived_ones_in_symbols(W):
    form, wanted = form_of(W=W), derive(HEAVY)
    assert [type(h) for h in form.heads] == [type(h) for h in wanted.heads]
    for one, other in zip(form.heads, wanted.heads, strict=True):
        for part in ("U", "E"):
            assert {k: c.text() for k, c in getattr(one, part).items()} == {
                k: c.text() for k, c in getattr(other, part).items()
            }
    assert set(holds(form).values()) == {True}


@pytest.mark.parametrize(
    "wrong",
    [
        {"beta": lambda p: -p.beta},
        {"beta": lambda p: 1 - p.beta},
        {"C": lambda step: step.C},
        {"reads": "td_error"},
        {"W": {"td_error": 1, "momentum": -1}},
    ],
    ids=["sign", "exchanged", "transposed", "another row", "a W of another sign"],
)
def test_wrong_given_heads_are_refused_by_every_kind(wrong):
    assert set(holds(form_of(**wrong)).values()) == {False}


def test_given_heads_of_another_shape_are_named():
    def heads(layout, step, p, layer):
        return [Head(None, layout.matrix({("td_error", "one"): 1}), layout.matrix({("phi", "phi"): 1}), layout.mask())]

    algorithm = replace(HEAVY, heads=heads)
    with pytest.raises(NotRepresentableError, match="head 1 is of another shape: wanted P = diag"):
        given_form(algorithm, {}, traced(algorithm, {}))

"""Heads that write feature rows, in floats: true runs are within their bound, any fault is found and placed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import Case, each_kind, trial
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import layerproof as lp
from layerproof.numeric.data.draws import contexts, preconditioners, prompts
from layerproof.numeric.device import PRECISIONS
from layerproof.numeric.judge.bounds import growth
from layerproof.numeric.judge.crosscheck import crosscheck
from layerproof.numeric.judge.dense import (
    EXACT_LAYERS,
    WORK,
    DenseModel,
    dense_bound,
    dense_check,
    judged_prompts,
    roundings,
    run_model,
)
from layerproof.numeric.lower import lower, lower_layers, lower_matrix, lower_prompt
from layerproof.numeric.transformer import ORDERS, LinearTransformer
from layerproof.proofs.user_file import load
from layerproof.symbolic import attention
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.arithmetics.rational import Rational, RationalMatrix
from layerproof.symbolic.attention import Head, TokenwiseHead
from layerproof.symbolic.given import given_construction
from layerproof.symbolic.identity.exact import problem
from layerproof.symbolic.own_layers import own_layers, own_prompt

FOLDER = Path(__file__).parents[2] / "examples"
DOUBLE = torch.float64
GIVEN, OWN = ("heavy_ball_td", "target_network_td"), ("ridge_td", "newton_schulz_lstd")
VALUES = {"gamma": Fraction(9, 10), "lam": Fraction(1, 2), "beta": Fraction(1, 3), "tau": Fraction(1, 4),
          "kappa": Fraction(2, 3)}  # fmt: skip
D, N = 2, 4


@cache
def own_model(name, n=N):
    own = load(FOLDER / f"{name}.py")
    values = {k: Fraction(v) for k, v in own.parameters.items()} | {"gamma": VALUES["gamma"], "lam": VALUES["lam"]}
    depth = own.layers or 3
    rows, columns, layers, scale = own_layers(own, D, n, values, depth)
    drawn = islice(contexts(D, n, 0, "boyan-chain"), 3)
    return DenseModel(layers, scale, rows, columns), [own_prompt(own, context, values) for _, _, context in drawn]


@cache
def given_case(name, depth=3, looped=False):
    algorithm = load(FOLDER / f"{name}.py")
    values = algorithm.values(VALUES)
    options = algorithm.choose({})
    steps = preconditioners(algorithm, D, 1 if looped else depth, 0)
    construction = given_construction(algorithm, options, D, N, depth, steps, values, looped)
    setups = [
        problem(algorithm, RATIONALS, context, start, values, options)
        for _, context, start in islice(prompts(algorithm, D, N, 0, "boyan-chain"), 3)
    ]
    return construction, algorithm, setups


def judged(model, prompts, dtype=DOUBLE, layers=None, scale=None, order=ORDERS[0], tamper=None):
    """The result on a run of `layers` with `scale`, the model's own where they are left out."""
    lowered = lower_layers(layers or model.layers, scale or model.scale, dtype, "cpu")
    states = run_model(model, lowered, [lower_matrix(Z, dtype, "cpu") for Z in prompts], order).copy()
    if tamper is not None:
        tamper(states)
    return dense_check(model, states, lowered, PRECISIONS[dtype], torch.device("cpu"), {})


def changed(layers, number, head, name, entry, factor):
    """The layers with one entry of one matrix times `factor`, or `factor` itself where it is zero."""
    matrix = getattr(layers[number][head], name).fractions()
    i, j = entry
    matrix[i][j] = matrix[i][j] * (1 + factor) if matrix[i][j] else factor
    heads = list(layers[number])
    heads[head] = replace(heads[head], **{name: RationalMatrix.of(matrix)})
    return (*layers[:number], tuple(heads), *layers[number + 1 :])


# true runs


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("dtype", list(PRECISIONS))
@pytest.mark.parametrize("order", ORDERS)
def test_a_construction_of_ones_own_is_within(name: str, dtype: torch.dtype, order: str) -> None:
    model, drawn = own_model(name)
    result = judged(model, drawn, dtype, order=order)
    assert result.status == ("within" if growth(roundings(model), PRECISIONS[dtype]) < 2**-4 else "vacuous")
    assert 0 < result.ratio < 1 and result.error < result.bound
    assert (result.a_priori, result.trials) == (None, 3)
    assert (result.distance is None) == (len(model.layers) > EXACT_LAYERS)


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("dtype", list(PRECISIONS))
@pytest.mark.parametrize("looped", [False, True])
def test_an_algorithm_with_weights_of_its_own_is_within(name: str, dtype: torch.dtype, looped: bool) -> None:
    construction, algorithm, setups = given_case(name, looped=looped)
    heads_of_layers = construction.row_heads()
    assert heads_of_layers is not None and any(isinstance(h, TokenwiseHead) for h in heads_of_layers[0])
    for order in ORDERS:
        module = LinearTransformer.from_construction(construction, dtype)
        module.order = order
        result = crosscheck(construction, algorithm, setups, dtype=dtype, module=module)
        assert result.status == ("within" if growth(result.k, PRECISIONS[dtype]) < 2**-4 else "vacuous")
        assert 0 < result.ratio < 1 and result.a_priori.status in ("within", "vacuous")
        assert result.a_priori.status == "within" or PRECISIONS[dtype].unit_roundoff > 2.0**-24
        assert result.environment["evaluation"] == f"eager, {order}"


def random_model(seed, m, N, heads, depth, size):
    rng = np.random.default_rng(seed)

    def matrix(a, b):
        return RationalMatrix.of([[Fraction(int(rng.integers(-9, 10)), 7) * size for _ in range(b)] for _ in range(a)])

    layers = tuple(
        tuple(Head(matrix(m, m), matrix(m, m), matrix(m, m), matrix(N, N)) for _ in range(heads)) for _ in range(depth)
    )
    names = (tuple(f"row {i}" for i in range(m)), tuple(f"column {j}" for j in range(N)))
    return DenseModel(layers, Fraction(1, 3), *names), [matrix(m, N) for _ in range(2)]


@given(
    seed=st.integers(0, 10**6), m=st.integers(1, 4), N=st.integers(1, 4), heads=st.integers(0, 3),
    depth=st.integers(1, 2), dtype=st.sampled_from(list(PRECISIONS)), size=st.sampled_from([1, Fraction(1, 64), 4]),
    order=st.sampled_from(ORDERS),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_no_true_run_of_any_heads_leaves_the_bound(seed, m, N, heads, depth, dtype, size, order):
    model, drawn = random_model(seed, m, N, heads, depth, size)
    result = judged(model, drawn, dtype, order=order)
    assert result.status in ("within", "vacuous") or (dtype is torch.float16 and result.status == "not-finite")


@pytest.mark.parametrize(("heads", "shared"), [(0, False), (1, False), (3, True), (3, False)])
def test_moved_brackets_give_the_same_layer(heads: int, shared: bool) -> None:
    rng = np.random.default_rng(heads)

    def drawn(height: int, width: int) -> RationalMatrix:
        return RationalMatrix.of(
            [
                [Fraction(int(rng.integers(-9, 10)), int(rng.integers(1, 7))) for _ in range(width)]
                for _ in range(height)
            ]
        )

    M = drawn(5, 5)
    made = [Head(drawn(3, 3), drawn(3, 3), drawn(3, 3), M if shared else drawn(5, 5)) for _ in range(heads)]
    Z, scale = drawn(3, 5), Rational.of(Fraction(1, 4))
    assert attention.regrouped(Z, made, scale) == attention.layer(Z, made, scale)


def test_the_bound_is_at_least_the_formula_and_no_more_than_that() -> None:
    model, drawn = random_model(3, 2, 3, 2, 1, 1)
    Z = lower_matrix(drawn[0], DOUBLE, "cpu").numpy()
    target = PRECISIONS[DOUBLE]
    bound = dense_bound(model, 0, Z, target)
    factor, z = (1 + target.unit_roundoff) ** roundings(model) - 1, [[abs(Fraction(x)) for x in row] for row in Z]
    for i, t in np.ndindex(2, 3):
        total = z[i][t]
        for h in model.layers[0]:
            W, P, Q, M = ([[abs(x) for x in row] for row in x.fractions()] for x in (h.W, h.P, h.Q, h.M))
            for b, c, u, v, r, s in np.ndindex(2, 2, 3, 3, 2, 2):
                total += W[i][b] * P[b][c] * z[c][u] * M[u][v] * z[r][v] * Q[r][s] * z[s][t] / 3
        assert factor * total <= Fraction(float(bound[i, t])) <= factor * total * (1 + Fraction(1, 2**30))


# faults


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("matrix", ["W", "P", "Q", "M"])
def test_a_wrong_entry_of_any_matrix_is_refuted_at_its_layer(name: str, matrix: str) -> None:
    model, drawn = own_model(name)
    head = model.layers[1][0]
    values, P = getattr(head, matrix).fractions(), head.P.fractions()
    # An entry of W that meets a row of zeros in P changes nothing, whatever it is.
    used = [(i, j) for i, row in enumerate(values) for j, x in enumerate(row) if x and (matrix != "W" or any(P[j]))]
    entry = used[-1]
    result = judged(model, drawn, layers=changed(model.layers, 1, 0, matrix, entry, Fraction(1, 2**30)))
    assert (result.status, result.where.layer) == ("exceeded", 2)
    assert result.error > result.bound and result.ratio > 1
    assert result.where.row in model.rows and result.where.column in model.columns


def test_a_mask_that_lets_a_token_too_many_in_and_a_wrong_scale_are_refuted() -> None:
    model, drawn = own_model("ridge_td")
    last = len(model.columns) - 1
    # The query's own row is zero until the first layer has run.
    leaked = changed(model.layers, 1, 0, "M", (last, last), Fraction(1, 10**6))
    result = judged(model, drawn, layers=leaked)
    assert (result.status, result.where.layer) == ("exceeded", 2)
    result = judged(model, drawn, scale=model.scale * (1 + Fraction(1, 10**9)))
    assert (result.status, result.where.layer) == ("exceeded", 1)


def test_a_fault_in_one_entry_of_one_prompt_is_placed_there() -> None:
    model, drawn = own_model("newton_schulz_lstd")

    def tamper(states):
        states[2, 1, 3, 2] += 1e-9
        states[4, 0, 0, 0] += 1.0

    result = judged(model, drawn, tamper=tamper)
    where = (result.where.trial, result.where.layer, result.where.row, result.where.column)
    assert (result.status, where) == ("exceeded", (1, 2, model.rows[3], model.columns[2]))
    assert result.computed != result.exact and abs(result.error - 1e-9) < 1e-12


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_placed_where_it_began(value: float) -> None:
    model, drawn = own_model("ridge_td")

    def tamper(states):
        states[2:, 1, 3, 2] = value

    result = judged(model, drawn, tamper=tamper)
    where = (result.where.trial, result.where.layer, result.where.row, result.where.column)
    assert (result.status, where) == ("not-finite", (1, 2, model.rows[3], model.columns[2]))
    assert (result.bound, result.distance) == (None, None)
    result.to_json()


def test_a_wrong_layer_before_the_numbers_end_is_the_one_that_is_named() -> None:
    model, drawn = own_model("ridge_td")

    def tamper(states):
        states[1, 1, 3, 2] += 1e-9
        states[3:, 0, 0, 0] = np.inf

    result = judged(model, drawn, tamper=tamper)
    assert (result.status, result.where.layer, result.where.row) == ("exceeded", 1, model.rows[3])
    assert result.distance is None
    result.to_json()


class Edited(nn.Module):
    """The layers of a transformer, after an edit of the module's own tensors."""

    def __init__(self, construction, edit):
        super().__init__()
        self.layers = LinearTransformer.from_construction(construction).layers
        edit(self.layers)


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("matrix", ["W", "P", "Q", "M"])
@pytest.mark.parametrize("head", [0, 1])
def test_a_wrong_tensor_of_a_module_is_refuted(name: str, matrix: str, head: int) -> None:
    construction, algorithm, setups = given_case(name)

    def edit(layers):
        tensor = getattr(layers[1].heads[head], matrix)
        used = tensor * layers[1].heads[head].P.any(dim=1) if matrix == "W" else tensor
        tensor[tuple(int(i) for i in used.nonzero()[-1])] += 1e-9

    result = crosscheck(construction, algorithm, setups, module=Edited(construction, edit))
    assert (result.status, result.where.layer) == ("exceeded", 2)
    assert result.environment["evaluation"] == "the user's own"


def test_a_prediction_read_with_the_wrong_sign_is_refuted() -> None:
    construction, algorithm, setups = given_case("heavy_ball_td")
    module = LinearTransformer.from_construction(construction)
    module.sign = -module.sign
    result = crosscheck(construction, algorithm, setups, module=module)
    assert (result.status, result.where.row) == ("exceeded", "prediction")


# what a bound can say


def test_numbers_too_large_for_a_bound_decide_nothing_and_break_nothing() -> None:
    model, _ = random_model(1, 2, 2, 1, 1, 1)
    lowered = lower_layers(model.layers, model.scale, DOUBLE, "cpu")
    large = np.full((2, 1, 2, 2), 1e150)
    result = dense_check(model, large, lowered, PRECISIONS[DOUBLE], torch.device("cpu"), {})
    assert (result.status, result.bound) == ("vacuous", np.inf)
    assert "inf" not in str(result.to_json()["bound"])
    huge = changed(model.layers, 0, 0, "W", (0, 0), Fraction(10) ** 400)
    result = dense_check(replace(model, layers=huge), np.ones((2, 1, 2, 2)), lowered, PRECISIONS[DOUBLE],
                         torch.device("cpu"), {})  # fmt: skip
    assert result.status in ("vacuous", "exceeded")


@each_kind
def test_both_judges_say_the_same_of_one_run(case: Case) -> None:
    """On weights that leave feature rows alone: the same errors, and the wider bound is the one on all of Z."""
    drawn = trial(case, 2, 4, 3)
    construction, setup = drawn.construction, drawn.setup
    layout = construction.layout
    names = (tuple(layout.row_names()), tuple(layout.column_name(t) for t in range(5)))
    model = DenseModel(tuple(construction.heads(k) for k in range(3)), Fraction(1, 4), *names)
    lowered = lower(construction, DOUBLE, "cpu")
    Z = lower_prompt(setup, DOUBLE, "cpu")[None]
    module = LinearTransformer.from_construction(construction)
    for wrong in (False, True):
        if wrong:
            module.layers[1].heads[0].P.mul_(1 + 1e-9)
        states = torch.stack(module.states(Z)).numpy()
        dense = dense_check(model, states, lowered, PRECISIONS[DOUBLE], torch.device("cpu"), {})
        split = crosscheck(construction, case.algorithm, [setup], module=module)
        assert dense.status == split.status == ("exceeded" if wrong else "within")
        assert dense.k >= split.k
        if wrong:
            assert dense.where.layer == split.where.layer == 2
        else:
            assert dense.distance.worst_absolute == pytest.approx(split.distance.worst_absolute, rel=1e-6)
            assert dense.distance.last_absolute == pytest.approx(split.distance.last_absolute, rel=1e-6)


def test_fewer_prompts_are_judged_the_deeper_the_run() -> None:
    assert [judged_prompts(30, depth) for depth in (1, 10, 40, 1000)] == [30, 20, WORK // 40, 3]
    assert judged_prompts(2, 1000) == 2
    construction, algorithm, setups = given_case("heavy_ball_td")
    assert crosscheck(construction, algorithm, setups * 40).trials == 120  # rows alone, over a constant row too
    head = construction.layers[0][0]
    writing = replace(construction, layers=((replace(head, W=head.Q, P=head.Q),), *construction.layers[1:]))
    assert writing.row_heads() is None
    assert crosscheck(writing, algorithm, setups * 40).trials == WORK // 3


@pytest.mark.parametrize("name", (*GIVEN, *OWN))
def test_verify_judges_floats_and_says_on_how_many_prompts(name: str) -> None:
    result = lp.verify(
        str(FOLDER / f"{name}.py"), d=2, n=3, layers=3, trials=2, evidence=["float"], order="scores-first"
    )
    claim, *every = (c for c in result.claims if c.asked)
    assert (claim.evidence, claim.verdict, result.exit_code) == ("float", lp.Verdict.HOLDS, 0)
    assert "2 prompts" in claim.claim
    assert [c.verdict for c in every] == [lp.Verdict.HOLDS] * (name in GIVEN)
    assert (claim.details["tiers"]["a-priori"]["bound"] is None) == (name in OWN)
    assert claim.details["environment"]["evaluation"] == "eager, scores-first"


def test_what_an_own_construction_cannot_be_run_in_is_not_run() -> None:
    for setting in ({"dtype": "tf32"}, {"compiled": True}):
        result = lp.verify(str(FOLDER / "ridge_td.py"), d=2, n=3, layers=2, evidence=["float"], **setting)
        (claim,) = (c for c in result.claims if c.asked)
        assert (claim.verdict, result.exit_code) == (lp.Verdict.NOT_RUN, 3)


def test_a_distance_from_the_exact_run_is_measured_while_the_run_is_short() -> None:
    model, drawn = own_model("ridge_td")
    result = judged(model, drawn)
    lowered = lower_layers(model.layers, model.scale, DOUBLE, "cpu")
    states = run_model(model, lowered, [lower_matrix(Z, DOUBLE, "cpu") for Z in drawn])
    worst = Fraction(0)
    for number in range(3):
        Z = [[Fraction(float(x)) for x in row] for row in states[0, number]]
        for layer, heads in enumerate(model.layers, 1):
            Z = plain_layer(Z, heads, model.scale)
            gaps = (abs(a - Fraction(float(b))) for x, y in zip(Z, states[layer, number], strict=True)
                    for a, b in zip(x, y, strict=True))  # fmt: skip
            worst = max(worst, *gaps)
    assert Fraction(result.distance.worst_absolute) >= worst
    assert result.distance.worst_absolute == pytest.approx(float(worst), rel=1e-12)


def plain_layer(Z, heads, scale):
    def times(A, B):
        return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*B, strict=True)] for row in A]

    result = [list(row) for row in Z]
    for h in heads:
        W, P, Q, M = (x.fractions() for x in (h.W, h.P, h.Q, h.M))
        met = times(times(times(W, P), times(Z, M)), times([list(r) for r in zip(*Z, strict=True)], times(Q, Z)))
        result = [[a + scale * b for a, b in zip(x, y, strict=True)] for x, y in zip(result, met, strict=True)]
    return result

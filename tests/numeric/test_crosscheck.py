"""The judge: true executions stay inside the bound, planted faults do not, and the distance is the textbook's."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import islice
from random import Random

import numpy as np
import pytest
import torch
from helpers import NAMES, PARAMETERS, Case, each_kind_by_name
from helpers import trial as trial_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import layerproof as lp
from layerproof.numeric.data.draws import enumerations, preconditioners
from layerproof.numeric.data.prompts import generic_context, with_extras
from layerproof.numeric.device import PRECISIONS
from layerproof.numeric.judge.bounds import growth, layer_maps, one_step
from layerproof.numeric.judge.crosscheck import crosscheck
from layerproof.numeric.judge.exact_distance import SMALL, distances
from layerproof.numeric.judge.exact_run import ExactRun
from layerproof.numeric.judge.judgements import judge
from layerproof.numeric.judge.measured import loop_in_floats
from layerproof.numeric.lower import lower_prompt
from layerproof.numeric.reference import float_iterates
from layerproof.numeric.transformer import LinearTransformer
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.attention import TokenwiseHead
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.prompt import Context

VALUES = {**PARAMETERS, "gamma": Fraction(9, 10), "lam": Fraction(1, 2)}
derived = cache(lambda name: derive(catalogue()[name]))


def made(name, d=3, n=20, depth=6, trials=2, seed=0, denominator=128, values=VALUES):
    """A sequential construction with random steps of entries k/denominator, and prompts for it."""
    algorithm, derivation, rng = catalogue()[name], derived(name), Random(seed)
    half = denominator // 2

    def number():
        return Fraction(rng.randint(-half, half), denominator)

    def vector(scalar):
        return number() if scalar else [number() for _ in range(d)]

    steps = [
        tuple(
            number() if c in algorithm.scalar_preconditioners else [vector(False) for _ in range(d)]
            for c in algorithm.preconditioners
        )
        for _ in range(depth)
    ]
    drawn = [generic_context(d, n, seed * 1000 + trial) for trial in range(trials)]
    if algorithm.enumerates:  # whose iterates grow on other prompts
        n, drawn = d, [context for _, _, context in islice(enumerations(d, seed, "boyan-chain"), trials)]
    construction = construct(derivation, d, n, depth, steps, values)
    setups = [
        problem(
            algorithm,
            RATIONALS,
            with_extras(drawn[trial], algorithm.extras, trial),
            [vector(w in algorithm.scalar_weights) for w in algorithm.weights],
            values,
            derivation.options,
        )
        for trial in range(trials)
    ]
    return construction, algorithm, setups


def exact_run(construction, states):
    """A run of states Z_0, ..., Z_L : (L+1, T, m, N)."""
    values, p = states.double().numpy(), construction.layout.p
    return ExactRun(layer_maps(construction), construction, values[0, :, :p], values[:, :, p:].transpose(1, 0, 2, 3))


EVERY = [(name, torch.float64) for name in sorted(catalogue())]
COARSE = [(name, dtype) for name in NAMES for dtype in PRECISIONS if dtype != torch.float64]


@pytest.mark.parametrize(("name", "dtype"), EVERY + COARSE)
def test_every_algorithm_is_within_its_bound(name, dtype):
    construction, algorithm, setups = made(name)
    result = crosscheck(construction, algorithm, setups, dtype=dtype)
    assert result.status == ("within" if growth(result.k, PRECISIONS[dtype]) < 1 / 16 else "vacuous")
    assert 0 < result.ratio < 1
    assert result.distance.last_absolute < 1e4 * PRECISIONS[dtype].unit_roundoff
    assert result.loop_distance.largest < 1e4 * PRECISIONS[dtype].unit_roundoff
    assert result.to_json()["where"]["layer"] == result.where.layer


@given(
    name=st.sampled_from(NAMES),
    d=st.integers(1, 3),
    n=st.integers(1, 12),
    depth=st.integers(1, 4),
    seed=st.integers(0, 10**4),
    denominator=st.sampled_from([2, 128, 3, 7, 30]),
    dtype=st.sampled_from(list(PRECISIONS)),
    trainable=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_true_execution_never_exceeds_the_bound(name, d, n, depth, seed, denominator, dtype, trainable):
    construction, algorithm, setups = made(name, d, n, depth, 2, seed, denominator)
    module = LinearTransformer.from_construction(construction, dtype, trainable=trainable)
    assert crosscheck(construction, algorithm, setups, dtype=dtype, module=module).status in ("within", "vacuous")


@given(seed=st.integers(0, 10**4), name=st.sampled_from(["td0", "td-lambda", "gtd2"]))
@settings(max_examples=10, deadline=None)
def test_a_permuted_context_stays_within(seed, name):
    construction, algorithm, _ = made(name, 2, 8, 3, 1, seed)
    context = generic_context(2, 8, seed * 1000)
    order = Random(seed).sample(range(8), 8)
    permuted = Context(
        tuple(context.features[i] for i in order),
        tuple(context.next_features[i] for i in order),
        tuple(context.rewards[i] for i in order),
        context.query,
    )
    start = [[0, 0] for _ in algorithm.weights]
    again = [problem(algorithm, RATIONALS, permuted, start, VALUES, derived(name).options)]
    assert crosscheck(construction, algorithm, again).status == "within"


class AnotherOrder(nn.Module):
    """The same layers from right to left, as n x n attention: a correct execution that sums in another order."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def states(self, Z):
        states = [Z]
        for layer in self.module.layers:
            Z = states[-1]
            heads = [(h.W @ (h.P @ (Z @ (h.M @ ((Z.mT @ h.Q) @ Z))))) for h in layer.heads]
            states.append(Z + sum(h * layer.scale for h in reversed(heads)))
        return states


@each_kind_by_name
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_another_order_of_evaluation_is_within(name, dtype):
    construction, algorithm, setups = made(name)
    module = AnotherOrder(LinearTransformer.from_construction(construction, dtype))
    assert crosscheck(construction, algorithm, setups, dtype=dtype, module=module).status in ("within", "vacuous")


def edit_one_weight(module):
    module.layers[3].heads[0].Q[0, 0] += 2.0**-40


def edit_one_mask_entry(module):
    module.layers[3].heads[0].M[7, 7] += 1e-9


def edit_the_scale(module):
    for layer in module.layers:
        layer.scale *= 1 + 1e-9


def edit_one_layer(module):
    module.layers[3].scale *= 1.001


def transpose_the_step(module):
    for layer in module.layers:
        for head in layer.heads:
            head.Q[:3, :3] = head.Q[:3, :3].mT.clone()


def flip_a_sign(module):
    module.layers[3].heads[0].P.neg_()


class Tampered(nn.Module):
    """A module whose state after layer 4 is changed in one entry, and which goes on from there."""

    def __init__(self, module, row, column, change):
        super().__init__()
        self.module, self.entry, self.change = module, (row, column), change

    def states(self, Z):
        states = [Z]
        for number, layer in enumerate(self.module.layers, start=1):
            Z = layer(Z).clone()
            if number == 4:
                Z[1, self.entry[0], self.entry[1]] = self.change(Z[1, self.entry[0], self.entry[1]])
            states.append(Z)
        return states


@each_kind_by_name
@pytest.mark.parametrize(
    ("fault", "layer"),
    [
        (edit_one_weight, 4),
        (edit_one_mask_entry, 4),
        (edit_the_scale, None),
        (edit_one_layer, 4),
        (transpose_the_step, None),
        (flip_a_sign, 4),
    ],
)
def test_a_planted_fault_is_found_and_placed(name, fault, layer):
    construction, algorithm, setups = made(name)
    module = LinearTransformer.from_construction(construction)
    fault(module)
    result = crosscheck(construction, algorithm, setups, module=module)
    assert result.status == "exceeded"
    assert result.error > result.bound
    assert result.ratio > 1
    assert result.where.layer == (layer or result.where.layer)
    assert result.where.column.startswith(("context token", "the query"))
    assert result.computed != result.exact


def test_a_fault_in_one_column_is_placed_there():
    construction, algorithm, setups = made("td0")
    lowered = LinearTransformer.from_construction(construction)
    result = crosscheck(construction, algorithm, setups, module=Tampered(lowered, 6, 11, lambda v: v * (1 + 1e-12)))
    assert result.status == "exceeded"
    assert (result.where.trial, result.where.layer, result.where.column) == (1, 4, "context token 12")
    assert result.where.row == "td_error"


def test_a_changed_feature_row_is_refuted():
    construction, algorithm, setups = made("td0")
    lowered = LinearTransformer.from_construction(construction)
    result = crosscheck(construction, algorithm, setups, module=Tampered(lowered, 2, 5, lambda v: v + 2.0**-50))
    assert result.status == "exceeded"
    assert (result.where.trial, result.where.layer, result.where.row, result.where.column) == (
        1, 4, "phi[3]", "context token 6",
    )  # fmt: skip
    assert result.bound == 0


def test_a_nan_is_placed_where_it_began():
    construction, algorithm, setups = made("td0")
    lowered = LinearTransformer.from_construction(construction)
    result = crosscheck(construction, algorithm, setups, module=Tampered(lowered, 6, 20, lambda v: v * float("nan")))
    assert result.status == "not-finite"
    assert (result.where.trial, result.where.layer, result.where.column) == (1, 4, "the query")
    assert result.distance is None
    assert result.to_json()["loop_distance"]["largest"] is None


def test_a_bound_that_says_nothing_is_called_vacuous():
    construction, algorithm, setups = made("least-squares", d=1, n=220, depth=1, trials=1)
    result = crosscheck(construction, algorithm, setups, dtype=torch.bfloat16)
    assert result.growth >= 1
    assert result.status == "vacuous"


@pytest.mark.parametrize("name", ["td-lambda", "average-reward-td", "gtd2", "differential-td"])
@pytest.mark.parametrize("denominator", [8, 3])
def test_the_distance_is_from_the_textbook_on_the_float_prompt(name, denominator):
    values = {"gamma": Fraction(1, 2), "lam": Fraction(1, 3)}
    construction, algorithm, setups = made(name, 2, 4, 3, 1, 5, denominator, values)
    start = [0 if w in algorithm.scalar_weights else [0, 0] for w in algorithm.weights]
    context = generic_context(2, 4, 5)
    setups = [problem(algorithm, RATIONALS, context, start, values, derived(name).options)]
    Z = lower_prompt(setups[0], torch.float32, "cpu")
    # gamma = 1/2 and entries k/1024: the float prompt is the rational one, and phi' is in it exactly
    states = LinearTransformer.from_construction(construction, torch.float32).states(Z)
    run = exact_run(construction, torch.stack(states)[:, None])
    answer = distances(run)
    assert answer is not None
    measured, slack = answer
    for layer, weights in enumerate(textbook(setups[0], construction.steps), start=1):
        for k, row in enumerate(setups[0].rows(weights)):
            for t, value in enumerate(row):
                true = abs(Fraction(states[layer][construction.layout.p + k, t].item()) - value.fraction())
                allowed = Fraction(float(slack[0, layer, k, t])) + true / 2**50
                assert abs(Fraction(float(measured[0, layer, k, t])) - true) <= allowed
    assert slack.max() < SMALL * measured.max()


def test_the_residual_is_the_exact_one():
    for name, denominator in (("td0", 128), ("average-reward-td", 3), ("tdc", 7), ("gtd", 7), ("online-td-lambda", 3)):
        construction, _, setups = made(name, 2, 5, 3, 2, 1, denominator)
        module = LinearTransformer.from_construction(construction)
        Z = torch.stack([lower_prompt(s, torch.float64, "cpu") for s in setups])
        run = exact_run(construction, torch.stack(module.states(Z)))
        residual, slack = run.residuals
        for trial, layer in np.ndindex(2, 3):
            exact = run.exact_layer(trial, layer).fractions()
            for k, t in np.ndindex(run.Y.shape[2:]):
                true = Fraction(float(run.Y[trial, layer + 1, k, t])) - exact[k][t]
                allowed = Fraction(float(slack[trial, layer, k, t])) + abs(true) / 2**50
                assert abs(Fraction(float(residual[trial, layer, k, t])) - true) <= allowed
        assert slack.max() < 1e-35


def test_an_error_at_its_very_bound_is_decided_over_the_rationals():
    construction, _, setups = made("average-reward-td", 2, 5, 2, 1, 1, 3)
    Z = lower_prompt(setups[0], torch.float64, "cpu")
    run = exact_run(construction, torch.stack(LinearTransformer.from_construction(construction).states(Z))[:, None])
    exact = run.exact_layer(0, 1).fractions()
    true = abs(Fraction(float(run.Y[0, 2, 1, 3])) - exact[1][3])
    nearest = float(true)
    up = nearest if Fraction(nearest) >= true else np.nextafter(nearest, np.inf)
    bound = np.ones((1, 2, 2, 6))
    bound[0, 1, 1, 3] = up
    assert judge(run, construction, bound).status == "within"
    bound[0, 1, 1, 3] = np.nextafter(up, 0)
    judgement = judge(run, construction, bound)
    assert judgement.status == "exceeded"
    assert (judgement.where.layer, judgement.where.row, judgement.where.column) == (2, "difference", "context token 4")


@pytest.mark.parametrize("size", [-900, -400, 300, 460, 1000])
def test_extreme_prompts_are_judged_without_a_false_alarm(size):
    """Rewards of any size: the rows scale with them, down to where products underflow."""
    construction, algorithm, _ = made("td-lambda", 2, 5, 3)
    context = generic_context(2, 5, 3)
    rewards = tuple(r * Fraction(2) ** size for r in context.rewards[:-1])
    context = Context(context.features, context.next_features, (*rewards, Fraction(1)), context.query)
    start = [[0, 0]]
    setups = [problem(algorithm, RATIONALS, context, start, VALUES, derived("td-lambda").options)]
    result = crosscheck(construction, algorithm, setups)
    assert result.status == "within"
    assert result.distance is not None


@pytest.mark.parametrize("name", ["tdc", "gtd"])
def test_the_bound_is_at_least_the_formula(name):
    construction, _, setups = made(name, 2, 4, 2, 1, 3)
    maps, p, K = layer_maps(construction), construction.layout.p, construction.layout.m - construction.layout.p
    Z = lower_prompt(setups[0], torch.float64, "cpu").numpy()
    X, Y = Z[None, :p], Z[None, None, p:].repeat(2, axis=1)
    target = PRECISIONS[torch.float64]
    bound, unmixed = one_step(maps, X, Y, target), one_step(replace(maps, tokenwise=()), X, Y, target)
    factor, below = (1 + target.unit_roundoff) ** maps.roundings - 1, False
    for layer in range(2):
        for k, t in np.ndindex(K, 5):
            total = abs(Fraction(float(Y[0, layer, k, t])))
            for h in construction.row_heads()[layer]:
                U, E, M = (m.fractions() for m in (h.U, h.E, h.M))
                # value and query rows: accumulators and features, or the other way round
                values, queries = (X[0], Y[0, layer]) if isinstance(h, TokenwiseHead) else (Y[0, layer], X[0])
                for c, i, j, r, s in np.ndindex(len(values), 5, 5, p, len(queries)):
                    if U[k][c] and E[r][s] and M[i][j]:
                        product = abs(U[k][c] * M[i][j] * E[r][s]) / 4
                        for value in (values[c, i], X[0, r, j], queries[s, t]):
                            product *= abs(Fraction(float(value)))
                        total += product
            assert factor * total <= Fraction(float(bound[0, layer, k, t])) <= factor * total * (1 + Fraction(1, 2**30))
            below |= factor * total > Fraction(float(unmixed[0, layer, k, t]))
    assert below == (name == "gtd")


@pytest.mark.parametrize("name", ["td0", "gtd", "average-reward-td"])
def test_heads_whose_masks_are_zero_do_nothing_and_are_judged(name):
    construction, algorithm, setups = made(name, 2, 4, 3)
    for kept in (0, 1):  # all heads of every layer, or all but those of the first
        layers = tuple(
            tuple(replace(h, M=h.M * Fraction(0)) if number >= kept else h for h in heads)
            for number, heads in enumerate(construction.layers)
        )
        silent = replace(construction, layers=layers)
        result = crosscheck(silent, algorithm, setups)
        assert (result.status, result.distance.worst_absolute > 0) == ("within", kept == 1)
        again = crosscheck(silent, algorithm, setups, module=LinearTransformer.from_construction(construction))
        assert (again.status, again.where.layer) == ("exceeded", kept + 1)


@pytest.mark.parametrize(("n", "depth", "once"), [(4, 3, False), (64, 4, True)])
def test_the_loop_in_floats_is_the_textbook(n, depth, once):
    construction, _, setups = made("td-lambda", 2, n, depth)
    looped = float_iterates(setups, construction.steps, depth, torch.float64, "cpu").numpy()
    values = loop_in_floats(construction, setups, torch.float64, torch.device("cpu"))
    assert (values != looped).any() == once  # it ran once, on forms, whose roundings are others
    assert values.shape == (2, depth + 1, 1, n + 1)
    for layer, weights in enumerate(textbook(setups[1], construction.steps), start=1):
        wanted = [float(v.fraction()) for v in setups[1].rows(weights)[0]]
        for rows in (values, looped):
            assert rows[1, layer, 0].tolist() == pytest.approx(wanted, rel=1e-13, abs=1e-14)


def test_modules_of_another_form_are_told_what_is_wanted():
    construction, algorithm, setups = made("td0")
    with pytest.raises(ArgumentError, match="neither states"):
        crosscheck(construction, algorithm, setups, module=nn.Linear(2, 2))
    layers = nn.Module()
    layers.layers = LinearTransformer.from_construction(construction).layers
    assert crosscheck(construction, algorithm, setups, module=layers).status == "within"
    layers.layers = layers.layers[:3]
    with pytest.raises(ArgumentError, match="has 3 layers, wanted 6"):
        crosscheck(construction, algorithm, setups, module=layers)
    named = nn.Module()
    named.layers = nn.ModuleDict({f"layer{k}": layer for k, layer in enumerate(layers.layers)})
    with pytest.raises(ArgumentError, match="has 3 layers, wanted 6"):
        crosscheck(construction, algorithm, setups, module=named)
    keyed = nn.Module()
    keyed.layers = ["layer"] * 6
    with pytest.raises(ArgumentError, match="layer 1 of Module is str"):
        crosscheck(construction, algorithm, setups, module=keyed)
    keyed.states = lambda Z: Z.sum()
    with pytest.raises(ArgumentError, match="returns a tensor of one number, wanted the 7 tensors"):
        crosscheck(construction, algorithm, setups, module=keyed)
    wide = nn.Module()
    wide.layers = [lambda Z: Z.float()] * 6
    with pytest.raises(ArgumentError, match=r"float32 after layer 1, wanted .* of torch.float64"):
        crosscheck(construction, algorithm, setups, module=wide)


def test_prompts_that_do_not_fit_are_refused():
    construction, algorithm, setups = made("td0")
    with pytest.raises(ArgumentError, match="at least one"):
        crosscheck(construction, algorithm, [])
    with pytest.raises(ArgumentError, match="size"):
        crosscheck(construction, algorithm, made("td0", n=5)[2])
    with pytest.raises(ArgumentError, match="for another"):
        crosscheck(construction, catalogue()["residual-gradient"], setups)


def test_weights_that_touch_feature_rows_are_judged_too():
    construction, algorithm, setups = made("td0", n=6, depth=3)
    head = construction.layers[0][0]
    touching = replace(construction, layers=((replace(head, W=head.Q, P=head.Q),), *construction.layers[1:]))
    assert touching.row_heads() is None
    result = crosscheck(touching, algorithm, setups)
    assert (result.status, result.a_priori) == ("within", None)
    with pytest.raises(ArgumentError, match="feature rows"):
        layer_maps(touching)
    module = LinearTransformer.from_construction(construction)
    result = crosscheck(touching, algorithm, setups, module=module)
    assert (result.status, result.where.layer) == ("exceeded", 1)


def test_a_bound_that_could_hide_another_algorithm_decides_nothing() -> None:
    """In bfloat16 at n = 100 TD(lambda) stays inside the bound of TD(0): the answer must be open, not yes."""
    weights = lp.construct("td0", d=3, n=100, layers=3)
    module = LinearTransformer.from_construction(lp.construct("td-lambda", d=3, n=100, layers=3), torch.bfloat16)
    with pytest.raises(AssertionError, match="UNDECIDED by float"):
        lp.assert_implements(module, "td0", reference=weights)


@pytest.mark.parametrize(
    ("scale", "reward", "wanted"),
    [
        (1, 0, "within"),  # the rows stay zero: what underflow may add is far below the features
        (0, 0, "within"),
        (Fraction(1, 10**160), Fraction(1, 10**320), "vacuous"),  # below the normal range, like all that is added
        (1, Fraction(1, 10**310), "vacuous"),
    ],
)
def test_a_bound_of_underflow_alone_is_vacuous_unless_the_rows_are_exactly_zero(scale, reward, wanted) -> None:
    algorithm, construction = catalogue()["td0"], lp.construct("td0", d=2, n=4, layers=3)
    rows = [[Fraction(i + 1, 8) * scale, Fraction(3 - i, 4) * scale] for i in range(4)]
    context = Context.of(rows, rows[::-1], [reward] * 4, rows[0])
    setup = problem(algorithm, RATIONALS, context, [[Fraction(0)] * 2], construction.parameters, construction.options)
    result = crosscheck(construction, algorithm, [setup])
    assert (result.status, result.a_priori.status) == (wanted, wanted)


def test_a_layer_of_very_large_numbers_is_judged_without_a_warning() -> None:
    """Layer 3 overflows: the layers before it are judged, and where the numbers ended is named."""
    algorithm, construction = catalogue()["td0"], lp.construct("td0", d=2, n=2, layers=3)
    context = Context.of([[10**60, 1], [1, 2]], [[0, 1], [1, 1]], [1, 1], [1, 1])
    setup = problem(algorithm, RATIONALS, context, [[Fraction(0)] * 2], construction.parameters, construction.options)
    result = crosscheck(construction, algorithm, [setup])
    assert (result.status, result.where.layer) == ("not-finite", 3)


def test_a_module_that_starts_elsewhere_is_refuted_where_feature_rows_are_touched_too() -> None:
    construction, algorithm, setups = made("td0", n=4, depth=2)
    head = construction.layers[0][0]
    touching = replace(construction, layers=((replace(head, W=head.Q, P=head.Q),), *construction.layers[1:]))

    class Scaled(nn.Module):
        def states(self, Z):
            return LinearTransformer.from_construction(touching).states(2 * Z)

    result = crosscheck(touching, algorithm, setups, module=Scaled())
    assert (result.status, result.fault, result.where.layer) == ("exceeded", "prompt", 0)


def test_weights_beyond_the_range_of_floats_break_nothing_and_hold_nothing() -> None:
    _, algorithm, setups = made("td0", d=2, n=4, depth=2)
    huge = [([[Fraction(2**1100), 0], [0, 1]],)] * 2
    wrong = construct(derived("td0"), 2, 4, 2, huge, VALUES)
    result = crosscheck(wrong, algorithm, setups)
    assert result.status not in ("within", "exceeded") and result.to_json()["status"] == result.status


@pytest.mark.parametrize("faulty", [False, True])
def test_sums_beyond_float64_hide_no_fault(faulty: bool) -> None:
    """Rows near 2^1023 whose sum is no float64: what is cut off is not known then, and Q decides."""
    case, d, n, depth = Case("tdc"), 2, 3, 2
    drawn = preconditioners(case.algorithm, d, depth, 0)
    steps = [tuple([[x / 3 for x in row] for row in C] for C in step) for step in drawn]
    rng = Random(0)
    small = [[Fraction(rng.randint(-1000, 1000), 10**6) for _ in range(d)] for _ in range(2 * n)]
    context = Context.of(small[:n], small[n:], [1, 2, 3], [1, Fraction(1, 2)])
    start = [[Fraction(2) ** 1023, Fraction(2) ** 1022 * Fraction(7, 8)]] * len(case.algorithm.weights)
    made = trial_of(case, d, n, depth, context=context, start=start)
    construction = construct(case.derivation, d, n, depth, steps, PARAMETERS)

    class Half(nn.Module):
        def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
            states = [x.clone() for x in LinearTransformer.from_construction(construction).states(Z)]
            if faulty:
                states[1][0, construction.layout.p, 0] *= 1.5
            return states

    result = crosscheck(construction, case.algorithm, [made.setup], module=Half())
    wanted = "exceeded" if faulty else "within"
    assert result.a_priori is not None and (result.status, result.a_priori.status) == (wanted, wanted)
    assert not faulty or (result.where is not None and result.where.layer == 1)

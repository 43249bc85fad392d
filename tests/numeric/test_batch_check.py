"""Thousands of prompts at once: no true execution leaves the sum of both bounds, and a fault on either side does."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import cache
from threading import Thread

import pytest
import torch
from expected import expected
from helpers import Case, each_kind, each_kind_by_name, entry_changed, with_matrix
from torch import nn

import layerproof
from layerproof.numeric.data.draws import preconditioners
from layerproof.numeric.device import PRECISIONS
from layerproof.numeric.judge import batch, forms, loop
from layerproof.numeric.judge.a_priori import reached
from layerproof.numeric.judge.batch import batch_check, random_transitions
from layerproof.numeric.judge.bounds import layer_maps
from layerproof.numeric.judge.carried import Carried
from layerproof.numeric.judge.loop import Loop, query_columns
from layerproof.numeric.reference import (
    FloatTransitions,
    Lowering,
    Stacked,
    StepMatrix,
    lower_steps,
    parameters,
    token_columns,
)
from layerproof.numeric.transformer import ORDERS, LinearTransformer
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.transitions import Sweep

VALUES = {"gamma": Fraction(9, 10), "lam": Fraction(1, 2)}
DOUBLE, SINGLE = torch.float64, torch.float32
derivation = cache(lambda case: derive(case.algorithm, dict(case.options)))


def made(case, d=2, n=6, depth=4, values=VALUES, seed=0):
    steps = preconditioners(case.algorithm, d, depth, seed)
    return construct(derivation(case), d, n, depth, steps, values)


def reordered(data, order):
    extras = {name: x[:, order] for name, x in data.extras.items()}
    return FloatTransitions(data.phi[:, order], data.phi_next[:, order], data.rewards[:, order], data.query, extras)


# true executions


@pytest.mark.slow
@each_kind
@pytest.mark.parametrize("dtype", list(PRECISIONS))
def test_no_true_execution_leaves_the_bound(case: Case, dtype: torch.dtype) -> None:
    """Both orders of evaluation, the second with the context in another order: 600 prompts in each format."""
    construction = made(case, depth=3)
    data = random_transitions(case.algorithm, 2, 6, 300, 1)
    turned = reordered(data, torch.randperm(6, generator=torch.Generator().manual_seed(2)))
    for order, given in zip(ORDERS, (data, turned), strict=True):
        module = LinearTransformer.from_construction(construction, dtype)
        module.order = order
        result = batch_check(construction, case.algorithm, given, dtype, module=module)
        wanted = ("within",) if dtype in (DOUBLE, SINGLE) else ("within", "vacuous")
        assert result.status in wanted and result.prompts == 300
        assert 0 < result.ratio < 1 and result.gap <= result.bound <= result.largest_bound


def scaled(data, factor):
    extras = {name: x * factor for name, x in data.extras.items()}
    return FloatTransitions(
        data.phi * factor, data.phi_next * factor, data.rewards * factor, data.query * factor, extras
    )


@pytest.mark.parametrize(("dtype", "size"), [(torch.float16, 2.0**-12), (SINGLE, 2.0**-140), (DOUBLE, 2.0**-1040)])
def test_numbers_that_underflow_when_lowered_raise_no_alarm(dtype: torch.dtype, size: float) -> None:
    for name in ("td0", "average-reward-td"):
        case = Case(name)
        result = batch_check(
            made(case), case.algorithm, scaled(random_transitions(case.algorithm, 2, 6, 200, 3), size), dtype
        )
        assert result.status in ("within", "vacuous")


@pytest.mark.slow
def test_a_batch_that_says_nothing_is_called_vacuous() -> None:
    case = Case("td0")
    construction, data = made(case, n=100), random_transitions(case.algorithm, 2, 100, 20, 0)
    result = batch_check(construction, case.algorithm, data, torch.bfloat16)
    assert (result.status, result.vacuous) == ("vacuous", 20)
    assert batch_check(construction, case.algorithm, data, DOUBLE).vacuous == 0


def test_the_drawn_prompts_are_exact_in_float32_and_follow_from_the_seed() -> None:
    drawn = random_transitions(catalogue()["td0"], 3, 5, 50, 7)
    for x in (drawn.phi, drawn.phi_next, drawn.rewards, drawn.query):
        assert x.dtype is DOUBLE and (x.float().double() == x).all() and x.abs().max() <= 1
    assert torch.equal(drawn.phi, random_transitions(catalogue()["td0"], 3, 5, 50, 7).phi)
    assert not torch.equal(drawn.phi, random_transitions(catalogue()["td0"], 3, 5, 50, 8).phi)


# faults of the transformer


def transformer(case, change, layer=2):
    """The module with one fault in one layer."""
    module = LinearTransformer.from_construction(made(case))
    change(module, layer)
    return module


def weight(module, layer):
    Q = module.layers[layer].heads[0].Q
    at = tuple(int(i) for i in Q.nonzero()[0])
    Q[at] += 1e-6


def mask(module, layer):
    M = module.layers[layer].heads[0].M
    M[tuple(int(i) for i in M.nonzero()[1])] += 1e-6


def step(module, layer):
    module.layers[layer].scale *= 1 + 1e-6


def sign(module, layer):
    module.layers[layer].heads[0].P.neg_()


def transpose(module, layer):
    Q = module.layers[layer].heads[0].Q
    for block in (slice(0, 2), slice(2, 4)):
        if Q[:2, block].shape == (2, 2):
            Q[:2, block] = Q[:2, block].mT.clone()


def swap(module, layer):
    module.layers[layer], module.layers[layer + 1] = module.layers[layer + 1], module.layers[layer]


@each_kind
@pytest.mark.parametrize("fault", [weight, mask, step, sign, transpose, swap])
def test_a_planted_fault_is_refuted_at_its_layer(case: Case, fault) -> None:
    data = random_transitions(case.algorithm, 2, 6, 20, 5)
    result = batch_check(made(case), case.algorithm, data, module=transformer(case, fault))
    assert result.status == "exceeded"
    assert result.where.layer == 3 and result.ratio > 1 and result.gap > result.bound


class OneEntry(nn.Module):
    """The states of a transformer with one entry of one state of one prompt changed."""

    def __init__(self, module, trial, layer, row, column, change):
        super().__init__()
        self.module, self.at, self.layer, self.change = module, (trial, row, column), layer, change

    def states(self, Z):
        states = [s.clone() for s in self.module.states(Z)]
        states[self.layer][self.at] = self.change(states[self.layer][self.at])
        return states


@pytest.mark.parametrize(
    ("row", "change", "status", "name"),
    [
        (4, lambda x: x + 1e-9, "exceeded", "td_error"),
        (1, lambda x: x + 2.0**-50, "exceeded", "phi[2]"),
        (4, lambda x: x * math.nan, "not-finite", "td_error"),
        (4, lambda x: x + math.inf, "not-finite", "td_error"),
        (0, lambda x: x - math.inf, "not-finite", "phi[1]"),
    ],
)
@pytest.mark.parametrize("layer", [0, 3])
def test_one_entry_of_one_prompt_is_found(row, change, status, name, layer) -> None:
    case = Case("td0")
    construction, data = made(case), random_transitions(case.algorithm, 2, 6, 100, 5)
    module = OneEntry(LinearTransformer.from_construction(construction), 77, layer, row, 3, change)
    result = batch_check(construction, case.algorithm, data, module=module)
    assert result.status == status
    where = (result.where.trial, result.where.layer, result.where.row, result.where.column)
    assert where == (77, layer, name, "context token 4")


def test_of_several_faults_the_earliest_layer_is_named() -> None:
    case = Case("td0")
    construction, data = made(case), random_transitions(case.algorithm, 2, 6, 100, 5)
    small = OneEntry(LinearTransformer.from_construction(construction), 77, 2, 4, 3, lambda x: x + 1e-9)
    both = OneEntry(small, 3, 4, 4, 1, lambda x: x + 1)
    result = batch_check(construction, case.algorithm, data, module=both)
    assert (result.where.trial, result.where.layer) == (77, 2)
    assert result.largest_gap > 0.99


# faults of the loop


def update_of(name, change):
    """The algorithm with an update that is run on other steps or another sweep."""
    algorithm = catalogue()[name]

    def update(weights, steps, sweep, p):
        return algorithm.update(weights, *change(steps, sweep), p)

    return replace(algorithm, update=update)


def wrong_step(steps, sweep):
    first = steps[0]
    if hasattr(first, "matrix"):
        return (type(first)(first.matrix * (1 + 1e-6)), *steps[1:]), sweep
    return steps, sweep


def test_what_a_few_prompts_show_is_joined_in_order(monkeypatch) -> None:
    """Two faults in different parts of a batch: the earlier layer is named, with its prompt's number in the batch."""
    case = Case("td0")
    construction, data = made(case), random_transitions(case.algorithm, 2, 6, 7, 5)
    own = LinearTransformer.from_construction(construction)
    later = OneEntry(own, 1, 4, 4, 2, lambda x: x + 1e-6)
    both = OneEntry(later, 5, 2, 4, 3, lambda x: x + 1e-9)
    modules = (None, later, both)
    whole = [batch_check(construction, case.algorithm, data, module=module) for module in modules]
    monkeypatch.setattr(batch, "CHUNK", 2)
    monkeypatch.setattr(batch, "BLOCK", 3)
    assert [batch_check(construction, case.algorithm, data, module=module) for module in modules] == whole
    assert [(r.status, r.prompts) for r in whole] == [("within", 7), ("exceeded", 7), ("exceeded", 7)]
    assert (whole[2].where.trial, whole[2].where.layer) == (5, 2)
    assert (whole[1].where.trial, whole[1].where.layer) == (1, 4)
    assert whole[2].largest_gap == whole[1].largest_gap > whole[2].gap


def dropped_transition(steps, sweep):
    short = Sweep(list(sweep)[:-1])
    short.n = sweep.n
    return steps, short


def wrong_n(steps, sweep):
    other = Sweep(list(sweep))
    other.n = sweep.n + 1
    return steps, other


@each_kind_by_name
@pytest.mark.parametrize("change", [wrong_step, dropped_transition, wrong_n])
def test_a_loop_that_is_another_algorithm_is_refuted(name: str, change) -> None:
    data = random_transitions(catalogue()[name], 2, 6, 100, 5)
    result = batch_check(made(Case(name)), update_of(name, change), data)
    layer = expected(name).moves_w_at if change is wrong_step else 1
    assert (result.status, result.where.layer) == ("exceeded", layer)


def test_other_weights_than_the_loop_are_refuted() -> None:
    case = Case("td-lambda", (("trace", "lam"),))
    construction, data = made(case), random_transitions(case.algorithm, 2, 6, 50, 5)
    M = entry_changed(construction.layers[1][0].M, 3, 1, lambda x: x + Fraction(1, 10**6))
    result = batch_check(with_matrix(construction, 1, 0, M=M), case.algorithm, data)
    assert (result.status, result.where.layer) == ("exceeded", 2)


def test_data_of_another_size_is_refused() -> None:
    algorithm = catalogue()["td0"]
    with pytest.raises(ArgumentError, match="n = 5, wanted d = 2 and n = 6"):
        batch_check(made(Case("td0")), algorithm, random_transitions(algorithm, 2, 5, 3, 0))


def test_data_that_is_no_batch_of_float64_prompts_is_refused() -> None:
    algorithm, construction = catalogue()["off-policy-td"], made(Case("off-policy-td"))
    data = random_transitions(algorithm, 2, 6, 3, 0)
    extras = {"rho": data.extras["rho"][:0]}
    none = FloatTransitions(data.phi[:0], data.phi_next[:0], data.rewards[:0], data.query[:0], extras)
    for changed, text in (
        (none, "data holds no prompt"),
        (
            replace(data, rewards=data.rewards[:2]),
            r"rewards of data is \(2, 6, 1\) of torch.float64, wanted \(3, 6, 1\)",
        ),
        (replace(data, phi=data.phi.float()), r"phi of data is \(3, 6, 2\) of torch.float32, wanted"),
        (replace(data, extras={}), "data.extras has no rho"),
        (replace(data, extras={"rho": data.phi}), "rho of data is"),
    ):
        with pytest.raises(ArgumentError, match=text):
            batch_check(construction, algorithm, changed)
    with pytest.raises(ArgumentError, match="algorithm is 'td0', wanted an Algorithm"):
        batch_check(construction, "td0", data)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="count is 0, wanted an integer of at least 1"):
        random_transitions(algorithm, 2, 6, 0, 0)


# the loop's own bound


def float_loop(case, construction, data):
    """The rows of the loop in float64 (B, L+1, K, N) and its bound."""
    algorithm = case.algorithm
    p = parameters(algorithm.bind(construction.parameters, construction.options))
    steps = lower_steps(construction.steps, construction.depth, Lowering(DOUBLE, "cpu"))
    columns = token_columns(algorithm, data, query_columns(algorithm, data), p)
    every, N = slice(0, len(data.query)), data.phi.shape[1] + 1
    rows = Loop(algorithm, data, columns, steps, p, PRECISIONS[DOUBLE]).on(every)
    X = torch.cat([columns[b.name].expand(-1, N, -1) for b in algorithm.features], dim=2).mT.numpy()
    beta, rounding = ((x.left[:, None] @ x.right).swapaxes(1, 2) for x in (rows.errors, rows.rounding))
    return rows.rows(every), reached(Carried(layer_maps(construction), X), beta) + rounding


def adversarial(data):
    """Rewards that nearly cancel, features of very different sizes."""
    sizes = 2.0 ** (1.5 * torch.linspace(-1, 1, data.phi.shape[1], dtype=DOUBLE))[None, :, None]
    rewards = data.rewards.clone()
    rewards[:, 1::2] = -rewards[:, ::2] * (1 + 2.0**-40)
    return FloatTransitions(data.phi * sizes, data.phi_next / sizes, rewards, data.query, data.extras)


@each_kind
@pytest.mark.parametrize("kind", [lambda data: data, adversarial])
def test_the_loop_in_floats_is_within_its_part_of_the_bound(case: Case, kind, monkeypatch) -> None:
    """gamma = 1/2, so that the float prompt is the rational one: the textbook over Q is what it is compared with."""
    values = {"gamma": Fraction(1, 2), "lam": Fraction(1, 3)}
    construction = made(case, values=values)
    data = kind(random_transitions(case.algorithm, 2, 6, 4, 11))
    monkeypatch.setattr(forms, "FEW", 10)
    ways, seen = [float_loop(case, construction, data)], [0.0, 0.0]
    assert construction.depth >= forms.LAYERS_FOR_A_MAP
    monkeypatch.setattr(loop, "iterates_by_map", lambda *given: None)
    ways.append(float_loop(case, construction, data))
    for trial in range(4):
        given = [[[Fraction(x) for x in row] for row in block[trial].tolist()] for block in (data.phi, data.phi_next)]
        rewards = [Fraction(x) for x in data.rewards[trial, :, 0].tolist()]
        query = [Fraction(x) for x in data.query[trial].tolist()]
        start = [
            Fraction(0) if w in case.algorithm.scalar_weights else [Fraction(0)] * 2 for w in case.algorithm.weights
        ]
        setup = problem(case.algorithm, RATIONALS, (*given, rewards, query), start, values, derivation(case).options)
        for layer, weights in enumerate(textbook(setup, construction.steps), 1):
            for k, row in enumerate(setup.row_matrix(weights).fractions()):
                for t, true in enumerate(row):
                    for way, (rows, allowed) in enumerate(ways):
                        off = abs(Fraction(float(rows[trial, layer, k, t])) - true)
                        assert off <= Fraction(float(allowed[trial, layer, k, t]))
                        seen[way] = max(seen[way], float(off))
    assert min(seen) > 0


def test_a_map_that_is_not_the_loop_is_refuted_and_none_is_used_that_differs_at_generic_weights(monkeypatch) -> None:
    case = Case("gtd2")
    construction, data = made(case), random_transitions(case.algorithm, 2, 6, 20, 5)
    own, calls = forms.Map.__call__, []

    def wrong(self, weights, steps):
        calls.append(steps)
        return tuple(w * (1 + 1e-8 * (len(calls) > unharmed)) for w in own(self, weights, steps))

    monkeypatch.setattr(forms.Map, "__call__", wrong)
    monkeypatch.setattr(forms, "FEW", 10)
    unharmed = 2
    result = batch_check(construction, case.algorithm, data)
    assert (result.status, result.where.layer, len(calls)) == ("exceeded", 2, 1 + construction.depth)
    unharmed = 0
    calls.clear()
    assert (batch_check(construction, case.algorithm, data).status, len(calls)) == ("within", 1)


def test_an_update_that_compares_runs_the_loop(monkeypatch) -> None:
    def update(weights, steps, sweep, p):
        assert weights[0] == weights[0], "never reached by what is compared"
        return td0.update(weights, steps, sweep, p)

    td0, data = catalogue()["td0"], random_transitions(catalogue()["td0"], 2, 6, 3, 5)
    zero = (Stacked(torch.zeros(2, 3, dtype=DOUBLE)),)
    steps, p = [(StepMatrix(torch.eye(2, dtype=DOUBLE)),)] * 4, parameters(td0.bind({"gamma": Fraction(1, 3)}))
    assert forms.iterates_by_map(td0, data, zero, steps, p) is None  # too few transitions for its roundings
    monkeypatch.setattr(forms, "FEW", 10)
    assert forms.iterates_by_map(td0, data, zero, steps, p) is not None
    assert forms.iterates_by_map(replace(td0, update=update), data, zero, steps, p) is None


def test_rows_that_stay_zero_are_judged_and_not_called_vacuous() -> None:
    construction = layerproof.construct("td0", d=2, n=5, layers=3)
    data = random_transitions(catalogue()["td0"], 2, 5, 4, 0)
    silent = FloatTransitions(data.phi, data.phi_next, 0 * data.rewards, data.query, data.extras)
    result = batch_check(construction, catalogue()["td0"], silent)
    assert (result.status, result.vacuous, result.largest_gap) == ("within", 0, 0.0)

    class Loud(torch.nn.Module):
        def states(self, Z):
            return [Z, Z, Z + torch.eye(5, dtype=Z.dtype)[:, -1:] * 1e-100, Z]

    result = batch_check(construction, catalogue()["td0"], silent, module=Loud())
    assert (result.status, result.where.layer) == ("exceeded", 2)


def test_a_prompt_of_tall_numbers_hides_no_fault_of_another() -> None:
    """Where underflow in the loop is not known, it is not known of that prompt alone."""
    case = Case("td0")
    construction, data = made(case), random_transitions(case.algorithm, 2, 6, 40, 5)
    data.rewards[20, 0, 0] = 2 * loop.TALLEST
    data.phi[30] *= 1e4  # its weights grow as tall
    own = LinearTransformer.from_construction(construction)
    result = batch_check(construction, case.algorithm, data)
    assert (result.status, result.vacuous) == ("vacuous", 2)
    result = batch_check(construction, case.algorithm, data, module=OneEntry(own, 3, 2, 4, 1, lambda x: x + 1e-6))
    assert (result.status, result.where.trial, result.where.layer) == ("exceeded", 3, 2)


def test_threads_of_torch_are_put_back_whoever_runs_beside() -> None:
    case, before = Case("td0"), torch.get_num_threads()
    construction, data = made(case), random_transitions(case.algorithm, 2, 6, 30, 5)
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda _: batch_check(construction, case.algorithm, data), range(8)))
        seen: list[int] = []
        thread = Thread(target=lambda: seen.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert (torch.get_num_threads(), seen, len(set(results))) == (2, [2], 1)
    finally:
        torch.set_num_threads(before)

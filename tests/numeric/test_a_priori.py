"""The a-priori bound: never below the exact sum of pulled-back errors, never below what the worst signs do, and close.

The exact sum is computed here in plain Fractions, entry by entry, from the heads of a construction: it shares no code
with the bound.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np
import pytest
import torch
from helpers import OTHERS, PARAMETERS, Case, each_kind, random_context, trial
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from layerproof.numeric.data.draws import preconditioners
from layerproof.numeric.data.prompts import generic_context
from layerproof.numeric.device import PRECISIONS
from layerproof.numeric.judge import a_priori as a_priori_module
from layerproof.numeric.judge import spread
from layerproof.numeric.judge.a_priori import CHUNK, Given, a_priori, few_prompts, reached
from layerproof.numeric.judge.bounds import StepBound, layer_maps
from layerproof.numeric.judge.carried import Carried
from layerproof.numeric.judge.crosscheck import crosscheck
from layerproof.numeric.judge.factored import Factored
from layerproof.numeric.judge.powers import Powers
from layerproof.numeric.lower import lower_prompt
from layerproof.numeric.transformer import LinearTransformer
from layerproof.symbolic.attention import TokenwiseHead
from layerproof.symbolic.construction import Construction

DOUBLE = PRECISIONS[torch.float64]
CLOSE = 16
"""What Cauchy and Schwarz and the sum over feature rows cost at these sizes: 1 to 5 measured for the errors that layers
make, up to 15 for errors of very different sizes.

Beside this factor the control of float64's own error, which is under a square root and the same for every column, shows
in columns whose own bound is nearly zero: 1e-4 of the largest bound is allowed for it.
"""


def exact(x):
    return Fraction(float(x))


def pull_back(construction, stored, X):
    """The linear part of one layer as a matrix of Fractions (K N, K N): what it makes of an error."""
    K, N, p = construction.layout.m - construction.layout.p, construction.layout.n + 1, construction.layout.p
    heads = construction.row_heads()[stored]
    J = [[Fraction(int(a == b)) for b in range(K * N)] for a in range(K * N)]
    for h in heads:
        U, E, M = (x.fractions() for x in (h.U, h.E, h.M))
        keys = [[sum(M[t][u] * X[r][u] for u in range(N)) for r in range(p)] for t in range(N)]
        if isinstance(h, TokenwiseHead):
            gram = times(X, keys)
            for a, row in enumerate(times(times(U, gram), E)):
                for b, value in enumerate(row):
                    for t in range(N):
                        J[a * N + t][b * N + t] += Fraction(value) / (N - 1)
            continue
        met = [[sum(keys[t][r] * E[r][s] for r in range(p)) for s in range(p)] for t in range(N)]
        change = [[sum(met[t][s] * X[s][v] for s in range(p)) / (N - 1) for v in range(N)] for t in range(N)]
        for a in range(K):
            for b in range(K):
                if U[a][b]:
                    for t in range(N):
                        for v in range(N):
                            J[a * N + v][b * N + t] += U[a][b] * change[t][v]
    return J


def times(A, B):
    columns = list(zip(*B, strict=True))
    return [[sum(x * y for x, y in zip(row, column, strict=True) if x and y) for column in columns] for row in A]


def pulled(construction, X, layer):
    """From errors after each layer 1, ..., `layer` to the state after it: that many matrices of Fractions."""
    size = (construction.layout.m - construction.layout.p) * (construction.layout.n + 1)
    product = [[Fraction(int(a == b)) for b in range(size)] for a in range(size)]
    products = []
    for number in reversed(range(layer)):
        products.append(product)
        product = times(product, pull_back(construction, 0 if construction.looped else number, X))
    return products[::-1]


def exact_sum(construction, X, betas):
    """sum_j |A_j^* e| beta_j at every entry of the state after all of `betas`."""
    matrices = pulled(construction, X, len(betas))
    return [
        sum(abs(x) * b for A, beta in zip(matrices, betas, strict=True) for x, b in zip(A[i], beta, strict=True))
        for i in range(len(betas[0]))
    ]


def setting(case, d=2, n=3, depth=4, seed=0, looped=False, step=Fraction(1), parameters=PARAMETERS):
    """A construction with `step` times bounded preconditioners, a trial with it, and its prompt in floats."""
    context = generic_context(d, n, seed)
    made = trial(case, d, n, depth, seed, looped=looped, context=context, parameters=parameters)
    made.steps[:] = [
        tuple(c * step if isinstance(c, Fraction) else [[x * step for x in row] for row in c] for c in s)
        for s in preconditioners(case.algorithm, d, len(made.steps), seed)
    ]
    construction = made.construction
    Z = lower_prompt(made.setup, torch.float64, "cpu").numpy()[None]
    return construction, made, Z


def fractions(values):
    return [[exact(x) for x in row] for row in values]


def carried(construction, Z, betas, kind=Carried):
    """What is made of given layer errors: E after each of them, (layers, K, N)."""
    maps = layer_maps(construction)
    with np.errstate(all="ignore"):
        return reached(kind(maps, Z[:, : maps.features]), np.array(betas)[None])[0, 1:]


@each_kind
@pytest.mark.parametrize("looped", [False, True])
def test_the_carried_errors_are_never_below_the_exact_sum_and_close_to_it(case: Case, looped: bool) -> None:
    construction, _, Z = setting(case, looped=looped)
    p, m, rng = construction.layout.p, construction.layout.m, np.random.default_rng(7)
    for flat in (True, False):
        betas = [np.ones((m - p, 4)) if flat else rng.random((m - p, 4)) ** 8 for _ in range(construction.depth)]
        E = carried(construction, Z, betas)
        X = fractions(Z[0, :p])
        for layer in range(1, construction.depth + 1):
            wanted = exact_sum(construction, X, [[exact(x) for x in b.reshape(-1)] for b in betas[:layer]])
            for got, true in zip(E[layer - 1].reshape(-1), wanted, strict=True):
                assert true <= exact(got) <= CLOSE * true + exact(E[layer - 1].max()) / 10**4


@given(
    name=st.sampled_from(
        [
            "td0",
            "td-lambda",
            "average-reward-td",
            "gtd2",
            "tdc",
            "differential-td",
            "gtd",
            "heavy-ball-td",
            "nesterov-td",
        ]
    ),
    d=st.integers(1, 3),
    n=st.integers(1, 3),
    depth=st.integers(1, 4),
    seed=st.integers(0, 10**6),
    step=st.sampled_from([Fraction(1, 10), Fraction(1), Fraction(50), Fraction(10**4)]),
)
@settings(max_examples=25, deadline=None)
def test_no_size_or_growth_takes_it_below_the_exact_sum(name, d, n, depth, seed, step):
    """Large steps make powers that float64 computes badly: the control of its own error must make up for it."""
    construction, _, Z = setting(Case(name), d, n, depth, seed, step=step)
    p, K, rng = construction.layout.p, construction.layout.m - construction.layout.p, Random(seed)
    betas = [np.array([[rng.choice((0, 1e-9, 1, 1e9)) for _ in range(n + 1)] for _ in range(K)]) for _ in range(depth)]
    E = carried(construction, Z, betas)[-1].reshape(-1)
    wanted = exact_sum(construction, fractions(Z[0, :p]), [[exact(x) for x in b.reshape(-1)] for b in betas])
    assert all(not got < np.inf or exact(got) >= true for got, true in zip(E, wanted, strict=True))


def test_forty_layers_stay_above_the_exact_sum() -> None:
    construction, _, Z = setting(Case("td0"), 2, 2, 40, 3, looped=True, step=Fraction(1, 16))
    betas = [np.full((1, 3), 2.0**-40) for _ in range(40)]
    E = carried(construction, Z, betas)[-1].reshape(-1)
    wanted = exact_sum(construction, fractions(Z[0, :4]), [[exact(x) for x in b.reshape(-1)] for b in betas])
    assert all(true <= exact(got) <= CLOSE * true for got, true in zip(E, wanted, strict=True))


def computed_over_q(made, construction: Construction, Z) -> list:
    """Rows of the exact run from the float prompt after each layer, flat, as Fractions."""
    p, m, N = construction.layout.p, construction.layout.m, construction.layout.n + 1
    X = fractions(Z[0, :p])
    states = [[exact(x) for x in Z[0, p:].reshape(-1)]]
    for number in range(construction.depth):
        J = pull_back(construction, 0 if construction.looped else number, X)
        states.append([sum(a * y for a, y in zip(row, states[-1], strict=True)) for row in J])
    assert len(states[0]) == (m - p) * N
    return states


def bound_of(construction, Z, target=DOUBLE):
    """The bound at every state (L+1, K, N), the float rows it was given, and each layer's own error beta."""
    maps = layer_maps(construction)
    p, X = maps.features, Z[:, : maps.features]
    rows = computed_over_q(None, construction, Z)
    shape = Z[0, p:].shape
    known = np.array([[np.nextafter(abs(float(x)), np.inf) for x in row] for row in rows]).reshape(-1, *shape)
    E = a_priori(maps, X, known[None], target)[0]
    steps = StepBound(maps, X, target)
    betas = [steps.at((known[j] + E[j])[None, None], j)[0, 0] for j in range(construction.depth)]
    return E, rows, betas


@each_kind
@pytest.mark.parametrize("looped", [False, True])
def test_errors_with_the_worst_signs_stay_within_it_and_come_close(case: Case, looped: bool) -> None:
    """Every layer is off by its full bound, with signs from the exact pull-back that make one last entry worst."""
    construction, _, Z = setting(case, looped=looped)
    E, rows, betas = bound_of(construction, Z)
    p, L = construction.layout.p, construction.depth
    X = fractions(Z[0, :p])
    matrices = pulled(construction, X, L)
    for entry in range(len(rows[0])):
        state = rows[0]
        for number, beta in enumerate(betas):
            signs = [1 if a >= 0 else -1 for a in matrices[number][entry]]
            J = pull_back(construction, 0 if looped else number, X)
            exactly = [sum(a * y for a, y in zip(row, state, strict=True)) for row in J]
            state = [y + s * exact(b) for y, s, b in zip(exactly, signs, beta.reshape(-1), strict=True)]
            close = E[number + 1].reshape(-1)
            assert all(abs(y - r) <= exact(e) for y, r, e in zip(state, rows[number + 1], close, strict=True))
        away = abs(state[entry] - rows[L][entry])
        assert exact(E[L].reshape(-1)[entry]) <= CLOSE * away + exact(E[L].max()) / 10**4


@each_kind
def test_a_coarse_format_is_bounded_at_what_a_run_may_reach(case: Case) -> None:
    """In float16 a run's rows may be per cents larger than the exact ones, and its errors with them."""
    construction, _, Z = setting(case)
    E, _, betas = bound_of(construction, Z, PRECISIONS[torch.float16])
    X = fractions(Z[0, : construction.layout.p])
    wanted = exact_sum(construction, X, [[exact(x) for x in b.reshape(-1)] for b in betas])
    assert all(true <= exact(got) for got, true in zip(E[-1].reshape(-1), wanted, strict=True))


@each_kind
def test_a_guess_that_holds_at_once_is_what_rows_are_larger_by(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the guess in the rows, the bound of bfloat16 would be below what each layer may be off by at |y| + E."""
    construction, _, Z = setting(case)
    X = fractions(Z[0, : construction.layout.p])
    monkeypatch.setattr(a_priori_module, "GUESS", 4.0)
    E, _, betas = bound_of(construction, Z, PRECISIONS[torch.bfloat16])
    assert E.max() < 4 * np.abs(Z[0, construction.layout.p :]).max()
    wanted = exact_sum(construction, X, [[exact(x) for x in b.reshape(-1)] for b in betas])
    assert all(true <= exact(got) for got, true in zip(E[-1].reshape(-1), wanted, strict=True))


def test_powers_that_cancel_in_float64_are_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One token, one feature: the sum is one product, and nothing but the control of rounding keeps it above.

    After layers with C = -10^12 and C = 1/x^2 the exact W is a difference that float64 has lost.
    """
    assert not any(any(cancelling(seed)) for seed in range(12))  # (a square below zero has no root, nor a bound)
    monkeypatch.setattr(spread, "U64", 0.0)
    assert any(any(cancelling(seed)) for seed in range(12))


def cancelling(seed):
    """Whether each entry of the bound is below the exact sum."""
    x = Fraction(float(np.random.default_rng(seed).uniform(0.3, 0.9)))
    steps = [([[Fraction(1)]],), ([[Fraction(-(10**12))]],), ([[1 / x**2 - Fraction(1, 10**12)]],)]
    context = random_context(1, 1, 0).of([[x]], [[1]], [1], [x])
    made = replace(trial(Case("least-squares"), 1, 1, 3, context=context), steps=steps)
    construction, Z = made.construction, lower_prompt(made.setup, torch.float64, "cpu").numpy()[None]
    betas = [np.array([[1.0, 0.0]]), np.zeros((1, 2)), np.zeros((1, 2))]
    E = carried(construction, Z, betas)[-1].reshape(-1)
    wanted = exact_sum(construction, fractions(Z[0, :1]), [[exact(b) for b in beta.reshape(-1)] for beta in betas])
    return [bool(got < np.inf) and exact(got) < true for got, true in zip(E, wanted, strict=True)]


class ByTokens(Carried):
    BY_TOKENS = 1


class ByKeys(Carried):
    BY_TOKENS = 10**9


class WithoutLast(Carried):
    """What the last layer makes of errors is left out."""

    def __init__(self, maps, X):
        *whole, (last, den) = maps.exact
        super().__init__(replace(maps, exact=(*whole, ([0] * len(last), den))), X)


class LinesWithoutLast(WithoutLast, ByTokens):
    pass


class KeysWithoutLast(WithoutLast, ByKeys):
    pass


@pytest.mark.parametrize("name", ["online-td", "td-lambda", "gtd2", "gtd"])
def test_lines_for_tokens_and_for_keys_are_both_above_the_exact_sum(name: str) -> None:
    """By tokens there is no estimate by Cauchy and Schwarz: the sum itself, up to rounding."""
    construction, _, Z = setting(Case(name), depth=3)
    p, K, rng = construction.layout.p, construction.layout.m - construction.layout.p, np.random.default_rng(4)
    betas = [rng.random((K, 4)) ** 8 for _ in range(3)]
    X = fractions(Z[0, :p])
    wanted = exact_sum(construction, X, [[exact(x) for x in b.reshape(-1)] for b in betas])
    by_tokens, by_keys = (carried(construction, Z, betas, kind)[-1].reshape(-1) for kind in (ByTokens, ByKeys))
    assert all(true <= exact(a) and true <= exact(b) for a, b, true in zip(by_tokens, by_keys, wanted, strict=True))
    assert (by_tokens <= by_keys * (1 + 1e-9)).all() and (by_tokens < by_keys).any()
    for kind in (LinesWithoutLast, KeysWithoutLast):
        wrong = carried(construction, Z, betas, kind)[-1].reshape(-1)
        assert any(exact(got) < true for got, true in zip(wrong, wanted, strict=True))


class Unmixed(Carried):
    """What the rows' own mixing does to errors is left out."""

    def __init__(self, maps, X):
        super().__init__(maps, X)
        self.mix = np.broadcast_to(np.eye(maps.accumulators), self.mix.shape)


@pytest.mark.parametrize("name", ["gtd", "heavy-ball-td", "nesterov-td", "target-network-td", "weight-decay-td"])
def test_over_a_constant_row_it_is_above_the_exact_sum_and_a_dropped_term_takes_it_below(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mixing grows: what is left out of it is then missed."""
    step, others = Fraction(-3) if name == "gtd" else Fraction(1, 4), dict.fromkeys(OTHERS, Fraction(-3))
    construction, _, Z = setting(Case(name), seed=2, step=step, parameters={**PARAMETERS, **others})
    p, K, rng = construction.layout.p, construction.layout.m - construction.layout.p, np.random.default_rng(4)
    betas = [rng.random((K, 4)) ** 8 for _ in range(construction.depth)]
    X = fractions(Z[0, :p])
    wanted = exact_sum(construction, X, [[exact(x) for x in b.reshape(-1)] for b in betas])

    def below(kind=Carried):
        E = carried(construction, Z, betas, kind)[-1].reshape(-1)
        assert np.isfinite(E).all()
        return [exact(got) < true for got, true in zip(E, wanted, strict=True)]

    assert not any(below())
    assert any(below(Unmixed))
    monkeypatch.setattr(Powers, "applied", lambda self, betas, some: np.cumsum(betas[some], axis=1))
    assert any(below())  # errors themselves are carried unmixed


def test_mixing_that_cancels_in_float64_is_made_up_for() -> None:
    """Rows that grow by 10^9 a layer, 12 times, are no longer known in float64: the bound is above, or infinite."""
    construction, _, Z = setting(
        Case("heavy-ball-td"), depth=12, looped=True, parameters={**PARAMETERS, "beta": Fraction(-(10**9), 3)}
    )
    p = construction.layout.p
    betas = [np.full((2, 4), 2.0**-60) for _ in range(12)]
    E = carried(construction, Z, betas)
    for layer in (2, 6, 12):
        wanted = exact_sum(
            construction, fractions(Z[0, :p]), [[exact(x) for x in b.reshape(-1)] for b in betas[:layer]]
        )
        assert all(not g < np.inf or exact(g) >= w for g, w in zip(E[layer - 1].reshape(-1), wanted, strict=True))


@each_kind
def test_after_one_layer_it_is_the_one_step_bound(case: Case) -> None:
    construction, _, Z = setting(case, depth=1)
    E, _, betas = bound_of(construction, Z)
    assert (E[0] == 0).all() and (E[1] >= betas[0]).all()
    assert E[1] == pytest.approx(betas[0], rel=1e-9)


class OffBy(nn.Module):
    """One layer whose result is off by a share of the one-step bound, in one entry."""

    def __init__(self, module, row, column, error):
        super().__init__()
        self.module, self.entry, self.error = module, (row, column), error

    def states(self, Z):
        first, last = self.module.states(Z)
        last[0, self.entry[0], self.entry[1]] += self.error
        return [first, last]


@pytest.mark.parametrize("name", ["td0", "average-reward-td", "gtd2", "td-lambda"])
def test_a_layer_that_is_off_by_more_than_its_bound_exceeds_it(name: str) -> None:
    construction, made, Z = setting(Case(name), depth=1)
    E, rows, _ = bound_of(construction, Z)
    p = construction.layout.p
    module = LinearTransformer.from_construction(construction)
    for k, t in np.ndindex(E[1].shape):
        if not rows[1][k * 4 + t]:
            continue
        for share, status in ((1.1, "exceeded"), (-1.1, "exceeded"), (0.8, "within"), (-0.8, "within")):
            away = OffBy(module, p + k, t, share * float(E[1, k, t]))
            result = crosscheck(construction, made.case.algorithm, [made.setup], module=away)
            assert (result.status, result.a_priori.status) == (status, status)
            assert status == "within" or (result.a_priori.where.layer, result.a_priori.ratio > 1) == (1, True)


def test_more_prompts_than_a_chunk_are_bounded_one_by_one() -> None:
    construction, *_ = setting(Case("gtd2"))
    maps = layer_maps(construction)
    rng = np.random.default_rng(3)
    X, known = rng.random((CHUNK + 3, maps.features, 4)), rng.random((CHUNK + 3, 5, 2, 4))
    together = a_priori(maps, X, known, DOUBLE)
    for one in (0, CHUNK - 1, CHUNK, CHUNK + 2):
        alone = a_priori(maps, X[one : one + 1], known[one : one + 1], DOUBLE)[0]
        assert together[one] == pytest.approx(alone, rel=1e-9)
    own = Factored(np.full((CHUNK + 3, 4, 1), 1e-3), np.ones((CHUNK + 3, 2, 1, 4)))
    off = Factored(np.full((CHUNK + 3, 5, 1), 1e-4), np.ones((CHUNK + 3, 2, 1, 4)))
    both = np.empty(known.shape)
    few_prompts(maps, X, Given(lambda some: known[some], off, own), DOUBLE, both)
    assert (both[:, 1:] > together[:, 1:] + 1.1e-3).all() and (both[:, 0] >= 1e-4).all()


@pytest.mark.parametrize(
    ("features", "step"),
    [(1.0, 2.0**1000), (2.0**-540, 2.0**1000), (2.0**-540, 1.0), (2.0**-1060, 1.0), (2.0**-300, 2.0**620),
     (2.0**260, 1.0), (2.0**700, 1.0), (1.0, 0.0), (0.0, 1.0)],
)  # fmt: skip
def test_numbers_of_any_size_give_a_true_bound_or_none(features: float, step: float) -> None:
    """Products that underflow must not make it too small, and overflow makes it infinite: no NaN, no warning."""
    construction, _, Z = setting(Case("td0"), depth=3, step=Fraction(step))
    Z[:, :4] *= features
    betas = [np.array([[1.0, 2.0**-500, 0.0, 2.0**300]]) for _ in range(3)]
    E = carried(construction, Z, betas)[-1].reshape(-1)
    wanted = exact_sum(construction, fractions(Z[0, :4]), [[exact(x) for x in b.reshape(-1)] for b in betas])
    assert all(not got < np.inf or exact(got) >= true for got, true in zip(E, wanted, strict=True))
    known = np.full((1, 4, 1, 4), abs(Z[0, 4:]).max())
    whole = a_priori(layer_maps(construction), Z[:, :4], known, DOUBLE)
    assert not np.isnan(whole).any() and (whole >= 0).all()


def test_iterates_that_diverge_have_an_infinite_bound_rather_than_a_wrong_one() -> None:
    construction, made, _ = setting(Case("td0"), depth=30, looped=True, step=Fraction(10**7))
    result = crosscheck(construction, made.case.algorithm, [made.setup])
    assert (result.status, result.a_priori.status) == ("within", "vacuous")
    assert result.a_priori.last_bound == np.inf
    assert result.a_priori.where.layer >= 1
    assert result.to_json()["a_priori"]["last_bound"] is None


@pytest.mark.parametrize(("d", "n"), [(1, 1), (1, 3), (2, 1)])
def test_the_smallest_sizes(d: int, n: int) -> None:
    for name in ("td0", "average-reward-td"):
        made = trial(Case(name), d, n, 3)
        result = crosscheck(made.construction, made.case.algorithm, [made.setup])
        assert (result.status, result.a_priori.status) == ("within", "within")


def test_a_step_of_zero_and_layers_without_heads_add_roundings_only() -> None:
    construction, made, Z = setting(Case("td0"), step=Fraction(0))
    E, _, betas = bound_of(construction, Z)
    assert E[-1] == pytest.approx(sum(betas), rel=1e-8)
    empty = Construction(**{**vars_of(construction), "layers": ((),) * construction.depth})
    result = crosscheck(empty, made.case.algorithm, [made.setup])
    assert (result.status, result.a_priori.bound, result.a_priori.error) == ("within", 0.0, 0.0)


def vars_of(construction: Construction) -> dict:
    return {name: getattr(construction, name) for name in Construction.__dataclass_fields__}


def test_rows_that_no_head_writes_keep_the_bound_of_their_own_rounding() -> None:
    """The reward row of average-reward TD is read and never written."""
    construction, _, Z = setting(Case("average-reward-td"))
    E, rows, betas = bound_of(construction, Z)
    assert rows[0][:4] == rows[-1][:4]
    assert E[-1, 0] == pytest.approx(sum(b[0] for b in betas), rel=1e-8)


def test_a_prompt_of_nothing_but_zeros_has_a_bound_of_underflow_alone() -> None:
    made = trial(Case("td0"), context=random_context(2, 3, 0), start=[[Fraction(0)] * 2])
    zero = trial(Case("td0"), context=type(made.context).of(*[[[0, 0]] * 3] * 2, [0] * 3, [0, 0]), start=made.start)
    result = crosscheck(zero.construction, zero.case.algorithm, [zero.setup])
    assert (result.status, result.a_priori.status, result.a_priori.vacuous_from) == ("within", "within", None)
    assert 0 < result.a_priori.last_bound < 1e-200

"""Layers with attention patterns: what is derived, the identity at all sizes and at small ones, and planted faults."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction as F
from typing import Any

import pytest

from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.errors import ArgumentError, NotPolynomialError, NotRepresentableError
from layerproof.symbolic.identity.exact import problem
from layerproof.symbolic.identity.exact import textbook as td_loop
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.check import entrywise_pattern, random_pattern_identity
from layerproof.symbolic.patterns.derive import derive_pattern
from layerproof.symbolic.patterns.heads import PatternHead, heads_text
from layerproof.symbolic.patterns.identity import pattern_identity
from layerproof.symbolic.patterns.kernels import exact_pattern, random_pattern
from layerproof.symbolic.patterns.layer import Layer
from layerproof.symbolic.patterns.record import Keys, PatternAlgorithm, Row
from layerproof.symbolic.patterns.run import Setup, chained, mismatches, setup, textbook
from layerproof.symbolic.prompt import Context

D, N, L = 2, 4, 3
GAMMA = F(3, 5)
ALGORITHMS = list(pattern_catalogue().values())
each = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: a.name)


def numbers(rng: random.Random, count: int) -> list[F]:
    return [F(rng.randint(-9, 9), rng.choice((1, 2, 3, 7))) for _ in range(count)]


def context(seed: int = 0) -> Context:
    rng = random.Random(seed)
    return Context.of([numbers(rng, D) for _ in range(N)], [numbers(rng, D) for _ in range(N)], numbers(rng, N),
                      numbers(rng, D))  # fmt: skip


def run(algorithm: PatternAlgorithm, seed: int = 0, start: Any = None) -> tuple[Setup, list[Any], dict[str, Any]]:
    rng, given = random.Random(seed), context(seed)
    count = 1 if algorithm.column else N + 1
    if start is None:
        start = [numbers(rng, 1)[0] if algorithm.numbers else numbers(rng, D) for _ in range(count)]
    values = {name: RATIONALS.number(x) for name, x in algorithm.values({"gamma": GAMMA}).items()}
    K = random_pattern(N + 1, seed) if algorithm.kernels else None
    steps = [[numbers(rng, D) for _ in range(D)] if algorithm.preconditioned else None for _ in range(L)]
    return setup(algorithm, RATIONALS, chained(given) if algorithm.chained else given, start, values, K), steps, values


def first(algorithm: PatternAlgorithm, form: Any = None, seed: int = 0, tamper: Any = None) -> Any:
    s, steps, values = run(algorithm, seed)
    form = derive_pattern(algorithm) if form is None else form
    more = {} if tamper is None else {"tamper": tamper}
    return next((m for m in mismatches(s, form, steps, values, **more) if m is not None), None)


@each
def test_the_layer_is_the_update_at_all_sizes_in_every_entry_and_on_numbers(algorithm):
    form = derive_pattern(algorithm)
    assert len(form.heads) == form.least == 1
    assert all(r.holds for r in pattern_identity(form))
    for d, n in ((2, 3), (1, 1), (3, 2)):
        assert entrywise_pattern(form, d, n).difference is None
    assert random_pattern_identity(form, 4, 6, 5, algorithm.values({"gamma": GAMMA}), 1).mismatch is None
    assert all(first(algorithm, form, seed) is None for seed in range(3))


def test_the_heads_are_those_of_the_papers():
    heads = {a.name: heads_text(derive_pattern(a)) for a in ALGORITHMS}
    assert heads["softmax-td"] == [
        {"V": ["(current, current) = -1", "(current, reward) = 1", "(current, target) = 1"], "Q": None}
    ]
    assert heads["sarsa"] == [
        {"V": ["(w, phi) = C"], "Q": ["(gamma_phi_next, w) = I", "(phi, w) = -I", "(reward, one) = 1"]}
    ]
    assert heads["causal-td"] == [
        {"V": ["(td_error, td_error) = 1"], "Q": ["(phi, gamma_phi_next) = C^T", "(phi, phi) = -C^T"]}
    ]
    assert heads["kernel-gradient-descent"] == [{"V": ["(residual, residual) = -alpha"], "Q": None}]


def test_how_few_heads_do_it_is_not_said_where_the_solution_is_not_the_only_one():
    algorithm = pattern_catalogue()["kernel-gradient-descent"]
    twin = replace(algorithm.rows[1], name="twin")
    form = derive_pattern(replace(algorithm, rows=(*algorithm.rows, twin)))
    assert form.least is None and all(r.holds for r in pattern_identity(form))


def test_the_shift_and_the_scale_are_derived_too():
    form = derive_pattern(pattern_catalogue()["softmax-td"])
    assert {k: str(x) for k, x in form.shift.items()} == {("target", "current"): "gamma"} and not form.by_length
    assert all(derive_pattern(a).by_length for a in ALGORITHMS if a.name != "softmax-td")


def test_sarsa_in_a_column_is_the_loop_of_td0():
    algorithm = pattern_catalogue()["sarsa"]
    s, steps, _ = run(algorithm)
    td0 = problem(
        catalogue()["td0"], RATIONALS, context(), [s.start[0].fractions()], {"gamma": RATIONALS.number(GAMMA)}, {}
    )
    wanted = [w[0] for w in td_loop(td0, [(C,) for C in steps])]
    assert [states[0] for states in textbook(s, [RATIONALS.matrix(C) for C in steps])] == wanted


def test_the_loop_of_softmax_td_is_the_formula_written_out():
    algorithm = pattern_catalogue()["softmax-td"]
    s, steps, _ = run(algorithm)
    K, R = random_pattern(N + 1, 0), context().rewards
    v = [x.fraction() for x in s.start]
    for states in textbook(s, steps):
        v = [v[t] + sum(K[k][t] * (R[k] + GAMMA * v[k + 1] - v[k]) for k in range(N)) for t in range(N + 1)]
        assert [x.fraction() for x in states] == v


def test_causal_td_sums_each_tokens_own_error():
    algorithm = pattern_catalogue()["causal-td"]
    s, steps, _ = run(algorithm)
    c = context()
    w = [list(x.fractions()) for x in s.start]

    def dot(a: Any, b: Any) -> F:
        return sum((x * y for x, y in zip(a, b, strict=True)), F(0))

    for C, states in zip(steps, textbook(s, [RATIONALS.matrix(C) for C in steps]), strict=True):
        delta = [c.rewards[j] + GAMMA * dot(w[j], c.next_features[j]) - dot(w[j], c.features[j]) for j in range(N)]
        new = []
        for t in range(N + 1):
            seen = min(t + 1, N)
            total = [sum((delta[j] * c.features[j][i] for j in range(seen)), F(0)) / N for i in range(D)]
            new.append([x + dot(C[i], total) for i, x in enumerate(w[t])])
        w = new
        assert [list(x.fractions()) for x in states] == w


def test_degenerate_prompts_hold_too():
    zero, one = [F(0)] * D, [F(1)] * D
    for algorithm in ALGORITHMS:
        form = derive_pattern(algorithm)
        for features, reward in ((zero, 0), (one, 1)):
            s, steps, values = run(algorithm)
            data = Context.of([features] * N, [features] * N, [reward] * N, features)
            start = [0 if algorithm.numbers else zero for _ in s.start]
            again = setup(algorithm, RATIONALS, data, start, values, None if s.K is None else random_pattern(N + 1, 0))
            assert all(m is None for m in mismatches(again, form, steps, values))


# --- planted faults --------------------------------------------------------------------------------------------------
def late(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * (k.reward + p.gamma * k.state - k.next_state)
    return own.state + sweep.total


@pytest.mark.parametrize(
    ("name", "tamper"),
    [
        ("softmax-td", lambda x: replace(x, mask=[[1] * (N + 1)] * (N + 1))),
        ("kernel-gradient-descent", lambda x: replace(x, mask=[[1] * (N + 1)] * (N + 1))),
        ("softmax-td", lambda x: replace(x, back=x.back.mT)),
        ("softmax-td", lambda x: replace(x, shift=None)),
        ("causal-td", lambda x: replace(x, mask=[[int(j <= t) for t in range(N + 1)] for j in range(N + 1)])),
        ("causal-td", lambda x: replace(x, mask=[[int(j < N)] * (N + 1) for j in range(N + 1)])),
        ("kernel-gradient-descent", lambda x: replace(x, scale=RATIONALS.number(1))),
    ],
    ids=["query-as-key", "mask-before-activation", "shift-the-wrong-way", "no-shift", "causal-without-the-minimum",
         "not-causal", "without-1/n"],
)  # fmt: skip
def test_a_changed_layer_differs_on_numbers(name: str, tamper: Callable[[Layer], Layer]):
    assert first(pattern_catalogue()[name], tamper=tamper) is not None


def test_a_target_one_step_late_is_another_algorithm():
    algorithm = pattern_catalogue()["softmax-td"]
    form, wrong = derive_pattern(algorithm), replace(algorithm, update=late)
    assert any(not r.holds for r in pattern_identity(replace(form, algorithm=wrong)))
    assert first(wrong, form) is not None
    assert entrywise_pattern(replace(form, algorithm=wrong), 2, 3).difference is not None


@pytest.mark.parametrize("name", ["sarsa", "causal-td"])
def test_c_transposed_is_refuted(name: str):
    form = derive_pattern(pattern_catalogue()[name])

    def turned(blocks: Any) -> Any:
        return None if blocks is None else {
            k: {tuple((letter, not t) for letter, t in word): c for word, c in words.items()}
            for k, words in blocks.items()
        }  # fmt: skip

    wrong = replace(form, heads=tuple(PatternHead(turned(h.V), turned(h.Q)) for h in form.heads))
    assert any(not r.holds for r in pattern_identity(wrong))
    assert first(form.algorithm, wrong) is not None
    assert random_pattern_identity(wrong, 3, 4, 2, {"gamma": GAMMA}, 0).mismatch is not None


@pytest.mark.parametrize("field", ["shift", "by_length", "sees"])
def test_a_changed_form_is_refuted_for_all_sizes(field: str):
    form = derive_pattern(pattern_catalogue()["softmax-td"])
    wrong = {"shift": {}, "by_length": True, "sees": "causal"}[field]
    assert any(not r.holds for r in pattern_identity(replace(form, **{field: wrong})))


def changed(name: str, **fields: Any) -> PatternAlgorithm:
    return replace(pattern_catalogue()[name], **fields)


def test_a_pattern_that_reads_a_written_row_is_refused():
    with pytest.raises(NotRepresentableError, match="made from the row current, which holds a state"):
        derive_pattern(changed("softmax-td", scored="current"))


def squared(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * k.state * k.state
    return own.state + sweep.total


def grows(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = 2 * sweep.total + k.weight * k.reward
    return own.state + sweep.total


def decays(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * k.reward
    return own.state / 2 + sweep.total


def products(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * k.reward
    return own.state + sweep.total * sweep.total


@pytest.mark.parametrize(
    ("update", "error", "says"),
    [
        (squared, NotRepresentableError, "no heads with a pattern made from frozen rows"),
        (grows, NotPolynomialError, "depends on the steps before it"),
        (decays, NotPolynomialError, "over no tokens at all the update changes the state"),
        (products, NotPolynomialError, "not affine in what the loop kept"),
    ],
)
def test_what_no_such_layer_does_is_refused_with_the_reason(update, error, says):
    with pytest.raises(error, match=says):
        derive_pattern(changed("kernel-gradient-descent", update=update))


def test_records_say_what_is_wrong_with_them():
    rows = (Row("a", lambda t, p: t.state, lambda t, p: t.state, scalar=True),)
    base = {"name": "x", "title": "x", "source": "x", "rows": rows, "state": ALGORITHMS[1].state, "update": squared}
    for fields, says in (
        ({"state": "somewhere"}, "state is 'somewhere', wanted one of"),
        ({"sees": "all"}, "sees is 'all', wanted one of context, causal"),
        ({"kernels": ("cosine",)}, "kernels holds 'cosine', wanted some of"),
        ({"kernels": ("relu",)}, "scored is 'phi', wanted one of the rows a"),
        ({"rows": rows * 2}, "a names two rows"),
    ):
        with pytest.raises(ArgumentError, match=says):
            PatternAlgorithm(**{**base, **fields})


def test_a_prompt_that_is_no_trajectory_is_refused():
    algorithm = pattern_catalogue()["softmax-td"]
    with pytest.raises(ArgumentError, match="wants the transitions of one trajectory"):
        setup(algorithm, RATIONALS, context(), [0] * (N + 1), {"gamma": GAMMA}, random_pattern(N + 1, 0))


def test_kernels_by_hand():
    X = [[F(1), F(2)], [F(-1), F(1)]]
    assert exact_pattern("linear", X) == [[5, 1], [1, 2]]
    assert exact_pattern("polynomial", X) == [[36, 4], [4, 9]]
    assert exact_pattern("relu", [[F(1)], [F(-1)]]) == [[1, 0], [0, 1]]


def test_keys_hold_what_the_loop_keeps():
    sweep = Keys([1, 2], 2)
    sweep.total = 0
    for k in sweep:
        sweep.total += k
    assert sweep.total == 3 and sweep.n == 2

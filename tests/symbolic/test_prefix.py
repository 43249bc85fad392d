"""One pass for all tokens is every token's own loop, or is not used; a pass that is something else is noticed."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.arithmetics.rational import RationalVector
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns import run
from layerproof.symbolic.patterns.derive import derive_pattern
from layerproof.symbolic.prompt import Context

D, N, L = 2, 4, 4
CAUSAL = pattern_catalogue()["causal-td"]


def given(algorithm: Any = CAUSAL, zero: bool = False) -> tuple[Any, list[Any], dict[str, Any]]:
    rng = random.Random(5)

    def vector() -> list[Fraction]:
        return [Fraction(rng.randint(-9, 9), rng.choice((1, 2, 3, 7))) for _ in range(D)]

    context = Context.of(*([vector() for _ in range(N)] for _ in "ab"), [vector()[0] for _ in range(N)], vector())
    start = [[Fraction(0)] * D if zero else vector() for _ in range(N + 1)]
    values = {"gamma": RATIONALS.number(Fraction(3, 5))}
    return run.setup(algorithm, RATIONALS, context, start, values), [[vector(), vector()] for _ in range(L)], values


def both(algorithm: Any, monkeypatch: Any, zero: bool = False) -> tuple[list[Any], list[Any], int]:
    """The states with passes shared where they can be, those of whole loops, and how many passes were used."""
    s, steps, _ = given(algorithm, zero)
    matrices, used, one_pass = [RATIONALS.matrix(C) for C in steps], [0], run.one_pass

    def counted(*given: Any) -> Any:
        passed = one_pass(*given)
        used[0] += passed is not None
        return passed

    monkeypatch.setattr(run, "one_pass", counted)
    shared = [[x.fractions() for x in states] for states in run.textbook(s, matrices)]
    monkeypatch.setattr(run, "one_pass", lambda *given: None)
    return shared, [[x.fractions() for x in states] for states in run.textbook(s, matrices)], used[0]


@pytest.mark.parametrize("sees", ["causal", "context"])
def test_one_pass_is_every_tokens_loop(sees, monkeypatch):
    shared, loops, used = both(replace(CAUSAL, sees=sees), monkeypatch)
    assert shared == loops and used == L


def reads_own(own, C, sweep, p):
    w = own.state
    sweep.total = 0 * w
    for k in sweep:
        sweep.total = sweep.total + (k.reward - w @ k.phi) * k.phi
    return w + C @ sweep.total / sweep.n


def starts_elsewhere(own, C, sweep, p):
    sweep.total = own.state
    for k in sweep:
        sweep.total = sweep.total + k.reward * k.phi
    return sweep.total


def keeps_a_list(own, C, sweep, p):
    sweep.total = []
    for k in sweep:
        sweep.total.append(k.reward * k.phi)
    return sum(sweep.total, own.state)


def leaves_early(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.reward * k.phi
        if k.reward == 0:
            break
    return own.state + sweep.total


def runs_twice(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.reward * k.phi
    for k in sweep:
        sweep.total = sweep.total + k.phi
    return own.state + sweep.total


def asks_what_it_is(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.reward * k.phi
    return own.state if own.state == sweep.total else own.state + sweep.total


REFUSED = (reads_own, starts_elsewhere, keeps_a_list, runs_twice, asks_what_it_is)


@pytest.mark.parametrize("update", REFUSED, ids=lambda u: u.__name__)
def test_what_cannot_be_shared_is_not(update, monkeypatch):
    shared, loops, used = both(replace(CAUSAL, update=update), monkeypatch)
    assert shared == loops and used == 0


def test_a_loop_that_is_left_early_is_not_shared(monkeypatch):
    update = replace(CAUSAL, update=leaves_early)
    s, steps, _ = given(update)
    s.tokens[1].reward = RATIONALS.number(0)
    keys = [run._key(s, s.start, j) for j in range(N)]
    assert run.one_pass(leaves_early, s.start, RATIONALS.matrix(steps[0]), keys, [1, 2, 3, 4, 4], N, s.p) is None


def local(own, C, sweep, p):
    total = 0 * own.state
    for k in sweep:
        total = total + (k.reward - k.state @ k.phi) * k.phi
    return own.state + C @ total / sweep.n


@pytest.mark.parametrize("zero", [False, True])
def test_a_sum_that_is_not_kept_on_the_sweep_is_noticed_by_the_first_layer(zero, monkeypatch):
    shared, loops, used = both(replace(CAUSAL, update=local), monkeypatch, zero)
    assert used == 1  # what the pass gave was compared, and no more passes were asked for
    assert shared == loops


@pytest.mark.parametrize("wrong_from", [1, 2])
def test_a_wrong_pass_is_noticed_where_it_is_compared(wrong_from, monkeypatch):
    s, steps, _ = given()
    calls, one_pass = [], run.one_pass

    def wrong(*given: Any) -> Any:
        calls.append(given)
        passed = one_pass(*given)
        return passed if len(calls) < wrong_from else [*passed[:-1], passed[-1] + RationalVector.of([0, 1])]

    matrices = [RATIONALS.matrix(C) for C in steps]
    monkeypatch.setattr(run, "one_pass", lambda *given: None)
    loops = [[x.fractions() for x in states] for states in run.textbook(s, matrices)]
    monkeypatch.setattr(run, "one_pass", wrong)
    assert [[x.fractions() for x in states] for states in run.textbook(s, matrices)] == loops
    assert len(calls) == wrong_from


def test_a_wrong_pass_after_that_differs_from_the_layers(monkeypatch):
    s, steps, values = given()
    form, one_pass, calls = derive_pattern(CAUSAL), run.one_pass, []
    assert all(m is None for m in run.mismatches(s, form, steps, values))

    def wrong(*given: Any) -> Any:
        calls.append(given)
        passed = one_pass(*given)
        return passed if len(calls) < 3 else [passed[0] + RationalVector.of([0, 1]), *passed[1:]]

    monkeypatch.setattr(run, "one_pass", wrong)
    passed = list(run.mismatches(s, form, steps, values))
    assert passed[:2] == [None, None] and passed[2].layer == 3

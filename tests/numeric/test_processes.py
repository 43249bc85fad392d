"""Markov reward processes: exact rows, exact stationary distributions and values, and every refusal."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerproof.numeric.data.processes import (
    PROCESSES,
    MarkovRewardProcess,
    boyan_chain,
    dyadic,
    loop,
    process_named,
    random_ergodic,
    stationary_distribution,
    stream,
    value_function,
)
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.exact import whole_number

half = Fraction(1, 2)
NAMES = sorted(PROCESSES)
SEEDS = st.integers(0, 10**6)


def a_process(**changes: object) -> MarkovRewardProcess:
    parts = {
        "transition": [[0, 1], [Fraction(1, 3), Fraction(2, 3)]],
        "reward": [1, -half],
        "features": [[1, 0, 2], [0, 1, half]],
        "initial": [half, half],
    }
    return MarkovRewardProcess.of("two states", **{**parts, **changes})


@pytest.mark.parametrize("name", NAMES)
@given(states=st.integers(3, 7), d=st.integers(1, 4), seed=SEEDS, bits=st.integers(1, 53))
@settings(max_examples=20, deadline=None)
def test_a_drawn_process_is_exact(name, states, d, seed, bits):
    process = process_named(name)(states, d, seed, bits=bits)
    assert process.name == name and (process.states, process.d) == (states, d)
    assert all(sum(row) == 1 and min(row) >= 0 for row in process.transition)
    assert sum(process.initial) == 1 and min(process.initial) > 0
    for x in (*process.reward, *(x for vector in process.features for x in vector)):
        assert -1 <= x <= 1 and (1 << bits) % x.denominator == 0
        assert Fraction(float(x)) == x


@pytest.mark.parametrize("name", NAMES)
@given(states=st.integers(3, 6), seed=SEEDS, gamma=st.fractions(0, 1, max_denominator=50).filter(lambda g: g < 1))
@settings(max_examples=15, deadline=None)
def test_stationary_distribution_and_values_satisfy_their_equations(name, states, seed, gamma):
    process = process_named(name)(states, 2, seed)
    P, r, s = process.transition, process.reward, range(states)
    pi = stationary_distribution(process)
    assert sum(pi) == 1 and min(pi) > 0
    assert pi == tuple(sum(pi[i] * P[i][j] for i in s) for j in s)
    v = value_function(process, gamma)
    assert v == tuple(r[i] + gamma * sum(P[i][j] * v[j] for j in s) for i in s)


def test_by_hand():
    assert stationary_distribution(a_process()) == (Fraction(1, 4), Fraction(3, 4))
    assert value_function(a_process(), Fraction(0)) == (1, -half)
    # v0 = 1 + v1/2, v1 = -1/2 + v0/6 + v1/3
    assert value_function(a_process(), half) == (Fraction(5, 7), Fraction(-4, 7))


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_everything(name):
    make = PROCESSES[name]
    assert make(5, 3, 7) == make(5, 3, 7)
    assert make(5, 3, 7) != make(5, 3, 8)


def test_the_draws_are_pinned():
    assert [stream("generic", 0).getrandbits(16), stream("generic", 1).getrandbits(16)] == [21699, 63777]
    assert [str(x) for x in boyan_chain(3, 1, 0).transition[0]] == ["0", "467/512", "45/512"]


def test_a_purpose_has_its_own_stream():
    assert stream("loop", 0).getrandbits(64) != stream("generic", 0).getrandbits(64)


@given(st.integers(4, 8), SEEDS)
@settings(max_examples=20, deadline=None)
def test_boyan_chain_has_its_shape(states, seed):
    P = boyan_chain(states, 2, seed).transition
    for i in range(states - 2):
        assert {j for j, p in enumerate(P[i]) if p} == {i + 1, i + 2}
    assert P[-2] == (0,) * (states - 1) + (1,)
    assert min(P[-1]) > 0


@given(st.integers(2, 8), SEEDS, st.fractions(0, 1, max_denominator=9))
@settings(max_examples=20, deadline=None)
def test_loop_reaches_its_successor_and_never_itself(states, seed, jump):
    P = loop(states, 2, seed, jump=jump).transition
    assert all(P[i][(i + 1) % states] > 0 and P[i][i] == 0 for i in range(states))


def test_loop_jump_at_its_ends():
    cycle = loop(5, 2, 0, jump=Fraction(0))
    assert all(cycle.transition[i][(i + 1) % 5] == 1 for i in range(5))
    assert stationary_distribution(cycle) == (Fraction(1, 5),) * 5
    assert all(sum(p > 0 for p in row) == 4 for row in loop(5, 2, 0, jump=Fraction(1)).transition)


def test_random_ergodic_reaches_everything():
    assert all(min(row) > 0 for row in random_ergodic(5, 2, 3).transition)
    assert random_ergodic(1, 1, 0).transition == ((1,),)


@pytest.mark.parametrize("name", NAMES)
def test_one_hot_features_are_the_tabular_case_of_the_same_chain(name):
    tabular, uniform = PROCESSES[name](4, 4, 9, features="one-hot"), PROCESSES[name](4, 4, 9)
    assert tabular.features == tuple(tuple(Fraction(i == j) for j in range(4)) for i in range(4))
    assert dataclasses.replace(tabular, features=uniform.features) == uniform


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"transition": []}, "at least one state"),
        ({"features": [[], []]}, "at least one state and one feature"),
        ({"transition": [[0, 1], [1]]}, r"transition\[1\] has 1 entries, wanted 2"),
        ({"transition": [[0, 1], [half, Fraction(1, 3)]]}, r"transition\[1\] sums to 5/6"),
        ({"transition": [[2, -1], [0, 1]]}, r"transition\[0\] sums to 1 with smallest entry -1"),
        ({"transition": [[0.5, 0.5], [0, 1]]}, r"transition\[0\] has an entry that is no Fraction"),
        ({"reward": [1]}, "reward has 1 entries, wanted 2"),
        ({"reward": [1, 0.1]}, "reward has an entry that is no Fraction"),
        ({"features": [[1, 0], [1]]}, r"features\[1\] has 1 entries, wanted 2"),
        ({"features": [[1, 0]]}, "features has 1 vectors, wanted one for each of 2 states"),
        ({"initial": [1]}, "initial has 1 entries, wanted 2"),
        ({"initial": [half, half + Fraction(1, 10**30)]}, "initial sums to"),
    ],
)
def test_a_process_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ArgumentError, match=message):
        a_process(**changes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: boyan_chain(2, 1, 0), "states is 2, wanted an integer of at least 3"),
        (lambda: loop(1, 1, 0), "states is 1, wanted an integer of at least 2"),
        (lambda: random_ergodic(0, 1, 0), "states is 0, wanted an integer of at least 1"),
        (lambda: random_ergodic(True, 1, 0), "states is True"),
        (lambda: random_ergodic(2.0, 1, 0), r"states is 2\.0"),
        (lambda: boyan_chain(3, 0, 0), "d is 0, wanted an integer of at least 1"),
        (lambda: boyan_chain(3, 1, -1), "seed is -1, wanted an integer of at least 0"),
        (lambda: boyan_chain(3, 1, None), "seed is None"),
        (lambda: boyan_chain(3, 1, 0, bits=0), "bits is 0, wanted an integer from 1 to 53"),
        (lambda: boyan_chain(3, 1, 0, bits=54), "bits is 54"),
        (lambda: dyadic(stream("x", 0), 54), "bits is 54"),
        (lambda: boyan_chain(3, 2, 0, features="one-hot"), "d is 2, wanted 3: one-hot"),
        (lambda: boyan_chain(3, 2, 0, features="onehot"), "features is 'onehot', wanted 'uniform' or 'one-hot'"),
        (lambda: loop(3, 1, 0, jump=Fraction(3, 2)), "jump is 3/2, wanted a probability"),
        (lambda: loop(3, 1, 0, jump=0.5), r"jump is 0\.5, wanted an integer or a Fraction"),
        (lambda: value_function(a_process(), Fraction(1)), "gamma is 1, wanted 0 <= gamma < 1"),
        (lambda: value_function(a_process(), Fraction(-1, 2)), "gamma is -1/2"),
        (lambda: value_function(a_process(), 0.9), r"gamma is 0\.9, wanted an integer or a Fraction"),
        (lambda: value_function(a_process(), True), "gamma is True"),
        (lambda: stationary_distribution(a_process(transition=[[1, 0], [0, 1]])), "has 2 closed classes"),
        (lambda: process_named("boyan"), "process is 'boyan', which is not known: did you mean boyan-chain?"),
        (lambda: process_named("qqq"), "the processes are boyan-chain, loop, random-ergodic"),
    ],
)
def test_arguments_outside_their_domain_are_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_whole_number_passes_what_is_in_its_domain():
    assert whole_number("d", 3, 3, 3) == 3


def test_a_transient_state_is_no_obstacle_to_a_stationary_distribution():
    assert stationary_distribution(a_process(transition=[[0, 1], [0, 1]])) == (0, 1)

"""Seeded prompts: a trajectory hangs together and follows its process, a generic prompt has no structure."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerproof.numeric.data.processes import PROCESSES, MarkovRewardProcess, loop, random_ergodic
from layerproof.numeric.data.prompts import generic_context, trajectory_context
from layerproof.symbolic.errors import ArgumentError

SEEDS = st.integers(0, 10**6)


@pytest.mark.parametrize("name", sorted(PROCESSES))
@given(n=st.integers(1, 12), seed=SEEDS)
@settings(max_examples=15, deadline=None)
def test_a_trajectory_is_one_path_of_its_process(name, n, seed):
    process = PROCESSES[name](5, 5, seed, features="one-hot")
    context = trajectory_context(process, n, seed)
    assert (context.n, context.d) == (n, 5)
    assert context.next_features[:-1] == context.features[1:]
    path = [vector.index(1) for vector in (*context.features, context.next_features[-1], context.query)]
    assert all(process.transition[i][j] > 0 for i, j in itertools.pairwise(path))
    assert context.rewards == tuple(process.reward[i] for i in path[:n])


def test_a_cycle_is_followed_step_by_step():
    context = trajectory_context(loop(4, 4, 0, jump=Fraction(0), features="one-hot"), 9, seed=1)
    path = [vector.index(1) for vector in (*context.features, context.next_features[-1], context.query)]
    assert path == [(path[0] + k) % 4 for k in range(11)]


def test_the_initial_distribution_decides_the_first_state():
    for start in range(3):
        process = random_ergodic(3, 3, 0, features="one-hot")
        initial = tuple(Fraction(i == start) for i in range(3))
        certain = MarkovRewardProcess("certain start", process.transition, process.reward, process.features, initial)
        assert all(trajectory_context(certain, 1, seed).features[0][start] == 1 for seed in range(20))


def test_states_are_drawn_with_their_probabilities():
    # 3000 draws of probability 1/3: the standard deviation is 26, and this seed lies within five of them.
    rows = [[Fraction(1, 3), Fraction(0), Fraction(2, 3)]] * 3
    process = MarkovRewardProcess.of("independent", rows, [0, 0, 0], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], rows[0])
    seen = Counter(vector.index(1) for vector in trajectory_context(process, 3000, seed=0).features)
    assert seen[1] == 0
    assert abs(seen[0] - 1000) < 130


@given(st.integers(1, 4), st.integers(1, 6), SEEDS, st.integers(1, 53))
@settings(max_examples=30, deadline=None)
def test_generic_entries_are_dyadic_and_floats_hold_them(d, n, seed, bits):
    context = generic_context(d, n, seed, bits)
    assert (context.d, context.n) == (d, n)
    entries = [x for v in (*context.features, *context.next_features, context.rewards, context.query) for x in v]
    assert all(-1 <= x <= 1 and (1 << bits) % x.denominator == 0 and Fraction(float(x)) == x for x in entries)


def test_generic_entries_are_unrelated_and_seeded():
    context = generic_context(3, 50, 0)
    assert context.next_features[:-1] != context.features[1:]
    assert len({x for vector in (*context.features, *context.next_features) for x in vector}) > 250
    assert context == generic_context(3, 50, 0) != generic_context(3, 50, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: trajectory_context(loop(3, 2, 0), 0, 0), "n is 0, wanted an integer of at least 1"),
        (lambda: trajectory_context(loop(3, 2, 0), 1, -1), "seed is -1"),
        (lambda: generic_context(0, 1, 0), "d is 0"),
        (lambda: generic_context(1, True, 0), "n is True"),
        (lambda: generic_context(1, 1, "0"), "seed is '0'"),
        (lambda: generic_context(1, 1, 0, 0), "bits is 0, wanted an integer from 1 to 53"),
    ],
)
def test_arguments_outside_their_domain_are_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()

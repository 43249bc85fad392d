"""In-context average-reward TD by hand (Wang, Blaser, Daneshmand, Zhang 2025): two heads and prefix means."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

import pytest
from expected import Expected
from helpers import (
    Case,
    apply,
    block_matrix,
    dot,
    entry_changed,
    negated,
    plus,
    random_context,
    run_layers,
    times,
    transposed,
    trial,
    with_matrix,
)

from layerproof.symbolic.construction import construct
from layerproof.symbolic.readout import Readout

CASE = Case("average-reward-td")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def averaging(rate):
    """Average-reward TD with rate(rewards, j) for the mean of R_1, ..., R_j."""

    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        rewards, total = [t.reward for t in sweep], 0 * w
        for t in sweep:
            delta = t.reward - rate(rewards, t.index) + w @ t.phi_next - w @ t.phi
            total = total + delta * t.phi
        return (w + C @ total / sweep.n,)

    return update


def mean(rewards):
    return sum(rewards[1:], rewards[0]) / len(rewards) if rewards else 0


EXPECTED = Expected(
    heads=2,
    right=averaging(lambda rewards, j: mean(rewards[:j])),
    ordered=True,
    faults={
        "mean of all rewards": averaging(lambda rewards, j: mean(rewards)),
        "mean of the rewards before": averaging(lambda rewards, j: mean(rewards[: j - 1])),
        "mean one reward ahead": averaging(lambda rewards, j: mean(rewards[: j + 1])),
        "sum for mean": averaging(lambda rewards, j: mean(rewards[:j]) * j),
        "no mean": averaging(lambda rewards, j: 0),
        "mean added": averaging(lambda rewards, j: -mean(rewards[:j])),
        "mean over j + 1": averaging(lambda rewards, j: mean(rewards[:j]) * Fraction(j, j + 1)),
        "mean as a recursion": averaging(
            lambda rewards, j: reduce(lambda m, k: m + (rewards[k] - m) / (k + 1), range(j), 0 * rewards[0])
        ),
    },
    no_faults={"mean as a recursion": "rbar_j = rbar_{j-1} + (R_j - rbar_{j-1}) / j is that mean"},
    rows=("reward", "difference"),
    reads="difference",
)


def test_the_weights_are_the_papers():
    # Z = (phi; phi'; R; 0). Head 1 moves the reward row to the bottom row through M0 - Mbar, Mbar_ij = 1/j for
    # i <= j <= n; head 2 keeps the bottom row, through M0. Both: Q = [[-C^T, C^T], [0, 0]] on the features.
    built = construct(CASE.derivation, D, N, 1, [(C,)], {})
    plain, centred = built.heads(0)
    Q = block_matrix([D, D, 1, 1], {(0, 0): negated(transposed(C)), (0, 1): transposed(C)})
    assert plain.Q.fractions() == centred.Q.fractions() == Q
    assert (plain.W @ plain.P).fractions() == block_matrix([D, D, 1, 1], {(3, 3): [[1]]})
    assert (centred.W @ centred.P).fractions() == block_matrix([D, D, 1, 1], {(3, 2): [[1]]})
    assert plain.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert centred.M.fractions() == [[0, -HALF, -THIRD, 0], [0, HALF, -THIRD, 0], [0, 0, 1 - THIRD, 0], [0, 0, 0, 0]]
    assert built.readout == Readout("difference", -1)
    assert built.layout.row_names()[-3:] == ("phi_next[2]", "reward", "difference")


def test_the_reward_row_times_its_mask_is_each_reward_minus_the_mean_so_far():
    _, centred = construct(CASE.derivation, D, N, 1, [(C,)], {}).heads(0)
    rewards = [Fraction(5), Fraction(-1, 2), Fraction(7)]
    met = [dot([*rewards, Fraction(0)], column) for column in transposed(centred.M.fractions())]
    assert met == [0, rewards[1] - sum(rewards[:2]) / 2, rewards[2] - sum(rewards) / 3, 0]


def one_iterate(context, w):
    """w + (1/n) C sum_j (R_j - rbar_j + w.phi'_j - w.phi_j) phi_j with rbar_j the mean of R_1, ..., R_j."""
    total = [Fraction(0)] * D
    for j, (x, y, r) in enumerate(zip(context.features, context.next_features, context.rewards, strict=True), start=1):
        mean = sum(context.rewards[:j]) / j
        total = plus(total, times(r - mean + dot(w, y) - dot(w, x), x))
    return plus(w, times(Fraction(1, N), apply(C, total)))


def prompt(context, w):
    """Columns (phi; phi'; R; w.phi' - w.phi) and the query's (q; 0; 0; -w.q)."""
    columns = [
        [*x, *y, r, dot(w, y) - dot(w, x)]
        for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True)
    ]
    return transposed([*columns, [*context.query, 0, 0, 0, -dot(w, context.query)]])


def test_one_layer_is_one_iterate_by_hand():
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    built = construct(CASE.derivation, D, N, 1, [(C,)], {})
    assert run_layers(built, prompt(context, w)) == [prompt(context, one_iterate(context, w))]


@pytest.mark.parametrize(("i", "j"), [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (1, 0), (0, 3)])
def test_a_wrong_entry_of_the_prefix_mean_mask_is_refused(i, j):
    t = trial(CASE, D, N, depth=1)
    wrong = entry_changed(t.construction.heads(0)[1].M, i, j, lambda x: x + Fraction(1, 2**40))
    assert t.check(with_matrix(t.construction, 0, 1, M=wrong))[0] is not None


def test_the_opposite_mask_gives_the_opposite_rows():
    # With Mbar - M0 for M0 - Mbar the bottom row is w.(phi - phi') and the output is plus bottom-right, from zero.
    context, zero = random_context(D, N, seed=1), [Fraction(0)] * D
    built = construct(CASE.derivation, D, N, 2, [(C,), (transposed(C),)], {})
    opposite = built
    for number in range(2):
        opposite = with_matrix(opposite, number, 1, M=built.heads(number)[1].M * -1)
    for right, turned in zip(*(run_layers(b, prompt(context, zero)) for b in (built, opposite)), strict=True):
        assert turned[:-1] == right[:-1]
        assert turned[-1] == times(Fraction(-1), right[-1])

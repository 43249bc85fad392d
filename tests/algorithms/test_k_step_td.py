"""In-context k-step TD by hand (Sutton and Barto 2018, eqs. 9.15 and 9.16): errors backwards are returns forwards."""

from __future__ import annotations

from fractions import Fraction

import pytest
from expected import Expected
from helpers import (
    GAMMA,
    Case,
    apply,
    block_matrix,
    dot,
    entry_changed,
    negated,
    plain_weights,
    plus,
    random_context,
    times,
    transposed,
    trial,
    with_matrix,
)
from updates import one_weight, phi, td_error

from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.construction import construct
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.prompt import Context

CASE = Case("k-step-td")
D, N = 2, 5
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


def crediting(*weights):
    """TD errors credited to the state at hand and to those before it, weights[i](gamma) to the i-th before."""

    def update(w_before, preconditioners, sweep, p):
        (w,), (C,) = w_before, preconditioners
        seen, total = [], 0 * w
        for t in sweep:
            seen = [t.phi, *seen]
            for weight, feature in zip(weights, seen, strict=False):
                total = total + td_error(w, t, p) * (weight(p.gamma) * feature)
        return (w + C @ total / sweep.n,)

    return update


def power(k):
    return lambda gamma: gamma**k if k else 1


EXPECTED = Expected(
    heads=1,
    right=crediting(power(0), power(1), power(2)),
    faults={
        "one step": one_weight(td_error, phi),
        "two steps": crediting(power(0), power(1)),
        "no discount of the credit": crediting(power(0), power(0), power(0)),
        "the credit discounted once": crediting(power(0), power(1), power(1)),
        "the credit in the wrong order": crediting(power(2), power(1), power(0)),
        "the state at hand forgotten": crediting(lambda gamma: 0, power(1), power(2)),
    },
    ordered=True,
)


def test_the_weights_are_td0s_with_a_band_for_a_mask():
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    (head,) = built.heads(0)
    assert head.Q.fractions() == block_matrix([D, D, 1], {(0, 0): negated(transposed(C)), (0, 1): transposed(C)})
    g, h = GAMMA, GAMMA**2
    band = [[1, 0, 0, 0, 0, 0], [g, 1, 0, 0, 0, 0], [h, g, 1, 0, 0, 0], [0, h, g, 1, 0, 0], [0, 0, h, g, 1, 0]]
    assert head.M.fractions() == [*band, [0] * 6]


def iterate(context, w):
    """The update's one step from w."""
    setup = problem(CASE.algorithm, RATIONALS, context, [w], {"gamma": GAMMA}, {})
    ((new,),) = map(plain_weights, textbook(setup, [(C,)]))
    return new


def by_returns(context, w):
    """w + (1/n) C sum_j (G_j - w.phi_j) phi_j, each G_j of three rewards, or of those that are left."""
    total = [Fraction(0)] * D
    for j, x in enumerate(context.features):
        last = min(j + 3, N) - 1
        rewards = sum(GAMMA ** (k - j) * context.rewards[k] for k in range(j, last + 1))
        target = rewards + GAMMA ** (last + 1 - j) * dot(w, context.next_features[last])
        total = plus(total, times(target - dot(w, x), x))
    return plus(w, times(Fraction(1, N), apply(C, total)))


def test_on_a_trajectory_it_is_the_three_step_return_and_only_there():
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    path = [*context.features, context.query]
    trajectory = Context.of(path[:-1], path[1:], context.rewards, context.query)
    assert iterate(trajectory, w) == by_returns(trajectory, w)
    assert iterate(context, w) != by_returns(context, w)


def test_a_fourth_step_is_refuted():
    assert trial(CASE, D, N, 1).check() == [None]
    assert trial(CASE, D, N, 1).check(update=crediting(*map(power, range(4))))[0] is not None


@pytest.mark.parametrize(("i", "j"), [(3, 0), (4, 1), (2, 0), (0, 2), (1, 1)])
def test_a_wrong_entry_of_the_band_is_refused(i, j):
    t = trial(CASE, D, N, depth=1)
    wrong = entry_changed(t.construction.heads(0)[0].M, i, j, lambda x: x + Fraction(1, 2**40))
    assert t.check(with_matrix(t.construction, 0, 0, M=wrong))[0] is not None

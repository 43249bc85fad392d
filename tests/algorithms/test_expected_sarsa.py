"""In-context Expected SARSA by hand (Sutton and Barto 2018, eq. 6.9): TD(0) towards an average over actions."""

from __future__ import annotations

from fractions import Fraction

from expected import Expected
from helpers import (
    GAMMA,
    Case,
    apply,
    block_matrix,
    dot,
    negated,
    plus,
    random_context,
    run_layers,
    times,
    transposed,
)
from updates import one_weight, phi, td_error

from layerproof.symbolic.construction import construct

CASE = Case("expected-sarsa")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


def towards(average):
    """TD(0)'s update towards an average of next features."""
    return one_weight(lambda w, t, p: t.reward + p.gamma * (w @ average(t)) - w @ t.phi, phi)


EXPECTED = Expected(
    heads=1,
    right=towards(lambda t: t.pi_left * t.phi_left + t.pi_right * t.phi_right),
    faults={
        "SARSA": one_weight(td_error, phi),
        "policies exchanged": towards(lambda t: t.pi_right * t.phi_left + t.pi_left * t.phi_right),
        "no policy": towards(lambda t: t.phi_left + t.phi_right),
        "one action": towards(lambda t: t.phi_left),
        "one action's share": towards(lambda t: t.pi_left * t.phi_left),
    },
    degrees=(2, 1),
)


def test_the_weights_are_td0s():
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    (head,) = built.heads(0)
    assert built.layout.row_names()[2:] == ("gamma_expected_phi[1]", "gamma_expected_phi[2]", "td_error")
    assert (head.W @ head.P).fractions() == block_matrix([D, D, 1], {(2, 2): [[1]]})
    q_blocks = {(0, 0): negated(transposed(C)), (0, 1): transposed(C)}
    assert head.Q.fractions() == block_matrix([D, D, 1], q_blocks)
    assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_one_layer_is_one_iterate_by_hand():
    # probabilities, and two features for each next state: the value of a state is the mean of its actions' values
    context, other, w = random_context(D, N, 1, CASE.algorithm), random_context(D, N, 2), [Fraction(3, 4), Fraction(-2)]
    left, right, chances = context.next_features, other.features, (Fraction(1, 3), Fraction(1, 2), Fraction(0))

    def prompt(w):
        columns = [
            [*x, *times(GAMMA, plus(times(c, a), times(1 - c, b))), error(w, x, r, c, a, b)]
            for x, r, c, a, b in zip(context.features, context.rewards, chances, left, right, strict=True)
        ]
        return transposed([*columns, [*context.query, 0, 0, -dot(w, context.query)]])

    def error(w, x, r, c, a, b):
        return r + GAMMA * (c * dot(w, a) + (1 - c) * dot(w, b)) - dot(w, x)

    total = [Fraction(0)] * D
    for x, r, c, a, b in zip(context.features, context.rewards, chances, left, right, strict=True):
        total = plus(total, times(error(w, x, r, c, a, b), x))
    after = plus(w, times(Fraction(1, N), apply(C, total)))
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    assert run_layers(built, prompt(w)) == [prompt(after)]

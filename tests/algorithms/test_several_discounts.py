"""In-context TD(0) with two discounts by hand: two rows, two heads that do not meet."""

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
from updates import two_weights

from layerproof.symbolic.construction import construct

CASE = Case("several-discounts")
SIZE, N, BETA = 2, 3, Fraction(1, 3)
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
D = [[Fraction(-3), Fraction(1, 2)], [Fraction(2, 7), Fraction(4)]]


def gain(w, t, discount):
    return (t.reward + discount * (w @ t.phi_next) - w @ t.phi) * t.phi


def first(w, v, t, p):
    return gain(w, t, p.gamma)


def second(w, v, t, p):
    return gain(v, t, p.beta)


EXPECTED = Expected(
    heads=2,
    right=two_weights(first, second),
    faults={
        "one discount for both": two_weights(first, lambda w, v, t, p: gain(v, t, p.gamma)),
        "discounts exchanged": two_weights(
            lambda w, v, t, p: gain(w, t, p.beta), lambda w, v, t, p: gain(v, t, p.gamma)
        ),
        "the second follows the first's error": two_weights(first, lambda w, v, t, p: gain(w, t, p.beta)),
        "the second undiscounted": two_weights(first, lambda w, v, t, p: gain(v, t, 1)),
        "the discounts multiplied": two_weights(first, lambda w, v, t, p: gain(v, t, p.gamma * p.beta)),
    },
    rows=("td_error", "second_td_error"),
)


def test_the_weights_are_a_head_for_each_discount():
    built = construct(CASE.derivation, SIZE, N, 1, [(C, D)], {"gamma": GAMMA, "beta": BETA})
    one, other = built.heads(0)
    for head, row, step, discount in ((one, 2, C, GAMMA), (other, 3, D, BETA)):
        assert (head.W @ head.P).fractions() == block_matrix([SIZE, SIZE, 1, 1], {(row, row): [[1]]})
        discounted = [times(discount, line) for line in transposed(step)]
        q_blocks = {(0, 0): negated(transposed(step)), (0, 1): discounted}
        assert head.Q.fractions() == block_matrix([SIZE, SIZE, 1, 1], q_blocks)
        assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_one_layer_is_one_iterate_by_hand():
    context, w, v = random_context(SIZE, N, seed=1), [Fraction(3, 4), Fraction(-2)], [Fraction(1, 5), Fraction(3)]
    data = list(zip(context.features, context.next_features, context.rewards, strict=True))

    def error(w, x, y, r, discount):
        return r + discount * dot(w, y) - dot(w, x)

    def prompt(w, v):
        columns = [[*x, *y, error(w, x, y, r, GAMMA), error(v, x, y, r, BETA)] for x, y, r in data]
        q = context.query
        return transposed([*columns, [*q, 0, 0, -dot(w, q), -dot(v, q)]])

    def after(w, step, discount):
        total = plus(*(times(error(w, x, y, r, discount), x) for x, y, r in data))
        return plus(w, times(Fraction(1, N), apply(step, total)))

    built = construct(CASE.derivation, SIZE, N, 1, [(C, D)], {"gamma": GAMMA, "beta": BETA})
    assert run_layers(built, prompt(w, v)) == [prompt(after(w, C, GAMMA), after(v, D, BETA))]

"""In-context differential TD by hand (Wan, Naik, Sutton 2021, eqs. 8-9): a learned reward rate, in one head."""

from __future__ import annotations

from fractions import Fraction

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
from updates import two_weights

from layerproof.symbolic.construction import construct
from layerproof.symbolic.readout import Readout

CASE = Case("differential-td")
D, N = 2, 3
C, RATE_STEP = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]], Fraction(3, 7)


def error(w, rbar, t):
    return t.reward - rbar + w @ t.phi_next - w @ t.phi


def moves_w(w, rbar, t, p):
    return error(w, rbar, t) * t.phi


def moves_rate(w, rbar, t, p):
    return error(w, rbar, t)


EXPECTED = Expected(
    heads=1,
    right=two_weights(moves_w, moves_rate),
    faults={
        "rate not subtracted": two_weights(lambda w, r, t, p: error(w, 0, t) * t.phi, moves_rate),
        "rate added": two_weights(lambda w, r, t, p: error(w, -r, t) * t.phi, moves_rate),
        "rate follows the reward only": two_weights(moves_w, lambda w, r, t, p: t.reward - r),
        "rate step negated": two_weights(moves_w, lambda w, r, t, p: -error(w, r, t)),
        "rate reads the new w": two_weights(moves_w, moves_rate, sequential=True),
    },
    undetermined=frozenset({("one", "one")}),
)


def test_the_weights_are_one_head_for_w_and_the_rate():
    # Z = (phi; phi'; 1; R): TD's blocks undiscounted, and -c where the constant row meets itself.
    built = construct(CASE.derivation, D, N, 1, [(C, RATE_STEP)], {})
    (head,) = built.heads(0)
    assert (head.W @ head.P).fractions() == block_matrix([D, D, 1, 1], {(3, 3): [[1]]})
    blocks = {(0, 0): negated(transposed(C)), (0, 1): transposed(C), (2, 2): [[-RATE_STEP]]}
    assert head.Q.fractions() == block_matrix([D, D, 1, 1], blocks)
    assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert built.readout == Readout("td_error", -1)
    assert built.layout.row_names()[-2:] == ("one", "td_error")


def one_iterate(context, w, rate):
    """w + (1/n) C sum_j delta_j phi_j and rate + (1/n) c sum_j delta_j, with one and the same delta_j."""
    total, errors = [Fraction(0)] * D, Fraction(0)
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        delta = r - rate + dot(w, y) - dot(w, x)
        total, errors = plus(total, times(delta, x)), errors + delta
    return plus(w, times(Fraction(1, N), apply(C, total))), rate + RATE_STEP * errors / N


def prompt(context, w, rate):
    """Columns (phi; phi'; 1; R - rate + w.phi' - w.phi) and the query's (q; 0; 0; -w.q)."""
    columns = [
        [*x, *y, 1, r - rate + dot(w, y) - dot(w, x)]
        for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True)
    ]
    return transposed([*columns, [*context.query, 0, 0, 0, -dot(w, context.query)]])


def test_one_layer_is_one_iterate_by_hand():
    context, w, rate = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)], Fraction(5, 6)
    built = construct(CASE.derivation, D, N, 1, [(C, RATE_STEP)], {})
    assert run_layers(built, prompt(context, w, rate)) == [prompt(context, *one_iterate(context, w, rate))]


def test_a_wrong_step_of_the_rate_is_refused():
    t = trial(CASE, D, N, depth=1)
    place = t.construction.layout.block("one").start
    for change in (lambda c: -c, lambda c: 0 * c, lambda c: c * (1 + Fraction(1, 2**40))):
        wrong = entry_changed(t.construction.heads(0)[0].Q, place, place, change)
        assert t.check(with_matrix(t.construction, 0, 0, Q=wrong))[0] is not None

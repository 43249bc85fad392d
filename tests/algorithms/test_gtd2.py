"""In-context GTD2 by hand (Sutton et al. 2009, eqs. 8-9): two weight vectors, two heads."""

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
from updates import along_gradient, follows_td_error, gtd2_gain, td_error, tdc_gain, two_weights

from layerproof.symbolic.construction import construct
from layerproof.symbolic.readout import Readout

CASE = Case("gtd2")
SIZE, N = 2, 3
SIZES = (SIZE, SIZE, 1, 1)
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
D = [[Fraction(-3), Fraction(1, 2)], [Fraction(2, 7), Fraction(4)]]


EXPECTED = Expected(
    heads=2,
    right=two_weights(gtd2_gain, follows_td_error),
    faults={
        "w follows the TD error": two_weights(
            lambda w, v, t, p: td_error(w, t, p) * along_gradient(t, p), follows_td_error
        ),
        "undiscounted gradient": two_weights(lambda w, v, t, p: (v @ t.phi) * (t.phi - t.phi_next), follows_td_error),
        "v does not forget": two_weights(gtd2_gain, lambda w, v, t, p: td_error(w, t, p) * t.phi),
        "v adds itself": two_weights(gtd2_gain, lambda w, v, t, p: (td_error(w, t, p) + v @ t.phi) * t.phi),
        "v reads the new w": two_weights(gtd2_gain, follows_td_error, sequential=True),
        "TDC": two_weights(tdc_gain, follows_td_error),
    },
    rows=("td_error", "correction"),
    moves_w_at=2,  # with v = 0 the first update does not move w
)


def test_the_weights_are_two_heads():
    # Z = (phi; gamma phi'; R; 0), rows: the TD error of w, and v.phi.
    # Head 1 moves w by C (v.phi) (phi - gamma phi'), head 2 moves v by D (delta - v.phi) phi.
    built = construct(CASE.derivation, SIZE, N, 1, [(C, D)], {"gamma": GAMMA})
    moves_w, moves_v = built.heads(0)
    minus, plain = negated(transposed(C)), transposed(C)
    assert (moves_w.W @ moves_w.P).fractions() == block_matrix(SIZES, {(2, 3): [[1]]})
    residual = {(0, 0): minus, (0, 1): plain, (1, 0): plain, (1, 1): minus}
    assert moves_w.Q.fractions() == block_matrix(SIZES, residual)
    assert (moves_v.W @ moves_v.P).fractions() == block_matrix(SIZES, {(3, 2): [[1]], (3, 3): [[-1]]})
    assert moves_v.Q.fractions() == block_matrix(SIZES, {(0, 0): transposed(D)})
    assert built.readout == Readout("td_error", -1)
    for head in built.heads(0):
        assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def one_iterate(context, w, v):
    """w + (1/n) C sum_j (v.phi_j) (phi_j - gamma phi'_j) and v + (1/n) D sum_j (delta_j - v.phi_j) phi_j."""
    total, other = [Fraction(0)] * SIZE, [Fraction(0)] * SIZE
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        delta = r + GAMMA * dot(w, y) - dot(w, x)
        total = plus(total, times(dot(v, x), plus(x, times(-GAMMA, y))))
        other = plus(other, times(delta - dot(v, x), x))
    return plus(w, times(Fraction(1, N), apply(C, total))), plus(v, times(Fraction(1, N), apply(D, other)))


def prompt(context, w, v):
    """Columns (phi; gamma phi'; R + gamma w.phi' - w.phi; v.phi) and the query's (q; 0; -w.q; v.q)."""
    columns = [
        [*x, *times(GAMMA, y), r + GAMMA * dot(w, y) - dot(w, x), dot(v, x)]
        for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True)
    ]
    q = context.query
    return transposed([*columns, [*q, 0, 0, -dot(w, q), dot(v, q)]])


def test_one_layer_is_one_iterate_by_hand():
    context, w, v = random_context(SIZE, N, seed=1), [Fraction(3, 4), Fraction(-2)], [Fraction(1, 5), Fraction(3)]
    built = construct(CASE.derivation, SIZE, N, 1, [(C, D)], {"gamma": GAMMA})
    assert run_layers(built, prompt(context, w, v)) == [prompt(context, *one_iterate(context, w, v))]

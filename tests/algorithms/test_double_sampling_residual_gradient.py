"""In-context residual gradient with double sampling by hand (Baird 1995): two successors of every state."""

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
from updates import along_gradient, one_weight, phi, td_error

from layerproof.symbolic.construction import construct

CASE = Case("double-sampling-residual-gradient")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


def along_the_other(t, p):
    return t.phi - p.gamma * t.phi_again


def error_of_the_other(w, t, p):
    return t.reward + p.gamma * (w @ t.phi_again) - w @ t.phi


EXPECTED = Expected(
    heads=1,
    right=one_weight(td_error, along_the_other),
    faults={
        "one sample for both": one_weight(td_error, along_gradient),
        "samples exchanged": one_weight(error_of_the_other, along_gradient),
        "the second sample for both": one_weight(error_of_the_other, along_the_other),
        "semi-gradient": one_weight(td_error, phi),
        "undiscounted gradient": one_weight(td_error, lambda t, p: t.phi - t.phi_again),
        "gradient with a plus": one_weight(td_error, lambda t, p: t.phi + p.gamma * t.phi_again),
    },
)


def test_the_weights_join_each_key_with_each_part_of_the_error():
    # B = [I 0 -I], A = [-I I 0], Q = B^T C^T A
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    (head,) = built.heads(0)
    minus, plain = negated(transposed(C)), transposed(C)
    assert built.layout.row_names()[4:] == ("gamma_phi_again[1]", "gamma_phi_again[2]", "td_error")
    assert (head.W @ head.P).fractions() == block_matrix([D, D, D, 1], {(3, 3): [[1]]})
    q_blocks = {(0, 0): minus, (0, 1): plain, (2, 0): plain, (2, 1): minus}
    assert head.Q.fractions() == block_matrix([D, D, D, 1], q_blocks)
    assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_one_layer_is_one_iterate_by_hand():
    context, again, w = (
        random_context(D, N, seed=1),
        random_context(D, N, seed=2).features,
        [Fraction(3, 4), Fraction(-2)],
    )

    def prompt(w):
        columns = [
            [*x, *times(GAMMA, y), *times(GAMMA, z), r + GAMMA * dot(w, y) - dot(w, x)]
            for x, y, z, r in zip(context.features, context.next_features, again, context.rewards, strict=True)
        ]
        return transposed([*columns, [*context.query, 0, 0, 0, 0, -dot(w, context.query)]])

    total = [Fraction(0)] * D
    for x, y, z, r in zip(context.features, context.next_features, again, context.rewards, strict=True):
        total = plus(total, times(r + GAMMA * dot(w, y) - dot(w, x), plus(x, times(-GAMMA, z))))
    after = plus(w, times(Fraction(1, N), apply(C, total)))
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    assert run_layers(built, prompt(w)) == [prompt(after)]

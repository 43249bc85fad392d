"""In-context off-policy TD(0) by hand (Sutton and Barto 2018, eq. 11.2): TD(0) along rho_j phi_j."""

from __future__ import annotations

from fractions import Fraction

import pytest
from expected import Expected
from helpers import (
    GAMMA,
    Case,
    apply,
    block_matrix,
    carrying,
    dot,
    negated,
    plus,
    random_context,
    run_layers,
    times,
    transposed,
)
from updates import along_gradient, one_weight, phi, td_error, undiscounted

from layerproof.symbolic.construction import construct

CASE = Case("off-policy-td")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


def weighed(t, p):
    return t.rho * t.phi


EXPECTED = Expected(
    heads=1,
    right=one_weight(lambda w, t, p: t.rho * td_error(w, t, p), phi),
    faults={
        "no ratio": one_weight(td_error, phi),
        "ratio squared": one_weight(lambda w, t, p: t.rho * td_error(w, t, p), weighed),
        "ratio on the target only": one_weight(
            lambda w, t, p: t.rho * (t.reward + p.gamma * (w @ t.phi_next)) - w @ t.phi, phi
        ),
        "ratio on the next state": one_weight(td_error, lambda t, p: t.rho * t.phi_next),
        "undiscounted": one_weight(undiscounted, weighed),
        "residual gradient": one_weight(lambda w, t, p: t.rho * td_error(w, t, p), along_gradient),
    },
    degrees=(1, 2),
)


def test_the_weights_are_td0s_with_the_keys_rho_phi():
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    (head,) = built.heads(0)
    assert built.layout.row_names()[-3:] == ("rho_phi[1]", "rho_phi[2]", "td_error")
    assert (head.W @ head.P).fractions() == block_matrix([D, D, D, 1], {(3, 3): [[1]]})
    q_blocks = {(2, 0): negated(transposed(C)), (2, 1): transposed(C)}
    assert head.Q.fractions() == block_matrix([D, D, D, 1], q_blocks)
    assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def prompt(context, rho, w):
    """Columns (phi; gamma phi'; rho phi; R + gamma w.phi' - w.phi) and the query's (q; 0; 0; -w.q)."""
    columns = [
        [*x, *times(GAMMA, y), *times(c, x), r + GAMMA * dot(w, y) - dot(w, x)]
        for x, y, r, c in zip(context.features, context.next_features, context.rewards, rho, strict=True)
    ]
    return transposed([*columns, [*context.query, 0, 0, 0, 0, -dot(w, context.query)]])


@pytest.mark.parametrize("policy", ["another", "its own"])
def test_one_layer_is_one_iterate_by_hand(policy):
    # on policy every ratio is 1, and the iterate is TD(0)'s
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    rho = dict(carrying(context, CASE.algorithm).extras)["rho"] if policy == "another" else (Fraction(1),) * N
    total = [Fraction(0)] * D
    for x, y, r, c in zip(context.features, context.next_features, context.rewards, rho, strict=True):
        total = plus(total, times(c * (r + GAMMA * dot(w, y) - dot(w, x)), x))
    after = plus(w, times(Fraction(1, N), apply(C, total)))
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    assert run_layers(built, prompt(context, rho, w)) == [prompt(context, rho, after)]

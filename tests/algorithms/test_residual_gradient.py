"""In-context residual gradient by hand (Baird 1995; Wang, Blaser, Daneshmand, Zhang 2025)."""

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
    td_prompt,
    times,
    transposed,
    trial,
)
from updates import along_gradient, one_weight, phi, td_error, undiscounted

from layerproof.symbolic.construction import construct
from layerproof.symbolic.readout import Readout

CASE, TD0 = Case("residual-gradient"), Case("td0")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


EXPECTED = Expected(
    heads=1,
    right=one_weight(td_error, along_gradient),
    faults={
        "semi-gradient": one_weight(td_error, phi),
        "undiscounted gradient": one_weight(td_error, lambda t, p: t.phi - t.phi_next),
        "undiscounted error": one_weight(undiscounted, along_gradient),
        "gradient negated": one_weight(td_error, lambda t, p: p.gamma * t.phi_next - t.phi),
        "gradient with a plus": one_weight(td_error, lambda t, p: t.phi + p.gamma * t.phi_next),
    },
    biased=True,
)


def test_the_weights_are_the_papers():
    # Z = (phi; gamma phi'; R):  P = diag(0_2d, 1),  Q = [[-C^T, C^T, 0], [C^T, -C^T, 0], [0, 0, 0]],  M = diag(I_n, 0)
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    (head,) = built.heads(0)
    minus, plain = negated(transposed(C)), transposed(C)
    assert (head.W @ head.P).fractions() == block_matrix([D, D, 1], {(2, 2): [[1]]})
    assert head.Q.fractions() == block_matrix([D, D, 1], {(0, 0): minus, (0, 1): plain, (1, 0): plain, (1, 1): minus})
    assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert built.readout == Readout("td_error", -1)
    names = ("phi[1]", "phi[2]", "gamma_phi_next[1]", "gamma_phi_next[2]", "td_error")
    assert built.layout.row_names() == names


def one_iterate(context, w):
    """w + (1/n) C sum_j (R_j + gamma w.phi'_j - w.phi_j) (phi_j - gamma phi'_j)."""
    total = [Fraction(0)] * D
    for x, following, reward in zip(context.features, context.next_features, context.rewards, strict=True):
        delta = reward + GAMMA * dot(w, following) - dot(w, x)
        total = plus(total, times(delta, plus(x, times(-GAMMA, following))))
    return plus(w, times(Fraction(1, N), apply(C, total)))


def test_one_layer_is_one_iterate_by_hand():
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    assert run_layers(built, td_prompt(context, w)) == [td_prompt(context, one_iterate(context, w))]


def test_the_semi_gradient_of_td0_is_refused():
    t = trial(CASE, D, N, depth=1)
    built = construct(TD0.derivation, D, N, 1, t.steps, {"gamma": GAMMA})
    assert built.layout == t.construction.layout
    assert t.check(built)[0] is not None
    assert t.check() == [None]

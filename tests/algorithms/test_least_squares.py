"""In-context least squares by hand (Ahn, Cheng, Daneshmand, Sra 2023, Lemma 1): preconditioned gradient descent."""

from __future__ import annotations

from fractions import Fraction

from expected import Expected
from helpers import (
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
from updates import one_weight, phi

from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.readout import Readout

CASE = Case("least-squares")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


def residual(w, t, p):
    return t.reward - w @ t.phi


EXPECTED = Expected(
    heads=1,
    right=one_weight(residual, phi),
    faults={
        "residual negated": one_weight(lambda w, t, p: -residual(w, t, p), phi),
        "current value added": one_weight(lambda w, t, p: t.reward + w @ t.phi, phi),
        "current value ignored": one_weight(lambda w, t, p: t.reward, phi),
        "updates the next state": one_weight(residual, lambda t, p: t.phi_next),
    },
    rows=("residual",),
    reads="residual",
)


def test_the_weights_are_the_papers():
    # Z = (x; y):  P = diag(0_d, 1),  Q = [[-C^T, 0], [0, 0]],  M = diag(I_n, 0)
    built = construct(CASE.derivation, D, N, 1, [(C,)], {})
    (head,) = built.heads(0)
    assert (head.W @ head.P).fractions() == block_matrix([D, 1], {(1, 1): [[1]]})
    assert head.Q.fractions() == block_matrix([D, 1], {(0, 0): negated(transposed(C))})
    assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert built.readout == Readout("residual", -1)
    assert built.layout.row_names() == ("phi[1]", "phi[2]", "residual")


def one_iterate(context, w):
    """w + (1/n) C sum_j (y_j - w.x_j) x_j."""
    total = [Fraction(0)] * D
    for x, y in zip(context.features, context.rewards, strict=True):
        total = plus(total, times(y - dot(w, x), x))
    return plus(w, times(Fraction(1, N), apply(C, total)))


def prompt(context, w):
    """Columns (x_j; y_j - w.x_j) and the query's (q; -w.q)."""
    columns = [[*x, y - dot(w, x)] for x, y in zip(context.features, context.rewards, strict=True)]
    return transposed([*columns, [*context.query, -dot(w, context.query)]])


def test_one_layer_is_one_iterate_by_hand():
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    built = construct(CASE.derivation, D, N, 1, [(C,)], {})
    assert run_layers(built, prompt(context, w)) == [prompt(context, one_iterate(context, w))]


def test_it_is_td0_with_gamma_zero():
    td0 = derive(catalogue()["td0"])
    context, w = random_context(D, N, seed=2), [Fraction(3, 4), Fraction(-2)]
    layer = construct(td0, D, N, 1, [(C,)], {"gamma": Fraction(0)})
    without_successors = transposed([[*column[:D], 0, 0, column[D]] for column in transposed(prompt(context, w))])
    (state,) = run_layers(layer, without_successors)
    assert [*state[:D], state[-1]] == prompt(context, one_iterate(context, w))

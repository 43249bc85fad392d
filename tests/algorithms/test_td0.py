"""In-context TD(0) by hand (Wang, Blaser, Daneshmand, Zhang 2025, Theorem 1), and tabular TD as its one-hot case."""

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
)
from updates import along_gradient, one_weight, phi, td_error, undiscounted

from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.construction import construct
from layerproof.symbolic.identity.exact import check_construction, problem, textbook
from layerproof.symbolic.prompt import Context
from layerproof.symbolic.readout import Readout

CASE = Case("td0")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


EXPECTED = Expected(
    heads=1,
    right=one_weight(td_error, phi),
    faults={
        "TD error negated": one_weight(lambda w, t, p: -td_error(w, t, p), phi),
        "next value subtracted": one_weight(lambda w, t, p: t.reward - p.gamma * (w @ t.phi_next) - w @ t.phi, phi),
        "updates the next state": one_weight(td_error, lambda t, p: t.phi_next),
        "residual gradient": one_weight(td_error, along_gradient),
        "undiscounted": one_weight(undiscounted, phi),
    },
)


def test_the_weights_are_the_papers():
    # Z = (phi; gamma phi'; R):  P = diag(0_2d, 1),  Q = [[-C^T, C^T, 0], [0, 0, 0], [0, 0, 0]],  M = diag(I_n, 0)
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    (head,) = built.heads(0)
    minus, plain = negated(transposed(C)), transposed(C)
    assert (head.W @ head.P).fractions() == block_matrix([D, D, 1], {(2, 2): [[1]]})
    assert head.Q.fractions() == block_matrix([D, D, 1], {(0, 0): minus, (0, 1): plain})
    assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert built.readout == Readout("td_error", -1)
    names = ("phi[1]", "phi[2]", "gamma_phi_next[1]", "gamma_phi_next[2]", "td_error")
    assert built.layout.row_names() == names


def one_iterate(context, w):
    """w + (1/n) C sum_j (R_j + gamma w.phi'_j - w.phi_j) phi_j."""
    total = [Fraction(0)] * D
    for x, following, reward in zip(context.features, context.next_features, context.rewards, strict=True):
        delta = reward + GAMMA * dot(w, following) - dot(w, x)
        total = plus(total, times(delta, x))
    return plus(w, times(Fraction(1, N), apply(C, total)))


def test_one_layer_is_one_iterate_by_hand():
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    assert run_layers(built, td_prompt(context, w)) == [td_prompt(context, one_iterate(context, w))]


def test_on_one_hot_features_it_is_tabular_td():
    # entry s of the update is (alpha / n) times the sum of the TD errors of the transitions that start in s
    states, path, rewards = 3, [0, 2, 1, 0, 1, 1], [Fraction(1), Fraction(-2), Fraction(1, 3), Fraction(4), Fraction(5)]
    alpha, w = Fraction(1, 7), [Fraction(1), Fraction(-3), Fraction(1, 2)]
    one_hot = [[Fraction(s == i) for i in range(states)] for s in path]
    context = Context.of(one_hot[:-1], one_hot[1:], rewards, one_hot[-1])
    step = [[alpha * (i == j) for j in range(states)] for i in range(states)]
    setup = problem(CASE.algorithm, RATIONALS, context, [w], {"gamma": GAMMA}, {})
    ((new,),) = textbook(setup, [(step,)])
    n = len(rewards)
    errors = [(s, r + GAMMA * w[after] - w[s]) for s, after, r in zip(path, path[1:], rewards, strict=False)]
    table = [w[s] + alpha / n * sum(delta for start, delta in errors if start == s) for s in range(states)]
    assert new.fractions() == table
    built = construct(CASE.derivation, states, n, 1, [(step,)], {"gamma": GAMMA})
    assert list(check_construction(built, setup, [(step,)])) == [None]

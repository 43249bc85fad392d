"""In-context TD(0) with weight decay by hand (Krogh, Hertz 1991): over the constant row all but rewards decays."""

from __future__ import annotations

from fractions import Fraction

from expected import Expected
from helpers import GAMMA, Case, apply, block_matrix, dot, negated, plus, random_context, run_layers, times, transposed
from updates import td_error, undiscounted

from layerproof.symbolic.construction import construct

CASE = Case("weight-decay-td")
D, N = 2, 3
KAPPA = Fraction(2, 7)
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
VALUES = {"gamma": GAMMA, "kappa": KAPPA}


def step(keeps=lambda p: 1 - p.kappa, error=td_error):
    """keeps * w + C (1/n) sum of error phi."""

    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        total = 0 * w
        for t in sweep:
            total = total + error(w, t, p) * t.phi
        return (keeps(p) * w + C @ total / sweep.n,)

    return update


EXPECTED = Expected(
    heads=2,
    right=step(keeps=lambda p: 1 + -p.kappa),
    faults={
        "grows": step(keeps=lambda p: 1 + p.kappa),
        "kappa and 1 - kappa exchanged": step(keeps=lambda p: p.kappa),
        "no decay": step(keeps=lambda p: 1),
        "negated": step(keeps=lambda p: p.kappa - 1),
        "undiscounted": step(error=undiscounted),
        "the reward decays too": step(error=lambda w, t, p: td_error(w, t, p) - p.kappa * t.reward),
    },
    rows=("td_error", "rewards"),
    undetermined=frozenset({("one", "one")}),
    not_by_blocks="two rows hold the rewards: as rows of symbols they are two, as polynomials one",
)


def test_the_weights_are_td0s_head_and_one_over_the_constant_row():
    built = construct(CASE.derivation, D, N, 1, [(C,)], VALUES)
    gradient, decay = built.heads(0)
    sizes, minus, plain = (D, D, 1, 1, 1), negated(transposed(C)), transposed(C)
    assert (gradient.W @ gradient.P).fractions() == block_matrix(sizes, {(3, 3): [[1]]})
    assert gradient.Q.fractions() == block_matrix(sizes, {(0, 0): minus, (0, 1): plain})
    # what is subtracted is kappa times the TD error beyond the reward
    assert (decay.W @ decay.P).fractions() == block_matrix(sizes, {(3, 2): [[-KAPPA]]})
    assert decay.Q.fractions() == block_matrix(sizes, {(2, 3): [[1]], (2, 4): [[-1]]})
    for head in (gradient, decay):
        assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def prompt(context, w):
    """Columns (phi; gamma phi'; 1; R + gamma w.phi' - w.phi; R) and the query's (q; 0; 0; -w.q; 0)."""
    columns = [
        [*x, *times(GAMMA, y), 1, r + GAMMA * dot(w, y) - dot(w, x), r]
        for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True)
    ]
    return transposed([*columns, [*context.query, 0, 0, 0, -dot(w, context.query), 0]])


def one_iterate(context, w):
    total = [Fraction(0)] * D
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        total = plus(total, times(r + GAMMA * dot(w, y) - dot(w, x), x))
    return plus(times(1 - KAPPA, w), times(Fraction(1, N), apply(C, total)))


def test_two_layers_are_two_iterates_by_hand():
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    built = construct(CASE.derivation, D, N, 2, [(C,)], VALUES, looped=True)
    first = one_iterate(context, w)
    assert run_layers(built, prompt(context, w)) == [
        prompt(context, first),
        prompt(context, one_iterate(context, first)),
    ]

"""In-context TD(0) with a soft target network by hand: the target follows over the constant row."""

from __future__ import annotations

from fractions import Fraction

from expected import Expected
from helpers import GAMMA, Case, apply, block_matrix, dot, negated, plus, random_context, run_layers, times, transposed

from layerproof.symbolic.construction import construct

CASE = Case("target-network-td")
D, N = 2, 3
TAU = Fraction(2, 7)
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
VALUES = {"gamma": GAMMA, "tau": TAU}


def step(ahead=lambda w, u: u, follows=lambda w, u, new, p: u + p.tau * (w - u), discounted=True):
    """w + C (1/n) sum of (R + gamma ahead.phi' - w.phi) phi, and what u becomes."""

    def update(weights, preconditioners, sweep, p):
        (w, u), (C,) = weights, preconditioners
        total = 0 * w
        for t in sweep:
            after = ahead(w, u) @ t.phi_next
            total = total + (t.reward + (p.gamma * after if discounted else after) - w @ t.phi) * t.phi
        new = w + C @ total / sweep.n
        return new, follows(w, u, new, p)

    return update


EXPECTED = Expected(
    heads=3,
    right=step(follows=lambda w, u, new, p: (1 - p.tau) * u + p.tau * w),
    faults={
        "tau and 1 - tau exchanged": step(follows=lambda w, u, new, p: p.tau * u + (1 - p.tau) * w),
        "u flees from w": step(follows=lambda w, u, new, p: u - p.tau * (w - u)),
        "u follows the new w": step(follows=lambda w, u, new, p: u + p.tau * (new - u)),
        "u is w": step(follows=lambda w, u, new, p: w),
        "u never moves": step(follows=lambda w, u, new, p: u),
        "the error reads w": step(ahead=lambda w, u: w),
        "undiscounted": step(discounted=False),
    },
    rows=("td_error", "gap"),
    undetermined=frozenset({("one", "one")}),
)


def test_the_weights_are_two_heads_and_one_over_the_constant_row():
    built = construct(CASE.derivation, D, N, 1, [(C,)], VALUES)
    on_phi, on_next, follows = built.heads(0)
    sizes = (D, D, 1, 1, 1)
    assert (on_phi.W @ on_phi.P).fractions() == block_matrix(sizes, {(3, 3): [[1]]})
    assert on_phi.Q.fractions() == block_matrix(sizes, {(0, 0): negated(transposed(C))})
    assert (on_next.W @ on_next.P).fractions() == block_matrix(sizes, {(4, 3): [[1]]})
    assert on_next.Q.fractions() == block_matrix(sizes, {(0, 1): transposed(C)})
    assert (follows.W @ follows.P).fractions() == block_matrix(sizes, {(3, 2): [[TAU]], (4, 2): [[-TAU]]})
    assert follows.Q.fractions() == block_matrix(sizes, {(2, 4): [[1]]})


def prompt(context, w, u):
    """Columns (phi; gamma phi'; 1; R + gamma u.phi' - w.phi; gamma (w - u).phi') and the query's (q; 0; 0; -w.q; 0)."""
    columns = [
        [*x, *times(GAMMA, y), 1, r + GAMMA * dot(u, y) - dot(w, x), GAMMA * (dot(w, y) - dot(u, y))]
        for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True)
    ]
    return transposed([*columns, [*context.query, 0, 0, 0, -dot(w, context.query), 0]])


def one_iterate(context, w, u):
    total = [Fraction(0)] * D
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        total = plus(total, times(r + GAMMA * dot(u, y) - dot(w, x), x))
    return plus(w, times(Fraction(1, N), apply(C, total))), plus(times(1 - TAU, u), times(TAU, w))


def test_two_layers_are_two_iterates_by_hand():
    context, w, u = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)], [Fraction(1, 5), Fraction(3)]
    built = construct(CASE.derivation, D, N, 2, [(C,)], VALUES, looped=True)
    first = one_iterate(context, w, u)
    wanted = [prompt(context, *first), prompt(context, *one_iterate(context, *first))]
    assert run_layers(built, prompt(context, w, u)) == wanted

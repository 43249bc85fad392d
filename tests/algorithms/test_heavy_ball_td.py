"""In-context heavy-ball TD(0) by hand (Polyak 1964): the last step is a row, and the constant row lets it add."""

from __future__ import annotations

from fractions import Fraction

from expected import Expected
from helpers import GAMMA, Case, apply, block_matrix, dot, negated, plus, random_context, run_layers, times, transposed
from updates import td_error, undiscounted

from layerproof.symbolic.construction import construct

CASE = Case("heavy-ball-td")
D, N = 2, 3
BETA = Fraction(2, 7)
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
VALUES = {"gamma": GAMMA, "beta": BETA}


def step(keeps=lambda w, u, p: p.beta * (w - u), follows=lambda w, u, new: w, error=td_error):
    """w + C (1/n) sum of error phi + what it keeps of the last step, and what u becomes."""

    def update(weights, preconditioners, sweep, p):
        (w, u), (C,) = weights, preconditioners
        total = 0 * w
        for t in sweep:
            total = total + error(w, t, p) * t.phi
        new = w + C @ total / sweep.n + keeps(w, u, p)
        return new, follows(w, u, new)

    return update


EXPECTED = Expected(
    heads=2,
    right=step(keeps=lambda w, u, p: p.beta * w - p.beta * u),
    faults={
        "momentum negated": step(keeps=lambda w, u, p: p.beta * (u - w)),
        "beta and 1 - beta exchanged": step(keeps=lambda w, u, p: (1 - p.beta) * (w - u)),
        "no momentum": step(keeps=lambda w, u, p: 0 * w),
        "u is the new w": step(follows=lambda w, u, new: new),
        "u is never moved": step(follows=lambda w, u, new: u),
        "undiscounted": step(error=undiscounted),
        "error at w with its momentum": step(error=lambda w, t, p: td_error(p.beta * w, t, p)),
    },
    rows=("td_error", "momentum"),
    undetermined=frozenset({("one", "one")}),
)


def test_the_weights_are_td0s_head_in_two_rows_and_one_over_the_constant_row():
    built = construct(CASE.derivation, D, N, 1, [(C,)], VALUES)
    gradient, momentum = built.heads(0)
    sizes, minus, plain = (D, D, 1, 1, 1), negated(transposed(C)), transposed(C)
    assert (gradient.W @ gradient.P).fractions() == block_matrix(sizes, {(3, 3): [[1]], (4, 3): [[1]]})
    assert gradient.Q.fractions() == block_matrix(sizes, {(0, 0): minus, (0, 1): plain})
    assert (momentum.W @ momentum.P).fractions() == block_matrix(sizes, {(3, 2): [[BETA]], (4, 2): [[BETA - 1]]})
    assert momentum.Q.fractions() == block_matrix(sizes, {(2, 4): [[1]]})
    for head in (gradient, momentum):
        assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def prompt(context, w, u):
    """Columns (phi; gamma phi'; 1; R + w.x; (w - u).x), x = gamma phi' - phi, and (q; 0; 0; -w.q; (u - w).q)."""
    moved, columns = plus(w, times(Fraction(-1), u)), []
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        change = plus(times(GAMMA, y), times(Fraction(-1), x))
        columns.append([*x, *times(GAMMA, y), 1, r + dot(w, change), dot(moved, change)])
    return transposed([*columns, [*context.query, 0, 0, 0, -dot(w, context.query), -dot(moved, context.query)]])


def one_iterate(context, w, u):
    total = [Fraction(0)] * D
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        total = plus(total, times(r + GAMMA * dot(w, y) - dot(w, x), x))
    return plus(w, times(Fraction(1, N), apply(C, total)), times(BETA, w), times(-BETA, u)), w


def test_two_layers_are_two_iterates_by_hand():
    context, w, u = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)], [Fraction(1, 5), Fraction(3)]
    built = construct(CASE.derivation, D, N, 2, [(C,)], VALUES, looped=True)
    first = one_iterate(context, w, u)
    wanted = [prompt(context, *first), prompt(context, *one_iterate(context, *first))]
    assert run_layers(built, prompt(context, w, u)) == wanted

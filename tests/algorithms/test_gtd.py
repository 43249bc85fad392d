"""In-context GTD by hand (Sutton, Szepesvari, Maei 2008): two heads as GTD2 has, and one over the constant row."""

from __future__ import annotations

from fractions import Fraction

from expected import Expected
from helpers import GAMMA, Case, apply, block_matrix, dot, negated, plus, random_context, run_layers, times, transposed
from updates import along_gradient, gtd2_gain, td_error, tdc_gain, two_weights

from layerproof.symbolic.construction import construct

CASE = Case("gtd")
SIZE, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
B = Fraction(-3, 5)


def steps(gain=gtd2_gain, averages=lambda w, u, t, p: td_error(w, t, p) * t.phi, keeps=lambda u, b: u - b * u,
          sequential=False):  # fmt: skip
    """w + C (1/n) sum of gain, and keeps(u) + b (1/n) sum of what u averages; `sequential` lets u read the new w."""
    return two_weights(gain, averages, sequential, keeps)


EXPECTED = Expected(
    heads=3,
    right=steps(keeps=lambda u, b: (1 - b) * u),
    faults={
        "u does not forget": steps(keeps=lambda u, b: u),
        "u grows": steps(keeps=lambda u, b: (1 + b) * u),
        "b and 1 - b exchanged": steps(keeps=lambda u, b: b * u),
        "GTD2's v": steps(averages=lambda w, u, t, p: (td_error(w, t, p) - u @ t.phi) * t.phi, keeps=lambda u, b: u),
        "undiscounted gradient": steps(gain=lambda w, u, t, p: (u @ t.phi) * (t.phi - t.phi_next)),
        "w follows the TD error": steps(gain=lambda w, u, t, p: td_error(w, t, p) * along_gradient(t, p)),
        "TDC's w": steps(gain=tdc_gain),
        "u reads the new w": steps(sequential=True),
    },
    rows=("td_error", "correction"),
    undetermined=frozenset({("one", "one")}),
    moves_w_at=2,  # with u = 0 the first update does not move w
)


def test_the_weights_are_two_heads_and_one_over_the_constant_row():
    built = construct(CASE.derivation, SIZE, N, 1, [(C, B)], {"gamma": GAMMA})
    moves_w, moves_u, forgets = built.heads(0)
    sizes, minus, plain = (SIZE, SIZE, 1, 1, 1), negated(transposed(C)), transposed(C)
    assert (moves_w.W @ moves_w.P).fractions() == block_matrix(sizes, {(3, 4): [[1]]})
    residual = {(0, 0): minus, (0, 1): plain, (1, 0): plain, (1, 1): minus}
    assert moves_w.Q.fractions() == block_matrix(sizes, residual)
    assert (moves_u.W @ moves_u.P).fractions() == block_matrix(sizes, {(4, 3): [[1]]})
    assert moves_u.Q.fractions() == block_matrix(sizes, {(0, 0): [[B, 0], [0, B]]})
    assert (forgets.W @ forgets.P).fractions() == block_matrix(sizes, {(4, 2): [[-B]]})
    assert forgets.Q.fractions() == block_matrix(sizes, {(2, 4): [[1]]})


def prompt(context, w, u):
    """Columns (phi; gamma phi'; 1; R + gamma w.phi' - w.phi; u.phi) and the query's (q; 0; 0; -w.q; u.q)."""
    columns = [
        [*x, *times(GAMMA, y), 1, r + GAMMA * dot(w, y) - dot(w, x), dot(u, x)]
        for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True)
    ]
    return transposed([*columns, [*context.query, 0, 0, 0, -dot(w, context.query), dot(u, context.query)]])


def one_iterate(context, w, u):
    total, td_update = [Fraction(0)] * SIZE, [Fraction(0)] * SIZE
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        total = plus(total, times(dot(u, x), plus(x, times(-GAMMA, y))))
        td_update = plus(td_update, times(r + GAMMA * dot(w, y) - dot(w, x), x))
    return plus(w, times(Fraction(1, N), apply(C, total))), plus(times(1 - B, u), times(B / N, td_update))


def test_two_layers_are_two_iterates_by_hand():
    context, w, u = random_context(SIZE, N, seed=1), [Fraction(3, 4), Fraction(-2)], [Fraction(1, 5), Fraction(3)]
    built = construct(CASE.derivation, SIZE, N, 2, [(C, B)], {"gamma": GAMMA}, looped=True)
    first = one_iterate(context, w, u)
    wanted = [prompt(context, *first), prompt(context, *one_iterate(context, *first))]
    assert run_layers(built, prompt(context, w, u)) == wanted

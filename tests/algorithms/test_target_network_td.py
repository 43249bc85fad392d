"""In-context TD(0) with a target network by hand: the target is renewed within the last layer of its period."""

from __future__ import annotations

from fractions import Fraction

import pytest
from expected import Expected
from helpers import GAMMA, Case, apply, block_matrix, dot, negated, plus, random_context, run_layers, times, transposed

from layerproof.proofs import case as cases
from layerproof.proofs.checker import establish
from layerproof.symbolic.construction import construct

CASE = Case("target-network-td")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
VALUES = {"gamma": GAMMA}


def step(ahead=lambda w, u: u, follows=lambda w, u, new, sync: u + sync * (new - u), discounted=True):
    """w + C (1/n) sum of (R + gamma ahead.phi' - w.phi) phi, and what u becomes."""

    def update(weights, preconditioners, sweep, p):
        (w, u), (C, sync) = weights, preconditioners
        total = 0 * w
        for t in sweep:
            after = ahead(w, u) @ t.phi_next
            total = total + (t.reward + (p.gamma * after if discounted else after) - w @ t.phi) * t.phi
        new = w + C @ total / sweep.n
        return new, follows(w, u, new, sync)

    return update


EXPECTED = Expected(
    heads=3,
    right=step(follows=lambda w, u, new, sync: (1 - sync) * u + sync * new),
    faults={
        "sync and 1 - sync exchanged": step(follows=lambda w, u, new, sync: sync * u + (1 - sync) * new),
        "u flees from w": step(follows=lambda w, u, new, sync: u - sync * (new - u)),
        "a sync one layer late: u becomes the old w": step(follows=lambda w, u, new, sync: u + sync * (w - u)),
        "u is w": step(follows=lambda w, u, new, sync: w),
        "u never moves": step(follows=lambda w, u, new, sync: u),
        "the error reads w": step(ahead=lambda w, u: w),
        "undiscounted": step(discounted=False),
    },
    rows=("td_error", "gap"),
    undetermined=frozenset({("one", "one")}),
    more=1,
)


@pytest.mark.parametrize("sync", [Fraction(0), Fraction(1), Fraction(2, 7)])
def test_the_weights_are_two_heads_and_one_over_the_constant_row(sync):
    on_error, on_gap, follows = construct(CASE.derivation, D, N, 1, [(C, sync)], VALUES).heads(0)
    sizes, U = (D, D, 1, 1, 1), transposed(C)
    assert (follows.W @ follows.P).fractions() == block_matrix(sizes, {(3, 2): [[sync]], (4, 2): [[-sync]]})
    assert follows.Q.fractions() == block_matrix(sizes, {(2, 4): [[1]]})
    assert (on_error.W @ on_error.P).fractions() == block_matrix(sizes, {(3, 3): [[1]]})
    # w's change meets gamma phi' in the error's row by the part of it that u takes, and in the gap's by the rest
    taken, rest = ([[part * x for x in row] for row in U] for part in (sync, 1 - sync))
    assert on_error.Q.fractions() == block_matrix(sizes, {(0, 0): negated(U), (0, 1): taken})
    assert (on_gap.W @ on_gap.P).fractions() == block_matrix(sizes, {(4, 3): [[1]]})
    assert on_gap.Q.fractions() == block_matrix(sizes, {(0, 1): rest})


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
    return plus(w, times(Fraction(1, N), apply(C, total)))


def test_two_periods_are_four_iterates_by_hand():
    context, w, u = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)], [Fraction(1, 5), Fraction(3)]
    steps = CASE.algorithm.prescribed([(C, None)] * 4)
    assert [sync for _, sync in steps] == [0, 1, 0, 1]
    built, wanted = construct(CASE.derivation, D, N, 4, steps, VALUES), []
    start = prompt(context, w, u)
    for layer in range(4):
        w = one_iterate(context, w, u)
        u = w if layer % 2 else u
        wanted.append(prompt(context, w, u))
    assert run_layers(built, start) == wanted


@pytest.mark.parametrize("late", [0, 1], ids=["in time", "a sync one layer late"])
def test_a_sync_one_layer_late_is_refuted(late):
    """The reference reads the table, and not the weights that are judged."""
    settings = cases.Settings(features=D, context=N, layers=4, exact_trials=1)
    steps = CASE.algorithm.prescribed([(C, None)] * 5)[late : late + 4]
    built = construct(CASE.derivation, D, N, 4, steps, {"gamma": settings.gamma})
    (claim,) = [c for c in establish(cases.Case(CASE.algorithm, settings, built), ("identity-exact",)) if c.asked]
    assert claim.verdict.value == ("REFUTED" if late else "HOLDS")

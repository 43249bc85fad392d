"""In-context TD(0) with Nesterov's momentum by hand: the beta of a layer is a number of that layer's weights."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from expected import Expected
from helpers import GAMMA, Case, apply, block_matrix, dot, negated, plus, random_context, run_layers, times, transposed
from updates import td_error, undiscounted

from layerproof.proofs import case as cases
from layerproof.proofs.checker import establish
from layerproof.symbolic.construction import construct

CASE = Case("nesterov-td")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
VALUES = {"gamma": GAMMA}


def step(keeps=lambda w, new, beta: beta * (new - w), at=lambda w, y: y, error=td_error):
    """The new w, and y beyond it by what it keeps of the step."""

    def update(weights, preconditioners, sweep, p):
        (w, y), (C, beta) = weights, preconditioners
        total = 0 * w
        for t in sweep:
            total = total + error(at(w, y), t, p) * t.phi
        new = y + C @ total / sweep.n
        return new, new + keeps(w, new, beta)

    return update


EXPECTED = Expected(
    heads=2,
    right=step(keeps=lambda w, new, beta: beta * new - beta * w),
    faults={
        "momentum negated": step(keeps=lambda w, new, beta: beta * (w - new)),
        "beta and 1 - beta exchanged": step(keeps=lambda w, new, beta: (1 - beta) * (new - w)),
        "no momentum": step(keeps=lambda w, new, beta: 0 * w),
        "errors at w": step(at=lambda w, y: w),
        "undiscounted": step(error=undiscounted),
    },
    rows=("td_error", "momentum"),
    undetermined=frozenset({("one", "one")}),
    more=1,
)


def test_the_betas_are_nesterovs():
    steps = CASE.algorithm.prescribed([(C, None)] * 5)
    assert [beta for _, beta in steps] == [0, Fraction(1, 4), Fraction(2, 5), Fraction(1, 2), Fraction(4, 7)]


def test_the_weights_are_a_head_in_two_rows_and_one_over_the_constant_row():
    beta = Fraction(2, 7)
    gradient, momentum = construct(CASE.derivation, D, N, 1, [(C, beta)], VALUES).heads(0)
    sizes = (D, D, 1, 1, 1)
    reads = {(3, 3): [[1]], (3, 4): [[1]], (4, 3): [[beta]], (4, 4): [[beta]]}
    assert (gradient.W @ gradient.P).fractions() == block_matrix(sizes, reads)
    assert gradient.Q.fractions() == block_matrix(sizes, {(0, 0): negated(transposed(C)), (0, 1): transposed(C)})
    assert (momentum.W @ momentum.P).fractions() == block_matrix(sizes, {(3, 2): [[1]], (4, 2): [[beta - 1]]})
    assert momentum.Q.fractions() == block_matrix(sizes, {(2, 4): [[1]]})


def prompt(context, w, y):
    """Columns (phi; gamma phi'; 1; R + w.x; (y - w).x), x = gamma phi' - phi, and (q; 0; 0; -w.q; (w - y).q)."""
    ahead, columns = plus(y, times(Fraction(-1), w)), []
    for x, following, r in zip(context.features, context.next_features, context.rewards, strict=True):
        change = plus(times(GAMMA, following), times(Fraction(-1), x))
        columns.append([*x, *times(GAMMA, following), 1, r + dot(w, change), dot(ahead, change)])
    return transposed([*columns, [*context.query, 0, 0, 0, -dot(w, context.query), -dot(ahead, context.query)]])


def one_iterate(context, w, y, beta):
    total = [Fraction(0)] * D
    for x, following, r in zip(context.features, context.next_features, context.rewards, strict=True):
        total = plus(total, times(r + GAMMA * dot(y, following) - dot(y, x), x))
    new = plus(y, times(Fraction(1, N), apply(C, total)))
    return new, plus(new, times(beta, plus(new, times(Fraction(-1), w))))


def test_two_layers_are_two_iterates_by_hand():
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    built = construct(CASE.derivation, D, N, 2, CASE.algorithm.prescribed([(C, None)] * 2), VALUES)
    first = one_iterate(context, w, w, 0)
    wanted = [prompt(context, *first), prompt(context, *one_iterate(context, *first, Fraction(1, 4)))]
    assert run_layers(built, prompt(context, w, w)) == wanted


@pytest.mark.parametrize("late", [0, 1], ids=["its own entries", "the wrong layer's entries"])
def test_a_layer_with_the_wrong_layers_entry_is_refuted(late):
    """The reference reads the table, and not the weights that are judged."""
    algorithm = CASE.algorithm
    settings = cases.Settings(features=D, context=N, layers=3, exact_trials=1)
    steps = algorithm.prescribed([(C, None)] * 4)[late : late + 3]
    built = construct(CASE.derivation, D, N, 3, steps, {"gamma": settings.gamma})
    (claim,) = [c for c in establish(cases.Case(algorithm, settings, built), ("identity-exact",)) if c.asked]
    assert claim.verdict.value == ("REFUTED" if late else "HOLDS")


def test_the_table_of_another_formula_is_another_algorithm():
    other = replace(CASE.algorithm, tables={"beta": ("1/2", "1/3")})
    assert [b for _, b in other.prescribed([(C, None)] * 3)] == [Fraction(1, 2), Fraction(1, 3), Fraction(1, 2)]

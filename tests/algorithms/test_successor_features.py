"""In-context successor features by hand: a row for each cumulant, and one head P = diag(0, I) for all of them."""

from __future__ import annotations

from fractions import Fraction

import pytest
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
    times,
    transposed,
)

from layerproof.symbolic.algorithms import find
from layerproof.symbolic.algorithms.successor_features import successor_features
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.identity.entrywise import entrywise

CASE = Case("successor-features")
SIZE, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


def by(first, second):
    """w_1 + C (1/n) sum of first(...) phi, and w_2 + C (1/n) sum of second(...) phi."""

    def update(weights, preconditioners, sweep, p):
        (w, v), (C,) = weights, preconditioners
        one, two = 0 * w, 0 * v
        for t in sweep:
            one, two = one + first(w, v, t, p) * t.phi, two + second(w, v, t, p) * t.phi
        return w + C @ one / sweep.n, v + C @ two / sweep.n

    return update


def error(w, number, t, p):
    return number + p.gamma * (w @ t.phi_next) - w @ t.phi


def first(w, v, t, p):
    return error(w, t.reward, t, p)


def second(w, v, t, p):
    return error(v, t.c2, t, p)


EXPECTED = Expected(
    heads=1,
    right=by(first, second),
    faults={
        "cumulants exchanged": by(lambda w, v, t, p: error(w, t.c2, t, p), lambda w, v, t, p: error(v, t.reward, t, p)),
        "one cumulant for both": by(first, lambda w, v, t, p: error(v, t.reward, t, p)),
        "the second follows the first's error": by(first, lambda w, v, t, p: error(w, t.c2, t, p)),
        "the second undiscounted": by(first, lambda w, v, t, p: t.c2 + v @ t.phi_next - v @ t.phi),
        "the second cumulant negated": by(first, lambda w, v, t, p: error(v, -t.c2, t, p)),
    },
    rows=("td_error_1", "td_error_2"),
    reads="td_error_1",
)


def test_the_weights_are_one_head_whose_value_is_the_identity():
    (head,) = construct(CASE.derivation, SIZE, N, 1, [(C,)], {"gamma": GAMMA}).heads(0)
    sizes = [SIZE, SIZE, 1, 1]
    assert (head.W @ head.P).fractions() == block_matrix(sizes, {(2, 2): [[1]], (3, 3): [[1]]})
    q_blocks = {(0, 0): negated(transposed(C)), (0, 1): transposed(C)}
    assert head.Q.fractions() == block_matrix(sizes, q_blocks)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_cumulants_takes_one_head(count):
    derivation = derive(successor_features(count))
    assert len(derivation.heads) == derivation.head_lower_bound == 1
    assert {key: str(u) for key, u in derivation.heads[0].U.items()} == {
        (f"td_error_{k}", f"td_error_{k}"): "1" for k in range(1, count + 1)
    }
    assert entrywise(derivation, 2, 2).holds


def test_one_layer_is_one_iterate_by_hand():
    context = random_context(SIZE, N, 1, find("successor-features"))
    w, v = [Fraction(3, 4), Fraction(-2)], [Fraction(1, 5), Fraction(3)]
    cumulants = (context.rewards, dict(context.extras)["c2"])
    data = list(zip(context.features, context.next_features, strict=True))

    def errors(w, numbers):
        return [r + GAMMA * dot(w, y) - dot(w, x) for (x, y), r in zip(data, numbers, strict=True)]

    def prompt(w, v):
        rows = zip(data, errors(w, cumulants[0]), errors(v, cumulants[1]), strict=True)
        columns = [[*x, *times(GAMMA, y), one, two] for (x, y), one, two in rows]
        q = context.query
        return transposed([*columns, [*q, 0, 0, -dot(w, q), -dot(v, q)]])

    def after(w, numbers):
        total = plus(*(times(e, x) for e, (x, _) in zip(errors(w, numbers), data, strict=True)))
        return plus(w, times(Fraction(1, N), apply(C, total)))

    built = construct(CASE.derivation, SIZE, N, 1, [(C,)], {"gamma": GAMMA})
    assert run_layers(built, prompt(w, v)) == [prompt(after(w, cumulants[0]), after(v, cumulants[1]))]

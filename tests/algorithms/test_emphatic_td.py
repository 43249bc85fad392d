"""In-context emphatic TD(0) by hand (Sutton, Mahmood, White 2016): TD(0) along rho_j F_j phi_j."""

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
    times,
    transposed,
)
from updates import one_weight, phi, td_error, undiscounted

from layerproof.symbolic.construction import construct

CASE = Case("emphatic-td")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


def weighed(error):
    return lambda w, t, p: t.F * t.rho * error(w, t, p)


EXPECTED = Expected(
    heads=1,
    right=one_weight(weighed(td_error), phi),
    faults={
        "no emphasis": one_weight(lambda w, t, p: t.rho * td_error(w, t, p), phi),
        "no ratio": one_weight(lambda w, t, p: t.F * td_error(w, t, p), phi),
        "ratio squared": one_weight(lambda w, t, p: t.rho * t.rho * t.F * td_error(w, t, p), phi),
        "emphasis added": one_weight(lambda w, t, p: (t.rho + t.F) * td_error(w, t, p), phi),
        "undiscounted": one_weight(weighed(undiscounted), phi),
        "updates the next state": one_weight(weighed(td_error), lambda t, p: t.phi_next),
    },
    degrees=(1, 3),
)


def test_the_weights_are_td0s_with_the_keys_rho_f_phi():
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    (head,) = built.heads(0)
    assert built.layout.row_names()[-3:] == ("rho_F_phi[1]", "rho_F_phi[2]", "td_error")
    assert (head.W @ head.P).fractions() == block_matrix([D, D, D, 1], {(3, 3): [[1]]})
    q_blocks = {(2, 0): negated(transposed(C)), (2, 1): transposed(C)}
    assert head.Q.fractions() == block_matrix([D, D, D, 1], q_blocks)
    assert head.M.fractions() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_one_layer_is_one_iterate_with_the_papers_trace():
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    rho, follow = [Fraction(1, 2), Fraction(3), Fraction(2, 5)], [Fraction(1)]
    for j in range(1, N):
        follow.append(1 + GAMMA * rho[j - 1] * follow[j - 1])
    scales = [a * b for a, b in zip(rho, follow, strict=True)]
    data = list(zip(context.features, context.next_features, context.rewards, scales, strict=True))

    def prompt(w):
        columns = [[*x, *times(GAMMA, y), *times(c, x), r + GAMMA * dot(w, y) - dot(w, x)] for x, y, r, c in data]
        return transposed([*columns, [*context.query, 0, 0, 0, 0, -dot(w, context.query)]])

    total = plus(*(times(c * (r + GAMMA * dot(w, y) - dot(w, x)), x) for x, y, r, c in data))
    after = plus(w, times(Fraction(1, N), apply(C, total)))
    built = construct(CASE.derivation, D, N, 1, [(C,)], {"gamma": GAMMA})
    assert run_layers(built, prompt(w)) == [prompt(after)]

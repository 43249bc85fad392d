"""In-context TD(lambda) by hand: the trace of Wang et al. 2025 and the textbook's (Sutton and Barto, eq. 12.5)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from expected import Expected
from helpers import (
    GAMMA,
    LAM,
    PARAMETERS,
    Case,
    apply,
    block_matrix,
    dot,
    entry_changed,
    negated,
    plus,
    random_context,
    run_layers,
    td_prompt,
    times,
    transposed,
    trial,
    with_matrix,
)
from updates import TINY, one_weight, phi, td_error

from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.readout import Readout

PAPER, TEXTBOOK = Case("td-lambda", (("trace", "lam"),)), Case("td-lambda", (("trace", "gamma-lam"),))
each_trace = pytest.mark.parametrize(("case", "decay"), [(PAPER, LAM), (TEXTBOOK, GAMMA * LAM)], ids=str)
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


def tracing(use, decay=lambda own, p: own):
    """TD(lambda) with the trace's decay, its new feature and its use in some order."""

    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        c = decay(p.gamma * p.lam if p.trace == "gamma-lam" else p.lam, p)
        e = total = 0 * w
        for t in sweep:
            for step in use.split(", "):
                if step == "decay":
                    e = c * e
                elif step == "add":
                    e = e + t.phi
                else:
                    total = total + td_error(w, t, p) * e
        return (w + C @ total / sweep.n,)

    return update


EXPECTED = Expected(
    heads=1,
    right=tracing("decay, add, use"),
    ordered=True,
    faults={
        "trace used before it decays and takes the feature": tracing("use, decay, add"),
        "trace used before it takes the feature": tracing("decay, use, add"),
        "feature decayed with the trace": tracing("add, decay, use"),
        "trace never decayed": tracing("add, use"),
        "trace decayed twice": tracing("decay, decay, add, use"),
        "no trace": one_weight(td_error, phi),
        "the other trace": tracing(
            "decay, add, use", lambda own, p: p.lam if p.trace == "gamma-lam" else p.gamma * p.lam
        ),
        "decay gamma": tracing("decay, add, use", lambda own, p: p.gamma),
        "decay times 1 + 2^-30": tracing("decay, add, use", lambda own, p: own * (1 + TINY)),
        "trace decayed after use": tracing("add, use, decay"),
    },
    no_faults={"trace decayed after use": "e_{i-1} is decayed before the next feature joins, whenever that is done"},
)


@each_trace
def test_the_weights_are_the_papers(case, decay):
    # P and Q of TD(0); M_ij = c^(i-j) for j <= i <= n, with value token i and key token j
    built = construct(case.derivation, D, N, 1, [(C,)], PARAMETERS)
    (head,) = built.heads(0)
    assert (head.W @ head.P).fractions() == block_matrix([D, D, 1], {(2, 2): [[1]]})
    q_blocks = {(0, 0): negated(transposed(C)), (0, 1): transposed(C)}
    assert head.Q.fractions() == block_matrix([D, D, 1], q_blocks)
    assert head.M.fractions() == [[1, 0, 0, 0], [decay, 1, 0, 0], [decay**2, decay, 1, 0], [0, 0, 0, 0]]
    assert built.readout == Readout("td_error", -1)


def one_iterate(context, w, decay):
    """w + (1/n) C sum_i delta_i e_i with e_i = sum_{j <= i} decay^(i-j) phi_j, written out."""
    total = [Fraction(0)] * D
    for i, (x, y, r) in enumerate(zip(context.features, context.next_features, context.rewards, strict=True)):
        trace = plus(*(times(decay ** (i - j), context.features[j]) for j in range(i + 1)))
        total = plus(total, times(r + GAMMA * dot(w, y) - dot(w, x), trace))
    return plus(w, times(Fraction(1, N), apply(C, total)))


@each_trace
def test_one_layer_is_one_iterate_by_hand(case, decay):
    context, w = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)]
    built = construct(case.derivation, D, N, 1, [(C,)], PARAMETERS)
    assert run_layers(built, td_prompt(context, w)) == [td_prompt(context, one_iterate(context, w, decay))]


@each_trace
@pytest.mark.parametrize(("i", "j"), [(1, 0), (2, 0), (2, 1), (0, 1), (2, 2)])
def test_a_wrong_entry_of_the_mask_is_refused(case, decay, i, j):
    t = trial(case, D, N, depth=1)
    wrong = entry_changed(t.construction.heads(0)[0].M, i, j, lambda x: x + Fraction(1, 2**40))
    assert t.check(with_matrix(t.construction, 0, 0, M=wrong))[0] is not None


def test_the_papers_trace_is_the_default_and_others_are_refused():
    assert derive(PAPER.algorithm).options == {"trace": "lam"}
    with pytest.raises(ArgumentError, match="trace is 'gamma', wanted lam or gamma-lam"):
        derive(PAPER.algorithm, {"trace": "gamma"})

"""Traces that are read some steps late: windows of k steps, delayed decaying traces, and faults in their masks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from helpers import random_context, random_matrix, random_rational, random_vector

import layerproof as lp
from layerproof.symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.ansatz import Ansatz
from layerproof.symbolic.derivation.derive import _compare, derive
from layerproof.symbolic.derivation.masks import Mask, lemma, masks_of
from layerproof.symbolic.derivation.state import SymbolicState
from layerproof.symbolic.errors import NotRepresentableError
from layerproof.symbolic.identity.exact import check_construction, problem

GAMMA, LAM = Fraction(9, 10), Fraction(2, 3)
VALUES = {"gamma": GAMMA, "lam": LAM}
N = 6


def algorithm(name: str, update: Any) -> Algorithm:
    return Algorithm(
        name=name, title=name, source="a test", parameters=("gamma", "lam"), update=update,
        features=(
            FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q),
            FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next),
        ),
        accumulators=(Accumulator("td_error", lambda w, x, p: x.reward + w[0] @ x.gamma_phi_next - w[0] @ x.phi),),
    )  # fmt: skip


def window(k: int, weight: Any = lambda p, s: p.gamma**s) -> Algorithm:
    """delta_j is credited to phi_j, ..., phi_{j-k+1}, with weight(p, steps back)."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        for s in range(1, k):
            setattr(sweep, f"back_{s}", 0 * w)
        sweep.total = 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            credit = t.phi
            for s in range(1, k):
                credit = credit + weight(p, s) * getattr(sweep, f"back_{s}")
            sweep.total = sweep.total + delta * credit
            for s in range(k - 1, 1, -1):
                setattr(sweep, f"back_{s}", getattr(sweep, f"back_{s - 1}"))
            if k > 1:
                sweep.back_1 = t.phi
        return (w + C @ sweep.total / sweep.n,)

    return algorithm(f"window-{k}", update)


def delayed(delay: int, also_now: bool = False) -> Algorithm:
    """delta_j times the trace z_{j-1-delay}, z_j = lam z_{j-1} + phi_j: read `delay` steps late."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        sweep.trace = 0 * w
        for s in range(1, delay + 1):
            setattr(sweep, f"old_{s}", 0 * w)
        sweep.total = 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            late = getattr(sweep, f"old_{delay}") if delay else sweep.trace
            sweep.total = sweep.total + delta * (late + t.phi if also_now else late)
            for s in range(delay, 1, -1):
                setattr(sweep, f"old_{s}", getattr(sweep, f"old_{s - 1}"))
            if delay:
                sweep.old_1 = sweep.trace
            sweep.trace = p.lam * sweep.trace + t.phi
        return (w + C @ sweep.total / sweep.n,)

    return algorithm(f"delayed-{delay}", update)


def late_errors(delay: int) -> Algorithm:
    """phi_j times the trace of TD errors e_{j-1-delay}, e_j = lam e_{j-1} + delta_j: an upper triangle."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        sweep.trace = 0 * (w @ w)
        sweep.old = 0 * (w @ w)
        sweep.total = 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + (sweep.old if delay else sweep.trace) * t.phi
            sweep.old = sweep.trace
            sweep.trace = p.lam * sweep.trace + delta
        return (w + C @ sweep.total / sweep.n,)

    return algorithm(f"late-errors-{delay}", update)


def brute(entry: Any) -> list[list[Fraction]]:
    """The mask with entry(i - j), i the value token and j the key token, n = 6; the query's row and column zero."""
    inside = [[Fraction(entry(i - j)) for j in range(N)] + [Fraction(0)] for i in range(N)]
    return [*inside, [Fraction(0)] * (N + 1)]


def after(delay: int) -> Any:
    return lambda k: LAM ** (k - 1 - delay) if k >= 1 + delay else 0


CASES = {
    **{f"window {k}": (window(k), brute(lambda s, k=k: GAMMA**s if 0 <= s < k else 0)) for k in (1, 2, 3, 4)},
    "plain window 3": (window(3, lambda p, s: 1), brute(lambda s: int(0 <= s < 3))),
    "window with a gap": (window(4, lambda p, s: p.lam if s == 3 else 0), brute(lambda s: {0: 1, 3: LAM}.get(s, 0))),
    **{f"delayed {k}": (delayed(k), brute(after(k))) for k in (0, 1, 2, 3)},
    "delayed 1 and now": (delayed(1, True), brute(lambda s: 1 if s == 0 else after(1)(s))),
    **{f"late errors {k}": (late_errors(k), brute(lambda s, k=k: after(k)(-s))) for k in (0, 1)},
}
each = pytest.mark.parametrize("name", CASES)


@pytest.mark.slow
@each
def test_the_mask_is_the_brute_force_one(name):
    derivation = derive(CASES[name][0])
    assert len(derivation.heads) == 1 and len(derivation.masks) == 1
    table = [[Fraction(x) for x in row] for row in derivation.masks[0].rows(N, VALUES, Fraction)]
    # a head may carry the scale of its mask: what counts is the product
    (U,), E = derivation.heads[0].U.values(), derivation.heads[0].E
    assert set(U.expr().free_symbols) == set() and len(E) == 2
    wanted = CASES[name][1]
    i, j = next((i, j) for i in range(N) for j in range(N) if wanted[i][j])
    scale = wanted[i][j] / table[i][j]
    assert [[scale * x for x in row] for row in table] == wanted


@each
def test_every_identity_of_the_lemma_holds(name):
    derivation = derive(CASES[name][0])
    steps = [step for group in derivation.lemma.values() for step in group]
    assert steps and all(step.holds for step in steps), [s.claim for s in steps if not s.holds]


@each
def test_layers_are_iterates_at_six(name):
    own, rng = CASES[name][0], Random(name)
    context, steps = random_context(2, N, seed=5), [(random_matrix(rng, 2),) for _ in range(3)]
    values = {"gamma": random_rational(rng), "lam": random_rational(rng)}
    built = construct(derive(own), 2, N, 3, steps, values)
    setup = problem(own, RATIONALS, context, [random_vector(rng, 2)], values, {})
    assert list(check_construction(built, setup, steps)) == [None] * 3


# faults


def planted(mask: Mask, **changes: Any) -> Mask:
    """The mask with its first triangle changed."""
    side = "lower" if mask.lower else "upper"
    first, *rest = getattr(mask, side)
    return replace(mask, **{side: (replace(first, **changes), *rest)})


@pytest.mark.parametrize("delay", (1, 2))
def test_a_delayed_decaying_trace_verifies(delay):
    evidence = ["derived", "identity-symbolic", "identity-entrywise", "identity-exact", "identity-random"]
    result = lp.verify(delayed(delay), d=2, n=N, layers=3, evidence=evidence)
    assert result.exit_code == 0, result.to_json()


def refused_by_lemma(own: Algorithm, wrong: Mask) -> bool:
    """Whether the lemma, run on the loop's own terms with the wrong mask, has an identity that fails."""
    derivation = derive(own)
    (change,) = derivation.loop.changes
    ((key, (scale, right)),) = masks_of(change.terms).items()
    assert right.key() == derivation.masks[0].key()
    return not all(step.holds for step in lemma(wrong, scale, change.terms, *key))


def refused_by_comparison(own: Algorithm, wrong: Mask) -> bool:
    """Whether the solved linear system at n = 2, 3 or 4 contradicts the wrong mask."""
    derivation = derive(own)
    for tensor in derivation.tensors:
        try:
            _compare(Ansatz(SymbolicState(own), tensor.n), (wrong,), derivation.heads, tensor)
        except NotRepresentableError:
            return True
    return False


FAULTY = ("window 2", "window 3", "window 4", "delayed 0", "delayed 1", "delayed 2", "late errors 0", "late errors 1")


@pytest.mark.parametrize("name", FAULTY)
def test_the_right_mask_passes_both(name):
    own = CASES[name][0]
    right = derive(own).masks[0]
    assert not refused_by_lemma(own, right) and not refused_by_comparison(own, right)


@pytest.mark.parametrize("name", FAULTY)
def test_a_planted_delay_is_refused(name):
    own = CASES[name][0]
    right = derive(own).masks[0]
    delay = (right.lower or right.upper)[0].delay
    for other in {delay - 1, delay + 1, delay + 2} - {-1}:
        wrong = planted(right, delay=other)
        assert refused_by_lemma(own, wrong)
        assert refused_by_comparison(own, wrong)


@pytest.mark.parametrize("name", FAULTY)
def test_a_planted_decay_is_refused(name):
    own = CASES[name][0]
    derivation = derive(own)
    a = derivation.state.algebra
    decay = (derivation.masks[0].lower or derivation.masks[0].upper)[0].decay
    for other in (a.parameter("gamma"), a.number(1), a.parameter("lam") * a.parameter("lam"), a.number(0)):
        if other == decay:
            continue
        wrong = planted(derivation.masks[0], decay=other)
        assert refused_by_lemma(own, wrong), other.text()
        if name != "delayed 2":  # at n = 4 a delay of two leaves one entry beyond its first: too few to tell decays
            assert refused_by_comparison(own, wrong) or name == "window 4", other.text()


@pytest.mark.parametrize("name", FAULTY)
def test_a_planted_coefficient_or_a_lost_triangle_is_refused(name):
    own = CASES[name][0]
    derivation = derive(own)
    right = derivation.masks[0]
    first = (right.lower or right.upper)[0]
    for wrong in (
        planted(right, coefficient=first.coefficient * 2),
        planted(right, coefficient=first.coefficient * -1),
        replace(right, lower=right.lower[1:], upper=right.upper[1:] if not right.lower else right.upper),
        replace(right, lower=right.upper, upper=right.lower),
    ):
        assert refused_by_lemma(own, wrong) and refused_by_comparison(own, wrong)


def test_a_window_that_counts_its_steps_elsewhere_is_refused():
    """A list outside the sweep keeps the last states: the general step cannot be read off, and it is said."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        sweep.total, seen = 0 * w, []
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            seen = [t.phi, *seen][:3]
            for phi in seen:
                sweep.total = sweep.total + delta * phi
        return (w + C @ sweep.total / sweep.n,)

    with pytest.raises(NotRepresentableError, match="keep every loop variable on the sweep"):
        derive(algorithm("window-in-a-list", update))


def test_a_variable_that_starts_elsewhere_than_zero_is_refused():
    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        sweep.total, sweep.last = 0 * w, w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + delta * (t.phi + sweep.last)
            sweep.last = t.phi
        return (w + C @ sweep.total / sweep.n,)

    with pytest.raises(NotRepresentableError):
        derive(algorithm("window-from-w", update))

"""Decays, weights and divisions in parameters, position and n: derived and verified end to end, wrong ones refuted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

import layerproof as lp
from layerproof.symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from layerproof.symbolic.derivation.coefficients import INDEX, LENGTH, Power
from layerproof.symbolic.derivation.contraction import Algebra
from layerproof.symbolic.derivation.derive import Derivation, derive
from layerproof.symbolic.derivation.hypotheses import Hypotheses
from layerproof.symbolic.derivation.masks import Mask, evaluate, lemma, masks_of
from layerproof.symbolic.derivation.scalar import Scalar
from layerproof.symbolic.errors import ArgumentError, NotPolynomialError, NotRepresentableError
from layerproof.symbolic.identity.entrywise import entrywise
from layerproof.symbolic.identity.random import random_identity
from layerproof.symbolic.identity.unreachable import unreachable
from layerproof.symbolic.transitions import Position

PHI = FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q)
NEXT = FeatureBlock("next", lambda t, p: p.gamma * t.phi_next)
TD = Accumulator("td", lambda w, x, p: x.reward + w[0] @ x.next - w[0] @ x.phi)
MEAN = (
    Accumulator("difference", lambda w, x, p: w[0] @ x.next - w[0] @ x.phi),
    Accumulator("reward_row", lambda w, x, p: x.reward),
)
N = 6
VALUES = {"gamma": Fraction(9, 10), "lam": Fraction(1, 2), "beta": Fraction(1, 3)}
G, L, B = VALUES.values()


def algorithm(name: str, step: Any, finish: Any = None, rows: Any = (TD,), scalar: bool = False) -> Algorithm:
    """step(sweep, t, p, delta) moves sweep.e, sweep.f (scalars when `scalar`) and adds to sweep.total."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        zero = 0 * (w @ w) if scalar else 0 * w
        sweep.e, sweep.f, sweep.total = zero, zero, 0 * w
        for t in sweep:
            step(sweep, t, p, t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi)
        return (w + C @ sweep.total / sweep.n if finish is None else finish(w, C, sweep, p),)

    return Algorithm(
        name=name,
        title=name,
        source="a test",
        features=(PHI, NEXT),
        accumulators=rows,
        update=update,
        parameters=("gamma", "lam", "beta"),
        defaults={"beta": "1/3"},
    )


def credit(value: Callable[[Any, Any, Any], Any]) -> Any:
    """total += delta * value(sweep, t, p)."""

    def step(s: Any, t: Any, p: Any, delta: Any) -> None:
        s.total = s.total + delta * value(s, t, p)

    return step


def trace(decay: Callable[[Any, Any], Any], enters: Callable[[Any, Any], Any] = lambda p, j: 1) -> Any:
    """e = decay e + enters phi, and total += delta e."""

    def step(s: Any, t: Any, p: Any, delta: Any) -> None:
        s.e = decay(p, t.index) * s.e + enters(p, t.index) * t.phi
        s.total = s.total + delta * s.e

    return step


def two_step(s: Any, t: Any, p: Any, delta: Any) -> None:
    s.total = s.total + delta * (p.lam * t.phi + s.e)
    s.e = t.phi


def two_traces(s: Any, t: Any, p: Any, delta: Any) -> None:
    s.e, s.f = p.lam * s.e + t.phi, p.beta * s.f + t.phi
    s.total = s.total + delta * (s.e + p.lam * s.f)


def mixed(s: Any, t: Any, p: Any, delta: Any) -> None:
    s.total = s.total + delta * (p.lam * t.phi + p.beta * s.e + s.f)
    s.f, s.e = s.e, t.phi


def moving_average(s: Any, t: Any, p: Any, delta: Any) -> None:
    s.e = (1 - p.beta) * s.e + p.beta * t.reward
    s.total = s.total + (delta - s.e) * t.phi


def running_mean(s: Any, t: Any, p: Any, delta: Any) -> None:
    s.e = s.e + (t.reward - s.e) / t.index
    s.total = s.total + (delta - s.e) * t.phi


def fold(i: int, j: int, factor: Callable[[int], Fraction]) -> Fraction:
    """The product of factor(k) for k = j + 1, ..., i."""
    result = Fraction(1)
    for k in range(j + 1, i + 1):
        result *= factor(k)
    return result


def low(entry: Callable[[int, int], Any]) -> Callable[[int, int], Fraction]:
    return lambda i, j: Fraction(entry(i, j)) if j <= i else Fraction(0)


def diagonal(entry: Callable[[int], Any]) -> Callable[[int, int], Fraction]:
    return lambda i, j: Fraction(entry(i)) if i == j else Fraction(0)


PLAIN = credit(lambda s, t, p: t.phi)
# name: (algorithm, the mask by brute force, entries i, j = 1..n)
CASES: dict[str, tuple[Algorithm, Callable[[int, int], Fraction]]] = {
    "decay 1 - beta": (algorithm("ema", trace(lambda p, j: 1 - p.beta)), low(lambda i, j: (1 - B) ** (i - j))),
    "decay lam + gamma": (algorithm("sum", trace(lambda p, j: p.lam + p.gamma)), low(lambda i, j: (L + G) ** (i - j))),
    "decay lam / (1 + beta)": (
        algorithm("ratio", trace(lambda p, j: p.lam / (1 + p.beta))),
        low(lambda i, j: (L / (1 + B)) ** (i - j)),
    ),
    "decay j / (j + 1)": (
        algorithm("harmonic", trace(lambda p, j: j / (j + 1))),
        low(lambda i, j: Fraction(j + 1, i + 1)),
    ),
    "decay lam + 1 / j": (
        algorithm("shifted", trace(lambda p, j: p.lam + 1 / j)),
        low(lambda i, j: fold(i, j, lambda k: L + Fraction(1, k))),
    ),
    "enters gamma^j": (
        algorithm("enters", trace(lambda p, j: p.lam, lambda p, j: p.gamma**j)),
        low(lambda i, j: G**j * L ** (i - j)),
    ),
    "gamma^j": (algorithm("power", credit(lambda s, t, p: t.phi * p.gamma**t.index)), diagonal(lambda i: G**i)),
    "gamma^(n-j)": (
        algorithm("backwards", credit(lambda s, t, p: t.phi * p.gamma ** (s.n - t.index))),
        diagonal(lambda i: G ** (N - i)),
    ),
    "(lam + 2)^-j": (
        algorithm("inverse-power", credit(lambda s, t, p: t.phi * (p.lam + 2) ** -t.index)),
        diagonal(lambda i: (L + 2) ** -i),
    ),
    "1 / (j + 1)": (
        algorithm("position", credit(lambda s, t, p: t.phi / (t.index + 1))),
        diagonal(lambda i: Fraction(1, i + 1)),
    ),
    "1 / (n + 1)": (
        algorithm("n-plus-one", PLAIN, lambda w, C, s, p: w + C @ s.total / (s.n + 1)),
        diagonal(lambda i: Fraction(N, N + 1)),
    ),
    "no 1 / n": (algorithm("whole", PLAIN, lambda w, C, s, p: w + C @ s.total), diagonal(lambda i: N)),
    "1 / (1 + gamma)": (
        algorithm("one-plus-gamma", credit(lambda s, t, p: t.phi / (1 + p.gamma))),
        diagonal(lambda i: 1 / (1 + G)),
    ),
    "gamma^-1": (algorithm("gamma-inverse", credit(lambda s, t, p: t.phi * p.gamma**-1)), diagonal(lambda i: 1 / G)),
    "two steps": (algorithm("two-step", two_step), low(lambda i, j: {0: L, 1: 1}.get(i - j, 0))),
    "two traces": (algorithm("two-traces", two_traces), low(lambda i, j: L ** (i - j) + L * B ** (i - j))),
    "mixed delays": (algorithm("mixed", mixed), low(lambda i, j: {0: L, 1: B, 2: 1}.get(i - j, 0))),
}
ROWS = {
    "moving average of rewards": algorithm("moving-average", moving_average, rows=MEAN, scalar=True),
    "running mean of rewards": algorithm("running-mean", running_mean, rows=MEAN, scalar=True),
}
TRANSPOSED = {
    "C^T": algorithm("transposed", PLAIN, lambda w, C, s, p: w + C.T @ s.total / s.n),
    "C + C^T": algorithm("symmetric", PLAIN, lambda w, C, s, p: w + (C @ s.total + C.T @ s.total) / s.n),
}
ALL = {**{name: case[0] for name, case in CASES.items()}, **ROWS, **TRANSPOSED}


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_it_is_verified_by_every_kind_of_evidence(name):
    result = lp.verify(ALL[name], d=2, n=5, layers=3, trials=2)
    assert result.exit_code == 0, [(c.evidence, c.reason) for c in result.claims if c.verdict is not lp.Verdict.HOLDS]


def scaled_mask(derivation: Derivation, n: int) -> list[list[Fraction]]:
    """The mask times the coefficient of C^T at (phi, next) and of U: what the head adds of row at i, block at j."""
    known = {**VALUES, LENGTH: Fraction(n)}
    (head,) = derivation.heads
    (u,) = head.U.values()
    e = head.E["phi", (("C", True),), "next"]
    scale = evaluate(u, known, Fraction) * evaluate(e, known, Fraction)
    return [[scale * x for x in row[:n]] for row in derivation.masks[head.mask].rows(n, VALUES, Fraction)[:n]]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_mask_is_the_brute_force_one(name):
    own, entry = CASES[name]
    assert scaled_mask(derive(own), N) == [[entry(i, j) for j in range(1, N + 1)] for i in range(1, N + 1)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_no_witness_is_found_against_what_a_layer_does(name):
    own = ALL[name]
    assert unreachable(own, {}, own.values(VALUES)) is None


# wrong masks


def accepted(own: Algorithm, change: Callable[[Mask, Algebra], Mask]) -> bool:
    """Whether the mask lemma accepts the changed mask."""
    derivation = derive(own)
    (loop_change,) = derivation.loop.changes
    ((key, (scale, mask)),) = masks_of(loop_change.terms).items()
    return all(step.holds for step in lemma(change(mask, derivation.state.algebra), scale, loop_change.terms, *key))


def decayed(other: Callable[[Algebra], Scalar]) -> Callable[[Mask, Algebra], Mask]:
    return lambda mask, a: replace(mask, lower=(replace(mask.lower[0], decay=other(a)), *mask.lower[1:]))


def position(a: Algebra) -> Scalar:
    return a.parameter(INDEX)


WRONG = {
    "beta for 1 - beta": ("decay 1 - beta", decayed(lambda a: a.parameter("beta"))),
    "1 + beta for 1 - beta": ("decay 1 - beta", decayed(lambda a: 1 + a.parameter("beta"))),
    "the decay of the next step": ("decay j / (j + 1)", decayed(lambda a: (position(a) + 1) / (position(a) + 2))),
    "the decay of the step before": (
        "decay lam + 1 / j",
        decayed(lambda a: a.parameter("lam") + 1 / (position(a) + 1)),
    ),
    "right up to n = 5": (
        "decay lam + 1 / j",
        decayed(
            lambda a: (
                a.parameter("lam")
                + 1 / position(a)
                + (position(a) - 1) * (position(a) - 2) * (position(a) - 3) * (position(a) - 4) * (position(a) - 5)
            )
        ),
    ),
    "gamma^(j+1) enters": (
        "enters gamma^j",
        lambda mask, a: replace(
            mask, lower=(replace(mask.lower[0], enters=a.parameter("gamma") ** (position(a) + 1)),)
        ),
    ),
    "nothing special enters": (
        "enters gamma^j",
        lambda mask, a: replace(mask, lower=(replace(mask.lower[0], enters=None),)),
    ),
    "gamma^(j+1) on the diagonal": (
        "gamma^j",
        lambda mask, a: replace(mask, diagonal=a.parameter("gamma") ** (position(a) + 1)),
    ),
    "1 / (j + 2)": ("1 / (j + 1)", lambda mask, a: replace(mask, diagonal=1 / (position(a) + 2))),
    "one trace of two": ("two traces", lambda mask, a: replace(mask, lower=mask.lower[:1])),
    "traces exchanged": ("two traces", lambda mask, a: replace(mask, lower=mask.lower[::-1])),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_mask_is_refused_by_the_lemma(wrong):
    name, change = WRONG[wrong]
    assert accepted(CASES[name][0], lambda mask, a: mask)
    assert not accepted(CASES[name][0], change)


def given(entry: Callable[[Any, int, int], Any]) -> Algorithm:
    """The update with decay 1 - beta, and weights of one's own with the mask entry(p, i, j)."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> Any:
        Q = layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "next"): step.C.mT})
        M = layout.mask(lambda i, j: entry(p, i, j) if j <= i else 0)
        return [lp.Head(W=None, P=layout.matrix({("td", "td"): 1}), Q=Q, M=M)]

    return replace(CASES["decay 1 - beta"][0], heads=heads)


@pytest.mark.slow
def test_given_heads_with_beta_and_one_minus_beta_exchanged_are_refuted():
    def run(own: Algorithm) -> int:
        return lp.verify(own, d=2, n=7, layers=2, evidence=["identity-exact"]).exit_code

    assert run(given(lambda p, i, j: (1 - p.beta) ** (i - j))) == 0
    assert run(given(lambda p, i, j: p.beta ** (i - j))) == 1
    assert run(given(lambda p, i, j: (1 - p.beta) ** (i - j + 1))) == 1
    assert run(given(lambda p, i, j: (1 - p.beta) ** (i - j) if i <= 5 else 0)) == 1


# the evidence is seen to fail where masks and weights divide or depend on n


@pytest.mark.parametrize("name", ("1 / (1 + gamma)", "gamma^-1", "(lam + 2)^-j", "1 / (n + 1)", "decay j / (j + 1)"))
def test_a_planted_fault_is_refuted_entrywise_and_at_random_points(name):
    right = derive(CASES[name][0])
    mask = right.masks[0]
    wrong = replace(right, masks=(replace(mask, diagonal=mask.diagonal * 2), *right.masks[1:]))
    values = {k: VALUES[k] for k in right.algorithm.parameters}
    assert entrywise(right, 2, 3).holds and not entrywise(wrong, 2, 3).holds
    assert not entrywise(right, 2, 3, heads=[]).holds
    assert random_identity(right, 2, 4, 2, values, 0).mismatch is None
    assert random_identity(wrong, 2, 4, 2, values, 0).mismatch is not None


def test_a_mask_whose_decay_forgets_the_position_is_refuted_entrywise():
    right = derive(CASES["decay j / (j + 1)"][0])
    mask, a = right.masks[0], right.state.algebra
    wrong = replace(right, masks=(decayed(lambda a: a.number(Fraction(1, 2)))(mask, a),))
    assert entrywise(right, 2, 3).holds and not entrywise(wrong, 2, 3).holds


# what is said


def claim_of(own: Algorithm, **settings: Any) -> Any:
    result = lp.verify(own, d=2, n=4, layers=2, evidence=["derived"], **settings)
    (claim,) = [c for c in result.claims if c.evidence == "derived"]
    return claim


def test_hypotheses_are_printed_and_shown_to_hold_somewhere():
    claim = claim_of(CASES["1 / (1 + gamma)"][0])
    assert "1 + gamma != 0" in claim.claim and "gamma = 9/10" in claim.claim
    assert claim.details["hypotheses"] == {"nonzero": ["1 + gamma != 0"], "hold_at": {"gamma": "9/10"}, "context": 4}
    assert "gamma != 0" in claim_of(CASES["gamma^-1"][0]).claim
    for name in ("decay 1 - beta", "1 / (j + 1)", "two steps", "decay j / (j + 1)"):  # never zero: nothing to assume
        assert "!= 0" not in claim_of(CASES[name][0]).claim


@pytest.mark.slow
def test_a_value_that_breaks_a_hypothesis_is_an_argument_that_is_named():
    own = algorithm("difference", credit(lambda s, t, p: t.phi / (p.beta - t.index)))
    assert claim_of(own).details["hypotheses"]["nonzero"] == ["j - beta != 0"]
    with pytest.raises(ArgumentError, match=r"beta = 2 makes the update divide by"):
        lp.verify(replace(own, defaults={"beta": "2"}), d=2, n=4, layers=2, evidence=["derived"])


def test_an_example_is_found_for_hypotheses_that_can_be_met_and_only_for_those():
    a = Algebra(("beta", INDEX, LENGTH))
    beta, j = a.parameter("beta"), a.parameter(INDEX)
    wide = Hypotheses.of([1 - beta, beta + j], [])
    assert wide.example({"beta": Fraction(1)}) not in (None, {"beta": Fraction(1)})
    assert wide.broken({"beta": Fraction(-3)}, 5) == ("beta + j", 3)
    assert Hypotheses.of([j - 3], []).example({}) is None


def test_weights_that_depend_on_n_are_a_family_of_transformers():
    for name in ("1 / (n + 1)", "no 1 / n", "gamma^(n-j)"):
        claim = claim_of(CASES[name][0])
        assert "a family of transformers" in claim.claim and claim.details["depends_on_n"]
    assert "family" not in claim_of(CASES["gamma^j"][0]).claim


def test_a_mask_is_not_normalised_by_a_parameter_that_others_would_be_divided_by():
    for name in ("two steps", "mixed delays", "two traces"):
        derivation = derive(CASES[name][0])
        assert derivation.hypotheses.names == ()


def test_a_decay_that_depends_on_the_prompt_is_not_derived_for_that_reason():
    own = algorithm(
        "data", lambda s, t, p, d: (setattr(s, "e", t.reward * s.e + t.phi), credit(lambda *_: s.e)(s, t, p, d))
    )
    with pytest.raises(NotRepresentableError):
        derive(own)


def test_a_power_with_an_entry_of_the_prompt_is_refused():
    for value in (lambda s, t, p: p.gamma**t.reward * t.phi, lambda s, t, p: (t.reward + p.gamma) ** t.index * t.phi):
        with pytest.raises((NotPolynomialError, NotRepresentableError)):
            derive(algorithm("entry", credit(value)))


# the algebra


def test_fractions_stand_in_lowest_terms():
    a = Algebra(("g", "b", INDEX, LENGTH))
    g, b, j = (a.parameter(x) for x in ("g", "b", INDEX))
    R = a.scalar("R")
    assert g / (1 + g) + 1 / (1 + g) == 1 and (1 + 1 / g) / (1 + g) == 1 / g
    assert (1 - b * b) / (1 - b) == 1 + b and (R * g + R) / (1 + g) == R
    assert 1 / (j + 1) - 1 / (j + 2) == 1 / ((j + 1) * (j + 2))
    assert 1 / (1 + g) != 1 / (1 - g)


def test_powers_with_the_position_multiply_and_cancel():
    a = Algebra(("g", "b", INDEX, LENGTH))
    g, b, j, n = (a.parameter(x) for x in ("g", "b", INDEX, LENGTH))
    assert (g * b) ** j == g**j * b**j and (1 - b) ** (j + 1) / (1 - b) ** j == 1 - b
    assert 6**j == 2**j * 3**j and (-1 * g) ** j * (-1 * g) ** j == (g**2) ** j
    assert g ** (n - j) * g**j == g**n and (1 - b**2) ** j == (1 - b) ** j * (1 + b) ** j
    assert g**j != b**j and {str(x) for x in (g**j).names()} == {"g^index", "g", INDEX}
    assert isinstance(next(iter((g**j).parts()[()]))[0][0], Power)


def test_positions_divide_exactly_and_stay_positions():
    j = Position(3)
    assert 1 / (j + 1) == Fraction(1, 4) and (2 * j - 1) / 2 == Fraction(5, 2) and 1 / (7 - j) == Fraction(1, 4)
    assert 2**-j == Fraction(1, 8) and Fraction(1, 2) ** j == Fraction(1, 8) and type(1 / (j * j)) is Fraction


@pytest.mark.slow
def test_a_power_that_would_take_too_long_is_refused():
    own = algorithm("large", credit(lambda s, t, p: t.phi * (p.lam + p.beta) ** (100 * t.index)))
    claim = claim_of(own)
    assert claim.verdict is lp.Verdict.UNDECIDED and "expanded up to the power 64" in claim.reason


@pytest.mark.parametrize("exponent", [lambda t: 10**6 * t.index, lambda t: t.index**9 * t.index**9 * t.index**9 - 1])
def test_an_exponent_that_no_arithmetic_ends_with_is_refused_without_trying_it(exponent):
    own = algorithm("larger", credit(lambda s, t, p: t.phi * (p.lam + p.beta) ** exponent(t)))
    claim = claim_of(own)
    assert claim.verdict is lp.Verdict.UNDECIDED and "takes a power with exponent" in claim.reason

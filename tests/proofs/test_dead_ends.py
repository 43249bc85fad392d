"""What divides by zero, and layers that are no layer of their state, end in a verdict or a refusal: never in exit 5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from own_algorithms import own

import layerproof as lp
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.errors import ZeroDivisorError
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.record import PatternAlgorithm

SMALL: dict[str, Any] = {"d": 2, "n": 3, "layers": 2, "trials": 1}


def divided(divisor: Callable[[Any, Any, Any], Any], inside: bool = False, **fields: Any) -> Algorithm:
    """TD(0), each term or the whole step divided."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C, *steps) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + delta * t.phi / (divisor(sweep, t, steps) if inside else 1)
        return (w + C @ sweep.total / sweep.n / (1 if inside else divisor(sweep, None, steps)),)

    return own(name="divided", update=update, **fields)


def stepped(table: Any) -> Algorithm:
    fields = {"preconditioners": ("C", "a"), "scalar_preconditioners": ("a",), "tables": {"a": table}}
    return divided(lambda sweep, t, steps: 1 + steps[0], **fields)


def test_a_random_point_says_nothing_of_a_quotient_and_the_rest_holds() -> None:
    claims = {c.evidence: c.verdict for c in lp.verify(stepped("l"), **SMALL).claims if c.asked}
    assert claims.pop("identity-random") is Verdict.NOT_RUN
    assert set(claims.values()) == {Verdict.HOLDS} and len(claims) == 5


@pytest.mark.parametrize(
    "algorithm",
    [
        stepped("l - 3"),
        stepped(("1", "-1")),
        divided(lambda sweep, t, steps: sweep.n - t.index, inside=True),
        divided(lambda sweep, t, steps: t.index - 2, inside=True),
        divided(lambda sweep, t, steps: sweep.n - 3),
    ],
    ids=["a table", "a period", "n - j", "j - 2", "n - 3"],
)
def test_what_divides_by_zero_is_an_argument_that_is_wrong(algorithm: Algorithm) -> None:
    with pytest.raises(ZeroDivisorError, match="divide"):
        lp.verify(algorithm, **SMALL)
    assert ZeroDivisorError.exit_code == 2 and issubclass(ZeroDivisorError, lp.LayerproofError)


def given(name: str, values: Callable[[Any, Any, Any], Any], scores: Any = None, **layer: Any) -> PatternAlgorithm:
    heads = (lp.GivenHead(values=values, scores=scores),)
    return replace(pattern_catalogue()[name], name="given", layer=lp.GivenLayer(heads=heads, **layer))


def sarsa(**layer: Any) -> PatternAlgorithm:
    def scores(k: Any, q: Any, C: Any, p: Any) -> Any:
        return k.gamma_phi_next @ q.w - k.phi @ q.w + k.reward * q.one

    return given("sarsa", lambda k, C, p: {"w": C @ k.phi}, scores, scale="1/n", **layer)


def verdicts(algorithm: PatternAlgorithm) -> dict[str, Verdict]:
    return {c.evidence: c.verdict for c in lp.verify(algorithm, **SMALL).claims if c.asked}


def test_keys_that_hold_nothing_for_the_column_refute_nothing() -> None:
    """The state's column is the last: under a causal mask it still sees every token, and the others ask with zeros."""
    by_evidence = verdicts(sarsa(keys="causal"))
    assert by_evidence["identity-symbolic"] is Verdict.UNDECIDED and by_evidence["identity-exact"] is Verdict.HOLDS
    assert Verdict.REFUTED not in by_evidence.values()


def test_a_shift_beside_a_state_in_a_column_is_no_layer() -> None:
    by_evidence = verdicts(sarsa(shift=lambda t, p: {"reward": t.reward}))
    assert by_evidence["derived"] is Verdict.UNDECIDED and Verdict.HOLDS not in by_evidence.values()


def test_a_layer_that_attends_by_another_kernel_is_refuted_on_numbers() -> None:
    """The update multiplies balls, which a softmax has, by what is a number of every token."""
    kernels = pattern_catalogue()["kernel-gradient-descent"]

    def update(own: Any, C: Any, sweep: Any, p: Any) -> Any:
        sweep.total = 0 * own.state
        for k in sweep:
            sweep.total = sweep.total + k.weight * (k.reward - k.state)
        return own.state + p.alpha * sweep.total

    layer = lp.GivenLayer(
        heads=(lp.GivenHead(values=lambda k, C, p: {"residual": -p.alpha * k.residual}),), kernel="relu"
    )
    algorithm = replace(
        kernels, name="given", update=update, kernels=("softmax", "relu"), layer=layer, parameters=("alpha",),
        defaults={"alpha": Fraction(1, 2)},
    )  # fmt: skip
    assert verdicts(algorithm)["identity-exact"] is Verdict.REFUTED

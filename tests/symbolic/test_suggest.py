"""What would make an impossible update possible: a suggestion is tried, so it is true; and none is made up."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from own_algorithms import own

import layerproof as lp
from layerproof.symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.derivation.suggest import derive_or_advise, suggest
from layerproof.symbolic.errors import NotPolynomialError, NotRepresentableError

PHI = FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q)
NEXT = FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next)


def loop(credit):
    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + credit(t, t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi, w, p)
        return (w + C @ sweep.total / sweep.n,)

    return update


def algorithm(credit, scalars=(), features=(PHI, NEXT)):
    return Algorithm(
        name="mine", title="Mine", source="me", features=features, parameters=("gamma",), update=loop(credit),
        accumulators=(
            Accumulator("td_error", lambda w, x, p: x.reward + w[0] @ x.gamma_phi_next - w[0] @ x.phi),
        ),
        transition_scalars=scalars,
    )  # fmt: skip


CASES = {
    "rho * phi": (lambda t, delta, w, p: t.rho * delta * t.phi, ("rho",), lambda t, p: t.rho * t.phi),
    "reward * phi": (lambda t, delta, w, p: t.reward * delta * t.phi, (), lambda t, p: t.reward * t.phi),
    "rho * gamma_phi_next": (
        lambda t, delta, w, p: t.rho * delta * (p.gamma * t.phi_next),
        ("rho",),
        lambda t, p: t.rho * p.gamma * t.phi_next,
    ),
    "sigma * phi": (lambda t, delta, w, p: t.sigma * delta * t.phi, ("rho", "sigma"), lambda t, p: t.sigma * t.phi),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("rows", CASES)
def test_the_suggestion_is_made_and_true(rows):
    credit, scalars, block = CASES[rows]
    narrow = algorithm(credit, scalars)
    with pytest.raises(NotRepresentableError):
        derive(narrow)
    suggestion = suggest(narrow, {})
    assert suggestion is not None and (suggestion.rows, suggestion.heads) == (rows, 1)
    assert suggestion.sentence() == f"with d more prompt rows that hold {rows} it takes 1 head"
    wide = replace(narrow, features=(*narrow.features, FeatureBlock("extra", block)))
    evidence = ["derived", "identity-symbolic", "identity-entrywise", "identity-exact", "identity-random"]
    result = lp.verify(wide, d=2, n=4, layers=3, evidence=evidence)
    assert result.exit_code == 0, result.to_json()
    assert len(derive(wide).heads) == suggestion.heads


@pytest.mark.slow
def test_the_verdict_names_the_suggestion():
    credit, scalars, _ = CASES["rho * phi"]
    result = lp.verify(algorithm(credit, scalars), d=2, n=3, layers=2, evidence=["derived"])
    (claim,) = [c for c in result.claims if c.asked]
    assert (result.exit_code, claim.details["suggestion"]) == (1, {"rows": "rho * phi", "heads": 1})
    assert claim.reason.endswith("with d more prompt rows that hold rho * phi it takes 1 head")


def test_reward_squared_is_helped_by_rows_of_the_reward():
    suggestion = suggest(algorithm(lambda t, delta, w, p: t.reward * t.reward * t.phi), {})
    assert suggestion is None  # R_j^2 alone, without w: the TD error's row does not hold R_j by itself
    with_row = replace(
        algorithm(lambda t, delta, w, p: t.reward * t.reward * t.phi),
        accumulators=(
            Accumulator("value", lambda w, x, p: w[0] @ x.phi),
            Accumulator("reward", lambda w, x, p: x.reward),
        ),
    )
    suggestion = suggest(with_row, {})
    assert suggestion is not None and (suggestion.rows, suggestion.heads) == ("reward * phi", 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "credit",
    (
        lambda t, delta, w, p: t.reward * t.reward * delta * t.phi,
        lambda t, delta, w, p: (w @ t.phi) * delta * t.phi,
        lambda t, delta, w, p: (t.phi @ t.phi) * (t.phi @ t.phi) * delta * t.phi,
    ),
    ids=("reward squared times delta", "quadratic in w", "a square of a norm"),
)
def test_where_nothing_helps_nothing_is_suggested(credit):
    impossible = algorithm(credit)
    with pytest.raises(NotRepresentableError):
        derive(impossible)
    assert suggest(impossible, {}) is None
    result = lp.verify(impossible, d=2, n=3, layers=2, evidence=["derived"])
    (claim,) = [c for c in result.claims if c.asked]
    assert result.exit_code == 1 and "suggestion" not in claim.details and "more prompt rows" not in claim.reason


def test_no_hint_for_a_max_or_a_division():
    for credit in (lambda t, d, w, p: max(d, 0) * t.phi, lambda t, d, w, p: d / t.rho * t.phi):
        impossible = algorithm(credit, ("rho",))
        with pytest.raises(NotPolynomialError):
            derive(impossible)
        assert suggest(impossible, {}) is None
        result = lp.verify(impossible, d=2, n=3, layers=2, evidence=["derived"])
        (claim,) = [c for c in result.claims if c.asked]
        assert result.exit_code == 1 and "suggestion" not in claim.details


def test_a_name_that_is_taken_does_not_shadow_a_block():
    """A prompt with a block of the suggestion's own name, holding something else, keeps that block."""
    taken = FeatureBlock("rho_phi", lambda t, p: t.phi_next)
    credit, scalars, block = CASES["rho * phi"]
    narrow = algorithm(credit, scalars, features=(PHI, NEXT, taken))
    suggestion = suggest(narrow, {})
    wide = replace(narrow, features=(*narrow.features, FeatureBlock("extra", block)))
    if suggestion is None:
        with pytest.raises(NotRepresentableError):
            derive(wide)
    else:
        assert len(derive(wide).heads) == suggestion.heads


# rows that an update asks for


def _batch(w, s, p, error):
    s.total = 0 * w
    for t in s:
        s.total = s.total + error(t) * t.phi
    return s.total / s.n


def _td(w, t, p, u=None):
    return t.reward + p.gamma * ((w if u is None else u) @ t.phi_next) - w @ t.phi


def _momentum(weights, steps, s, p):
    w, m = weights
    m = p.beta * m + steps[0] @ _batch(w, s, p, lambda t: _td(w, t, p))
    return w + m, m


def _decay(weights, steps, s, p):
    (w,) = weights
    return ((1 - p.beta) * w + steps[0] @ _batch(w, s, p, lambda t: _td(w, t, p)),)


def _target(weights, steps, s, p):
    w, u = weights
    new = w + steps[0] @ _batch(w, s, p, lambda t: _td(w, t, p, u))
    return new, u + p.beta * (new - u)


def _averaged(weights, steps, s, p):
    w, mean = weights
    new = w + steps[0] @ _batch(w, s, p, lambda t: _td(w, t, p))
    return new, mean + p.beta * (new - mean)


def _nesterov(weights, steps, s, p):
    w, u = weights
    y = w + p.beta * (w - u)
    return y + steps[0] @ _batch(w, s, p, lambda t: _td(y, t, p)), w


def _gtd(weights, steps, s, p):
    w, u = weights
    s.a, s.b = 0 * w, 0 * w
    for t in s:
        s.a = s.a + _td(w, t, p) * t.phi
        s.b = s.b + (t.phi @ u) * (t.phi - p.gamma * t.phi_next)
    return w + steps[0] @ s.b / s.n, u + p.beta * (s.a / s.n - u)


ERROR_OF_U = Accumulator("td_error", lambda w, x, p: x.reward + w[1] @ x.next - w[0] @ x.phi)
MEAN = Accumulator("mean", lambda w, x, p: w[1] @ x.phi)
FROM_SCRATCH = {
    "weight decay": (_decay, ("w",), (), 2),
    "momentum": (_momentum, ("w", "m"), (), 2),
    "a target network": (_target, ("w", "u"), (ERROR_OF_U,), 3),
    "averaging": (_averaged, ("w", "mean"), (own().accumulators[0], MEAN), 4),
    "Nesterov": (_nesterov, ("w", "u"), (), 2),
    "GTD without its own row": (_gtd, ("w", "u"), (), 3),
}


@pytest.mark.parametrize(
    "name", [n if n == "weight decay" else pytest.param(n, marks=pytest.mark.slow) for n in FROM_SCRATCH]
)
def test_an_update_written_from_scratch_is_told_the_rows_and_the_heads(name):
    """What the answer says is put into the record as it stands there, and weights are derived with as many heads."""
    update, weights, rows, heads = FROM_SCRATCH[name]
    mine = own(update=update, weights=weights, parameters=("gamma", "beta"), **({"accumulators": rows} if rows else {}))
    with pytest.raises(NotRepresentableError) as caught:
        derive_or_advise(mine, {})
    message = str(caught.value)
    assert message.endswith(f"it takes {heads} heads")
    known = {"FeatureBlock": FeatureBlock, "Accumulator": Accumulator, "Fraction": Fraction}
    features = eval(message.split("features=(..., ")[1].split(") and accumulators=")[0], known)
    row = eval(message.split("accumulators=(..., ")[1].rsplit(") it takes", 1)[0], known)
    wider = replace(mine, features=(*mine.features, features), accumulators=(*mine.accumulators, row))
    assert len(derive(wider).heads) == heads


def test_a_matrix_times_old_weights_is_no_row_that_could_be_added():
    def update(weights, steps, s, p):
        (w,) = weights
        return (w + steps[0] @ (_batch(w, s, p, lambda t: _td(w, t, p)) - w),)

    assert suggest(own(update=update), {}) is None

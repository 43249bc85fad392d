"""Rows that hold parameters: undiscounted features, and accumulators that discount them, each by its own parameter."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from layerproof.symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.blocks import NEXT, PHI
from layerproof.symbolic.derivation.contraction import Algebra
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.derivation.express import express
from layerproof.symbolic.derivation.matching import without_parameters
from layerproof.symbolic.errors import NotRepresentableError
from layerproof.symbolic.transitions import Transition


def discounted(by: Any) -> Accumulator:
    return Accumulator("td_error", lambda w, x, p: x.reward + by(p) * (w[0] @ x.phi_next) - w[0] @ x.phi)


def td0(row: Accumulator, **changes: Any) -> Algorithm:
    return replace(find("td0"), features=(PHI, NEXT), accumulators=(row,), **changes)


def test_td0_over_undiscounted_features_has_the_discount_in_its_weights():
    (head,) = derive(td0(discounted(lambda p: p.gamma))).heads
    blocks = {("phi", (("C", True),), "phi"): "-1", ("phi", (("C", True),), "phi_next"): "gamma"}
    assert {key: str(x) for key, x in head.E.items()} == blocks


def test_two_parameters_in_one_place_are_refused_with_what_to_write():
    row = discounted(lambda p: p.gamma + p.beta)

    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            error = t.reward + (p.gamma + p.beta) * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + error * t.phi
        return (w + C @ sweep.total / sweep.n,)

    wrong = td0(row, parameters=("gamma", "beta"), defaults={"beta": "1/2"}, update=update)
    with pytest.raises(NotRepresentableError, match=r"let each accumulator discount them by one parameter"):
        derive(wrong)


def test_a_row_with_another_discount_than_the_update_is_refused():
    with pytest.raises(NotRepresentableError, match="no head"):
        derive(td0(discounted(lambda p: p.gamma**2)))


def test_what_a_row_holds_times_beta_is_divided_by_beta_and_that_is_said():
    """A second weight moves by v.phi', its row holds beta v.phi': the weights hold 1/beta."""

    def update(weights, preconditioners, sweep, p):
        (w, v), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            error = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + (error + v @ t.phi_next) * t.phi
        return w + C @ sweep.total / sweep.n, v

    other = Accumulator("other", lambda w, x, p: p.beta * (w[1] @ x.phi_next))
    algorithm = replace(
        td0(discounted(lambda p: p.gamma), weights=("w", "v"), parameters=("gamma", "beta"), defaults={"beta": "1/2"}),
        update=update, accumulators=(discounted(lambda p: p.gamma), other),
    )  # fmt: skip
    assert derive(algorithm).hypotheses.text() == "beta != 0"


def test_an_equation_is_divided_by_what_its_left_side_shares_and_only_by_that():
    a, one, beta = Algebra(("beta", "gamma")), (), (("beta", 1),)
    equation = without_parameters(a, {"T": {beta: Fraction(3)}}, {"y": {one: Fraction(2), (("beta", 2),): Fraction(5)}})
    assert equation is not None
    assert equation.left == {"T": 3}
    assert equation.right == {"y": {(("beta", -1),): 2, beta: 5}}
    assert without_parameters(a, {"T": {beta: Fraction(3)}, "S": {one: Fraction(1)}}, {}) is None
    assert without_parameters(a, {"T": {beta: Fraction(3), one: Fraction(1)}}, {}) is None


def test_heads_are_not_combined_by_dividing():
    a = Algebra(("beta",))
    v = a.vector("v")
    held = {"row": v * a.parameter("beta")}
    assert express(a, v, held) == {"row": a.parameter("beta").inverse()}
    assert express(a, v, held, dividing=False) is None


def test_a_row_reads_what_a_transition_carries_and_a_block_of_that_name_instead_of_it():
    carried = replace(td0(discounted(lambda p: p.gamma)), transition_scalars=("rho",))
    t = Transition(1, 2, 3, 1, {"rho": 5})
    p = carried.bind({"gamma": 1})
    assert (carried.context_token(t, p).rho, carried.query_token(1, 0).rho) == (5, 0)
    own = replace(carried, features=(*carried.features, FeatureBlock("rho", lambda t, p: 7, lambda q: 9, scalar=True)))
    assert (own.context_token(t, p).rho, own.query_token(1, 0).rho) == (7, 9)

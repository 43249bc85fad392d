"""Sums of quantities times vectors that are not worked out: the same as worked out, wherever they are read."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import pytest

from layerproof.proofs.approximation.question import Question
from layerproof.symbolic.approximation.conserved import conserved
from layerproof.symbolic.approximation.field import mean_field
from layerproof.symbolic.approximation.move import Move
from layerproof.symbolic.approximation.rule import Rule
from layerproof.symbolic.approximation.samples import Samples, samples
from layerproof.symbolic.approximation.scaling import all_affine, lipschitz
from layerproof.symbolic.approximation.table import AtomTable
from layerproof.symbolic.approximation.vector import Vector, changes
from layerproof.symbolic.errors import ContentError
from layerproof.symbolic.rules import rules


def drawn(rule: Rule, symbolic: bool) -> Samples:
    process = Question(states=3, d=2, actions=2, seed=1).process_for(rule)
    return samples(rule, process, {"gamma": F(1, 2), "lam": F(1, 3), "eta": F(2, 7)}, symbolic)


def worked_out(sampled: Samples) -> Samples:
    return replace(sampled, moves=tuple(dict(move) for move in sampled.moves), known={})


PUT_OFF = (
    "linear-td",
    "td-lambda",
    "average-reward-td",
    "gtd2",
    "tdc",
    "emphatic-td",
    "gtd-lambda",
    "etd-lambda",
    "off-policy-td-lambda",
)


@pytest.mark.parametrize("rule", [r for r in rules().values() if isinstance(r, Rule)], ids=lambda r: r.name)
def test_what_is_asked_of_products_is_what_is_asked_of_their_sums(rule: Rule) -> None:
    sampled = drawn(rule, "eta" in rule.parameters)
    assert any(isinstance(move, Move) for move in sampled.moves) == (rule.name in PUT_OFF)
    plain = worked_out(sampled)
    v = [F(3 * k % 7 - 2, 1 + k % 3) for k in range(len(sampled.table.names))]
    assert mean_field(sampled).at(v) == mean_field(plain).at(v)
    assert conserved(sampled) == conserved(plain) and all_affine(sampled) == all_affine(plain)
    assert sampled.monomials == plain.monomials <= sampled.monomials_before_adding
    one, other = lipschitz(sampled), lipschitz(plain)
    assert one is None or (other is not None and one >= other)


def test_a_product_that_is_dropped_is_seen() -> None:
    """The comparison above with one product of one transition left out."""
    rule = rules()["gtd2"]
    assert isinstance(rule, Rule)
    sampled = drawn(rule, False)
    move = sampled.moves[0]
    assert isinstance(move, Move)
    wrong = replace(sampled, moves=(Move(move.plain, move.products[1:]), *sampled.moves[1:]), known={})
    v = [F(k + 1, 3) for k in range(len(sampled.table.names))]
    assert mean_field(wrong).at(v) != mean_field(worked_out(sampled)).at(v)


def test_products_that_cancel_leave_nothing() -> None:
    table = AtomTable(["a", "b"])
    a, b = table.variable(0), table.variable(1)
    x = Vector([F(1, 2), F(0), F(3)]).kept()
    left = a * b * x - b * a * x
    assert left.products is not None and len(left) == 3
    put_off: list[tuple[int, Vector]] = []
    assert changes({"w": left, "u": [a]}, {"u": (1,), "w": (3,)}, put_off=put_off) == {0: a}
    ((start, kept),) = put_off
    assert start == 1 and kept is left and kept.products is not None
    assert dict(Move({}, [(start, q, y) for q, y in kept.products])) == {}


def test_a_sum_is_worked_out_where_an_entry_is_asked_for() -> None:
    table = AtomTable(["a", "b"])
    a, b = table.variable(0), table.variable(1)
    x, y = Vector([F(1, 2), F(2)]).kept(), Vector([a, b]).kept()
    total = (a * x + b * y) * 3 - 0 * (a * x)
    assert total.products is not None
    assert total[0].terms == {(0,): F(3, 2), (0, 1): F(3)} and total[1].terms == {(0,): F(6), (1, 1): F(3)}
    assert (total @ [1, 1]).terms == {(0,): F(15, 2), (0, 1): F(3), (1, 1): F(3)}
    with pytest.raises(ContentError, match="has 2 entries, wanted 3"):
        changes(total, {"w": (3,)}, put_off=[])

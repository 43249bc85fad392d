"""Theorems about what differs from layer to layer: what they claim. Which are proved, test_given_proofs.py asks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from layered_heads import online, tabled, weighed

from layerproof.proofs.theory.audits import audits, invariance_for, unproved
from layerproof.proofs.theory.generated.given import given
from layerproof.proofs.theory.generated.parts import parts
from layerproof.proofs.theory.generated.reading import differs
from layerproof.proofs.theory.generated.statements import statements
from layerproof.proofs.theory.generated.write import audit_of
from layerproof.symbolic.errors import NotRepresentableError


def test_heads_that_read_the_layer_are_claimed_at_the_table_of_the_step_which_the_update_reads() -> None:
    audit, _ = audits(tabled())
    table = "(forall l : nat, a l = 2%:R * l.+1%:R / (2%:R * l.+1%:R - 1))"
    *claims, last = audit.theorems
    assert all(t.statement.startswith(f"{table} -> ") and t.sentence.endswith(table[1:-1]) for t in claims)
    assert last.statement == f"exists a : nat -> rat, {table}"
    assert "Definition mask_M2 (l : nat) : 'M[F]_n :=" in audit.statements and "2%:R * l.+1%:R))^-1" in audit.statements


def test_a_printed_table_is_held_against_the_records() -> None:
    right = parts(given(tabled(), {}, layered=True))
    wrong = replace(right, tabled=(replace(right.tabled[0], rule="2 * l / (2 * l + 1)"),))
    assert differs(statements(right)) is None
    assert differs(statements(wrong)) == "the table of a at layer 1 is not what the record says"


def test_a_mask_that_asks_for_the_layers_token_is_stated_with_what_the_update_reads() -> None:
    audit, _ = audits(online())
    assert "for now l j, whatever it is, masks ask j = l" in audit.statements
    assert "if i == j then (now l i) else if (j < i)%N then" in audit.statements


def test_what_may_be_zero_in_some_layer_has_no_theorem() -> None:
    assert "may be zero in some layer" in unproved(tabled(below=lambda at: 7 - 2 * at))
    divided = tabled(factor=lambda a: 1 / (1 + a))
    assert "that it is not zero at its table has no proof here" in unproved(divided)
    assert invariance_for(tabled(), {}) is None


def test_a_divisor_of_what_a_layer_reads_is_assumed_of_every_token_and_layer() -> None:
    audit = audit_of(weighed(lambda now, beta: now / (1 + beta * now)))
    *claims, last = audit.theorems
    given = "(forall (l : nat) (j : 'I_n), 1 + beta * (now l j) != 0) -> "
    assert all(t.statement.startswith(given) for t in claims)
    assert last.statement.startswith("exists (beta : rat) (now : nat -> nat -> rat), (forall (n l : nat) (j : 'I_n), ")
    assert "exists (fun l j : nat => if j == l then 1 else 0);" in audit.proofs


def test_what_the_records_own_selection_makes_zero_has_no_theorem() -> None:
    for factor, why in ((lambda now, beta: 1 / now, r"at which now\(j\) is not zero"),
                        (lambda now, beta: 1 / (beta * now - beta * beta * now), "is not zero")):  # fmt: skip
        with pytest.raises(NotRepresentableError, match=why):
            audit_of(weighed(factor))

"""A certificate's numbers before the kernel: right ones pass, and an edited one does not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from convergence_prompts import CYCLE, EXPANDING
from rocq_tiny import rocq

import layerproof as lp
from layerproof.proofs.convergence.kernel import NAME, certificate_audit
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.gate import Outcome, gate
from layerproof.symbolic.errors import ArgumentError


def audit() -> Audit:
    found = lp.converge("td0", prompt=CYCLE, alpha="1/2").found
    assert found is not None
    return certificate_audit(found)


def judged(found: Audit) -> Outcome:
    return gate([found], rocq(), limit=240.0)


def with_number(text: str, name: str, value: str) -> str:
    changed, count = re.subn(rf"Definition {name} : Q := [^.]*\.", f"Definition {name} : Q := {value}.", text)
    assert count == 1
    return changed


@pytest.mark.slow
def test_the_numbers_of_a_certificate_pass_and_a_faster_rate_does_not() -> None:
    right = audit()
    assert NAME in judged(right).passed
    outcome = judged(replace(right, statements=with_number(right.statements, "r", "1 # 100")))
    assert NAME in outcome.refused and NAME not in outcome.passed


def test_what_diverges_has_no_numbers_for_the_kernel() -> None:
    found = lp.converge("td0", prompt=EXPANDING).found
    assert found is not None
    with pytest.raises(ArgumentError, match="no certified limit"):
        certificate_audit(found)

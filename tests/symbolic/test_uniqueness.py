"""Is the interaction tensor unique? Prompts of dimension 2 determine what symbolic d does, dimension 1 less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers import Case, each_kind

from layerproof.proofs.case import Case as Check
from layerproof.proofs.case import Settings
from layerproof.proofs.evidence import derived
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.derivation.derive import Derivation, derive
from layerproof.symbolic.identity.uniqueness import rank_at


def forgetful(derivation: Derivation) -> Derivation:
    """The derivation, claiming that at n = 2 one unknown more was determined than there was."""
    tensors = tuple(replace(t, determined=t.determined + (t.n == 2)) for t in derivation.tensors)
    return replace(derivation, tensors=tensors)


@each_kind
def test_prompts_of_dimension_two_determine_everything_that_symbolic_d_does(case: Case) -> None:
    ranks = rank_at(case.derivation, 2)
    tensor = next(t for t in case.derivation.tensors if t.n == ranks.n)
    assert ranks.as_symbolic
    assert ranks.rank == ranks.symbolic == tensor.determined
    assert ranks.visible == tensor.determined + len(tensor.undetermined)


@each_kind
def test_prompts_of_dimension_one_determine_less(case: Case) -> None:
    ranks = rank_at(case.derivation, 1)
    assert ranks.rank < ranks.symbolic and not ranks.as_symbolic
    assert ranks.visible == rank_at(case.derivation, 2).visible


def test_a_larger_dimension_determines_nothing_more() -> None:
    derivation = derive(find("differential-td"))
    assert rank_at(derivation, 4).rank == rank_at(derivation, 2).rank


def test_the_rank_does_not_depend_on_the_seed_but_the_seed_is_used() -> None:
    derivation = derive(find("td0"))
    assert {rank_at(derivation, 2, seed=seed) for seed in range(3)} == {rank_at(derivation, 2)}


@pytest.mark.slow
def test_only_the_reward_rate_row_leaves_unknowns_that_occur_but_are_not_forced() -> None:
    """Its constant feature cannot tell key tokens apart; every other system is forced in all that prompts see."""
    for name in ("td0", "gtd2", "average-reward-td"):
        assert rank_at(derive(find(name)), 2).rank == rank_at(derive(find(name)), 2).visible
    ranks = rank_at(derive(find("differential-td")), 2)
    assert ranks.visible - ranks.rank == 3


def test_a_system_that_claims_more_than_prompts_determine_is_seen() -> None:
    assert not rank_at(forgetful(derive(find("td0"))), 2).as_symbolic


def test_the_claim_is_then_undecided_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = forgetful(derive(find("td0")))
    monkeypatch.setattr("layerproof.proofs.case.derive", lambda *_: wrong)
    (claim,) = derived.establish(Check(find("td0"), Settings(features=2, context=2, layers=1)))
    assert claim.verdict is Verdict.UNDECIDED
    assert "determine 90 unknowns only, symbolic d determines 91" in claim.reason

"""Further ways to get a false or empty theorem through the gate, each seen to be refused or left open."""

from __future__ import annotations

from pathlib import Path

import pytest
from rocq_tiny import PROOFS, THEORY, judged

from layerproof.proofs.theory import gate as gate_module

FALSE = "Theorem twice : forall n : nat, double n = n + n.\nProof. {proof} Qed.\n"
DOUBLE = "Fixpoint double (n : nat) : nat := match n with O => O | S k => S (double k) end.\n"
UNWORDED = {
    "a hypothesis outside a section": "Hypothesis none : False.\n" + FALSE.format(proof="destruct none."),
    "a context outside a section": "Context (none : False).\n" + FALSE.format(proof="destruct none."),
    "a functor's argument": "Module Type T. Hypothesis none : False. End T.\nModule F (X : T).\n"
    + FALSE.format(proof="destruct X.none.") + "End F.\nModule G <: T. Hypothesis none : False. End G.\n"
    "Module H := F G.\nDefinition twice := H.twice.\n",
    "an instance that is left open": "Class Empty := none : False.\nHypothesis e : Empty.\nExisting Instance e.\n"
    + FALSE.format(proof="destruct (none : False)."),
    "an obligation that is waved through": "From Coq Require Import Program.Tactics.\nHypothesis f : False.\n"
    "Local Obligation Tactic := destruct f.\nProgram Definition twice : forall n : nat, double n = n + n\n"
    " := fun n => _.\n",
}  # fmt: skip


@pytest.mark.parametrize("what", UNWORDED)
def test_an_assumption_under_another_word_is_in_the_answer(what: str, tmp_path: Path) -> None:
    outcome = judged(tmp_path, DOUBLE + UNWORDED[what], statements=STATED)
    assert not outcome.passed, what
    assert "it rests on Axioms: " in outcome.refused["twice"], outcome


ELSEWHERE = """\
From LayerProofStatements Require tiny.
{before}Theorem twice : LayerProofStatements.tiny.twice.
Proof. {proof} Qed.
"""


@pytest.mark.parametrize(
    "cheats, before, proof",
    [
        ("Hypothesis cheat : False.\n", "", "destruct LayerProofStatements.tiny.cheat."),
        ("", "Hypothesis cheat : False.\n", "destruct cheat."),
    ],
)
def test_an_assumption_of_the_statements_or_of_the_proofs_is_in_the_answer(
    cheats: str, before: str, proof: str, tmp_path: Path
) -> None:
    outcome = judged(tmp_path, THEORY, ELSEWHERE.format(before=before, proof=proof), STATED + cheats)
    assert not outcome.passed and "it rests on Axioms: tiny.cheat" in outcome.refused["twice"]


def test_proofs_that_name_their_own_statements_so_are_seen_by_the_seal(tmp_path: Path) -> None:
    own = "Module LayerProofStatements. Module tiny. Definition twice := True. End tiny. End LayerProofStatements.\n"
    outcome = judged(tmp_path, THEORY, own + ELSEWHERE.partition("\n")[2].format(before="", proof="exact I."))
    assert not outcome.passed and "not the restated one: seals/" in outcome.refused["twice"]


def test_no_way_of_printing_hides_an_axiom(tmp_path: Path) -> None:
    narrow = "#[global] Set Printing Width 2. #[global] Set Printing Depth 1. #[global] Set Silent.\n"
    outcome = judged(tmp_path, narrow + DOUBLE + UNWORDED["a hypothesis outside a section"], statements=STATED)
    assert not outcome.passed and "it rests on Axioms: " in outcome.refused["twice"]


STATED = DOUBLE + "Definition twice : Prop := forall n : nat, double n = n + n.\n"
OPEN = {
    "the file ends itself": "Quit.\n" + THEORY,
    "an assumption taken back": "Hypothesis none : False.\n"
    + DOUBLE
    + FALSE.format(proof="destruct none.")
    + "Reset none.\n",
    "a step back": "Hypothesis none : False.\n" + DOUBLE + FALSE.format(proof="destruct none.") + "Back 2.\n",
    "a proof is left": THEORY.replace("Qed.", "Abort."),
    "an import of some parts": "Require Import -(coercions) Coq.Init.Nat.\n" + THEORY,
    "a file by its path": 'Require "tiny".\n' + THEORY,
    "an output to a file": 'Redirect "../seals/every_theorem" Print nat.\n' + THEORY,
    "time": "Timeout 1 Require Import Other.\n" + THEORY,
}


@pytest.mark.parametrize("what", OPEN)
def test_what_does_not_say_all_of_it_does_not_pass(what: str, tmp_path: Path) -> None:
    outcome = judged(tmp_path, OPEN[what])
    assert not outcome.passed and {**outcome.undecided, **outcome.refused}["twice"], outcome


def test_a_proof_may_not_print_the_seal_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the nonce known, an answer that stands in the audit's output is not one of the seal's."""
    monkeypatch.setattr(gate_module, "nonce", lambda: "known")
    forged = (
        'Goal True. idtac "known 0 begins". idtac "Closed under the global context". idtac "known 0 ends". Abort.\n'
    )
    text = DOUBLE + UNWORDED["a hypothesis outside a section"]
    outcome = judged(tmp_path, text + forged, proofs=PROOFS + forged, statements=STATED)
    assert not outcome.passed and "it rests on Axioms: " in outcome.refused["twice"]

"""What a theory exports cannot change a statement: the statement is compiled where there is no theory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rocq_tiny import PROOFS, THEORY, judged

from layerproof.proofs.theory.audits import audits
from layerproof.proofs.theory.general import FOLDER, general_audits
from layerproof.symbolic.algorithms import find

WEAK = (
    "Definition double (n : nat) : nat := n.\nTheorem twice : forall n : nat, double n = n.\nProof. reflexivity. Qed.\n"
)
EXPORTS = {
    "a notation for equality": 'Notation "x = y" := True : type_scope.',
    "a notation for a sum": 'Notation "x + y" := x : nat_scope.',
    "a notation for quantifiers": "Notation \"'forall' x : A , P\" := True (x binder, at level 200).",
    "names of the statement": "Definition nat := unit. Definition eq := 0. Definition plus := 0.",
    "a module with the statements' name": (
        "Module LayerProofStatements. Module tiny. Definition twice := True. End tiny. End LayerProofStatements."
    ),
    "a coercion": "Definition truth (P : Prop) : bool := true. Coercion truth : Sortclass >-> bool.",
    "a canonical structure": "Structure any := Any { of : nat }. Canonical anything := Any 0.",
    "arguments": "Global Arguments eq {A} x {y}.",
    "hints": "Global Hint Extern 0 => exact I : core.",
    "a tactic of the name that the seal uses": 'Tactic Notation "idtac" string(x) := exact I.',
}


@pytest.mark.slow
@pytest.mark.parametrize("what", EXPORTS)
def test_hostile_exports_change_nothing(what: str, tmp_path: Path) -> None:
    """The right theorem passes in spite of them, and a weak one of the same name does not because of them."""
    text = EXPORTS[what]
    right = judged(tmp_path, THEORY + text)
    assert set(right.passed) == {"twice"}, right
    weak = judged(tmp_path, WEAK + text)
    assert not weak.passed and "not the restated one" in weak.refused["twice"]


def test_a_file_of_the_theory_with_the_name_of_the_statements_is_no_statement(tmp_path: Path) -> None:
    hijack = "Module tiny. Definition twice : Prop := True. End tiny."
    text = "From LayerProof Require LayerProofStatements.\nTheorem twice : True.\nProof. exact I. Qed.\n"
    outcome = judged(tmp_path, text, LayerProofStatements=hijack)
    assert not outcome.passed and "not the restated one" in outcome.refused["twice"]


def test_a_proof_of_something_else_is_seen_by_the_seal(tmp_path: Path) -> None:
    outcome = judged(tmp_path, proofs="Theorem twice : True.\nProof. exact I. Qed.\n")
    assert not outcome.passed and "has type" in outcome.refused["twice"]


@pytest.mark.parametrize("old, new", [("S (S (double k))", "S (double k)"), ("n + n", "n + 0")])
def test_another_statement_is_refused(old: str, new: str, tmp_path: Path) -> None:
    from rocq_tiny import STATEMENTS

    assert old in STATEMENTS
    outcome = judged(tmp_path, statements=STATEMENTS.replace(old, new))
    assert not outcome.passed and "not the restated one" in outcome.refused["twice"]


def test_statements_cannot_see_the_theory(tmp_path: Path) -> None:
    planted = "From LayerProof Require tiny.\nDefinition twice : Prop := True.\n"
    outcome = judged(tmp_path, statements=planted)
    assert "LayerProof.tiny, which is no listed file" in outcome.refused["twice"]


def test_every_statement_stands_over_mathcomp_alone_and_no_proof_imports_the_theory() -> None:
    listed = [*general_audits(), *audits(find("td0")), *audits(find("td-lambda"))]
    for audit in listed:
        assert re.search(r"\bLayerProof\b", audit.statements) is None, audit.name
        assert re.search(r"LayerProof Require (Import|Export)|Import LayerProof\.", audit.proofs) is None, audit.name
        assert all(re.search(rf"^Definition {t.name} : Prop :=", audit.statements, re.M) for t in audit.theorems)
    written = {f.stem for f in (FOLDER / "statements").glob("*.v")}
    assert written == {f.stem for f in (FOLDER / "audit_proofs").glob("*.v")} == {a.name for a in general_audits()}
    assert PROOFS.count("Import") == 0

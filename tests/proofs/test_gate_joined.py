"""Generated audits are compiled joined: no verdict is about a group, and no neighbour changes what a statement says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from own_algorithms import own
from rocq_tiny import PROOFS, STATEMENTS, THEORY, audit, fake, rocq, theory

from layerproof.proofs.theory import gate as gate_module
from layerproof.proofs.theory.audit import Audit, TheoryFile
from layerproof.proofs.theory.audits import audits
from layerproof.proofs.theory.gate import gate
from layerproof.proofs.theory.general import general_audits
from layerproof.proofs.theory.joined import contained, joined
from layerproof.proofs.theory.lexer import code, forbidden_words
from layerproof.proofs.theory.theorem import Theorem
from layerproof.symbolic.algorithms import find

HOSTILE = 'x *) Notation "a = b" := True : type_scope. (* " *) Axiom cheat : False. (*'


def tiny(name: str, theory_text: str = THEORY, statements: str = STATEMENTS) -> Audit:
    """The audit of the one theorem as a generated one: with a file of the theory, and names, of its own."""
    proofs = PROOFS.replace("tiny", name).replace("twice", f"twice_{name}")
    proofs = proofs.replace(f"LayerProof.{name}.twice_{name}", f"LayerProof.{name}.twice")
    renamed = statements.replace("twice", f"twice_{name}")
    theorem = Theorem(f"twice_{name}", name, "", "", algorithm=name)
    return Audit(name, (name,), (theorem,), renamed, proofs, (TheoryFile(name, theory_text),), joins=True)


WEAK = "Definition double (n : nat) := n.\nTheorem twice n : double n = n.\nProof. reflexivity. Qed.\n"


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every group that is judged, by the names of its audits, with all that can be joined in one."""
    groups: list[list[str]] = []
    judge = gate_module._Gate.judge

    def watched(self: gate_module._Gate) -> None:
        groups.append([a.name for a in self.audits])
        judge(self)

    monkeypatch.setattr("layerproof.proofs.theory.joined.workers", lambda: 1)
    monkeypatch.setattr(gate_module._Gate, "judge", watched)
    return groups


def test_right_ones_pass_together_and_once(tmp_path: Path, together: list[list[str]]) -> None:
    outcome = gate([tiny("a"), tiny("b"), audit()], rocq(), theory(tmp_path / "theory"), limit=120.0)
    assert set(outcome.passed) == {"twice_a", "twice_b", "twice"} and together == [["tiny", "several_1"]]
    assert set(outcome.sources) == {"tiny.v"}


def test_a_wrong_one_is_refused_alone_and_for_its_own_reason(tmp_path: Path, together: list[list[str]]) -> None:
    audits = [tiny("a"), tiny("b", WEAK), tiny("c", "Axiom double : nat -> nat." + THEORY)]
    outcome = gate(audits, rocq(), theory(tmp_path / "theory"), limit=120.0)
    assert set(outcome.passed) == {"twice_a"} and together == [["several_1"], ["a", "b", "c"]]
    assert "not the restated one" in outcome.refused["twice_b"] and "audits/b" not in outcome.undecided
    assert "c.v contains Axiom" in outcome.refused["twice_c"]


USES = "From LayerProofStatements Require Import a.\nDefinition twice : Prop := forall n : nat, double n = n + n.\n"
"""Statements that speak in the words of another file's."""


@pytest.mark.parametrize("wrong", [False, True])
def test_one_that_imports_anothers_words_is_joined_with_it_and_falls_alone(
    wrong: bool, tmp_path: Path, together: list[list[str]]
) -> None:
    user = tiny("b", statements=USES.replace("n + n", "n + 0") if wrong else USES)
    user = replace(user, proofs="From LayerProofStatements Require Import a.\n" + user.proofs)
    outcome = gate([tiny("a"), user, tiny("c")], rocq(), theory(tmp_path / "theory"), limit=120.0)
    assert set(outcome.passed) == {"twice_a", "twice_c"} | (set() if wrong else {"twice_b"})
    assert together == [["several_1"], *[["a", "b", "c"]] * wrong]
    assert not wrong or "not the restated one" in outcome.refused["twice_b"]


NEIGHBOURS = (
    "Record any := { of :> nat }.",
    'Inductive same : Prop := Same where "x = y" := same.',
    'Fixpoint f (n : nat) := n where "x = y" := (f x).',
    'Notation "x = y" := True : type_scope.',
    'Local Notation "x = y" := True.',
    "Global Arguments eq {A} x {y}.",
    "Canonical x := Any 0.",
    "#[global] Hint Extern 0 => exact I : core.",
    "Coercion f : a >-> b.",
    "Open Scope nat_scope.",
    "Import x. Export y.",
    "Set Universe Polymorphism.",
    "Local Set Asymmetric Patterns.",
    "Ltac f ::= idtac.",
    "Module Import x.",
)


@pytest.mark.parametrize("sentence", NEIGHBOURS)
def test_what_could_reach_beyond_its_module_is_not_joined(sentence: str, together: list[list[str]]) -> None:
    hostile = tiny("a", statements=STATEMENTS + sentence + "\n")
    assert not contained(hostile.statements)
    assert [a.name for a in joined([hostile, tiny("b"), tiny("c")])] == ["a", "several_1"]


def test_statements_of_every_kind_are_joined_and_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerproof.proofs.theory.joined.workers", lambda: 1)
    apart = [a for x in (find("td0"), own(title=HOSTILE, source=HOSTILE)) for a in audits(x)]
    (one,) = joined(apart)
    assert [t.name for t in one.theorems] and {t.name for a in apart for t in a.theorems} == set(one.modules)
    for a in apart:
        body = a.statements[a.statements.index("Section Layer") :]
        assert f"Module {a.name}.\n" in one.statements and body in one.statements
    for text in one.texts().values():
        assert forbidden_words(text) == [] and "cheat" not in str(code(text))
    assert all(f"LayerProofStatements.{a.name}." not in one.proofs for a in apart)


def test_the_general_ones_are_joined_and_each_imports_what_its_file_did() -> None:
    apart = general_audits()
    (one,) = joined(apart)
    assert set(one.modules) == {t.name for a in apart for t in a.theorems} and one.words == ()
    opened = "".join(f"Import LayerProofStatements.{one.name}.{w}.\n" for w in ("attention", "gradient"))
    text = next(a for a in apart if a.name == "equivariance").statements.partition("attention gradient.\n")[2]
    assert f"Module equivariance.\n{opened}" in one.statements and f"{text}End equivariance.\n" in one.statements
    assert "Require Import attention" not in one.statements + one.proofs


def test_what_another_file_of_proofs_stands_on_stays_a_file_of_its_own(together: list[list[str]]) -> None:
    stands = tiny("c")
    stands = replace(stands, proofs=f"From LayerProofAudits Require a.\n{stands.proofs}")
    assert [a.name for a in joined([tiny("a"), tiny("b"), stands])] == ["a", "several_1"]


def test_one_alone_and_those_with_other_imports_stay_apart() -> None:
    other = replace(tiny("b"), statements="From Coq Require Import Arith.\n" + STATEMENTS)
    assert joined([tiny("a"), other]) == [tiny("a"), other]


def test_a_prover_that_is_killed_leaves_all_of_a_group_open(tmp_path: Path, together: list[list[str]]) -> None:
    outcome = gate([tiny("a"), tiny("b")], fake(tmp_path, "kill -9 $$"), theory(tmp_path / "theory"))
    assert set(outcome.undecided) == {"twice_a", "twice_b"} and not outcome.passed and not outcome.refused


def test_what_is_kept_is_compiled_as_it_is_kept(tmp_path: Path, together: list[list[str]]) -> None:
    gate([tiny("a"), tiny("b")], fake(tmp_path, "exit 1"), theory(tmp_path / "theory"), keep=tmp_path / "kept")
    gate([tiny("a"), tiny("b")], fake(tmp_path, "exit 1"), theory(tmp_path / "theory"), apart=True)
    assert together[0] == ["a", "b"] == together[-1]

"""The Rocq gate is seen to refuse: each fault is planted in the real theory of TD(0), or in the prover itself.

Where no prover is installed these tests are skipped, but on a machine that runs CI (CI is set) they fail.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from layerproof.proofs.cli import run
from layerproof.proofs.theory import audits as theorems
from layerproof.proofs.theory import gate as prover
from layerproof.proofs.theory import record as proof_record
from layerproof.proofs.theory.gate import THEORY, Outcome, Prover, forbidden_words, gate
from layerproof.proofs.theory.heads import heads_text
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.derivation.derive import derive

pytestmark = pytest.mark.slow

TD0_FILES = ("attention", "td_prompt", "td0")


def audit_of_td0() -> theorems.Audit:
    """The restated theorems of TD(0), without the instance in numbers."""
    return next(a for a in theorems.audits(find("td0")) if not a.whole)


NAMES = {t.name for t in audit_of_td0().theorems}


@pytest.fixture
def rocq() -> Prover:
    found = prover.find_prover()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no Rocq prover: nothing would be machine-checked")
        pytest.skip("no Rocq prover on this machine")
    return found


@pytest.fixture
def theory(tmp_path: Path) -> Path:
    folder = tmp_path / "theory"
    folder.mkdir()
    for name in TD0_FILES:
        shutil.copy(THEORY / f"{name}.v", folder)
    (folder / "_CoqProject").write_text("-Q . LayerProof\n" + "".join(f"{n}.v\n" for n in TD0_FILES))
    return folder


def edit(theory: Path, name: str, old: str, new: str) -> None:
    file = theory / f"{name}.v"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def judged(theory: Path, rocq: Prover, limit: float = 120.0) -> Outcome:
    return gate([audit_of_td0()], rocq, theory, limit=limit)


def test_the_theory_of_td0_passes(theory: Path, rocq: Prover) -> None:
    outcome = judged(theory, rocq)
    assert (set(outcome.passed), outcome.refused, outcome.undecided) == (NAMES, {}, {})


# faults in the theory


def test_an_admitted_proof_is_refused(theory: Path, rocq: Prover) -> None:
    edit(theory, "td0", "Proof. by rewrite td0_state col_mxKu. Qed.", "Admitted.")
    outcome = judged(theory, rocq)
    assert not outcome.passed and "td0.v contains Admitted" in outcome.refused["td0_features"]


def test_an_axiom_in_a_file_that_is_imported_is_refused(theory: Path, rocq: Prover) -> None:
    edit(theory, "td_prompt", "Section TD.", "Axiom shortcut : forall P : Prop, P.\nSection TD.")
    outcome = judged(theory, rocq)
    assert not outcome.passed and "td_prompt.v contains Axiom" in outcome.refused["td0_state"]


def test_an_axiom_that_no_word_betrays_is_seen_by_the_prover(
    theory: Path, rocq: Prover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prover, "FORBIDDEN", ())
    edit(theory, "td_prompt", "Section TD.", "Axiom shortcut : forall P : Prop, P.\nSection TD.")
    edit(theory, "td0", "Proof. by rewrite td0_state col_mxKu. Qed.", "Proof. exact: shortcut. Qed.")
    outcome = judged(theory, rocq)
    assert "it rests on Axioms: " in outcome.refused["td0_features"] and "td0_features" not in outcome.passed
    assert "td0_state" in outcome.passed


def test_switching_the_guard_off_is_refused(theory: Path, rocq: Prover) -> None:
    edit(theory, "td0", "Section TD0.", "Unset Guard Checking.\nSection TD0.")
    assert "Guard Checking" in judged(theory, rocq).refused["td0_state"]


def test_bypassing_a_check_is_refused(theory: Path, rocq: Prover) -> None:
    edit(theory, "td0", "Fixpoint iterate", "#[bypass_check(guard)] Fixpoint iterate")
    assert "bypass_check" in judged(theory, rocq).refused["td0_state"]


def test_a_section_hypothesis_that_weakens_the_theorems_is_refused(theory: Path, rocq: Prover) -> None:
    edit(
        theory,
        "td0",
        "Variable C : nat -> 'M[F]_d.",
        "Variable C : nat -> 'M[F]_d.\nHypothesis no_discount : gamma = 0.",
    )
    edit(theory, "td0", "Proof.\nelim: L", "Proof.\nhave _ := no_discount; elim: L")
    outcome = judged(theory, rocq)
    assert not outcome.passed and "not the restated one" in outcome.refused["td0_state"]


def test_a_weaker_theorem_under_the_same_name_is_refused(theory: Path, rocq: Prover) -> None:
    statement, proof = "  usubmx (transformer L (prompt w0)) = X.\n", "Proof. by rewrite td0_state col_mxKu. Qed."
    edit(
        theory, "td0", statement + proof, "  transformer L (prompt w0) = transformer L (prompt w0).\nProof. by []. Qed."
    )
    assert "not the restated one" in judged(theory, rocq).refused["td0_features"]


def test_another_recursion_under_the_same_name_is_refused(theory: Path, rocq: Prover) -> None:
    """The textbook loses its step size, and the layer its scale with it: consistent, and not TD(0) as it is stated."""
    file = theory / "td0.v"
    text = file.read_text(encoding="utf-8").replace("n%:R^-1", "(n%:R^-1 * n%:R^-1)")
    file.write_text(text, encoding="utf-8")
    outcome = judged(theory, rocq)
    assert not outcome.passed and "not the restated one" in outcome.refused["td0_state"]


def test_a_theory_that_does_not_compile_leaves_the_question_open(theory: Path, rocq: Prover) -> None:
    edit(theory, "td0", "col_mxKu. Qed.", "col_mxKd. Qed.")
    outcome = judged(theory, rocq)
    assert not outcome.passed and "td0.v does not compile" in outcome.undecided["td0_state"]


# faults in the statement and in the derived weights


def test_a_statement_with_the_sign_of_the_read_out_flipped_is_refused(theory: Path, rocq: Prover) -> None:
    audit = audit_of_td0()
    flipped = tuple(
        replace(t, statement=t.statement.replace("w0, - transformer", "w0, transformer")) for t in audit.theorems
    )
    assert flipped != audit.theorems
    outcome = gate([replace(audit, theorems=flipped)], rocq, theory)
    assert not outcome.passed and "not the restated one" in outcome.refused["td0_prediction"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(- (C l)^T) ((C l)^T)", "((C l)^T) ((C l)^T)"),
        ("(- (C l)^T) ((C l)^T)", "(- C l) (C l)"),
        ("'M[F]_(n + 1) := block_mx 1%:M 0 0 0", "'M[F]_(n + 1) := block_mx 1%:M 0 0 1%:M"),
    ],
    ids=["a sign", "C for its transpose", "the query in the mask"],
)
def test_a_derived_weight_that_was_changed_is_refused(theory: Path, rocq: Prover, old: str, new: str) -> None:
    audit = audit_of_td0()
    assert old in audit.definitions
    outcome = gate([replace(audit, definitions=audit.definitions.replace(old, new))], rocq, theory)
    assert not outcome.passed and "not the restated one" in outcome.refused["td0_state"]


@pytest.mark.parametrize("what", ["a weight", "a mask entry", "a state"])
def test_the_kernel_refuses_numbers_that_are_not_the_textbooks(what: str, rocq: Prover, tmp_path: Path) -> None:
    audit = next(a for a in theorems.audits(find("td0")) if a.whole)
    good = gate([audit], rocq)
    assert set(good.passed) == {"numbers_td0"}
    definition = {"a weight": "Definition Q", "a mask entry": "Definition M", "a state": "Definition state_1"}[what]
    start = audit.whole.index(definition)
    digits = re.compile(r"\(?-?[1-9][0-9]* # [0-9]+\)?|(?<![0-9#])1(?![0-9])")
    number = digits.search(audit.whole, start + len(definition) + 3)
    assert number is not None
    changed = audit.whole[: number.start()] + "(7 # 3)" + audit.whole[number.end() :]
    outcome = gate([replace(audit, whole=changed)], rocq)
    assert not outcome.passed and "numbers_td0" in outcome.refused


# faults in the prover


def fake(folder: Path, body: str) -> Prover:
    file = folder / "coqc"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return Prover((str(file),), "fake")


def test_a_prover_that_exits_0_without_compiling_proves_nothing(theory: Path, tmp_path: Path) -> None:
    outcome = judged(theory, fake(tmp_path, "exit 0"))
    assert not outcome.passed and set(outcome.undecided) == NAMES
    assert "compiled nothing" in outcome.undecided["td0_state"]


def test_a_prover_that_compiles_and_says_nothing_proves_nothing(theory: Path, tmp_path: Path) -> None:
    outcome = judged(theory, fake(tmp_path, 'for f; do :; done; touch "${f%.v}.vo"'))
    assert not outcome.passed and outcome.undecided["td0_state"] == "the prover did not say what it assumes"


def test_a_prover_that_hangs_is_ended(theory: Path, tmp_path: Path) -> None:
    outcome = judged(theory, fake(tmp_path, "sleep 600"), limit=0.5)
    assert not outcome.passed and "did not compile within" in outcome.undecided["td0_state"]


def test_without_a_prover_nothing_is_run_and_the_exit_code_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert run(["prove", "td0"]) == 3
    out = capsys.readouterr().out
    assert "NOT_RUN" in out and "apt-get install coq" in out and "HOLDS" not in out
    assert run(["verify", "td0", "-n", "2", "-L", "1", "--evidence", "derived", "--prove"]) == 3


# the record


def test_a_record_counts_only_for_the_same_sources_statements_and_prover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERPROOF_CACHE", str(tmp_path))
    audits, rocq = theorems.audits(find("td0")), Prover(("coqc",), "8")
    names = {t.name: 1.0 for a in audits for t in a.theorems}
    outcome = Outcome(names, {}, {}, "8", 1.0)
    assert not proof_record.holds("td0", audits, rocq)
    proof_record.write("td0", audits, rocq, replace(outcome, passed={"td0_state": 1.0}))
    assert not proof_record.holds("td0", audits, rocq)
    proof_record.write("td0", audits, rocq, outcome)
    assert proof_record.holds("td0", audits, rocq)
    assert not proof_record.holds("td0", audits, replace(rocq, version="9"))
    assert not proof_record.holds("td0", [replace(audits[0], definitions="")], rocq)
    assert not proof_record.holds("gtd2", theorems.audits(find("gtd2")), rocq)
    monkeypatch.setattr(proof_record, "source_digests", lambda: {"td0.v": "other"})
    assert not proof_record.holds("td0", audits, rocq)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"td0": 1}', '{"td0": "x"}'])
def test_a_damaged_record_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setenv("LAYERPROOF_CACHE", str(tmp_path))
    (tmp_path / "proofs.json").write_text(content)
    assert not proof_record.holds("td0", theorems.audits(find("td0")), Prover(("coqc",), "8"))


# what needs no prover


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_algorithm_has_theorems_about_its_own_derived_heads(name: str) -> None:
    algorithm = find(name)
    audits = theorems.audits(algorithm)
    assert len(audits) == 2 * max(1, *(len(v) for v in algorithm.options.values()), 1)
    for audit in (a for a in audits if not a.whole):
        assert {"state", "prediction", "features"} <= {
            part for part in ("state", "prediction", "features") if any(part in t.name for t in audit.theorems)
        }
        assert any(heads_text(derive(algorithm, {"trace": o} if o else {})) in audit.definitions
                   for o in [None, *(v for vs in algorithm.options.values() for v in vs)])  # fmt: skip


@pytest.mark.parametrize("file", sorted(THEORY.glob("*.v")), ids=lambda f: f.name)
def test_the_theory_has_no_forbidden_word_and_a_glossary(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert forbidden_words(text) == [] and text.startswith("(***") and "==" in text[:3000]


def test_every_file_of_the_theory_is_in_its_project() -> None:
    assert sorted(prover.files_of(THEORY)) == sorted(f.stem for f in THEORY.glob("*.v"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Lemma x : True. Proof. Admitted.", ["Admitted"]),
        ("(* Admitted (* Axiom *) *) Lemma x' : True.", []),
        ("Local Axiom y : False.", ["Axiom"]),
        ("Lemma admitted_x : True.", []),
        ("Set  Universe Polymorphism. Unset Universe Checking.", ["Universe Checking"]),
    ],
)
def test_forbidden_words_are_seen_outside_comments(text: str, found: list[str]) -> None:
    assert forbidden_words(text) == found

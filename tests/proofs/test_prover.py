"""The Rocq gate is seen to refuse: each fault is planted in the real theory, or in the derived weights.

Attacks that need no real theory stand in test_gate_*.py, over a theory of a few lines.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rocq_tiny import rocq

from layerproof.proofs.cli import run
from layerproof.proofs.theory import audits as theorems
from layerproof.proofs.theory import gate as prover
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.gate import THEORY, Outcome, gate
from layerproof.proofs.theory.general import general_audit, general_audits
from layerproof.proofs.theory.generated.write import REQUIRES
from layerproof.proofs.theory.heads import heads_text
from layerproof.proofs.theory.lexer import forbidden_words, needs
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.derivation.derive import derive

pytestmark = pytest.mark.slow

TD0_FILES = ("attention", "td_prompt", "td0")


def audit_of_td0() -> Audit:
    """The restated theorems of TD(0), without the instance in numbers."""
    return theorems.audits(find("td0"))[0]


NAMES = {t.name for t in audit_of_td0().theorems}


@pytest.fixture
def theory(tmp_path: Path) -> Path:
    return copied(tmp_path / "theory", *TD0_FILES)


def copied(folder: Path, *names: str) -> Path:
    """A theory of some files of the real one."""
    folder.mkdir()
    for name in names:
        shutil.copy(THEORY / f"{name}.v", folder)
    (folder / "_CoqProject").write_text("-Q . LayerProof\n" + "".join(f"{n}.v\n" for n in names))
    return folder


def edit(theory: Path, name: str, old: str, new: str) -> None:
    file = theory / f"{name}.v"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def judged(theory: Path) -> Outcome:
    return gate([audit_of_td0()], rocq(), theory, limit=240.0)


def test_the_theory_of_td0_passes(theory: Path) -> None:
    outcome = judged(theory)
    assert (set(outcome.passed), outcome.refused, outcome.undecided) == (NAMES, {}, {})


# faults in the theory


def test_an_admitted_proof_is_refused(theory: Path) -> None:
    edit(theory, "td0", "Proof. by rewrite td0_state col_mxKu. Qed.", "Admitted.")
    outcome = judged(theory)
    assert not outcome.passed and "td0.v contains Admitted" in outcome.refused["td0_features"]


def test_an_axiom_in_a_file_that_is_imported_is_refused(theory: Path) -> None:
    edit(theory, "td_prompt", "Section TD.", "Axiom shortcut : forall P : Prop, P.\nSection TD.")
    outcome = judged(theory)
    assert not outcome.passed and "td_prompt.v contains Axiom" in outcome.refused["td0_state"]


@pytest.mark.slow
def test_an_axiom_that_no_word_betrays_is_seen_by_the_prover(theory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prover, "forbidden_words", lambda text: [])
    edit(theory, "td_prompt", "Section TD.", "Axiom shortcut : forall P : Prop, P.\nSection TD.")
    edit(theory, "td0", "Proof. by rewrite td0_state col_mxKu. Qed.", "Proof. exact: shortcut. Qed.")
    outcome = judged(theory)
    assert "it rests on Axioms: " in outcome.refused["td0_features"] and not outcome.passed
    assert "the checker lists the axiom LayerProof.td_prompt.shortcut" in outcome.refused["td0_state"]


@pytest.mark.slow
def test_a_section_hypothesis_that_weakens_the_theorems_is_refused(theory: Path) -> None:
    edit(
        theory,
        "td0",
        "Variable C : nat -> 'M[F]_d.",
        "Variable C : nat -> 'M[F]_d.\nHypothesis no_discount : gamma = 0.",
    )
    edit(theory, "td0", "Proof.\nelim: L", "Proof.\nhave _ := no_discount; elim: L")
    outcome = judged(theory)
    assert not outcome.passed and "not the restated one" in outcome.refused.get("td0_state", ""), outcome


@pytest.mark.slow
def test_a_weaker_theorem_under_the_same_name_is_refused(theory: Path) -> None:
    statement, proof = "  usubmx (transformer L (prompt w0)) = X.\n", "Proof. by rewrite td0_state col_mxKu. Qed."
    edit(
        theory, "td0", statement + proof, "  transformer L (prompt w0) = transformer L (prompt w0).\nProof. by []. Qed."
    )
    assert "not the restated one" in judged(theory).refused["td0_features"]


@pytest.mark.slow
def test_another_recursion_under_the_same_name_is_refused(theory: Path) -> None:
    """The textbook loses its step size, and the layer its scale with it: consistent, and not TD(0) as it is stated."""
    file = theory / "td0.v"
    text = file.read_text(encoding="utf-8").replace("n%:R^-1", "(n%:R^-1 * n%:R^-1)")
    file.write_text(text, encoding="utf-8")
    outcome = judged(theory)
    assert not outcome.passed and "not the restated one" in outcome.refused.get("td0_state", ""), outcome


@pytest.mark.slow
def test_a_transformer_that_uses_the_first_layers_masks_everywhere_is_refused(theory: Path) -> None:
    """TD(0) has one mask for all layers and would not see it; its audit does."""
    edit(theory, "attention", "(Q l) (M l) (transformer", "(Q l) (M 0%N) (transformer")
    edit(theory, "attention", "*m M l h *m X^T *m E l h\n  else 0.", "*m M 0%N h *m X^T *m E l h\n  else 0.")
    outcome = judged(theory)
    assert not outcome.passed and "not the restated one" in outcome.refused.get("td0_state", ""), outcome


@pytest.mark.slow
def test_roundings_that_admit_nothing_do_not_pass_for_the_stated_ones(tmp_path: Path) -> None:
    """`ok := False` would make the theorem on rounding errors empty."""
    folder = copied(tmp_path / "theory", "sum_error")
    text = (folder / "sum_error.v").read_text(encoding="utf-8")
    start, end = text.index("Fixpoint ok u eta t"), text.index("Fixpoint exact t")
    text = text[:start] + "Definition ok (u eta : R) (t : tree) : Prop := False.\n\n" + text[end:]
    keep = text[: text.index("Theorem float_error t")]
    keep += """Theorem float_error t : ok u eta t ->
  `|computed t - exact t|
    <= growth u (roundings t) * magnitude t
     + (1 + u) ^+ roundings t * growth eta (losses t) * magnitude1 t.
Proof. by case: (conj u0 eta0). Qed.
End Bound.
End Trees.
"""
    (folder / "sum_error.v").write_text(keep, encoding="utf-8")
    outcome = gate([general_audit("sum_error")], rocq(), folder, limit=240.0)
    assert not outcome.passed and "not the restated one" in outcome.refused["float_error"]


@pytest.mark.slow
def test_an_empty_q_learning_does_not_pass_for_the_stated_one(tmp_path: Path) -> None:
    folder = copied(tmp_path / "theory", "attention", "negative")
    text = (folder / "negative.v").read_text(encoding="utf-8")
    start, end = text.index("Definition q_step"), text.index("End Impossible.")
    empty = """Definition q_value (rew : F) (l : nat) : F := `|rew|.
Theorem no_q_learning l : (2 <= l)%N -> ~ (forall rew, out rew = q_value rew l).
Proof. by move=> _; apply: no_abs. Qed.
"""
    (folder / "negative.v").write_text(text[:start] + empty + text[end:], encoding="utf-8")
    outcome = gate([general_audit("negative")], rocq(), folder, limit=240.0)
    assert not outcome.passed and "not the restated one" in outcome.refused["no_q_learning"]


# faults in the statement and in the derived weights


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("forall L w0, - transformer", "forall L w0, transformer"),
        ("(- (C l)^T) ((C l)^T)", "((C l)^T) ((C l)^T)"),
        ("(- (C l)^T) ((C l)^T)", "(- C l) (C l)"),
        ("'M[F]_(n + 1) := block_mx 1%:M 0 0 0", "'M[F]_(n + 1) := block_mx 1%:M 0 0 1%:M"),
        ("block_mx Phi q (gamma *: Phi') 0", "block_mx Phi q Phi' 0"),
    ],
    ids=["the read-out's sign", "a sign", "C for its transpose", "the query in the mask", "gamma dropped"],
)
def test_a_statement_or_a_derived_weight_that_was_changed_is_refused(theory: Path, old: str, new: str) -> None:
    audit = audit_of_td0()
    assert audit.statements.count(old) == 1
    outcome = gate([replace(audit, statements=audit.statements.replace(old, new))], rocq(), theory, limit=240.0)
    assert not outcome.passed and any("not the restated one" in said for said in outcome.refused.values())


@pytest.mark.slow
@pytest.mark.parametrize("what", ["a weight", "a mask entry", "a state"])
def test_the_kernel_refuses_numbers_that_are_not_the_textbooks(what: str, tmp_path: Path) -> None:
    audit = theorems.audits(find("td0"))[1]
    folder = copied(tmp_path / "theory", "attention", "numbers")
    definition = {"a weight": "Definition Q", "a mask entry": "Definition M", "a state": "Definition state_1"}[what]
    start = audit.statements.index(definition)
    digits = re.compile(r"\(?-?[1-9][0-9]* # [0-9]+\)?|(?<![0-9#])1(?![0-9])")
    number = digits.search(audit.statements, start + len(definition) + 3)
    assert number is not None
    changed = audit.statements[: number.start()] + "(7 # 3)" + audit.statements[number.end() :]
    outcome = gate([replace(audit, statements=changed)], rocq(), folder, limit=240.0)
    assert not outcome.passed and "not the restated one" in outcome.refused["numbers_td0"]


@pytest.mark.slow
def test_the_numbers_of_td0_pass(tmp_path: Path) -> None:
    outcome = gate([theorems.audits(find("td0"))[1]], rocq(), copied(tmp_path / "theory", "attention", "numbers"))
    assert set(outcome.passed) == {"numbers_td0"}


def test_without_a_prover_nothing_is_run_and_the_exit_code_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert run(["prove", "td0"]) == 3
    out = capsys.readouterr().out
    assert "NOT_RUN" in out and "apt-get install coq" in out and "HOLDS" not in out
    assert run(["verify", "td0", "-n", "2", "-L", "1", "--evidence", "derived", "--prove"]) == 3


# what needs no prover


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_algorithm_has_theorems_about_its_own_derived_heads(name: str) -> None:
    algorithm = find(name)
    audits = theorems.audits(algorithm)
    options = [{k: v} for k, vs in algorithm.options.items() for v in vs] or [{}]
    assert len(audits) == 2 * len(options)
    for (book, numbers), chosen in zip(zip(audits[::2], audits[1::2], strict=True), options, strict=True):
        for part in ("state", "prediction", "features", "prompt0"):
            assert any(part in t.name for t in book.theorems)
        assert len(numbers.theorems) == 1
        assert heads_text(derive(algorithm, chosen)) in book.statements


@pytest.mark.parametrize("file", sorted(THEORY.glob("*.v")), ids=lambda f: f.name)
def test_the_theory_has_no_forbidden_word_and_a_glossary(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert forbidden_words(text) == [] and text.startswith("(***") and "==" in text[:3000]


def test_every_file_of_the_theory_is_in_its_project() -> None:
    assert sorted(prover.files_of(THEORY)) == sorted(f.stem for f in THEORY.glob("*.v"))


def test_what_the_docs_call_a_theorem_is_audited() -> None:
    """Their index, and the theorems that they name elsewhere in the running text."""
    text = (THEORY.parents[1] / "docs" / "theorems.md").read_text(encoding="utf-8")
    index = text[text.index("## The list") :]
    assert "float_error" in index
    named = {name for row in re.findall(r"^\| (`[^|]*) \|", index, re.M) for name in re.findall(r"`([\w]+)`", row)}
    named = {n for n in named if not n.startswith("_")} | {"attention_entry_bound", "float_error"}
    audited = {t.name for a in general_audits() for t in a.theorems}
    books = {t.name for n in catalogue() for a in theorems.audits(find(n)) for t in a.theorems}
    for name in named:
        if "ALGO" in name:
            part = name.replace("ALGO", "").strip("_")
            assert any(part in b for b in books), name
        else:
            assert name in audited | books, name


def test_every_file_of_the_theory_that_has_theorems_is_audited_or_serves_one_that_is() -> None:
    used = {r for a in general_audits() for r in a.requires}
    used |= {r for n in catalogue() for a in theorems.audits(find(n)) for r in a.requires}
    used |= set(REQUIRES)  # of every generated audit
    texts = {f.stem: f.read_text(encoding="utf-8") for f in THEORY.glob("*.v")}
    reached, new = set(used), set(used)
    while new:
        new = {m for n in new for m in needs(texts[n], "LayerProof")} - reached
        reached |= new
    assert set(texts) <= reached

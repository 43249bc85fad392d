"""The Rocq gate is seen to refuse: each fault is planted in the real theory.

Attacks that need no real theory stand in test_gate_*.py, over a theory of a few lines.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from cli import assert_refused, run_cli
from expected import expected
from own_files import write
from rocq_tiny import rocq

from layerproof.proofs.cli import run
from layerproof.proofs.convergence import kernel
from layerproof.proofs.theory import audits as theorems
from layerproof.proofs.theory import gate as prover
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.gate import THEORY, gate
from layerproof.proofs.theory.general import general_audit, general_audits
from layerproof.proofs.theory.generated.invariance import THEORY as OF_INVARIANCE
from layerproof.proofs.theory.generated.write import REQUIRES
from layerproof.proofs.theory.lexer import forbidden_words, needs
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.pattern_algorithms import pattern_catalogue

pytestmark = pytest.mark.slow


def audit_of_td0() -> Audit:
    """The theorems of TD(0) for all sizes, without the instance in numbers."""
    return theorems.audits(find("td0"))[0]


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


# faults in the theory; those in what is generated for an algorithm stand in test_planted_faults.py


def test_an_axiom_in_a_file_that_is_imported_is_refused(tmp_path: Path) -> None:
    theory = copied(tmp_path / "theory", *REQUIRES)
    edit(theory, "loop_masks", "Section Loop.", "Axiom shortcut : forall P : Prop, P.\nSection Loop.")
    outcome = gate([audit_of_td0()], rocq(), theory)
    assert not outcome.passed and "loop_masks.v contains Axiom" in outcome.refused["td0_state"]


@pytest.mark.slow
def test_a_transformer_that_uses_the_first_layers_masks_everywhere_is_refused(tmp_path: Path) -> None:
    """TD(0) has one mask for all layers and would not see it; its audit does."""
    theory = copied(tmp_path / "theory", *REQUIRES)
    edit(theory, "attention", "(Q l) (M l) (transformer", "(Q l) (M 0%N) (transformer")
    edit(theory, "attention", "*m M l h *m X^T *m E l h\n  else 0.", "*m M 0%N h *m X^T *m E l h\n  else 0.")
    file = theory / "loop_prompt.v"
    text = file.read_text(encoding="utf-8")
    assert text.count("(M l) (prompt s)") == 2
    file.write_text(text.replace("(M l) (prompt s)", "(M 0%N) (prompt s)"), encoding="utf-8")
    outcome = gate([audit_of_td0()], rocq(), theory, limit=240.0)
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


@pytest.mark.slow
def test_patterns_that_do_nothing_do_not_pass_for_the_stated_ones(tmp_path: Path) -> None:
    folder = copied(tmp_path / "theory", "attention", "negative", "frozen")
    text = (folder / "frozen.v").read_text(encoding="utf-8")
    start = text.index("Section Layer.")
    idle = """Theorem frozen_affine (R : comRingType) (m N L : nat) (Z0 Z1 : 'M[R]_(m, N)) :
  exists Y0 Y1, forall t : R, Z0 + t *: Z1 = Y0 + t *: Y1.
Proof. by exists Z0, Z1. Qed.
Theorem frozen_no_q_learning (F : realFieldType) m N (Z : 'M[{poly F}]_(m, N)) u v l : (2 <= l)%N ->
  ~ (forall rew, read_out u v (at_t Z rew) = q_value rew l).
Proof. exact: (@no_q_learning F m N 0 0 (fun _ _ => 0) (fun _ _ => 0) (fun _ _ => 0) (fun _ _ => 0) 0). Qed.
"""
    (folder / "frozen.v").write_text(text[:start] + idle, encoding="utf-8")
    outcome = gate([general_audit("frozen")], rocq(), folder, limit=240.0)
    assert not outcome.passed
    assert all("not the restated one" in outcome.refused[x] for x in ("frozen_affine", "frozen_no_q_learning"))


def test_without_a_prover_nothing_is_run_and_the_exit_code_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert run(["prove", "td0"]) == 3
    out = capsys.readouterr().out
    assert "NOT_RUN" in out and "apt-get install coq" in out and "HOLDS" not in out
    assert run(["verify", "td0", "-n", "2", "-L", "1", "--evidence", "derived", "--prove"]) == 3


# what needs no prover


def test_two_of_one_name_are_not_taken_for_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, ('name="mine"', 'name="td0"'))
    assert_refused(run_cli(capsys, "prove", "td0", file, "gtd2"), 4, "two of those named are called td0")


ROW = {"td_error": "residual"}
"""What the papers call a row, where it is not the row's own name."""


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_algorithm_has_its_theorems(name: str) -> None:
    """Their names are what users know: they stay. One without theorems says why in its own test."""
    algorithm = find(name)
    if reason := expected(name).unproved:
        assert reason in theorems.unproved(algorithm) and theorems.audits(algorithm) == []
        return
    module = name.replace("-", "_")
    for chosen in theorems.choices(algorithm):
        suffix = "".join(f"_{v.replace('-', '_')}" for v in chosen.values())
        book, numbers = theorems.audits_for(algorithm, chosen)
        parts = ["state", "prediction", "features", *(ROW.get(r, r) for r in expected(name).rows), "prompt0"]
        derivation = derive(algorithm, chosen)
        if derivation.tokenwise or derivation.depends_on_length:
            parts.append("hypotheses")  # 0 < n, and that it can be had
        assert [t.name for t in book.theorems] == [f"{module}_{part}{suffix}" for part in parts]
        assert [t.name for t in numbers.theorems] == [f"numbers_{module}{suffix}"]


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
    books |= {t.name for k in pattern_catalogue().values() for a in theorems.audits(k) for t in a.theorems}
    for name in named:
        if "ALGO" in name or "KIND" in name:
            part = name.replace("ALGO", "").replace("KIND", "").strip("_")
            assert any(part in b for b in books), name
        else:
            assert name in audited | books, name


def test_every_file_of_the_theory_that_has_theorems_is_audited_or_serves_one_that_is() -> None:
    used = {r for a in general_audits() for r in a.requires}
    used |= {r for n in catalogue() for a in theorems.audits(find(n)) for r in a.requires}
    used |= {r for k in pattern_catalogue().values() for a in theorems.audits(k) for r in a.requires}
    used |= {*REQUIRES, *OF_INVARIANCE, *kernel.REQUIRES}  # of every generated audit, and of a certificate's
    texts = {f.stem: f.read_text(encoding="utf-8") for f in THEORY.glob("*.v")}
    reached, new = set(used), set(used)
    while new:
        new = {m for n in new for m in needs(texts[n], "LayerProof")} - reached
        reached |= new
    assert set(texts) <= reached

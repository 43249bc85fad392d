"""The gate compiles what is listed, from sources alone; nothing that lies beside them is used."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from rocq_tiny import THEORY, audit, judged, rocq, theory

from layerproof.proofs.theory.audit import Audit, TheoryFile
from layerproof.proofs.theory.gate import gate
from layerproof.proofs.theory.prover import Prover
from layerproof.symbolic.errors import ContentError

pytestmark = pytest.mark.slow

EVIL = "Axiom shortcut : forall P : Prop, P.\n"
USES = """\
From LayerProof Require evil.
Fixpoint double (n : nat) : nat := match n with O => O | S k => S (S (double k)) end.
Theorem twice : forall n : nat, double n = n + n.
Proof. intro n. apply evil.shortcut. Qed.
"""


def test_the_tiny_theory_passes(tmp_path: Path) -> None:
    outcome = judged(tmp_path)
    assert (set(outcome.passed), outcome.refused, outcome.undecided) == ({"twice"}, {}, {})
    assert set(outcome.sources) == {"tiny.v"}


def test_a_compiled_file_beside_the_sources_is_not_used(tmp_path: Path) -> None:
    """tiny.v is wrong, and tiny.vo beside it is right; evil.vo is there and listed nowhere."""
    folder = theory(tmp_path / "theory")
    prover = rocq()
    subprocess.run([*prover.command, "-q", "-Q", ".", "LayerProof", "tiny.v"], cwd=folder, check=True)
    (folder / "tiny.v").write_text(THEORY.replace("n + n", "n + 0"))
    (folder / "evil.v").write_text(EVIL)
    subprocess.run([*prover.command, "-q", "-Q", ".", "LayerProof", "evil.v"], cwd=folder, check=True)
    kept = tmp_path / "kept"
    assert not gate([audit()], prover, folder, keep=kept).passed
    assert not list(kept.rglob("evil*")) and not (kept / "theory" / "tiny.vo").exists()


@pytest.mark.parametrize(
    "sentence",
    ["From LayerProof Require evil.", "Require LayerProof.evil.", "From LayerProof\nRequire(* *)Import evil.",
     "From Other Require evil.", "Require Import evil."],
)  # fmt: skip
def test_requiring_a_file_that_is_not_listed_is_refused(sentence: str, tmp_path: Path) -> None:
    folder = theory(tmp_path / "theory", USES.replace("From LayerProof Require evil.", sentence))
    (folder / "evil.v").write_text(EVIL)
    outcome = gate([audit()], rocq(), folder)
    assert not outcome.passed and "evil, which is no listed file" in outcome.refused["twice"]


def test_a_listed_file_with_an_axiom_taints_what_needs_it(tmp_path: Path) -> None:
    outcome = judged(tmp_path, USES, evil=EVIL)
    assert "evil.v contains Axiom" in outcome.refused["twice"]
    assert judged(tmp_path, THEORY, evil=EVIL).passed


def test_an_axiom_of_the_library_is_seen(tmp_path: Path) -> None:
    text = "From Coq Require Import Classical.\n" + THEORY.replace(
        "Proof. induction", "Proof. destruct (classic True) as [_|[]]; [|exact I]. induction"
    )
    outcome = judged(tmp_path, text)
    assert not outcome.passed and "classic" in outcome.refused["twice"]


@pytest.mark.parametrize(
    "name", ["COQPATH", "COQLIB", "OCAMLPATH", "COQFLAGS", "CAML_LD_LIBRARY_PATH", "XDG_DATA_HOME"]
)
def test_no_setting_of_the_caller_reaches_the_prover(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    assert judged(tmp_path).passed


def test_a_library_on_the_callers_path_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiled MathComp of the caller's own would come before the installed one."""
    planted = tmp_path / "planted" / "mathcomp"
    planted.mkdir(parents=True)
    (planted / "evil.v").write_text(EVIL)
    prover = rocq()
    subprocess.run([*prover.command, "-q", "-Q", ".", "mathcomp", "evil.v"], cwd=planted, check=True)
    monkeypatch.setenv("COQPATH", str(tmp_path / "planted"))
    outcome = judged(tmp_path, USES.replace("From LayerProof Require evil", "From mathcomp Require evil"))
    assert not outcome.passed and "evil" in outcome.undecided["twice"]
    shutil.rmtree(planted)


def renamed(name: str, theorem: str, *files: str) -> Audit:
    """The audit of the tiny theory under other names, with files of its own that join the theory."""
    plain = audit()
    (stated,) = plain.theorems
    theorems = (replace(stated, name=theorem),)
    return replace(plain, name=name, theorems=theorems, theory=tuple(TheoryFile(f, THEORY) for f in files))


@pytest.mark.parametrize(
    ("audits", "message"),
    [
        ([renamed("a", "twice"), renamed("b", "twice")], "two theorems would be named twice"),
        ([replace(audit(), theorems=audit().theorems * 2)], "two theorems would be named twice"),
        ([renamed("a", "once"), renamed("a", "twice")], "two files of statements would be named a"),
        ([renamed("a", "once", "c"), renamed("b", "twice", "c")], "two files of the theory would be named c"),
        ([renamed("a", "once", "tiny")], "two files are theory/tiny"),
    ],
)
def test_what_passes_is_known_by_its_name_so_that_two_of_one_name_are_refused(
    audits: list[Audit], message: str, tmp_path: Path
) -> None:
    folder = theory(tmp_path / "theory", THEORY + "(* the listed one *)\n")
    with pytest.raises(ContentError, match=message):
        gate(audits, Prover(("true",), "none is asked"), folder)

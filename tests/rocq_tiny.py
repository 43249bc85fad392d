"""A theory of a few lines over the prover's own library, and an audit of it: what attacks on the gate need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from layerproof.proofs.theory import gate as gate_module
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.gate import Outcome, gate
from layerproof.proofs.theory.prover import Prover, find_prover
from layerproof.proofs.theory.theorem import Theorem

THEORY = """\
Fixpoint double (n : nat) : nat := match n with O => O | S k => S (S (double k)) end.
Theorem twice : forall n : nat, double n = n + n.
Proof. induction n; simpl; [reflexivity|]. rewrite IHn, <- plus_n_Sm. reflexivity. Qed.
"""
STATEMENTS = """\
Fixpoint double (n : nat) : nat := match n with O => O | S k => S (S (double k)) end.
(* twice a number is its sum with itself *)
Definition twice : Prop := forall n : nat, double n = n + n.
"""
PROOFS = """\
From LayerProofStatements Require tiny.
From LayerProof Require tiny.
Theorem twice : LayerProofStatements.tiny.twice.
Proof. exact LayerProof.tiny.twice. Qed.
"""


def audit(statements: str = STATEMENTS, proofs: str = PROOFS) -> Audit:
    """The audit of the one theorem."""
    theorem = Theorem("twice", "tiny", "twice a number is its sum with itself", "forall n, double n = n + n")
    return Audit("tiny", ("tiny",), (theorem,), statements, proofs)


def theory(folder: Path, text: str = THEORY, **others: str) -> Path:
    """A theory of tiny.v, after other files that are listed too."""
    folder.mkdir(exist_ok=True)
    for name, source in {**others, "tiny": text}.items():
        (folder / f"{name}.v").write_text(source, encoding="utf-8")
    listed = "".join(f"{name}.v\n" for name in (*others, "tiny"))
    (folder / "_CoqProject").write_text(f"-Q . LayerProof\n{listed}", encoding="utf-8")
    return folder


def rocq() -> Prover:
    """The installed prover; without one the test is skipped, but on a machine that runs CI it fails."""
    prover = find_prover()
    if prover is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no Rocq prover: nothing would be machine-checked")
        pytest.skip("no Rocq prover on this machine")
    return prover


def judged(
    folder: Path, text: str = THEORY, proofs: str = PROOFS, statements: str = STATEMENTS, **others: str
) -> Outcome:
    """What the gate says of the one theorem over this theory."""
    return gate([audit(statements, proofs)], rocq(), theory(folder / "theory", text, **others), limit=120.0)


def fake(folder: Path, body: str) -> Prover:
    """A prover that does what a shell script says."""
    file = folder / "coqc"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return Prover((str(file),), "fake", (str(file),))


def trusting_kept_files(patch: pytest.MonkeyPatch) -> None:
    """What an earlier test of this run compiled is not compiled again to be compared, as after every refusal otherwise.

    That it is compared, and what one that differs may do, is what test_compiled_store.py is about.
    """
    patch.setattr(gate_module._Gate, "kept_files_are_right", lambda self: True)

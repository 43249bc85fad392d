"""Evidence `convergence-proved`: the kernel on the theorems behind a certificate, and on the certificate's numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...symbolic.errors import ArgumentError
from ..case import Progress, silent
from ..evidence.proved import claim_of
from ..theory.gate import gate
from ..theory.general import general_audit
from ..theory.prover import INSTALL, find_prover
from ..verdict import Claim, Verdict
from .answer import Answer
from .kernel import NAME as NUMBERS
from .kernel import certificate_audit

PROVED = "convergence-proved"
STRENGTH = "checked by the Rocq kernel, no axioms"
THEOREMS = "convergence"


def proved(answer: Answer, progress: Progress = silent) -> Iterator[Claim]:
    """A claim for each theorem about convergence, and one for the certificate's numbers.

    Without a prover, or where the kernel is given no such certificate, NOT_RUN with the reason.
    """
    name = answer.setup.subject.name
    general, unsaid = [general_audit(THEOREMS)], ""
    try:
        numbers = [certificate_audit(answer)]
    except ArgumentError as error:
        numbers, unsaid = [], str(error)
    prover = find_prover()
    missing = f"no Rocq prover on this machine: {INSTALL}" if prover is None else unsaid
    if missing:
        text = "the kernel computes that the certificate's numbers are right"
        yield Claim(name, text, PROVED, Verdict.NOT_RUN, STRENGTH, missing, details={"theorem": NUMBERS})
    if prover is None:
        return
    outcome = gate([*general, *numbers], prover, progress=lambda text: progress(f"{name}: {text}"))
    for audit in (*general, *numbers):
        for theorem in audit.theorems:
            yield replace(claim_of(theorem, outcome, name), evidence=PROVED, strength=STRENGTH)

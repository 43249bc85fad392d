"""A certificate's numbers before the kernel: right ones pass, and an edited one does not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from cli import run_cli
from convergence_prompts import CYCLE, EXPANDING
from rocq_tiny import rocq, trusting_kept_files

import layerproof as lp
from layerproof.proofs.convergence.certificate import digest_of, write
from layerproof.proofs.convergence.kernel import NAME, certificate_audit
from layerproof.proofs.convergence.proved import PROVED
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.gate import Outcome, gate
from layerproof.symbolic.errors import ArgumentError


def audit() -> Audit:
    convergence = lp.converge("td0", prompt=CYCLE, alpha="1/2").decided
    assert convergence is not None
    return certificate_audit(convergence)


def judged(audit: Audit) -> Outcome:
    return gate([audit], rocq(), limit=240.0)


def with_number(text: str, name: str, value: str) -> str:
    changed, count = re.subn(rf"Definition {name} : Q := [^.]*\.", f"Definition {name} : Q := {value}.", text)
    assert count == 1
    return changed


@pytest.mark.slow
def test_a_saved_certificate_passes_the_kernel_and_an_edited_rate_is_refuted_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rocq()
    path = tmp_path / "certificate.json"
    write(lp.converge("td0", prompt=CYCLE, alpha="1/2").certificate, path)
    ran = run_cli(capsys, "check", str(path), "--prove", "--json")
    verdicts = {c["details"]["theorem"]: c["verdict"] for c in ran.document["claims"] if c["evidence"] == PROVED}
    assert ran.code == 0 and {NAME, "geometric_bound"} <= set(verdicts) and set(verdicts.values()) == {"HOLDS"}
    document = json.loads(path.read_text())
    document["rate"]["r"] = "1/100"
    for signed in (False, True):
        if signed:
            document["digest"] = digest_of({k: v for k, v in document.items() if k != "digest"})
        path.write_text(json.dumps(document))
        ran = run_cli(capsys, "check", str(path), "--prove")
        assert ran.code == 1 and "rate.matrix certifies nothing" in ran.out and PROVED not in ran.out
    del document["rate"]["r"]
    path.write_text(json.dumps(document))
    ran = run_cli(capsys, "check", str(path), "--prove")
    assert ran.code == 1 and "rate has the keys" in ran.out


@pytest.mark.slow
def test_the_kernel_refuses_a_faster_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    trusting_kept_files(monkeypatch)
    right = audit()
    outcome = judged(replace(right, statements=with_number(right.statements, "r", "1 # 100")))
    assert NAME in outcome.refused and NAME not in outcome.passed


def test_what_diverges_has_no_numbers_for_the_kernel() -> None:
    answer = lp.converge("td0", prompt=EXPANDING).decided
    assert answer is not None
    with pytest.raises(ArgumentError, match="no certified limit"):
        certificate_audit(answer)

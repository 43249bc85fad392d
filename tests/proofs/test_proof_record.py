"""A record of an earlier proof counts only while all that the proof rests on is as it was, and never as a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from layerproof.proofs.case import Case, Settings
from layerproof.proofs.evidence.proved import recorded
from layerproof.proofs.theory import record
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.audits import audits
from layerproof.proofs.theory.gate import Outcome, source_digests
from layerproof.proofs.theory.prover import Prover
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.algorithms import find

PROVER = Prover(("coqc",), "8", ("coqchk",))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Audit]:
    """A record that TD(0) was proved, on a machine whose prover and library have a digest."""
    monkeypatch.setenv("LAYERPROOF_CACHE", str(tmp_path))
    monkeypatch.setattr(record, "installed", lambda prover, path: "as installed")
    stated = audits(find("td0"))
    assert not record.holds("td0", stated, PROVER)
    record.write("td0", stated, PROVER, outcome(stated))
    assert record.holds("td0", stated, PROVER)
    return stated


def outcome(audits: list[Audit]) -> Outcome:
    return Outcome({t.name: 1.0 for a in audits for t in a.theorems}, {}, {}, "8", 1.0, source_digests())


def test_it_counts_for_the_same_prover_statements_and_proofs_alone(kept: list[Audit]) -> None:
    assert not record.holds("td0", kept, replace(PROVER, version="9"))
    assert not record.holds("td0", kept, replace(PROVER, checker=()))
    assert not record.holds("td0", [replace(kept[0], statements=""), kept[1]], PROVER)
    assert not record.holds("td0", [replace(kept[0], proofs=""), kept[1]], PROVER)
    assert not record.holds("td0", kept[:1], PROVER)
    assert not record.holds("td0", [], PROVER)
    assert not record.holds("gtd2", audits(find("gtd2")), PROVER)


def test_it_counts_for_the_same_library_and_programs_alone(kept: list[Audit], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "installed", lambda prover, path: "another MathComp")
    assert not record.holds("td0", kept, PROVER)


def test_it_counts_for_the_same_theory_alone(kept: list[Audit], monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {**source_digests(), "attention.v": "other"}
    monkeypatch.setattr(record, "source_digests", lambda: changed)
    assert not record.holds("td0", kept, PROVER)


def test_it_counts_for_the_same_gate_alone(kept: list[Audit], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "gate" / "record.py"
    other.parent.mkdir()
    other.write_text("# a gate that lets more through")
    monkeypatch.setattr(record, "__file__", str(other))
    assert not record.holds("td0", kept, PROVER)


def test_what_did_not_all_pass_or_was_compiled_from_other_files_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERPROOF_CACHE", str(tmp_path))
    monkeypatch.setattr(record, "installed", lambda prover, path: "as installed")
    stated = audits(find("td0"))
    record.write("td0", stated, PROVER, replace(outcome(stated), passed={"td0_state": 1.0}))
    assert not record.knows("td0")
    record.write("td0", stated, PROVER, replace(outcome(stated), sources={"attention.v": "when it was compiled"}))
    assert record.knows("td0") and not record.holds("td0", stated, PROVER)


def test_a_prover_that_does_not_say_where_its_library_is_leaves_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERPROOF_CACHE", str(tmp_path))
    stated, nobody = audits(find("td0")), Prover(("true",), "8", ("true",))
    record.write("td0", stated, nobody, outcome(stated))
    assert not record.knows("td0")


def test_the_digest_of_what_is_installed_sees_every_file(tmp_path: Path) -> None:
    library = tmp_path / "coq"
    (library / "user-contrib" / "mathcomp").mkdir(parents=True)
    file = library / "user-contrib" / "mathcomp" / "matrix.vo"
    program = tmp_path / "coqc"
    program.write_text(f"#!/bin/sh\necho {library}\n")
    program.chmod(0o755)
    digests = []
    for content in ("one", "two"):
        file.write_text(content)
        digests.append(record.installed.__wrapped__(Prover((str(program),), "8", (str(program),)), ""))
    program.write_text(program.read_text() + "# other\n")
    digests.append(record.installed.__wrapped__(Prover((str(program),), "8", (str(program),)), ""))
    assert len(set(digests)) == 3 and "" not in digests


def test_an_earlier_proof_is_never_shown_as_one_of_this_run(kept: list[Audit], monkeypatch: pytest.MonkeyPatch) -> None:
    from layerproof.proofs.evidence import proved

    monkeypatch.setattr(proved, "find_prover", lambda: PROVER)
    claim = recorded(Case(find("td0"), Settings()))
    assert claim.verdict is Verdict.NOT_RUN and not claim.asked and claim.details == {"earlier": True}
    assert "not asked: --prove; an earlier layerproof prove passed here" in claim.reason
    other = recorded(Case(find("gtd2"), Settings()))
    assert (other.verdict, other.reason, other.details) == (Verdict.NOT_RUN, "not asked: --prove", {})


@pytest.mark.parametrize("content", ["", "[]", "{", '{"td0": 1}', '{"td0": "x"}'])
def test_a_damaged_record_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setenv("LAYERPROOF_CACHE", str(tmp_path))
    (tmp_path / "proofs.json").write_text(content)
    assert not record.holds("td0", audits(find("td0")), PROVER)

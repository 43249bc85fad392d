"""The report's section on trained networks: runs on record, and where there is none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from layerproof.numeric.training.settings import ARCHITECTURES, from_document
from layerproof.proofs.report.findings import Findings
from layerproof.proofs.report.model import Listing, Note, Paragraph, Picture, Report, Table
from layerproof.proofs.report.sections import training
from layerproof.proofs.report.writers.checked import check
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.algorithms import catalogue, find

RUNS = Path(training.__file__).parents[1] / "runs"


def section_of(name: str) -> tuple[Any, ...]:
    section = training.build(cast(Findings, SimpleNamespace(algorithm=find(name))))
    assert section is not None
    check(Report("t", section.blocks, ()))
    return section.blocks


def test_what_can_be_trained_is_what_train_has() -> None:
    assert training.TRAINABLE == ARCHITECTURES


@pytest.mark.parametrize("name", catalogue())
def test_a_run_on_record_is_told_and_no_run_is_no_success(name: str) -> None:
    blocks = section_of(name)
    run = training.recorded(name)
    if run is None:
        (note,) = blocks
        assert isinstance(note, Note) and note.verdict is Verdict.NOT_RUN
        return
    settings = from_document(run["settings"])
    assert name in run["verdicts"] and (settings.algorithm == name or settings.target == name)
    assert any(isinstance(b, Picture) for b in blocks) and isinstance(blocks[-1], Listing)
    verdicts = next(b for b in blocks if isinstance(b, Table))
    assert sum(int(str(cell.spans[0])) for cell in verdicts.rows[0][1:]) == run["settings"]["seeds"]
    sentences = " ".join(str(b.spans[0]) for b in blocks if isinstance(b, Paragraph))
    assert "proves nothing" in sentences and run["made"]["date"] in sentences


def test_every_record_belongs_to_an_algorithm() -> None:
    assert {p.stem for p in RUNS.glob("*.json")} <= set(ARCHITECTURES)

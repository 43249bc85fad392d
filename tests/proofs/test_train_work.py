"""What `train` is asked for is bounded before anything is drawn: what a stop can lose, the measures, and memory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli import run_cli

from layerproof.numeric.training.presets import PRESETS
from layerproof.proofs.case import MAX_WORK
from layerproof.proofs.training.run import chosen
from layerproof.proofs.training.work import check_work
from layerproof.symbolic.errors import WorkLimitError


def test_every_preset_is_far_below_the_limit() -> None:
    for preset in PRESETS.values():
        check_work(preset.settings, MAX_WORK // 5)


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("d", 64, "the measures"),
        ("n", 10000, "masks"),
        ("states", 1000, "the measures"),
        ("windows", 10000, "steps of the optimiser"),
        ("batches", 10000, "memory for trajectories"),
        ("log", 10**7, "steps of the optimiser"),
    ],
)
def test_a_size_at_fault_is_named_with_what_would_do(name: str, value: int, part: str) -> None:
    with pytest.raises(WorkLimitError, match=f"{name} is {value}, and most of the work is {part}") as refused:
        chosen("main", {name: value})
    would = re.search(r"--max-work (\d+)$", str(refused.value))
    assert would is not None
    chosen("main", {name: value}, int(would[1]))
    with pytest.raises(WorkLimitError):
        chosen("main", {name: value}, int(would[1]) - 1)


def test_whole_prompts_count_their_scores() -> None:
    with pytest.raises(WorkLimitError, match="n is 1000"):
        chosen("softmax", {"n": 1000})


def test_the_command_refuses_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_cli(capsys, "train", "-o", str(tmp_path / "run"), "--states", "1000")
    assert ran.code == 2 and "states is 1000" in ran.err and not (tmp_path / "run").exists()

"""Every kind of witness is redone from what is printed, by code that imports nothing of the package."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from by_hand import Counterexample, Leaving
from own_files import MASK, P, write


def printed(*arguments: str, code: int = 1) -> str:
    """What the command prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "layerproof", *arguments], capture_output=True, text=True, check=False,
        env={"COLUMNS": "4000", "PATH": ""},
    )  # fmt: skip
    assert ran.returncode == code, ran.stderr
    return ran.stdout


SMALL = ("-d", "2", "-n", "4", "-L", "3", "--evidence", "identity-exact")
FAULTS = {
    "doubled step": ((P, P.replace("1})", "2})")),),
    "wrong from layer 2 on": ((P, P.replace("1})", "1 + layer})")),),
    "one mask entry": ((MASK, "M=[[int(i == j < 3) for j in range(5)] for i in range(5)]"),),
    "C for C^T": (("-step.C.mT", "-step.C"),),
}  # fmt: skip


@pytest.mark.parametrize("looped", [False, True])
@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_counterexample_of_verify(fault: str, looped: bool, tmp_path: Path) -> None:
    file = write(tmp_path, *FAULTS[fault], given=True)
    if looped and "layer" in fault:
        pytest.skip("a looped transformer has one layer's weights")
    text = printed("verify", file, *SMALL, *["--looped"] * looped)
    counterexample = Counterexample(text)
    assert counterexample.layer == (2 if "layer 2" in fault else 1)
    assert (
        str(counterexample.redone_transformer()) == counterexample.transformer
        and str(counterexample.redone_td0()) == counterexample.loop
    )
    # It is no accident: each of these numbers matters.
    counterexample.steps = {layer: [[2 * x for x in row] for row in C] for layer, C in counterexample.steps.items()}
    assert str(counterexample.redone_td0()) != counterexample.loop
    counterexample.Z = {name: [2 * x for x in row] for name, row in counterexample.Z.items()}
    assert str(counterexample.redone_transformer()) != counterexample.transformer


def test_a_counterexample_names_no_transition_that_does_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, (P, P.replace("1})", "2})")), given=True)
    text = printed("verify", file, "-d", "3", "-n", "60", "-L", "1", "--evidence", "identity-exact")
    assert text.count("  transition ") == 1 and "d = 3, n = 60: the other 59 transitions are zero" in text
    counterexample = Counterexample(text)
    assert len(counterexample.columns) == 1 and str(counterexample.redone_transformer()) == counterexample.transformer


def test_a_regression_case_and_its_replay(tmp_path: Path) -> None:
    file, case = write(tmp_path, *FAULTS["C for C^T"], given=True), tmp_path / "case.json"
    first = Counterexample(printed("verify", file, *SMALL, "--save", str(case)))
    again = Counterexample(printed("check", str(case)))
    assert vars(again) == vars(first)
    assert str(again.redone_transformer()) == again.transformer and str(again.redone_td0()) == again.loop
    kept = json.loads(case.read_text())["found"]
    assert kept["parameters"] == {"gamma": "9/10"} and kept["iterate_value"] == first.loop
    assert [[Fraction(x) for x in row] for row in kept["preconditioners"][0]["C"]] == first.step(1)


@pytest.mark.parametrize(
    "asked",
    [
        ("td0", "-L", "2", "--looped", "--set", "one-layer"),
        ("td0", "-L", "2", "--sequential", "--set", "zero-pattern"),
        ("average-reward-td", "-L", "1", "--set", "zero-pattern"),
        ("average-reward-td", "-L", "1", "--set", "weights", "--gamma", "1/7"),
    ],
    ids=lambda asked: "-".join(x.strip("-") for x in asked),
)
def test_a_witness_of_invariance(asked: tuple[str, ...]) -> None:
    witness = Leaving(printed("invariance", *asked, "--no-float"))
    assert witness.outside and witness.average == (Fraction(1, 3) if asked[0] == "average-reward-td" else 0)

    def redone() -> list[Fraction]:
        return [
            witness.expected(matrix, f"{r}[1]" if whole else r, f"{s}[1]" if whole else s, layer)
            for matrix, r, s, layer, _, whole in witness.outside[:2]
        ]

    # What leaves these sets are entries that are zero throughout the set, so they are the update's own.
    printed_values = [Fraction(x) for *_, x, _ in witness.outside[:2]]
    assert redone() == printed_values
    witness.average += 1
    assert redone() != printed_values

"""Regression cases of layers that attend by patterns: kept with the pattern that they met, replayed, checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import own_patterns
import pytest
from cli import assert_refused, run_cli
from own_patterns import more

SIZES = ("-d", "2", "-n", "3", "-L", "2", "--trials", "1", "--evidence", "identity-exact")

pytestmark = pytest.mark.slow


def case_of(capsys: Any, folder: Path, change: tuple[str, str], text: str = own_patterns.KERNEL) -> Path:
    """The case that a faulty file leaves."""
    path = own_patterns.write(folder, text, change)
    ran = run_cli(capsys, "verify", path, *SIZES, "--save", str(folder / "case.json"))
    assert ran.code == 1 and "replays it" in ran.err
    return folder / "case.json"


FAULTS = {
    "query": (own_patterns.KERNEL, more('keys="context and query"')),
    "axis": (own_patterns.KERNEL, more('kernel="softmax-over-queries"')),
    "C transposed": (own_patterns.COLUMN, ('{"w": C @', '{"w": C.T @')),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_case_shows_the_difference_until_the_file_is_mended(capsys: Any, tmp_path: Path, fault: str) -> None:
    text, change = FAULTS[fault]
    case = case_of(capsys, tmp_path, change, text)
    kept = json.loads(case.read_text())
    assert kept["schema"] == 2 and kept["subject"] == "./mine.py"
    assert (kept["pattern"] is None) == (fault != "query")  # rational weights K that no one could draw again
    again = run_cli(capsys, "verify", "--case", str(case))
    assert again.code == 1 and "still different" in again.out and "head 1: Z + " in again.out
    assert max(map(len, again.out.splitlines())) < 140
    checked = run_cli(capsys, "check", str(case))
    assert checked.code == 1 and "still different" in checked.out
    own_patterns.write(tmp_path, text)
    assert run_cli(capsys, "verify", "--case", str(case)).code == run_cli(capsys, "check", str(case)).code == 0


def test_balls_that_overlap_leave_a_case_undecided(capsys: Any, tmp_path: Path) -> None:
    case = case_of(capsys, tmp_path, FAULTS["axis"][1])
    own_patterns.write(tmp_path, own_patterns.KERNEL, more("mask_first=True"),
                       ('kernels=("softmax",)', 'kernels=("exponential",)'),
                       ('"current": k.reward', '"current": 0 * k.reward'), ("+ k.target - k.current", ""),
                       ("k.weight * (k.reward + p.gamma * k.next_state - k.state)", "0 * k.weight * k.state"),
                       )  # fmt: skip
    ran = run_cli(capsys, "verify", "--case", str(case), "--json")
    (claim,) = ran.document["claims"]
    assert (ran.code, claim["verdict"]) == (3, "UNDECIDED") and "an overlap is no equality" in claim["reason"]
    own_patterns.write(tmp_path, own_patterns.KERNEL, ('scored="x"', 'scored="current"'))
    ran = run_cli(capsys, "verify", "--case", str(case), "--json")
    assert ran.code == 3 and "made from the row current" in ran.document["claims"][0]["reason"]
    own_patterns.write(tmp_path, own_patterns.KERNEL, ("k.weight * (", "(k.weight if k.weight > 0 else 0) * ("))
    ran = run_cli(capsys, "verify", "--case", str(case), "--json")
    (claim,) = ran.document["claims"]
    assert ran.code == 3 and claim["details"]["function"] == "the update" and claim["details"]["line"] > 0


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("pattern", [["1"]], "pattern has the wrong shape, wanted 4 rows of 4"),
        ("pattern", [["x"] * 4] * 4, "an entry of pattern"),
        ("schema", 1, "wanted the keys"),
        ("schema", 3, "wanted the keys"),
        ("subject", "td0", "a case of schema 2 is not of"),
        ("subject", "no-such", "no-such"),
        ("starting_weights", ["0"], "starting_weights do not fit: wanted a number for each token"),
        ("settings", {"gamma": "1"}, "settings has no"),
        (
            "settings",
            {"features": 2, "context": 3, "layers": 90000, "gamma": "1", "lam": "1", "seed": 0, "looped": True},
            "limit",
        ),
    ],
)
def test_what_is_wrong_in_a_case_is_named(capsys: Any, tmp_path: Path, field: str, value: Any, says: str) -> None:
    case = case_of(capsys, tmp_path, FAULTS["query"][1])
    case.write_text(json.dumps({**json.loads(case.read_text()), field: value}))
    assert_refused(run_cli(capsys, "verify", "--case", str(case), "--json"), 4, says, "case.json")


def test_a_case_of_the_catalogue_wants_the_transitions_of_one_trajectory(capsys: Any, tmp_path: Path) -> None:
    case = case_of(capsys, tmp_path, FAULTS["query"][1])
    kept = json.loads(case.read_text())
    case.write_text(json.dumps({**kept, "subject": "softmax-td"}))
    assert run_cli(capsys, "verify", "--case", str(case)).code == 0
    kept["prompt"]["next_features"][0] = ["1", "2"]
    case.write_text(json.dumps({**kept, "subject": "softmax-td"}))
    assert_refused(run_cli(capsys, "verify", "--case", str(case), "--json"), 4, "one trajectory", "case.json")

"""Commands beside `verify` asked about algorithms that attend by patterns, by name and as a file of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import own_patterns
import pytest
from cli import assert_refused, run_cli

import layerproof as lp
from layerproof.numeric.files.weights_file import any_document
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.pattern_algorithms import pattern_catalogue

pytestmark = pytest.mark.slow


def test_a_sweep_has_points_of_patterns_without_what_they_do_not_read(capsys: Any, tmp_path: Path) -> None:
    own_patterns.write(tmp_path, own_patterns.KERNEL, own_patterns.more('kernel="softmax-over-queries"'))
    grid = tmp_path / "grid.toml"
    grid.write_text('algorithm = ["sarsa", "kernel-gradient-descent", "./mine.py"]\nd = 2\nn = 2\nL = 1\nlam = [0, 1]\n'
                    'gamma = ["1/2", 1]\nlooped = true\nevidence = ["identity-exact"]\n')  # fmt: skip
    ran = run_cli(capsys, "sweep", str(grid), "--workers", "1", "-o", str(tmp_path / "r.jsonl"))
    records = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    verdicts = {r["specification"]["algorithm"]: r["verdict"] for r in records if "specification" in r}
    assert verdicts == {"sarsa": "HOLDS", "kernel-gradient-descent": "HOLDS", "./mine.py": "REFUTED"}
    assert ran.code == 1 and "5 points" in ran.out  # two discounts of two algorithms, and one without; lam of none
    grid.write_text('algorithm = "sarsa"\ntrace = "lam"\n')
    assert_refused(run_cli(capsys, "sweep", str(grid)), 4, "sarsa keeps no trace")
    grid.write_text('algorithm = "sarsa"\nn = 100000\n')
    assert_refused(run_cli(capsys, "sweep", str(grid)), 2, "grid.toml: ")


def test_derive_has_the_matrices_at_sizes(capsys: Any, tmp_path: Path) -> None:
    shown = run_cli(capsys, "derive", "sarsa", "-n", "2", "--gamma", "1/3").out
    assert "4. Matrices, exact" in shown and "w  0  0  0\n" in shown and "gamma = 1/3" in shown
    derived = run_cli(capsys, "derive", "softmax-td", "-d", "1", "-L", "2", "--json").document
    assert any_document(derived["weights"]).depth == 2 and derived["claims"][0]["reason"] == "1 head"
    for more, says in (
        (("-d", "0"), "features is 0"), (("--trace", "lam"), "keeps no trace"), (("-n", "9999"), "limit"),
        (("--parameter", "x=1"), "no parameter 'x'"), (("--gamma", "2"), "gamma is 2"),
    ):  # fmt: skip
        assert_refused(run_cli(capsys, "derive", "sarsa", *more), 2, says)
    path = own_patterns.write(tmp_path, own_patterns.KERNEL)
    assert_refused(run_cli(capsys, "derive", path), 4, f"layerproof verify {path} checks it")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("softmax-td", "| layers | weights |"),
        ("sarsa", "a state in a column has no query"),
        ("causal-td", "training is worked out"),
    ],
)
def test_a_report_has_what_training_keeps(capsys: Any, tmp_path: Path, name: str, says: str) -> None:
    quick = ("-d", "1", "-n", "2", "-L", "1", "--evidence", "derived", "--format", "md")
    for more, there in ((("--invariance",), True), ((), False)):
        assert run_cli(capsys, "report", name, *quick, *more, "-o", str(tmp_path / "r")).code == 0
        page = (tmp_path / "r" / f"{name}.md").read_text()
        assert (says in page) == there == ("Which weights training keeps" in page) and "None layers" not in page


def test_what_judges_rules_says_that_an_algorithm_is_none() -> None:
    with pytest.raises(ArgumentError, match="softmax-td is an algorithm and no rule"):
        lp.sa(pattern_catalogue()["softmax-td"])  # type: ignore[arg-type]

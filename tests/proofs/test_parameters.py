"""`--parameter` in every command that needs a number the file leaves open; names that no file has are refused."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from cli import assert_refused, run_cli

from layerproof.proofs.case import check_parameters
from layerproof.proofs.invariance.question import Question
from layerproof.symbolic.errors import ArgumentError


def test_derive_takes_values_and_refuses_names_that_are_not_there(capsys: pytest.CaptureFixture[str]):
    def matrices(*more: str) -> object:
        ran = run_cli(capsys, "derive", "heavy-ball-td", "-d", "1", "-n", "2", "--json", *more)
        assert ran.code == 0, ran.err
        return json.loads(ran.out)["weights"]

    assert matrices("--parameter", "beta=1/5") != matrices("--parameter", "beta=1/7")
    assert_refused(run_cli(capsys, "derive", "td0", "--parameter", "beta=1/5"), 2, "no parameter 'beta'", "none beside")


@pytest.mark.slow
def test_check_gives_values_to_the_constructions_that_have_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run_cli(capsys, "new", "my-td", "-o", str(tmp_path)).code == 0
    path = str(tmp_path / "my_td.py")
    ran = run_cli(capsys, "check", path, "-d", "1", "-n", "2", "-L", "1", "--parameter", "beta=1/5")
    assert ran.code == 2 and not ran.out and "no parameter 'beta' in any construction" in ran.err


def test_invariance_says_with_which_values_it_was_asked(capsys: pytest.CaptureFixture[str]):
    assert Question(values={"beta": Fraction(1, 5)}).document()["values"] == {"beta": "1/5"}
    assert "values" not in Question().document()
    assert_refused(run_cli(capsys, "invariance", "td0", "--parameter", "beta=1/5", "-L", "1"), 2, "no parameter 'beta'")


def test_the_template_shows_what_a_file_may_need(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run_cli(capsys, "new", "my-td", "-o", str(tmp_path)).code == 0
    text, test = (tmp_path / "my_td.py").read_text(), (tmp_path / "test_my_td.py").read_text()
    for shown in (
        'weights=("w",)',
        'weights=("w", "u")',
        "defaults={",
        "--parameter",
        "transition_scalars",
        "scalar=True",
    ):
        assert shown in text
    assert "values=VALUES" in test


def test_a_name_that_is_there_passes():
    check_parameters(["beta"], ["gamma", "beta"])
    with pytest.raises(ArgumentError, match="wanted beta beside gamma and lam"):
        check_parameters(["betta"], ["gamma", "beta"])

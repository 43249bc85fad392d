"""What a command says: a line that can be pasted, counts in words, and no word of a library's code."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import assert_refused, run_cli

SMALL = ("-d", "1", "-n", "1", "-L", "1", "--trials", "1")
Capture = pytest.CaptureFixture[str]


def test_a_path_with_blanks_can_be_pasted(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (
        ("certify", "td0", *SMALL, "-o", "ü ß.json"),
        ("export", "td0", "-d", "1", "-n", "1", "-L", "1", "-o", "a b"),
    ):
        ran = run_cli(capsys, *words)
        assert ran.code == 0 and ran.out.rstrip("\n").endswith(f"layerproof check '{words[-1]}'")
        assert run_cli(capsys, "check", words[-1]).code == 0
    (tmp_path / "m.safetensors").write_bytes((tmp_path / "a b" / "model.safetensors").read_bytes())
    assert_refused(run_cli(capsys, "check", "m.safetensors"), 4, "holds weights and no claim", "layerproof identify")
    shown = run_cli(capsys, "identify", "m.safetensors", "--weights-only").out.splitlines()[0]
    assert shown.startswith("indistinguishable  td0, ")


def test_one_file_is_one_file(capsys: Capture, tmp_path: Path) -> None:
    words = ("td0", *SMALL, "--evidence", "derived", "--format", "json", "-o", str(tmp_path / "r"))
    assert run_cli(capsys, "report", *words).out.endswith("r (1 file)\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("derive", "td0", "gtd2"), "there are arguments too many: 'gtd2'. See: layerproof derive --help"),
        (("certify", "td0"), "certify wants --output, which is missing. See: layerproof certify --help"),
        (("sa", "linear-td", "--process", "mine.json"), "process is 'mine.json', which is not known: a file is given"),
        (("verify", "td0", "--foo", "1"), "Unknown option: --foo. See: layerproof verify --help"),
        (("solve",), 'Unknown command "solve". Available commands: audit,'),
    ],
)  # fmt: skip
def test_an_argument_that_does_not_fit_is_told_in_plain_words(
    capsys: Capture, words: tuple[str, ...], message: str
) -> None:
    assert_refused(run_cli(capsys, *words), 2, f"layerproof: {message}")


def test_one_eigenvalue_is_one(capsys: Capture) -> None:
    assert "the one eigenvalue is inside the unit disc" in run_cli(capsys, "converge", "td0", "-d", "1", "-n", "1").out

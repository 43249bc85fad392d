"""A terminal of 80 columns: nothing is cut, and progress says which of how many."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from cli import SMALL, run_cli
from own_files import P, write
from rich.text import Text

import layerproof as lp
from layerproof.proofs.case import counted, silent
from layerproof.proofs.terminal import table
from layerproof.proofs.terminal.progress import ProgressLine

QUICK = ("--evidence", "derived")
COMMANDS = (
    ("list",),
    ("list", "--evidence"),
    ("verify", "td0", "least-squares", *SMALL, *QUICK),
    ("derive", "td0", "-d", "2", "-n", "3"),
    ("derive", "expected-sarsa"),  # rows with long names
    ("converge", "td0", "-d", "2", "-n", "4"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: " ".join(c[:2]))
def test_nothing_is_wider_than_80_columns_or_cut(command, capsys, monkeypatch):
    monkeypatch.setattr(table, "PLAIN", 80)
    ran = run_cli(capsys, *command)
    assert ran.code == 0
    assert [line for line in ran.out.splitlines() if len(line) > 80] == []
    assert "…" not in ran.out


def test_every_verdict_of_invariance_is_whole(capsys, monkeypatch):
    monkeypatch.setattr(table, "PLAIN", 80)
    ran = run_cli(capsys, "invariance", "td0", "-L", "1", "--no-float")
    cells = ran.out.partition("verdict, dimension")[0]
    assert "…" not in cells and "REFUTED" in cells and "HOLDS 3" in cells
    assert max(map(len, cells.splitlines())) <= 80


def test_a_table_that_is_too_wide_would_be_cut(capsys, monkeypatch):
    monkeypatch.setattr(table, "PLAIN", 80)
    monkeypatch.setattr("layerproof.proofs.invariance.table.needed", lambda table, out: 0)
    assert "…" in run_cli(capsys, "invariance", "td0", "-L", "1", "--no-float").out


def test_a_list_entry_takes_few_lines(capsys, monkeypatch):
    monkeypatch.setattr(table, "PLAIN", 80)
    assert len(run_cli(capsys, "list").out.splitlines()) <= 6 * len(lp.algorithms())


def test_a_line_goes_on_below_its_own_words_and_stays_whole_where_there_is_room(capsys, monkeypatch):
    line = Text("HOLDS      " + "word " * 20)
    for width, lines in ((80, 2), (150, 1)):
        monkeypatch.setattr(table, "PLAIN", width)
        table.hanging(table.console(), line)
        first, *others = capsys.readouterr().out.splitlines()
        assert len(others) == lines - 1 and all(other.startswith(" " * 11 + "word") for other in others)
        assert " ".join(f"{first} {' '.join(others)}".split()) == " ".join(line.plain.split())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: Any, stream: Any, clock: list[float]) -> list[str]:
    monkeypatch.setattr(sys, "stderr", stream)
    times = iter(clock)
    monkeypatch.setattr("layerproof.proofs.terminal.progress.time.monotonic", lambda: next(times))
    with ProgressLine() as line:
        for k, name in ((1, "td0"), (3, "tdc")):
            counted(line, k, 8)(f"{name}: identity-exact")
    return stream.getvalue().replace("\r", "\n").split("\n")


def test_progress_says_3_of_8_the_stage_and_an_estimate(monkeypatch):
    lines = [line.strip() for line in shown(monkeypatch, Terminal(), [0.0, 10.0])]
    assert "starting" in lines  # at once, before anything has been done
    assert "1 of 8  td0: identity-exact" in lines
    assert "3 of 8  tdc: identity-exact, about 30 s left" in lines


def test_progress_is_one_line_a_subject_where_there_is_no_terminal(monkeypatch):
    assert shown(monkeypatch, io.StringIO(), [0.0]) == [
        "layerproof: td0, 1 of 8 ...",
        "layerproof: tdc, 3 of 8 ...",
        "",
    ]


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_progress_shows_a_strangers_name_as_text(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    with ProgressLine() as line:
        line("i\x1b[2J\u202e\nHOLDS")
    assert all(part.isprintable() for part in stream.getvalue().replace("\r", "\n").split("\n"))
    assert "i\\x1b[2J\\u202e\\nHOLDS" in stream.getvalue()


def test_of_one_subject_nothing_is_counted():
    assert counted(print, 1, 1) is print and counted(silent, 1, 8) is silent


def test_a_refuted_claim_says_its_difference_once(capsys, tmp_path):
    path = write(tmp_path, (P, P.replace(": 1", ": 2")), given=True)
    kinds = ("--evidence", "identity-symbolic", "--evidence", "identity-entrywise")
    ran = run_cli(capsys, "verify", path, "-d", "2", "-n", "3", "-L", "2", *kinds)
    text = " ".join(ran.out.split())
    assert ran.code == 1 and text.count("1/n*w*Phi*M0*Phi.T*C.T*Phi") == 1  # the last term of the difference in symbols
    assert text.count("difference: td_error: gamma*C[0,0]") == text.count("td_error: gamma*C[0,0]") == 1
    assert text.count("by what follows") == 2

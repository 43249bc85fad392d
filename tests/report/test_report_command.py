"""`layerproof report` and `lp.report`: what is written, what is said, and what is refused."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import own_files
import pytest
from cli import SMALL, assert_refused, run_cli

from layerproof.proofs.report import reporting
from layerproof.proofs.report.reporting import report
from layerproof.symbolic.errors import ArgumentError

QUICK = (*SMALL, "--evidence", "derived", "--format", "html,md,json")


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_a_report_is_written_and_said_where(tmp_path, capsys):
    ran = run_cli(capsys, "report", "td0", *QUICK, "-o", str(tmp_path / "out"))
    assert ran.code == 0
    assert "1 claim: 1 HOLDS" in ran.out and str(tmp_path / "out" / "index.html") in ran.out
    assert {"index.html", "td0.html", "td0.md", "report.json"} <= set(files(tmp_path / "out"))
    assert "layerproof: td0 ..." in ran.err


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_and_an_earlier_report_is_replaced(tmp_path, capsys):
    for name in ("a", "b"):
        run_cli(capsys, "report", "td0", *QUICK, "-o", str(tmp_path / name))
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert run_cli(capsys, "report", "gtd2", *QUICK, "-o", str(tmp_path / "a")).code == 0
    assert "gtd2.html" in files(tmp_path / "a") and "td0.html" not in files(tmp_path / "a")


def test_json_is_one_document(tmp_path, capsys):
    ran = run_cli(capsys, "report", "td0", *QUICK, "-o", str(tmp_path / "out"), "--json")
    assert ran.document["command"] == "report" and ran.document["claims"]
    assert "td0.html" in ran.document["report"]["files"]


def test_a_directory_of_another_kind_is_not_touched_and_nothing_runs(tmp_path, capsys, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    monkeypatch.setattr(reporting, "establish", lambda *_, **__: pytest.fail("it ran before it looked"))
    ran = run_cli(capsys, "report", "td0", *QUICK, "-o", str(tmp_path / "out"))
    assert_refused(ran, 2, "out")
    assert files(tmp_path / "out") == {"mine.txt": b"mine"}


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (("--format", "docx"), "docx"),
        (("--format", ""), "format"),
        (("--gamma", "2"), "gamma"),
        (("--time-limit", "0"), "time-limit"),
        (("-d", "0"), "features"),
        (("--trace", "lam"), "trace"),
        (("--parameter", "gamma=1"), "parameter"),
        (("--evidence", "hearsay"), "hearsay"),
    ],
)
def test_wrong_arguments_are_refused_and_nothing_is_written(tmp_path, capsys, arguments, fragment):
    ran = run_cli(capsys, "report", "td0", "-o", str(tmp_path / "out"), *arguments)
    assert_refused(ran, 2, fragment)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_refuted_construction_is_reported_with_exit_code_1(tmp_path, capsys):
    path = own_files.write(tmp_path, ('("phi", "phi"): -step.C.mT', '("phi", "phi"): step.C.mT'), given=True)
    ran = run_cli(capsys, "report", path, *SMALL, "--evidence", "identity-exact", "--format", "md",
                  "-o", str(tmp_path / "out"))  # fmt: skip
    assert ran.code == 1 and "1 REFUTED" in ran.out
    text = (tmp_path / "out" / "mine.md").read_text(encoding="utf-8")
    assert text.index("REFUTED") < text.index("Claim") if "Claim" in text else "REFUTED" in text[:400]
    assert "counterexample" in text[:1500]


def test_the_command_on_the_page_works_from_where_the_user_stood(tmp_path, capsys, monkeypatch):
    (tmp_path / "my files").mkdir()
    own_files.write(tmp_path / "my files")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    prompt = {"features": [[1, 0], [0, 1]], "next_features": [[0, 1], [1, 0]], "rewards": [1, 2], "query": [1, 1]}
    (tmp_path / "my files" / "p.json").write_text(json.dumps(prompt))
    asked = ("report", "../my files/mine.py", "-L", "2", "--prompt", "../my files/p.json", "--order", "scores-first",
             "--evidence", "derived")  # fmt: skip
    ran = run_cli(capsys, *asked, "--format", "md")
    assert ran.code == 0 and "wrote layerproof-report" in ran.out  # without -o
    page = (tmp_path / "there" / "layerproof-report" / "mine.md").read_text(encoding="utf-8")
    command = next(line for line in page.splitlines() if line.startswith("layerproof report"))
    words = shlex.split(command)
    assert words[2] == "../my files/mine.py" and words[words.index("--prompt") + 1] == "../my files/p.json"
    assert run_cli(capsys, *words[1:], "--format", "md").code == 0
    assert (tmp_path / "there" / "report" / "mine.md").read_text(encoding="utf-8") == page
    ran = run_cli(capsys, *words[1:], "--format", "json")
    assert "of an earlier report in other formats stay" in ran.err
    assert {"mine.md", "index.md", "report.json"} <= set(files(tmp_path / "there" / "report"))


def test_what_was_asked_for_and_not_run_gives_exit_code_3(tmp_path, capsys):
    # a mask that compares a position with a number has no theorem
    path = own_files.write(tmp_path, (own_files.MASK, "M=layout.mask(lambda i, j: int(i == j and i > -1))"), given=True)
    ran = run_cli(capsys, "report", path, *SMALL, "--evidence", "proved-all-sizes", "--format", "md",
                  "-o", str(tmp_path / "out"))  # fmt: skip
    assert ran.code == 3
    assert "NOT RUN" in (tmp_path / "out" / "mine.md").read_text(encoding="utf-8")[:300]


def test_a_missing_file_is_refused(tmp_path, capsys):
    ran = run_cli(capsys, "report", str(tmp_path / "no.py"), "-o", str(tmp_path / "out"))
    assert_refused(ran, 4, "no.py")


def test_without_the_pdf_extra_one_line_says_how_to_get_it_and_the_code_is_0(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(reporting, "available", lambda: "PDF wants the extra: pip install 'layerproof[pdf]'")
    monkeypatch.setattr(reporting, "DEFAULT_FORMATS", ("md", "pdf"))
    ran = run_cli(capsys, "report", "td0", *SMALL, "--evidence", "derived", "-o", str(tmp_path / "out"))
    assert ran.code == 0 and "layerproof[pdf]" in ran.err
    assert not (tmp_path / "out" / "report.pdf").exists()
    asked = run_cli(capsys, "report", "td0", *SMALL, "--format", "pdf", "-o", str(tmp_path / "other"))
    assert_refused(asked, 2, "layerproof[pdf]")


def test_from_python(tmp_path):
    result = report(
        "td0", directory=tmp_path / "out", formats=["md"], d=2, n=3, layers=2, gamma="1/2", evidence=["derived"]
    )
    assert result.holds and (tmp_path / "out" / "td0.md").exists()
    with pytest.raises(ArgumentError, match="no setting 'layer'"):
        report("td0", directory=tmp_path / "out", layer=2)
    with pytest.raises(ArgumentError, match="exact number"):
        report("td0", directory=tmp_path / "out", gamma=0.9)

"""`layerproof audit`: a paper's claims in one go; a false one is refuted with its own counterexample and no other's."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from cli import assert_refused, run_cli

import layerproof as lp
from layerproof.proofs.audit import run
from layerproof.proofs.audit.page import report_of
from layerproof.proofs.audit.run import Audit, audit
from layerproof.proofs.audit.spec import claims_of, read_claims
from layerproof.proofs.commands.audit import show
from layerproof.proofs.report.model import Note, Table
from layerproof.proofs.verdict import Verdict

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "in_context_td.toml"
TRUE = """[[claim]]
id = "good"
equation = "Theorem 1"
statement = "These weights run TD(0)."
algorithm = "td0"
construction = "td0.json"
"""
FALSE = """[[claim]]
id = "bad"
equation = "Theorem 2"
statement = "These weights run residual gradient."
algorithm = "residual-gradient"
construction = "td0.json"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lp.write_weights(lp.construct("td0", d=2, n=3, layers=2), tmp_path / "td0.json")
    return tmp_path


def judged(text: str, folder: Path) -> Audit:
    return audit(claims_of(text, folder))


@pytest.mark.parametrize("order", [TRUE + FALSE, FALSE + TRUE])
def test_each_claim_has_its_own_verdict_and_the_false_one_its_counterexample(order, folder):
    own_verdicts(order, folder)


def own_verdicts(order: str, folder: Path) -> None:
    audited = judged(order, folder)
    assert {j.entry.id: j.verdict for j in audited.judged} == {"good": Verdict.HOLDS, "bad": Verdict.REFUTED}
    assert audited.exit_code == 1
    report = report_of(audited)
    (table,) = (b for b in report.lead if isinstance(b, Table))
    shown = {row[1].spans[0]: row[3].verdict for row in table.rows}
    assert shown == {"These weights run TD(0).": Verdict.HOLDS, "These weights run residual gradient.": Verdict.REFUTED}
    (note,) = (b for b in report.lead if isinstance(b, Note))
    assert note.title.startswith("Theorem 2") and note.verdict is Verdict.REFUTED and len(note.blocks) > 1


def test_a_page_that_shows_anothers_verdict_would_be_seen(folder, monkeypatch):
    monkeypatch.setattr(run.Judged, "verdict", property(lambda self: Verdict.HOLDS))
    with pytest.raises(AssertionError):
        own_verdicts(TRUE + FALSE, folder)


def test_a_claim_about_training_and_one_about_the_printed_weights_are_judged(folder):
    entry = '[[claim]]\nstatement = "s"\nalgorithm = "td0"\n'
    kept = entry + 'invariant = "one-layer"\nd = 2\nn = 2\nL = {}\nlooped = true\n'
    audited = judged(kept.format(1) + kept.format(2) + entry + "published = true\n", folder)
    assert [j.verdict for j in audited.judged] == [Verdict.HOLDS, Verdict.REFUTED, Verdict.HOLDS]


def test_a_claim_that_cannot_be_checked_stops_no_other_and_is_no_success(folder):
    missing = FALSE.replace("td0.json", "nothing.json")
    audited = judged(missing + TRUE, folder)
    assert [j.verdict for j in audited.judged] == [Verdict.NOT_RUN, Verdict.HOLDS]
    assert audited.exit_code == 4 and "nothing.json" in audited.judged[0].error
    assert judged(TRUE.replace('"td0"', '"td00"'), folder).exit_code == 4  # what a file says wrongly is its content
    open_ = replace(audited, judged=(replace(audited.judged[0], error="", code=0), audited.judged[1]))
    assert open_.exit_code == 3


def test_the_command_writes_page_table_and_json(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    Path("paper.toml").write_text('title = "A | paper"\n' + TRUE + FALSE, encoding="utf-8")
    ran = run_cli(capsys, "audit", "paper.toml", "--json")
    assert ran.code == 1
    assert [e["verdict"] for e in ran.document["entries"]] == ["HOLDS", "REFUTED"]
    assert {c["details"]["entry"] for c in ran.document["claims"]} == {"good", "bad"}
    place = Path("layerproof-audit")
    assert {p.name for p in place.iterdir()} >= {"index.html", "audit.md", "audit.json"}
    table = (place / "audit.md").read_text(encoding="utf-8")
    assert "Theorem 2" in table and "REFUTED" in table
    assert json.loads((place / "audit.json").read_text(encoding="utf-8"))["exit_code"] == 1
    ran = run_cli(capsys, "audit", "paper.toml")
    assert ran.code == 1 and "layerproof-audit" in ran.out and "2 claims: 1 HOLDS, 1 REFUTED" in ran.out


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("", "empty"),
        ("title = 't'", "0 claims"),
        ("claim = 3", "claim"),
        ("[[claim]]\nalgorithm = 'td0'", "statement"),
        ("[[claim]]\nstatement = 's'", "algorithm"),
        (TRUE + "algoritm = 'td0'", "did you mean algorithm"),
        (TRUE + "d = 0", "d is 0"),
        (TRUE + "gamma = true", "gamma"),
        (TRUE + "gamma = nan", "gamma"),
        (TRUE + "looped = 1", "looped"),
        (TRUE + "published = true", "both"),
        (TRUE + "evidence = []", "evidence"),
        (TRUE + TRUE, "two claims"),
        ("[[claim]", "TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_entry_and_the_key(text, fragment, tmp_path, capsys):
    path = tmp_path / "paper.toml"
    path.write_text(text, encoding="utf-8")
    ran = run_cli(capsys, "audit", str(path), "-o", str(tmp_path / "out"))
    assert_refused(ran, 4, fragment)
    assert not (tmp_path / "out").exists()


def test_what_a_file_says_of_its_claims_is_shown_as_text(folder, capsys):
    show(judged('[[claim]]\nequation = "\\u202e1\\u001b[2J"\nstatement = "s\\u0007"\nalgorithm = "none"\n', folder))
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable() and "\\u202e1\\x1b[2J: s\\x07" in printed


def test_numbers_are_exact(tmp_path):
    text = TRUE + 'gamma = 0.9\nlam = "1/3"\n'
    assert claims_of(text, tmp_path).entries[0].settings == {"gamma": Fraction(9, 10), "lam": Fraction(1, 3)}


@pytest.mark.slow
def test_the_example_is_the_talks_paper_and_holds():
    asked = read_claims(EXAMPLE)
    light = replace(asked, entries=tuple(e for e in asked.entries if e.published or e.invariant))
    audited = audit(light)
    assert audited.exit_code == 0 and len(asked.entries) == 7
    assert {e.algorithm for e in asked.entries} == {"td0", "td-lambda", "residual-gradient", "average-reward-td"}


def test_from_python_a_false_claim_is_false_and_nothing_is_written_unasked(folder: Path, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "paper.toml").write_text(TRUE)
    before = sorted(folder.iterdir())
    audited = lp.audit("paper.toml")
    assert audited and audited.holds and [j.verdict for j in audited.judged] == [Verdict.HOLDS]
    assert sorted(folder.iterdir()) == before
    (folder / "paper.toml").write_text(TRUE + FALSE)
    audited = lp.audit(folder / "paper.toml", output=folder / "out")
    assert not audited and audited.exit_code == 1
    assert [j.verdict for j in audited.judged] == [Verdict.HOLDS, Verdict.REFUTED]
    assert (folder / "out" / "audit.json").is_file()
    with pytest.raises(lp.ArgumentError, match="claims is 7, wanted the path of a TOML file"):
        lp.audit(7)

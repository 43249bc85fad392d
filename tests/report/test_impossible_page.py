"""The page of an impossible algorithm is one screen; what was not asked for takes one line of a page."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from operator import mul
from pathlib import Path

from helpers import Case
from reports import SMALL, everything, page_of, words

from layerproof.proofs.report.build import establish
from layerproof.proofs.report.model import Folded, Note, Page, Report, Table
from layerproof.proofs.report.writers import html
from layerproof.proofs.report.writers.checked import check
from layerproof.proofs.verdict import Verdict

EXAMPLE = (Path(__file__).parents[2] / "examples" / "k_step_td.py").read_text(encoding="utf-8")
CREDIT = "delta * (t.phi + p.gamma * sweep.last + p.gamma * p.gamma * sweep.before)"


def changed(folder: Path, by: str) -> Page:
    """The page of three-step TD with another credit."""
    path = folder / "mine.py"
    path.write_text(EXAMPLE.replace(CREDIT, by), encoding="utf-8")
    report, _ = establish([str(path)], SMALL, ("derived",))
    check(report)
    return report.pages[0]


@cache
def _squared(folder: str) -> Page:
    return changed(Path(folder), "delta * delta * t.phi")


def test_an_update_that_no_layer_does_has_one_screen(tmp_path_factory):
    page = _squared(str(tmp_path_factory.getbasetemp()))
    assert page.verdict is Verdict.REFUTED
    note = next(b for b in page.lead if isinstance(b, Note))
    assert note.verdict is Verdict.REFUTED and "No layer of linear attention does this update" in note.title
    assert len(page.lead) == 4 and [s.id for s in page.sections] == ["more"]
    assert all(isinstance(b, Folded) for b in page.sections[0].blocks)
    assert {b.id for b in page.sections[0].blocks} == {"update", "prompt", "evidence", "reproduce", "trust"}
    sentences = words(page.lead)
    assert "whatever" in sentences and "What would do" in sentences


def test_its_witness_adds_up_and_a_changed_number_would_be_seen(tmp_path_factory):
    table = next(b for b in _squared(str(tmp_path_factory.getbasetemp())).lead if isinstance(b, Table))
    *points, total = table.rows
    times = [Fraction(row[0].spans[0].text) for row in points]
    changes = [Fraction(row[3].spans[0].text) for row in points]
    assert sum(a * b for a, b in zip(times, changes, strict=True)) == Fraction(total[3].spans[0].text) != 0


def test_an_update_that_compares_has_such_a_page_too_and_its_witness_adds_up(tmp_path: Path):
    path = tmp_path / "mine.py"
    text = EXAMPLE.replace(CREDIT, "max(delta, 0 * delta) * t.phi")
    assert text != EXAMPLE
    path.write_text(text, encoding="utf-8")
    report, _ = establish([str(path), "td0"], SMALL, ("derived",))
    check(report)
    page = report.pages[0]
    assert page.verdict is Verdict.REFUTED and report.pages[1].verdict is Verdict.HOLDS
    note = next(b for b in page.lead if isinstance(b, Note))
    assert "No layer of linear attention does this update" in note.title and "compares" in words(note.blocks)
    (table,) = [b for b in page.lead if isinstance(b, Table)]
    *points, total = table.rows
    times, values = ([Fraction(row[k].spans[0].text) for row in points] for k in (0, 2))
    assert sum(map(mul, times, values)) == Fraction(total[2].spans[0].text) != 0
    assert times == [1, -4, 6, -4, 1] and "order 4" in words(page.lead)
    sentences = words(report.lead)
    assert "none does it" in sentences and "by 5 prompts with" in sentences
    assert {b.id for b in page.sections[0].blocks} == {"update", "evidence", "reproduce", "trust"}


def test_what_would_do_is_what_was_tried(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(
        EXAMPLE.replace(CREDIT, "t.rho * delta * t.phi").replace(
            '    parameters=("gamma",),', '    parameters=("gamma",),\n    transition_scalars=("rho",),'
        ),
        encoding="utf-8",
    )
    (page,) = establish([str(path)], SMALL, ("derived",))[0].pages
    assert "with prompt rows that hold rho * phi, 1 head of linear attention" in words(page.lead)


def test_what_was_not_asked_takes_one_line():
    written = html.write(Report("t", (), (page_of(Case("td0")),)))["td0.html"].decode()
    brief = re.findall(r'<section class="brief" id="([^"]*)"', written)
    assert "invariance" in brief and "errors" in brief and "verdicts" not in brief
    for name in brief:
        part = re.search(rf'<section class="brief" id="{name}".*?</section>', written, re.S)[0]
        assert part.count("<p>") == 1 and "NOT RUN" in part and "\n" not in part.strip()


def test_no_refuted_section_is_made_brief():
    note = Note(
        Verdict.REFUTED, "Refuted", next(b for b in everything(page_of(Case("td0"))) if isinstance(b, Note)).blocks
    )
    from layerproof.proofs.report.model import Section

    page = Page("p", "P", Verdict.REFUTED, (), (Section("s", "S", (note,)),))
    assert 'class="brief"' not in html.write(Report("t", (), (page,)))["p.html"].decode()


def test_the_index_has_cards_and_says_that_rocq_was_not_asked():
    report, _ = establish(["td0"], SMALL, ("derived",))
    written = html.write(report)["index.html"].decode()
    assert written.count('class="cards"') == 1 and written.count('class="dense cards"') == 1
    for column in ("update", "heads", "a layer", "verdict", "exact", "Rocq"):
        assert f'data-column="{column}"' in written
    assert "Rocq was not asked in this report" in written
    page = html.write(report)["td0.html"].decode().partition("</style>")[2]
    cards = re.findall(r'<table[^>]*class="[^"]*cards[^"]*".*?</table>', page, re.S)
    assert cards and page.count("data-column") == sum(table.count("data-column") for table in cards)


def test_the_index_says_how_large_a_refutation_is(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(EXAMPLE.replace(CREDIT, "delta * delta * t.phi"), encoding="utf-8")
    assert "by 4 prompts with d = 2, n = 2" in words(establish([str(path)], SMALL, ("derived",))[0].lead)

"""Reports on disk: checked first, whole or not at all, never over what is not ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import report_samples as samples

from layerproof.proofs.formula.formula import quoted
from layerproof.proofs.report.model import Cell, Display, Link, Matrix, Note, Page, Paragraph, Picture, Report, Table
from layerproof.proofs.report.writers import html, json_data, markdown, tex
from layerproof.proofs.report.writers.checked import check, check_picture
from layerproof.proofs.report.writing import MARKER, kept, write
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.errors import ArgumentError, LayerproofError

# what is checked before anything is written


def changed(**fields: Any) -> Report:
    return replace(samples.report(), pages=(replace(samples.page(), **fields),), lead=())


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (changed(name="index"), "wanted a name"),
        (changed(name="../x"), "wanted a name"),
        (changed(name="a b"), "wanted a name"),
        (replace(samples.report(), pages=(samples.page("a"), samples.page("A"))), "one name"),
        (changed(lead=(Paragraph.of(Link("x", "#nowhere")),)), "leads nowhere"),
        (changed(lead=(Paragraph.of(Link("x", "javascript:alert(1)")),)), "leads nowhere"),
        (changed(lead=(Note(None, "t", (Paragraph.of(Link("x", "td1#weights")),)),)), "leads nowhere"),
        (changed(lead=(Display(quoted("x", "x"), "weights"),)), "twice"),
        (changed(lead=(Display(quoted("x", "x"), 'a"b'),)), "wanted letters"),
        (changed(lead=(Table(("a", "b"), ((Cell(("x",)),),)),)), "1 cells below 2"),
        (changed(lead=(replace(samples.matrix(), rows=("a",)),)), "not 1 by 3"),
        (changed(lead=(replace(samples.matrix(), legend=()),)), "without a legend"),
        (changed(lead=(replace(samples.matrix(), row_sizes=("d",)),)), "sizes"),
        (replace(samples.report(), lead=(Paragraph.of(Link("x", "#weights")),)), "leads nowhere"),
    ],
)
def test_reports_that_would_mislead_are_refused(report: Report, message: str, tmp_path: Path) -> None:
    with pytest.raises(LayerproofError, match=message):
        write(report, tmp_path / "out", ["html"])
    assert list(tmp_path.iterdir()) == []


def test_samples_pass() -> None:
    check(samples.report())
    check(samples.hostile_report())


@pytest.mark.parametrize(
    "inner",
    ["<script>alert(1)</script>", '<rect onload="x"/>', '<a href="https://x"/>', "<style>x</style>", "<foreignObject/>",
     '<rect fill="url(https://x)"/>', '<use href="https://x"/>', "<!-- x -->", "<rect", '<image href="x.png"/>',
     '<rect style="background:url(//x)"/>'],
)  # fmt: skip
def test_pictures_only_draw(inner: str) -> None:
    check_picture("p", samples.SVG)
    with pytest.raises(LayerproofError):
        check_picture("p", f'<svg xmlns="http://www.w3.org/2000/svg">{inner}</svg>')
    with pytest.raises(LayerproofError):
        check(changed(lead=(Picture(f"<svg>{inner}</svg>", "a", "c", Table((), ())),)))


# the directory


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_writes_a_new_directory_and_replaces_an_earlier_report(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "report"
    messages: list[str] = []
    paths = write(samples.report(), place, ["html", "md"], messages.append)
    assert all(path.is_file() for path in paths) and len(messages) == 2
    assert names(place) == {path.name for path in paths} | {MARKER}
    one = replace(samples.report(), pages=(samples.page(),), lead=())
    write(one, place, ["html"])
    assert {"index.html", "td0.html"} <= names(place) and not (names(place) - {p.name for p in paths} - {MARKER})
    assert names(place.parent) == {"report"}


def test_what_is_not_written_anew_stays_and_what_tex_left_does_not(tmp_path: Path) -> None:
    place = tmp_path / "report"
    write(samples.report(), place, ["html", "tex"])
    before = {name: (place / name).read_bytes() for name in names(place) if name.endswith((".html", ".tex"))}
    (place / "index.aux").touch()  # as pdflatex leaves it
    assert kept(place, ["json"]) == sorted(before)
    write(replace(samples.report(), pages=(samples.page(),), lead=()), place, ["json"])
    assert names(place) == {"report.json", MARKER, *before}
    assert before == {name: (place / name).read_bytes() for name in before}
    write(samples.report(), place, ["json", "html", "tex"])  # the marker has named all of them
    (place / "note.html").touch()
    with pytest.raises(ArgumentError, match="not of the report"):
        write(samples.report(), place, ["json"])


def test_writes_into_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(samples.report(), tmp_path / "out", ["json"])
    assert names(tmp_path / "out") == {"report.json", MARKER}


def foreign(place: Path) -> None:
    place.mkdir()
    (place / "thesis.tex").write_text("mine")


def added(place: Path) -> None:
    write(samples.report(), place, ["html"])
    (place / "notes.txt").write_text("mine")


def file(place: Path) -> None:
    place.write_text("mine")


def link(place: Path) -> None:
    write(samples.report(), place.parent / "real", ["html"])
    place.symlink_to(place.parent / "real")


def false_marker(place: Path) -> None:
    place.mkdir()
    (place / MARKER).write_text("something else")


@pytest.mark.parametrize("made", [foreign, added, file, link, false_marker], ids=lambda f: f.__name__)
def test_never_overwrites_what_is_not_ours(made: Callable[[Path], None], tmp_path: Path) -> None:
    place = tmp_path / "out"
    made(place)
    before = sorted((p.relative_to(tmp_path), p.read_bytes()) for p in tmp_path.rglob("*") if p.is_file())
    with pytest.raises(ArgumentError, match=r"^output: "):
        write(samples.report(), place, ["md"])
    assert before == sorted((p.relative_to(tmp_path), p.read_bytes()) for p in tmp_path.rglob("*") if p.is_file())


def test_refuses_to_replace_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match="where you are"):
        write(samples.report(), ".", ["md"])


def test_a_failing_writer_leaves_the_earlier_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(samples.report(), tmp_path / "out", ["html"])
    before = names(tmp_path / "out")

    def failing(report: Report) -> dict[str, bytes]:
        raise LayerproofError("planted")

    monkeypatch.setattr(tex, "write", failing)
    with pytest.raises(LayerproofError, match="planted"):
        write(samples.report(), tmp_path / "out", ["html", "tex"])
    assert names(tmp_path / "out") == before and names(tmp_path) == {"out"}


def test_a_failing_disk_leaves_the_earlier_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(samples.report(), tmp_path / "out", ["html"])
    before = names(tmp_path / "out")
    real = Path.rename

    def failing(source: Path, target: Path) -> Path:
        if "layerproof-new" in source.name:
            raise OSError(28, "No space left on device")
        return real(source, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(ArgumentError, match="No space left"):
        write(samples.report(), tmp_path / "out", ["md"])
    assert names(tmp_path / "out") == before and names(tmp_path) == {"out"}


@pytest.mark.parametrize("formats", [["doc"], [], ["html", "../x"]])
def test_unknown_formats_are_refused(formats: list[str], tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"wanted some of html, tex, md, json, pdf$"):
        write(samples.report(), tmp_path / "out", formats)


def test_matrix_without_entries_is_laid_out() -> None:
    page = Page("p", "P", Verdict.HOLDS, (Matrix(quoted("Z", "Z"), (), (), ()), Table((), ())), ())
    report = Report("r", (), (page,))
    check(report)
    for writer in (html, tex, markdown, json_data):
        assert writer.write(report)

"""The writers of reports: the same bytes for the same report, and every text shown as text."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import pytest
import report_samples as samples
from hypothesis import given, settings
from markdown_it import MarkdownIt
from report_tools import needs_typst, texts

from layerproof.proofs.formula.escape import visible
from layerproof.proofs.formula.formula import Formula, quoted
from layerproof.proofs.report.model import Display, Matrix, Report
from layerproof.proofs.report.writers import html, json_data, markdown, pdf
from layerproof.proofs.report.writers.signs import SIGNS, WORDS
from layerproof.proofs.report.writers.typst_math import typst_math
from layerproof.proofs.report.writing import FORMATS, write
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.strict_json import loads

# the same report gives the same bytes


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in FORMATS if n != "pdf"] + [pytest.param("pdf", marks=needs_typst)])
def test_same_bytes_here_and_in_another_process(name: str, tmp_path: Path) -> None:
    first = {p.name: p.read_bytes() for p in write(samples.report(), tmp_path / "a", [name])}
    again = {p.name: p.read_bytes() for p in write(samples.report(), tmp_path / "b", [name])}
    assert first == again and first
    program = (
        "import report_samples, sys; from layerproof.proofs.report.writing import write;"
        "write(report_samples.report(), sys.argv[1], [sys.argv[2]])"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "c"), name], check=True, env=environment)
    assert first == {name: (tmp_path / "c" / name).read_bytes() for name in first}


def test_another_report_gives_other_bytes(tmp_path: Path) -> None:
    other = replace(samples.report(), title="Another")
    for name in ("html", "tex", "md", "json"):
        assert [p.read_bytes() for p in write(other, tmp_path / f"{name}-1", [name])] != [
            p.read_bytes() for p in write(samples.report(), tmp_path / f"{name}-2", [name])
        ]


# HTML


class Reading(HTMLParser):
    """The elements, attributes and visible text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.attributes = "", ""
        self.inside: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.attributes += " ".join(value or "" for _, value in attrs)
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.inside or self.inside[-1] not in ("style", "script"):
            self.text += data


def assert_harmless(page: str) -> None:
    """No element, attribute or address but those that the writer makes itself."""
    reading = Reading(page)
    tags = [tag for tag, _ in reading.elements]
    assert tags.count("script") == 1 and not {"img", "iframe", "object", "embed", "form", "base"} & set(tags)
    for tag, attributes in reading.elements:
        assert not [a for a in attributes if a.startswith("on")], (tag, attributes)
        for key in ("href", "src"):
            address = attributes.get(key) or ""
            assert re.fullmatch(r"(#[\w-]+|[\w-]+\.html(#[\w-]+)?|data:,|https://arxiv\.org/[\w./]+)?", address), (
                address
            )


@pytest.mark.parametrize("place", range(len(samples.NASTY)))
def test_html_shows_hostile_text_as_text(place: int) -> None:
    nasty = samples.NASTY[place]
    page = html.write(Report(nasty, (), (samples.hostile_page(nasty),)))["mine.html"].decode()
    assert_harmless(page)
    assert Reading(page).text.count(visible(nasty)) >= 12


@given(texts)
@settings(max_examples=60)
def test_html_shows_any_text_as_text(text: str) -> None:
    page = html.write(Report(text, (), (samples.hostile_page(text),)))["mine.html"].decode()
    assert_harmless(page)
    assert visible(text).replace("\r", "\n") in Reading(page).text


def test_html_without_escaping_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "text", lambda value: value)
    for nasty in samples.NASTY[:3]:
        page = html.write(Report("r", (), (samples.hostile_page(nasty),)))["mine.html"].decode()
        with pytest.raises(AssertionError):
            assert_harmless(page)


def test_html_needs_nothing_from_outside() -> None:
    for page in html.write(samples.report()).values():
        content = page.decode()
        assert "default-src 'none'" in content and "@import" not in content and "url(" not in content
        outside = set(re.findall(r"https?://[^\s\"'<]+", content))
        assert outside <= {"http://www.w3.org/2000/svg", "https://arxiv.org/abs/2405.13861"}


def test_policy_lets_only_the_script_of_the_page_run() -> None:
    import base64
    import hashlib

    page = html.write(samples.report())["td0.html"].decode()
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page and "script-src 'unsafe" not in page


def test_verdicts_have_sign_word_and_class_and_only_holds_looks_so() -> None:
    assert len(set(SIGNS.values())) == len(set(WORDS.values())) == 4
    for verdict in Verdict:
        page = html.write(Report("r", (), (samples.page("p", "P", verdict),)))["p.html"].decode()
        header = re.search(r"<header.*?</header>", page, re.DOTALL)
        assert header and SIGNS[verdict] in header[0] and WORDS[verdict] in header[0]
        assert ('badge holds"' in header[0]) == (verdict is Verdict.HOLDS)
        assert ("shout" in header[0]) == (verdict is not Verdict.HOLDS)


def test_refuted_notes_come_first() -> None:
    page = html.write(samples.report())["broken-td.html"].decode()
    lead = page[page.index('<div class="lead">') :]
    assert lead.index('class="note refuted"') < lead.index("Each layer is one iterate")


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_colours_contrast_in_light_and_dark() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21) and contrast("#777777", "#ffffff") < 4.5
    style = html._template("page.css")
    screen = style.partition("@media print")[0].split("color-scheme: dark")
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in screen)
    for colours in (light, light | dark):
        pairs = [(ink, paper) for ink in ("ink", "muted", "link") for paper in ("paper", "soft")]
        pairs += [("on", "holds"), ("on", "refuted"), ("undecided", "undecided-soft"), ("not-run", "paper")]
        kinds = ("holds", "refuted", "undecided", "not-run")
        pairs += [(ink, f"{kind}-soft") for ink in ("ink", "link") for kind in kinds]
        pairs += [(kind, f"{kind}-soft") for kind in kinds]
        pairs += [("ink", f"g{k}") for k in range(8)] + [("muted", f"g{k}") for k in range(8)]
        for one, other in pairs:
            assert contrast(colours[one], colours[other]) >= 4.5, (one, other, colours is light)


# Markdown


def rendered(content: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(content)


def harmless_markdown(content: str) -> None:
    """What Markdown makes of it has no element but ours and no address but ours."""
    for tag, attributes in Reading(rendered(content)).elements:
        allowed = "a h1 h2 h3 p code pre em strong ul li details summary table thead tbody tr th td img blockquote"
        assert tag in allowed.split(), tag
        for key, value in attributes.items():
            assert key in ("id", "href", "src", "alt", "class", "style"), key
            if key in ("href", "src"):
                assert re.fullmatch(r"#[\w-]+|[\w-]+\.(md|svg)(#[\w-]+)?|https://arxiv\.org/[\w./]+", value or ""), (
                    value
                )


@pytest.mark.parametrize("place", range(len(samples.NASTY)))
def test_markdown_shows_hostile_text_as_text(place: int) -> None:
    nasty = samples.NASTY[place]
    content = markdown.write(Report(nasty, (), (samples.hostile_page(nasty),)))["mine.md"].decode()
    harmless_markdown(content)
    printed = " ".join(Reading(rendered(content)).text.split())
    assert printed.count(" ".join(visible(nasty).split())) >= 8


@given(texts)
@settings(max_examples=60)
def test_markdown_shows_any_text_harmlessly(text: str) -> None:
    files = markdown.write(Report(text, (), (samples.hostile_page(text),)))
    harmless_markdown(files["mine.md"].decode())
    harmless_markdown(files["index.md"].decode())


def test_markdown_without_escaping_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "text", lambda value: value)
    content = markdown.write(Report("r", (), (samples.hostile_page(samples.NASTY[0]),)))["mine.md"].decode()
    with pytest.raises(AssertionError):
        harmless_markdown(content)


def test_markdown_tables_keep_their_columns() -> None:
    content = markdown.write(samples.report())["td0.md"].decode()
    for block in re.findall(r"(?:^\|.*\n)+", content, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1
    assert rendered(content).count("<table>") == 8  # the table twice, five matrices, the picture's numbers


# JSON


def test_json_is_canonical_and_says_everything() -> None:
    content = json_data.write(samples.report())["report.json"]
    document = loads(content.decode())
    assert document["schema"] == json_data.SCHEMA and document["format"] == json_data.FORMAT
    assert json_data.encode(document) == content
    page = document["report"]["pages"][1]
    assert page["verdict"] == "REFUTED" and page["data"] == {"gamma": "9/10"}
    encoded = json.dumps(document)
    for formula in (samples.UPDATE, samples.LONG, samples.CASES):
        assert json.dumps(formula.latex) in encoded and json.dumps(formula.text) in encoded


def test_json_holds_hostile_text_exactly() -> None:
    document = json.loads(json_data.write(samples.hostile_report())["report.json"])
    assert document["report"]["data"]["said"] == list(samples.NASTY)


def test_json_writes_rationals_as_text_and_refuses_what_has_no_json() -> None:
    assert json_data.plain({"a": Fraction(-6, 4), "b": (Verdict.HOLDS,)}) == {"a": "-3/2", "b": ["HOLDS"]}
    assert b"null" in json_data.encode({"a": json_data.plain(float("nan"))})
    for value in (object(), {"x": {1, 2}}):
        with pytest.raises((TypeError, ValueError)):
            json_data.plain(value)


def test_a_letter_that_the_pdfs_fonts_lack_is_named_in_the_pdf_and_told() -> None:
    plain, strange = pdf.lacking(samples.report()), Report("中 φ Ž ✓ 𝔸", (), ())
    assert plain == "" and pdf.lacking(strange) == "the PDF's fonts lack U+4E2D: the code points stand there"
    assert "[U+4E2D] φ Ž ✓ 𝔸" in pdf.source(strange) and "中" not in pdf.source(strange)


@needs_typst
def test_what_is_not_measured_for_the_pdf_is_narrower_than_its_text() -> None:
    import typst

    def refused(formula: Formula, room: int) -> bool:
        check = (
            f"#layout(room => {{ if measure([{typst_math(formula, display=True)}]).width > {room}pt {{ panic() }} }})"
        )
        try:
            typst.compile(f"#set page(width: {room + 1000}pt)\n{check}".encode(), ignore_system_fonts=True)
        except typst.TypstError:
            return True
        return False

    def shown(formula: Formula) -> str:
        return pdf.source(Report("t", (Display(formula),), ()))

    widest = quoted("", "W" * pdf.NARROW)
    assert "#wide[" not in shown(widest).partition("#outline")[0].partition("#show: body")[2]
    assert not refused(widest, 440) and refused(widest, 100)  # A4 without its margins is 459 pt wide
    assert "#wide[" in shown(quoted("", "W" * (pdf.NARROW + 1)))


@pytest.mark.parametrize("entry", ["88888", "-8", "-77/88", "W_W"])
def test_a_matrix_that_is_not_measured_has_room_on_the_page(entry):
    typst, written = pytest.importorskip("typst"), quoted(entry, entry)

    def of(columns: int) -> Matrix:
        names = tuple(f"W{k}" for k in range(columns))
        return Matrix(quoted("Q", "Q"), ("W",), names, ((written,) * columns,), legend=("a",), groups=((0,) * columns,))

    columns = max(k for k in range(1, 60) if pdf._breadth(of(k)) <= pdf.ROOM)
    template = pdf.source(Report("t", (), ())).partition("#show: body")[0]
    for limit, passes in ((459 - 2 * 10.5, True), (100, False)):
        shown = pdf.matrix(of(columns), "[]").removeprefix("#")
        text = f"{template}#set page(width: 2000pt)\n#set text(size: 10.5pt, font: serif)\n"
        text += '#show math.equation: set text(font: "New Computer Modern Math")\n'
        text += f"#context {{ if measure({shown}).width > {limit}pt {{ panic() }} }}"
        if passes:
            typst.compile(text.encode(), ignore_system_fonts=True)
        else:
            with pytest.raises(typst.TypstError):
                typst.compile(text.encode(), ignore_system_fonts=True)

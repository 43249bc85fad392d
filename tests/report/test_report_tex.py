"""Reports as LaTeX and as PDF: they compile, stay on the page and run nothing of a text."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import report_samples as samples
from cli import run_cli
from hypothesis import given
from report_tools import compiled, needs_typst, texts, tool

from layerproof.proofs.formula.escape import visible
from layerproof.proofs.formula.tex_text import text as tex_text
from layerproof.proofs.report.model import Paragraph, Report
from layerproof.proofs.report.writers import pdf, tex
from layerproof.proofs.report.writers.typst_math import literal
from layerproof.symbolic.errors import LayerproofError

pytestmark = pytest.mark.slow

# LaTeX


@pytest.mark.parametrize("report", [samples.report, samples.hostile_report], ids=["sample", "hostile"])
def test_latex_compiles(report: Callable[[], Report], tmp_path: Path) -> None:
    written = {name: content.decode() for name, content in tex.write(report()).items()}
    fragments = [(name, content) for name, content in written.items() if name != "index.tex"]
    assert compiled(written["index.tex"], tmp_path, *fragments) == ""
    assert not (tmp_path / "owned").exists()


def test_latex_fragment_compiles_in_a_paper(tmp_path: Path) -> None:
    paper = r"\documentclass{article}\usepackage{amsmath,amssymb}\begin{document}Before.\input{td0}\end{document}"
    assert compiled(paper, tmp_path, ("td0.tex", tex.fragment(samples.page()))) == ""


def test_latex_stays_on_the_page(tmp_path: Path) -> None:
    assert compiled(tex.PREAMBLE + tex.fragment(samples.page()) + r"\end{document}", tmp_path) == ""
    assert sticking_out(tmp_path) == []
    assert compiled(tex.PREAMBLE + r"\[ " + "x + " * 99 + r"y \]\end{document}", tmp_path) == ""
    assert sticking_out(tmp_path) != []


@pytest.mark.parametrize("name", ["gtd2", "heavy-ball-td"])
def test_a_derivation_stays_on_the_page_of_an_article(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    derivation = run_cli(capsys, "derive", name, "--format", "latex").out
    paper = r"\documentclass{article}\usepackage{amsmath,amssymb}\begin{document}\input{derived}\end{document}"
    for content, fits in ((derivation, True), (derivation.replace(r"\emergencystretch=3em", ""), False)):
        assert compiled(paper, tmp_path, ("derived.tex", content)) == ""
        assert (r"Overfull \hbox" not in (tmp_path / "main.log").read_text(errors="replace")) is fits


def sticking_out(folder: Path) -> list[str]:
    """The boxes that are 10pt or more too wide."""
    return re.findall(r"Overfull \\hbox \(\d\d+\.", (folder / "main.log").read_text(errors="replace"))


def test_latex_that_does_not_compile_is_seen(tmp_path: Path) -> None:
    assert compiled(tex.PREAMBLE + r"\nosuchcommand\end{document}", tmp_path) != ""


@given(texts)
def test_latex_text_has_no_command_of_the_text(text: str) -> None:
    shown = re.sub(r"(?<!\\)\$[^$]*\$", "", tex_text(text))
    plain = re.sub(r"\\[A-Za-z]+(\{\})?|\\[^A-Za-z]|\{[\"'`-]\}", "", shown)
    assert not set(plain) & set("\\{}%#&_^$")
    known = {"textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar", "ldots"}
    assert set(re.findall(r"\\([A-Za-z]+)", shown)) <= known | {"allowbreak"}


# Typst


@needs_typst
def test_pdf_shows_hostile_text_as_text(tmp_path: Path) -> None:
    content = pdf.write(samples.hostile_report())["report.pdf"]
    assert content.startswith(b"%PDF")
    (tmp_path / "report.pdf").write_bytes(content)
    shown = subprocess.run(
        [tool("pdftotext"), "-layout", "report.pdf", "-"], cwd=tmp_path, check=True, capture_output=True
    )
    printed = shown.stdout.decode(errors="replace")
    for piece in ("<script>", '#read("/etc/passwd")', r"\input{/etc/passwd}", '#panic("owned")', "[U+202E]"):
        assert piece in printed, piece
    assert "root:" not in printed


@needs_typst
def test_typst_without_escaping_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "literal", lambda value, also="": f'"{value}"')
    with pytest.raises(LayerproofError, match=r"owned|Typst"):
        pdf.write(Report("r", (Paragraph.of(samples.NASTY[6]),), ()))


@given(texts)
def test_typst_literal_reads_back(text: str) -> None:
    shown = literal(text)
    assert "\n" not in shown
    assert json.loads(shown) == visible(text)  # the escapes of both languages agree where the writer uses them


def test_pdf_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "find_spec", lambda name: None)
    message = pdf.available()
    assert message and "\n" not in message and "layerproof[pdf]" in message
    with pytest.raises(LayerproofError, match="extra pdf"):
        pdf.write(samples.report())

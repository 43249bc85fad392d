"""The index: a layer in little for each algorithm, a refuted page's counterexample, the picture of the theory."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import report_samples as samples
from helpers import Case
from reports import page_of, subject, words

from layerproof.proofs.report.index import _theory
from layerproof.proofs.report.lead import alarms
from layerproof.proofs.report.model import Cell, Link, Paragraph, Picture, Report, Table
from layerproof.proofs.report.overview import HEADERS, counterexample, row, tables
from layerproof.proofs.report.writers import html, markdown
from layerproof.proofs.report.writers.checked import check
from layerproof.proofs.verdict import Claim, Verdict
from layerproof.symbolic.errors import LayerproofError

TD0, GTD2 = Case("td0"), Case("gtd2")
WITNESS = {
    "prompt": {"features": [["1"]], "next_features": [["0"]], "rewards": ["1"], "query": ["0"]},
    "starting_weights": [["0"]],
}


def line(case: Case) -> dict[str, Cell]:
    return dict(zip(HEADERS, row(subject(case), page_of(case)), strict=True))


def test_each_algorithm_has_its_layer_in_little_with_labels_and_in_words():
    sketch = line(TD0)["a layer"]
    drawn = sketch.drawing.partition("</desc>")[2]
    assert re.findall(r">([^<>]+)</text>", drawn) == ["φ", "k q", "γφ′", "q", "δ", "v +"]
    assert (
        "".join(getattr(s, "text", s) for s in sketch.spans) == "compares phi with phi, gamma phi', adds delta to delta"
    )
    two = line(GTD2)["a layer"]
    assert two.drawing.count("<path") == 2 * drawn.count("<path") and "head 2" in "".join(map(str, two.spans))
    assert two.drawing != sketch.drawing


def test_the_picture_is_drawn_on_the_page_and_said_in_words_elsewhere():
    pages = (page_of(TD0),)
    report = Report("t", tuple(tables([(False, row(subject(TD0), pages[0]))])), pages)
    check(report)
    page = html.write(report)["index.html"].decode()
    assert page.count("<svg") == 1 and "from token" not in page and "keys" in page
    assert "compares" in markdown.write(report)["index.md"].decode()
    hostile = replace(report, lead=(Table(("a",), ((Cell(("x",), drawing="<svg><script/></svg>"),),)),))
    with pytest.raises(LayerproofError, match="picture"):
        check(hostile)


def test_what_each_table_groups_is_said_and_the_picture_explained_once():
    one = row(subject(TD0), page_of(TD0))
    own, patterns = tables([(2, one), (1, one), (2, one)])[::-1]
    assert [len(own.rows), len(patterns.rows)] == [2, 1]
    assert own.caption == "Of files of your own." and patterns.caption.startswith("By attention patterns. A layer in")
    (alone,) = tables([(2, one)])
    assert alone.caption.startswith("A layer in little")


def test_a_refuted_page_says_how_small_its_counterexample_is():
    prompt = {"query": ["1", "0"], "rewards": ["0", "1", "0"]}
    claims = [Claim("x", "c", "identity-exact", Verdict.REFUTED, "", "r", witness={"prompt": prompt})]
    assert counterexample(claims) == "by a prompt with d = 2, n = 3"
    assert counterexample([replace(claims[0], witness=None)]) == "see why on its page"


def test_of_what_refutes_a_prompt_stands_first_and_the_rest_folds_but_nothing_open_does():
    claims = [
        Claim("x", "in symbols", "identity-symbolic", Verdict.REFUTED, "", "row y differs by a*b*c",
              witness={"difference": "a*b*c"}),
        Claim("x", "on a prompt", "identity-exact", Verdict.REFUTED, "", "r", witness=WITNESS),
        Claim("x", "open", "float", Verdict.UNDECIDED, "", "why"),
    ]  # fmt: skip
    first, folded, open_ = alarms(claims)
    assert (first.title, open_.title) == ("On a prompt", "Open") and "identity-symbolic" in folded.title
    (inner,) = folded.blocks
    assert words(inner.blocks[0]) == "Layer and update differ in row y, by what follows."
    assert "a*b*c" in inner.blocks[1].text and inner.verdict is Verdict.REFUTED
    assert [b.title for b in alarms(claims[:1])] == ["In symbols"]


def test_the_picture_of_the_theory_stands_on_the_index_where_there_is_one():
    shown = Picture(samples.SVG, "alt", "caption", Table((), ()))
    page = replace(samples.page(), name="theory", title="What rests on what", lead=(shown,))
    intro, drawn = _theory(page)
    assert drawn is shown and isinstance(intro, Paragraph) and Link("What rests on what", "theory") in intro.spans
    (without,) = _theory(None)
    assert isinstance(without, Paragraph) and any("--prove" in getattr(s, "text", "") for s in without.spans)

"""The pictures of a layer: what heads do with rows, as their weights say, and patterns with the exact numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from helpers import Case
from reports import fresh, page_of, subject

from layerproof.proofs.report.build import page
from layerproof.proofs.report.layer_pictures import layer_pictures, row_labels
from layerproof.proofs.report.model import Picture, Report, worded
from layerproof.proofs.report.picture_heat import Panel, heat_picture
from layerproof.proofs.report.picture_layer import example_blocks, pattern, roles, short
from layerproof.proofs.report.svg import SERIES
from layerproof.proofs.report.writers import html, markdown, pdf, tex
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.errors import LayerproofError

TD0 = Case("td0")


def lead_pictures(case: Case) -> list[Picture]:
    return [block for block in page_of(case).lead if isinstance(block, Picture)]


@pytest.mark.parametrize(("name", "expected"), [
    ("td0", ["keys phi; queries phi, gamma_phi_next; values td_error; added to td_error"]),
    ("average-reward-td", ["keys phi; queries phi, phi_next; values difference; added to difference",
                           "keys phi; queries phi, phi_next; values reward; added to difference"]),
])  # fmt: skip
def test_a_picture_a_head_says_what_it_does_with_which_row(name: str, expected: list[str]):
    sentences = [re.search(r"keys .*?(?=\. Beside)", p.alt)[0] for p in lead_pictures(Case(name))]
    assert sorted(sentences) == sorted(expected)


def test_another_head_gives_another_picture():
    run = subject(TD0).example
    (head,) = run.layers[0].heads
    blocks = example_blocks(run, {})
    there = {sign: [b.name for b in used] for sign, used in roles(blocks, head).items()}
    assert there == {"k": ["phi"], "q": ["phi", "gamma_phi_next"], "v": ["td_error"], "+": ["td_error"]}
    turned = replace(head, Q=[list(row) for row in zip(*head.Q, strict=True)])
    swapped = {sign: [b.name for b in used] for sign, used in roles(blocks, turned).items()}
    assert (swapped["k"], swapped["q"]) == (there["q"], there["k"])


def test_the_numbers_beside_the_picture_are_the_exact_ones():
    (shown,) = lead_pictures(TD0)
    run = subject(TD0).example
    Z, head = run.start, run.layers[0].heads[0]
    scores = [[sum(Z[a][j] * head.Q[a][b] * Z[b][c] for a in range(5) for b in range(5)) for c in range(4)]
              for j in range(4)]  # fmt: skip
    wanted = [[sum(head.mask[i][j] * scores[j][c] for j in range(4)) for c in range(4)] for i in range(4)]
    assert [[Fraction(cell.spans[0].text) for cell in row[1:]] for row in shown.data.rows] == wanted == pattern(head)


def test_a_pattern_that_is_zero_is_said_to_be_zero():
    first, second = lead_pictures(Case("heavy-ball-td"))
    zero = ["every entry of which is zero." in worded(p.caption)[-1] for p in (first, second)]
    assert zero == [False, True]
    assert all(c.spans[0].text == "0" for row in second.data.rows for c in row[1:])


def test_a_card_leaves_out_what_no_evidence_is_about():
    shown = html.write(Report("t", (), (page_of(TD0),)))["td0.html"].decode()
    assert '<td class="none" data-column="at random points">–</td>' in shown and ".cards td.none" in shown


def test_a_negative_entry_is_orange_and_the_largest_is_the_strongest():
    entries = [[Fraction(1), Fraction(0)], [Fraction(-4), Fraction(2)]]
    svg, words = heat_picture([Panel("A", "ab", "cd", entries)], "t", "id")
    cells = [
        r for r in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect") if "fill-opacity" in r.attrib
    ]
    drawn = [(SERIES.index(r.attrib["fill"]), float(r.attrib["fill-opacity"])) for r in cells]
    assert [colour for colour, _ in drawn] == [0, 1, 0] and drawn[1][1] == 1 == max(s for _, s in drawn)
    assert drawn[0][1] < drawn[2][1] and "the largest -4 at (b, c)" in words


def test_labels_stand_on_both_axes_and_are_left_out_where_they_do_not_fit():
    wide = ["γφ′1", "γφ′2", "γφ′3", "γφ′4", "γφ′5", "γφ′6"]
    svg, _ = heat_picture([Panel("A", wide, wide, [[Fraction(1)] * 6] * 6)], "t", "id")
    assert 6 < svg.count("γφ′") < 12
    svg, _ = heat_picture([Panel("A", "abc", ["a", "b", "a long name"], [[Fraction(1)] * 3] * 3)], "t", "id")
    assert "a long name" not in svg.partition("</desc>")[2]  # it would run into what stands beside
    assert [short("gamma_phi_next", k) for k in "12"] == ["gamm…1", "gamm…2"] and short("td_error") == "td_er…"
    assert row_labels(subject(TD0)) == ["φ1", "φ2", "γφ′1", "γφ′2", "δ"]
    (shown,) = lead_pictures(TD0)
    assert "into token" in shown.svg and "from token" in shown.svg and "rows of Z" in shown.svg


def test_captions_set_their_formulas_in_every_format():
    shown = page_of(TD0)
    (drawn,) = lead_pictures(TD0)
    assert any(not isinstance(part, str) for part in worded(drawn.caption))
    report = Report("t", (), (shown,))
    page_html = html.write(report)["td0.html"].decode()
    assert all(
        "<math" in caption for caption in re.findall(r"<figcaption>The head compares.*?</figcaption>", page_html)
    )
    assert r"$`M (Z^\top Q Z)`$" in markdown.write(report)["td0.md"].decode()
    assert r"$M (Z^\top Q Z)$" in tex.write(report)["td0.tex"].decode()
    assert "The head compares" in pdf.source(report)


def test_the_verdicts_stand_in_words_on_the_first_screen():
    def sentences(page) -> list[str]:
        return ["".join(getattr(s, "text", s) for s in b.spans) for b in page.lead if hasattr(b, "spans")]

    lines = sentences(page_of(TD0))
    assert any(x.startswith("Holds: that the weights follow from the update") for x in lines)
    assert any(x.startswith("Not asked for: ") and "--prove" in x for x in lines)
    assert any(x.startswith("What it means") for x in lines)
    wrong = tuple(replace(c, verdict=Verdict.REFUTED) if c.evidence == "derived" else c for c in subject(TD0).claims)
    lines = sentences(page(fresh(TD0, claims=wrong)))
    assert any(x.startswith("Refuted: that the weights follow") for x in lines)
    assert not any(x.startswith("What it means") for x in lines)


def test_a_claim_about_another_algorithm_is_refused():
    strange = replace(subject(TD0).claims[0], algorithm="tdc")
    with pytest.raises(LayerproofError, match="claim about tdc"):
        page(fresh(TD0, claims=(*subject(TD0).claims, strange)))


def test_a_prompt_of_too_many_rows_has_no_picture():
    assert len(layer_pictures(subject(TD0))) == 1
    from layerproof.proofs.report.picture_layer import Block, head_picture

    (head,) = subject(TD0).example.layers[0].heads
    many = [Block(str(k), str(k), range(0, 1)) for k in range(13)]
    assert head_picture(many, head, ["1", "2", "3", "query"], "t", "id") is None

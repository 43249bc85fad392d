"""Pictures: well-formed, the same bytes every time, legible on a phone, and said in words and numbers."""

from __future__ import annotations

import re
from math import isfinite
from xml.etree import ElementTree

import pytest
from helpers import Case, each_kind
from hypothesis import given
from hypothesis import strategies as st
from reports import EXAMPLES, everything, example_report, page_of

from layerproof.proofs.report.model import Picture
from layerproof.proofs.report.picture_curves import Curve, curves_picture
from layerproof.proofs.report.picture_letters import letters
from layerproof.proofs.report.svg import FONT, PALE, SERIES, WIDTH, number
from layerproof.proofs.report.writers.checked import check_picture

NARROW = 390 - 2 * 16
"""A phone's page without its margins."""
SVG = "{http://www.w3.org/2000/svg}"


def pictures(tree) -> list[Picture]:
    return [part for part in everything(tree) if isinstance(part, Picture)]


def coordinates(svg: str) -> list[float]:
    return [float(x) for x in re.findall(r'(?:\s(?:x|y|x1|y1|x2|y2|cx|cy|width|height)=")(-?[\d.]+)', svg)]


def looks_right(picture: Picture) -> None:
    check_picture("a test", picture.svg)
    root = ElementTree.fromstring(picture.svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert root.attrib["role"] == "img" and root.find(f"{SVG}title") is not None and root.find(f"{SVG}desc") is not None
    assert float(root.attrib["font-size"]) * NARROW / width >= 11
    assert all(isfinite(x) and 0 <= x <= max(width, height) for x in coordinates(picture.svg))
    for text in root.iter(f"{SVG}text"):
        assert "font-size" not in text.attrib
        start, room = float(text.attrib["x"]), 0.62 * FONT * len(text.text or "")
        left = start - {"start": 0, "middle": room / 2, "end": room}[text.attrib["text-anchor"]]
        assert left >= -2 and left + room <= width + 2, text.text
    assert picture.alt and picture.caption and picture.data.rows
    used = set(re.findall(r"#[0-9A-Fa-f]{6}", picture.svg))
    assert used <= {*SERIES, *PALE, "#1b1f24", "#57606a", "#d0d7de"}


@pytest.mark.slow
@each_kind
def test_the_pictures_of_a_page(case: Case):
    drawn = pictures(page_of(case))
    assert len(drawn) >= 2
    for picture in drawn:
        looks_right(picture)
    assert drawn == pictures(page_of.__wrapped__(case))


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES)
def test_the_pictures_of_own_constructions(path: str):
    for picture in pictures(example_report(path)):
        looks_right(picture)


def test_the_prompt_picture_marks_the_rows_that_layers_change_and_says_what_it_holds():
    prompt = next(p for p in pictures(page_of(Case("gtd2"))) if "prompt-picture" in p.svg)
    assert prompt.svg.count('class="fill-1 stroke-1"') == 2 * 5 + 1  # two rows of five cells, and the legend
    assert prompt.svg.count('class="fill-0 stroke-0"') == 2 * 5
    for word in ("phi", "gamma_phi_next", "td_error", "correction", "query"):
        assert word in prompt.svg
    assert "γφ′₁" in prompt.svg and "R₁" in prompt.svg
    assert [row[0].spans[0].text for row in prompt.data.rows] == ["phi", "gamma phi'", "delta", "u"]


def test_short_formulas_in_letters():
    assert [letters(t) for t in ("phi_1", "gamma phi'_n", "rho_2 phi_2", "R_j", "0", "q", "td_error")] == [
        "φ₁", "γφ′ₙ", "ρ₂φ₂", "Rⱼ", "0", "q", "td_error"]  # fmt: skip


def test_a_larger_value_is_drawn_higher_and_a_gap_is_left_open():
    drawn = [Curve("a", (1e-3, None, 1e-2, 1e-1)), Curve("b", (0.0, 1e-3, 1e-3, 1e-3))]
    svg, words = curves_picture([0, 1, 2, 3], drawn, "Curves", ("layer", "value"), "test")
    lines = [
        [tuple(map(float, p.split(","))) for p in points.split()]
        for points in re.findall(r'<polyline points="([^"]*)"', svg)
    ]
    first = lines[0]
    assert len(first) == 2 and first[1][1] < first[0][1]
    assert svg.count("<circle") == 2  # the lone point before the gap, and the zero at the bottom edge
    assert "a: 0.001 at layer 0, 0.1 at layer 3" in words


def test_hostile_titles_stay_text():
    svg, _ = curves_picture([0, 1], [Curve("<script>&", (1.0, 2.0))], '"><script>', ("layer", "value"), "test")
    check_picture("a test", svg)
    assert "<script" not in svg


def test_nothing_to_draw_is_no_crash():
    for values in ((), (None,), (0.0,)):
        svg, words = curves_picture(
            list(range(len(values))) or [0], [Curve("a", values or (None,))], "t", ("layer", "value"), "test"
        )
        check_picture("a test", svg)
        assert words


@given(st.floats(-1e6, 1e6))
def test_coordinates_are_short_and_right(x: float):
    text = number(x)
    assert abs(float(text) - x) <= 0.00501 and not text.endswith(".") and text != "-0" and "e" not in text


def test_the_width_suits_a_phone():
    assert FONT * NARROW / WIDTH >= 11

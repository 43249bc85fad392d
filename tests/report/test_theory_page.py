"""The page about the theory: drawn from sources and verdicts, each status with a look of its own, in the index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from cli import SMALL, assert_refused, run_cli

from layerproof.proofs.evidence import proved
from layerproof.proofs.report.picture_theory import (
    HIGH,
    LOOKS,
    WIDE,
    broken,
    levelled,
    placed,
    reduced,
    theory_picture,
)
from layerproof.proofs.report.svg import FONT
from layerproof.proofs.report.theory import MEANING, theory_document, theory_page
from layerproof.proofs.report.writers.checked import check_picture
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.audits import audits
from layerproof.proofs.theory.gate import Outcome
from layerproof.proofs.theory.general import invariance_audits
from layerproof.proofs.theory.picture import Node, Status, picture, status, under
from layerproof.proofs.theory.prover import Prover
from layerproof.proofs.verdict import Claim, Verdict
from layerproof.symbolic.algorithms import find

SVG = "{http://www.w3.org/2000/svg}"
SCROLLED = 58 * 16
"""What a picture this wide is at least wide on any screen: `page.css`."""


def asked() -> list[Audit]:
    return [*audits(find("td0")), *invariance_audits()]


def claims(verdict: Verdict, *but: str) -> list[Claim]:
    """This verdict on every theorem asked for but some."""
    names = [t.name for a in asked() for t in a.theorems if t.name not in but]
    return [Claim("", "", "proved-all-sizes", verdict, "", "", details={"theorem": name}) for name in names]


def statuses(nodes: Sequence[Node]) -> dict[str, Status]:
    return {n.name: status(n, nodes) for n in nodes}


def test_what_is_asked_for_is_drawn_with_all_that_is_under_it_and_nothing_else() -> None:
    nodes = picture(asked=audits(find("td0")))
    assert {n.name for n in nodes} == {"attention", "numbers", "loop_masks", "loop_prompt", "td0"}
    assert under({"td0"}, nodes) == {"td0", "attention", "loop_masks", "loop_prompt"}
    (td0,) = (n for n in nodes if n.name == "td0")
    assert [t.name for t in td0.stated] == list(td0.audited) and "layer_step" in td0.unstated


def test_a_status_follows_from_the_verdicts() -> None:
    shown = statuses(picture(asked=asked()))
    assert {shown["td0"], shown["gradient"], shown["attention"]} == {Status.NOT_RUN}
    assert {shown["loop_masks"], shown["loop_prompt"]} == {Status.NOT_STATED}
    proofs = claims(Verdict.HOLDS)
    shown = statuses(picture(proofs, asked=asked()))
    assert shown["td0"] is Status.PROVED and shown["attention"] is Status.NOT_RUN  # layer_sumE was not asked for
    layer = Claim("", "", "", Verdict.HOLDS, "", "", details={"theorem": "layer_sumE"})
    negative = [replace(layer, details={"theorem": t}) for t in ("tf_odd", "tf_line", "no_max", "no_q_learning")]
    shown = statuses(picture([*proofs, layer, *negative], asked=asked()))
    assert {shown[n] for n in ("td0", "attention", "one_layer")} == {Status.WHOLE}
    assert shown["loop_masks"] is Status.NOT_STATED
    for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
        wrong = replace(layer, verdict=verdict, details={"theorem": "td0_state"})
        assert statuses(picture([*proofs, layer, wrong], asked=asked()))["td0"].name == verdict.name


def test_one_claim_about_all_theorems_of_an_algorithm_says_each() -> None:
    names = [t.name for a in audits(find("td0")) for t in a.theorems]
    verdicts = dict.fromkeys(names, "HOLDS") | {"td0_prompt0": "UNDECIDED"}
    drawn = picture([Claim("td0", "", "", Verdict.UNDECIDED, "", "", details={"verdicts": verdicts})],
                    asked=audits(find("td0")))  # fmt: skip
    assert statuses(drawn)["td0"] is Status.UNDECIDED and statuses(drawn)["numbers"] is Status.PROVED


def test_every_status_has_a_look_and_a_meaning_of_its_own() -> None:
    assert LOOKS.keys() == MEANING.keys() == set(Status)
    assert len({look[0] for look in LOOKS.values()}) == len({look[1] for look in LOOKS.values()}) == len(Status)


def test_a_file_stands_right_of_what_it_rests_on_and_no_box_over_another() -> None:
    nodes = picture(asked=asked())
    edges, levels = reduced(nodes), levelled(nodes)
    at = placed(levels, edges)
    for node in nodes:
        assert all(levels[x] < levels[node.name] for x in node.needs)
        assert under({node.name}, nodes) == _reached(node.name, edges)
    corners = sorted(at.values())
    for k, (x, y) in enumerate(corners):
        for x2, y2 in corners[k + 1 :]:
            assert abs(x - x2) >= WIDE or abs(y - y2) >= HIGH


def _reached(name: str, edges: Any) -> set[str]:
    return {name}.union(*(_reached(x, edges) for x in edges[name]))


@pytest.mark.parametrize("names", [("td0",), ("td0", "gtd2", "td-lambda")])
def test_the_picture_is_well_formed_legible_and_the_same_every_time(names: tuple[str, ...]) -> None:
    nodes = picture(asked=[a for name in names for a in audits(find(name))] + invariance_audits())
    svg, words = theory_picture(nodes)
    assert (svg, words) == theory_picture(nodes)
    check_picture("here", svg)
    root = ElementTree.fromstring(svg)
    width = float(root.attrib["width"])
    assert root.attrib["class"] == "broad" and FONT * SCROLLED / width >= 11
    for text in root.iter(f"{SVG}text"):
        left, room = float(text.attrib["x"]), 0.62 * FONT * len(text.text or "")
        left -= room / 2 if text.attrib["text-anchor"] == "middle" else 0
        assert left >= 0 and left + room <= width, text.text
    boxes = [g.find(f"{SVG}title") for g in root.iter(f"{SVG}g")]
    assert [t.text for t in boxes if t is not None] == [f"{n.name}.v: {status(n, nodes)}" for n in nodes]
    assert len(list(root.iter(f"{SVG}path"))) == sum(map(len, reduced(nodes).values()))
    assert all(n.name in words for n in nodes)


def test_long_names_take_two_lines() -> None:
    for name in ("convergence_numbers", "td_lambda_gamma_lam", "x" * 40, "a_" * 30):
        lines = broken(name)
        assert len(lines) == 2 and all(len(line) * 0.62 * FONT <= WIDE for line in lines)


@pytest.mark.slow
def test_without_a_prover_nothing_is_proved_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    path = tmp_path / "theory.html"
    assert run_cli(capsys, "prove", "--picture", str(path)).code == 3
    page = path.read_text()
    assert "not run" in page and not re.search(r"HOLDS|: proved|✓", page)
    links = set(re.findall(r'href="#([^"]+)"', page)) - {"main"}
    assert links and links <= set(re.findall(r'id="([^"]+)"', page))
    for wrong in (tmp_path / "theory.svg", tmp_path / "no" / "theory.html"):
        assert_refused(run_cli(capsys, "prove", "td0", "--picture", str(wrong)), 2, "wanted a file that ends in .html")


def test_nothing_to_draw_is_said() -> None:
    assert b"No theorem is about what was asked for" in theory_document(picture(asked=[]))
    assert theory_page("theory", [], []).verdict is Verdict.NOT_RUN


@pytest.mark.slow
@pytest.mark.parametrize("verdict", [Verdict.HOLDS, Verdict.REFUTED])
def test_a_report_that_asks_the_prover_has_the_page_and_its_index_leads_there(
    verdict: Verdict, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate stands in for itself."""

    def gate(demanded: Sequence[Audit], *_: Any, **__: Any) -> Outcome:
        names = [t.name for a in demanded for t in a.theorems]
        wrong = {} if verdict is Verdict.HOLDS else {"td0_state": "planted"}
        return Outcome({n: 0.0 for n in names if n not in wrong}, wrong, version="stand-in")

    monkeypatch.setattr(proved, "gate", gate)
    monkeypatch.setattr(proved, "find_prover", lambda: Prover(("true",), "stand-in"))
    arguments = (*SMALL, "--evidence", "derived", "--format", "html,md,json")
    asked = ("--prove",) if verdict is Verdict.HOLDS else ("--evidence", "proved-all-sizes")  # the same question
    run_cli(capsys, "report", "td0", *arguments, *asked, "-o", str(tmp_path / "out"))
    page, index = ((tmp_path / "out" / f"{name}.html").read_text() for name in ("theory", "index"))
    assert 'href="theory.html"' in index and index.count(">What the theorems rest on</a>") == 2
    assert {Verdict.HOLDS: "td0.v: proved", Verdict.REFUTED: "td0.v: refuted"}[
        verdict
    ] in page and "attention.v: not run" in page
    assert (verdict is Verdict.HOLDS) is ('role="alert"' not in page)
    run_cli(capsys, "report", "td0", *arguments, "-o", str(tmp_path / "out"))
    assert not (tmp_path / "out" / "theory.html").exists()

"""Pages about rules: each follows its rule from the Bellman operator, in formulas that every format can set."""

from __future__ import annotations

import re
from fractions import Fraction as F
from pathlib import Path

import pytest
from cli import assert_refused, run_cli

import layerproof as lp
from layerproof.proofs.approximation.claims import sa
from layerproof.proofs.approximation.question import Question
from layerproof.proofs.approximation.simulation import simulation
from layerproof.proofs.formula.reader import readable
from layerproof.proofs.report.picture_simulation import simulation_picture
from layerproof.proofs.report.rule_pages import rule_report
from layerproof.proofs.report.stories import STORIES
from layerproof.proofs.report.writing import write
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.approximation.rule import OuterRule
from layerproof.symbolic.rules import find_rule, rules

DOCS = Path(__file__).parents[2] / "docs"


def test_every_rule_has_a_story_and_a_link_or_a_reason() -> None:
    assert STORIES.keys() == rules().keys()
    for name, rule in rules().items():
        assert all(readable(latex) for latex in STORIES[name].formulas), name
        assert name == "deep-td" or bool(rule.in_context) != bool(rule.why_not), name
        assert not rule.in_context or rule.in_context in catalogue()


def test_a_page_says_the_story_the_claims_and_where_it_is_in_context(tmp_path: Path) -> None:
    question = Question("two-state")
    mine = lp.Rule("linear-td", "<b>Mine</b>", "me", {"v": "states"}, lambda v, y: {y.state: y.reward - v[y.state]})
    for chosen in ([find_rule("q-learning"), find_rule("linear-td"), find_rule("dqn")], [mine]):
        result = sa(*chosen, question=question)
        runs = [simulation(rule, question, 2, 20) for rule in chosen if not isinstance(rule, OuterRule)]
        write(rule_report(result, chosen, runs), tmp_path / f"pages{len(chosen)}", ("html", "md", "json"))
    q, linear = ((tmp_path / "pages3" / f"{name}.md").read_text() for name in ("q-learning", "linear-td"))
    assert "no polynomial" in q and "p(1) = 1" in q and "The full update" in q
    assert "layerproof verify td0" in linear and "Simulation: 2 runs" in linear and "A Hurwitz" in linear
    index = (tmp_path / "pages3" / "index.md").read_text()
    assert "no, exact" in index and "yes, concluded" in index and "how the answer was established" in index
    own = (tmp_path / "pages1" / "linear-td.html").read_text()
    assert "The full update" not in own and "<b>Mine" not in own  # a name alone brings no story


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = sa("dqn", question=Question("two-state"))
    with pytest.raises(lp.ArgumentError):
        write(rule_report(result, [find_rule("dqn")], ()), tmp_path, ("md",))


def test_the_picture_is_the_one_on_the_docs_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command that the docs page names; other versions of NumPy may round otherwise, so words are compared."""
    drawn = tmp_path / "here.svg"
    asked = "sa linear-td --process two-state --simulate --runs 200 --steps 1000 --step-scale 10 --step-offset 20"
    assert run_cli(capsys, *asked.split(), "--picture", str(drawn)).code == 0
    svg, page = drawn.read_text(), (DOCS / "stochastic-approximation.svg").read_text()
    assert svg.count("<polygon") == 2 and svg.count('stroke-dasharray="5 4"') == 2
    assert re.findall("<desc.*?</desc>", svg) == re.findall("<desc.*?</desc>", page)
    runs = simulation(find_rule("linear-td"), Question("two-state"), 3, 30)
    picture = simulation_picture(runs, "x")
    assert picture.data.headers == ("k", "t", "w[0]", "low", "high", "ODE", "w[1]", "low", "high", "ODE")
    assert len(picture.data.rows) == 8


def test_a_picture_that_nothing_fills_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for args, message in (
        (["linear-td", "--picture", "x.svg"], "ask for --simulate"),
        (["linear-td", "tdc", "--simulate", "--picture", "x.svg"], "one rule"),
        (["linear-td", "--simulate", "--picture", "x.png"], "ends in .svg"),
        (["linear-td", "--simulate", "--picture", str(tmp_path / "none" / "x.svg")], "in a folder that is there"),
    ):
        assert_refused(run_cli(capsys, "sa", "--process", "two-state", *args), 2, message)


def test_runs_beyond_floats_are_cut_in_the_picture() -> None:
    """Off-policy linear TD with a large constant step: it diverges past 10^100, and the ODE too."""
    runs = simulation(find_rule("linear-td"), Question("w-to-2w", power=F(1, 100)), 2, 4000, F(10))
    svg = simulation_picture(runs, "x").svg
    assert "inf" not in svg and "nan" not in svg

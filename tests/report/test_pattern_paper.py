"""The paper form of algorithms that attend by patterns: what it says, and what it does not call a theorem."""

from __future__ import annotations

import re
from dataclasses import replace

import own_patterns
import pytest
from cli import run_cli
from papers import SMALL, displays, in_print, made, pattern_claims

import layerproof as lp
from layerproof.proofs.formula import loop_tree
from layerproof.proofs.report.paper import latex, pattern_theorem
from layerproof.proofs.report.paper.patterned import Patterned
from layerproof.proofs.report.paper.patterns import pattern_paper
from layerproof.proofs.report.pattern_formulas import layer_formulas
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.given import pattern_form
from layerproof.symbolic.tracing.expression import nodes

NAMES = tuple(pattern_catalogue())
GAINS = {
    "softmax-td": r"\Delta Z[v,\, t] = \sum_{j=1}^{n} K_{j t} (R_{j+1} + \gamma v(S_{j+1}) - v(S_{j})).",
    "kernel-gradient-descent": r"\Delta Z[r,\, t] = -\tfrac{1}{n} \sum_{j=1}^{n} K_{j t} \alpha (y_{j} - f(x_{j})).",
    "sarsa": r"\Delta Z[w,\, t] = \tfrac{1}{n} \sum_{j=1}^{n} (Z_{j}^\top Q Z_{t}) C_{\ell} \phi_{j}.",
    "causal-td": r"\Delta Z[\delta,\, t] = \tfrac{1}{n} \sum_{j=1}^{\min(t,\,n)} (Z_{j}^\top Q_{\ell} Z_{t}) "
    r"(R_{j} + \gamma w_{j}^\top \phi'_{j} - w_{j}^\top \phi_{j}).",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_proof_says_what_the_heads_add(name: str) -> None:
    plain = [formula.latex for formula in displays(made(name))]
    assert GAINS[name] in plain and any(line.startswith("Z_{\\ell} = Z(") for line in plain)
    kinds = [b.kind for b in made(name).blocks if hasattr(b, "kind")]
    assert kinds == ["theorem", "proof"]


def test_scores_of_a_column_of_weights_are_zero_elsewhere() -> None:
    plain = [formula.latex for formula in displays(made("sarsa"))]
    assert r"Z_{j}^\top Q Z_{t} = 0," in plain
    last = r"Z_{j}^\top Q Z_{n+1} = (\gamma \phi'_{j})^\top w + R_{j} - \phi_{j}^\top w."
    assert last in plain


@pytest.mark.parametrize("verdict", [Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN])
def test_only_what_is_proved_is_a_theorem(verdict: Verdict) -> None:
    claims = pattern_claims("softmax-td")
    changed = tuple(replace(c, verdict=verdict, reason="planted") if c.asked else c for c in claims)
    item = pattern_catalogue()["softmax-td"]
    written = latex.fragment(pattern_paper(item, changed, SMALL, "softmax-td", ""))
    assert r"\begin{theorem}" not in written and r"\begin{proof}" not in written
    assert verdict.value.replace("_", " ") in written and "Planted" in written
    assert r"\begin{theorem}" in latex.fragment(made("softmax-td"))


def missing(name: str) -> set[str]:
    """The symbols that the loop and the columns read and no display shows."""
    facts = Patterned.of(pattern_catalogue()[name], ())
    assert facts.loop is not None
    read = {n for root in facts.loop.roots() for n in nodes([root]) if n.op == "name"}
    used = {facts.symbols[n.source, n.name].name for n in read if n.source not in ("before", "after", "query")}
    paper = pattern_paper(facts.algorithm, (), SMALL, name, "")
    shown = "".join(in_print(line) for line in displays(paper))
    return {macro for macro in used if not re.search(rf"\\{macro}(?![A-Za-z])", shown)}


@pytest.mark.parametrize("name", NAMES)
def test_no_symbol_of_the_update_is_dropped(name: str) -> None:
    assert missing(name) == set()


def test_a_printer_that_drops_a_term_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = loop_tree.terms
    monkeypatch.setattr(loop_tree, "terms", lambda node, stop=frozenset(): list(honest(node, stop))[:1])
    assert missing("softmax-td") != set()


def test_a_proof_that_drops_what_a_head_adds_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern_theorem, "minus_last", lambda terms: list(terms)[:1])
    item = pattern_catalogue()["softmax-td"]
    paper = pattern_paper(item, pattern_claims("softmax-td"), SMALL, "softmax-td", "")
    assert GAINS["softmax-td"] not in [formula.latex for formula in displays(paper)]


def test_a_layer_of_ones_own_has_the_algebra_for_a_proof_and_another_kernel_is_named(tmp_path) -> None:
    path = own_patterns.write(tmp_path, own_patterns.KERNEL)
    assert lp.paper(path, directory=tmp_path / "mine", formats=["tex"], d=2, n=3, layers=1).holds
    written = (tmp_path / "mine" / "mine.tex").read_text()
    assert r"\begin{theorem}" in written and "layer is given" in " ".join(written.split())
    item = pattern_catalogue()["softmax-td"]
    layer = lp.GivenLayer(
        (lp.GivenHead(lambda k, C, p: {"current": k.reward}),), kernel="softmax-over-queries", mask_first=True
    )
    facts = pattern_paper(replace(item, layer=layer), (), SMALL, "mine", "")
    assert "is softmax-over-queries, with the mask before it" in " ".join(latex.fragment(facts).split())


def test_a_row_that_a_shift_makes_of_two_rows_is_one_line_in_the_paper_and_on_the_page() -> None:
    item = pattern_catalogue()["softmax-td"]
    layer = lp.GivenLayer(
        (lp.GivenHead(lambda k, C, p: {"current": k.reward}),),
        shift=lambda t, p: {"target": p.gamma * t.current - t.reward},
    )
    own = replace(item, layer=layer)
    wanted = r"\bar{v}_{t} \leftarrow \gamma v_{t+1} - R_{t+1}"
    assert f"{wanted}," in [formula.latex for formula in displays(pattern_paper(own, (), SMALL, "own", ""))]
    assert [line.latex for line in layer_formulas(pattern_form(own))][2:] == [rf"S: \quad {wanted}"]


def test_the_command_writes_both_kinds_into_one_directory(tmp_path, capsys) -> None:
    folder = tmp_path / "out"
    quick = ("--paper", "--format", "tex", "-d", "2", "-n", "3", "-L", "2", "--evidence", "identity-symbolic")
    assert run_cli(capsys, "report", "td0", "softmax-td", *quick, "-o", str(folder)).code == 0
    both = [(folder / f"{name}.tex").read_text() for name in ("td0", "softmax-td")]
    macros = set(re.findall(r"\\providecommand\{\\(lp\w+)\}", (folder / "macros.tex").read_text()))
    assert all(r"\begin{theorem}" in x for x in both)
    assert set(re.findall(r"\\(lp[A-Za-z]+)", "".join(both))) == macros

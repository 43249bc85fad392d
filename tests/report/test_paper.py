"""The paper form: what it says, that it fits a column, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import own_files
import pytest
from cli import assert_refused, run_cli
from papers import EXAMPLES, NAMES, SMALL, displays, in_print, made, settings_for, subject
from report_tools import compiled, needs_typst

import layerproof as lp
from layerproof.proofs.formula import formula as formula_module
from layerproof.proofs.formula import loop_tree
from layerproof.proofs.formula.build import added, equation, matrix, row
from layerproof.proofs.formula.formula import Formula
from layerproof.proofs.formula.latex import latex as printed
from layerproof.proofs.formula.lines import lines, width
from layerproof.proofs.formula.reader import read
from layerproof.proofs.report.findings import Findings
from layerproof.proofs.report.paper import latex, typst
from layerproof.proofs.report.paper.bibliography import BY_KEY, bibtex, cited
from layerproof.proofs.report.paper.facts import Facts
from layerproof.proofs.report.paper.model import Display, Environment, Paragraph
from layerproof.proofs.report.paper.theorem import _needed
from layerproof.proofs.report.paper.update import source, update_blocks
from layerproof.proofs.report.paper.write import paper_of
from layerproof.proofs.user_file import load
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.derivation.coefficients import Sum
from layerproof.symbolic.derivation.hypotheses import Hypotheses
from layerproof.symbolic.pattern_algorithms import pattern_catalogue

# what it says


def test_td_lambda_is_stated_factored_and_proved():
    paper = made("td-lambda")
    plain = [formula.latex for formula in displays(paper)]
    assert r"e_{j} = \lambda e_{j-1} + \phi_{j}, \quad e_{0} = 0," in plain
    assert r"w_{\ell+1} = w_{\ell} + \frac{1}{n} C_{\ell} \sum_{j=1}^{n} \delta_{j} e_{j}," in plain
    assert r"e_{i} = \sum_{j=1}^{i} \lambda^{i-j} \phi_{j}," in plain
    assert r"\Delta w = \tfrac{1}{n} C_{\ell} \sum_{i,j=1}^{n} \delta_{i} M_{i j} \phi_{j}." in plain
    assert any(r"(C_{\ell} \phi_{j})^\top (\gamma \phi'_{t} - \phi_{t})" in x for x in plain)
    kinds = [b.kind for b in paper.blocks if isinstance(b, Environment)]
    assert kinds == ["lemma", "proof", "theorem", "proof", "remark", "remark"]


def test_only_what_is_proved_is_a_theorem():
    known = subject("td0")
    for verdict in (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN):
        claims = tuple(replace(c, verdict=verdict, reason="planted") if c.asked else c for c in known.claims)
        written = latex.fragment(paper_of(Findings(known.item, SMALL, claims), "td0"))
        assert r"\begin{theorem}" not in written and r"\begin{proof}" not in written
        assert verdict.value.replace("_", " ") in written and "Planted" in written
    assert r"\begin{theorem}" in latex.fragment(made("td0"))


@pytest.mark.parametrize("name", catalogue())
def test_no_symbol_of_the_update_is_dropped(name):
    assert missing(Facts.of(Findings(catalogue()[name], settings_for(catalogue()[name]), ()))) == set()


def missing(facts: Facts) -> set[str]:
    """The symbols that the loop reads and the printed update does not show."""
    shown = "".join(in_print(line) for b in update_blocks(facts) if isinstance(b, Display) for line in b.lines)
    loop = facts.traced.update
    assert loop is not None
    read = {
        n for root in loop.roots() for n in nodes_of(root) if n.op == "name" and n.source not in ("before", "after")
    }
    used = {facts.symbols[n.source, n.name].name for n in read if n.name != "index"}
    return {macro for macro in used if not re.search(rf"\\{macro}(?![A-Za-z])", shown)}


def nodes_of(root):
    from layerproof.symbolic.tracing.expression import nodes

    return nodes([root])


def test_a_printer_that_drops_a_term_is_seen(monkeypatch):
    honest = loop_tree.terms
    monkeypatch.setattr(loop_tree, "terms", lambda node, stop=frozenset(): list(honest(node, stop))[:1])
    assert missing(Facts.of(subject("td0"))) != set()


def read_while(monkeypatch, make) -> list[str]:
    """The LaTeX that is read while something is made."""
    seen: list[str] = []

    def noted(latex: str, hole: bool = False):
        seen.append(latex)
        return read(latex, hole)

    monkeypatch.setattr(formula_module, "read", noted)
    make()
    return seen


def test_a_paper_reads_what_its_record_declares_and_nothing_of_its_own(monkeypatch):
    item = subject("gtd2").item
    own = [*item.symbols.values(), *(one.symbol for one in item.accumulators if one.symbol)]

    def write() -> None:
        paper = paper_of(subject("gtd2"), "gtd2")
        assert latex.fragment(paper) and typst.source(paper)

    assert own and {x.removesuffix("_{j}") for x in read_while(monkeypatch, write)} == set(own)
    assert read_while(monkeypatch, lambda: formula_module.written(r"w^\top q")) == [r"w^\top q"]


def test_what_must_not_be_zero_is_in_the_theorem():
    facts = Facts.of(subject("td0"))
    needed = Hypotheses(("gamma", Sum.of({(): Fraction(1), (("lam", 1),): Fraction(-1)})))
    told = _needed(facts, replace(facts.derivation, hypotheses=needed))
    shown = [x.latex for x in told if isinstance(x, Formula)]
    assert shown == [r"\gamma \ne 0", r"1 - \lambda \ne 0", r"j \le n"]


def test_a_symbol_that_a_file_declares_is_set_and_a_hostile_one_is_not(tmp_path):
    for declared, wanted in ((r"\\eta", r"\eta_{#1}"), (r"\\input{/etc/passwd}", r"\delta_{#1}")):
        path = own_files.write(tmp_path, ("- w[0] @ x.phi),)", f'- w[0] @ x.phi, symbol="{declared}"),)'))
        item = load(Path(path))
        assert item.accumulators[0].symbol == declared.replace(r"\\", "\\")  # it came through the file's process
        facts = Facts.of(Findings(item, SMALL, ()))
        assert facts.symbols["row", "td_error"].latex == wanted


def test_sources_are_found_and_written():
    every = (*catalogue().values(), *pattern_catalogue().values())
    sources = [*(a.source for a in every), load(EXAMPLES / "target_network_td.py").source]
    assert {key for source in sources for key in cited(source)} == BY_KEY.keys()  # each entry is found by some
    assert bibtex(["baird1995residual"]).startswith("@inproceedings{baird1995residual,")
    assert all(s.bibtex().count("{") == s.bibtex().count("}") for s in BY_KEY.values())
    assert all(cited(a.source) for a in pattern_catalogue().values())
    assert [len(source(pattern_catalogue()[name])) for name in ("sarsa", "causal-td")] == [2, 1]  # one was not at hand
    assert cited("my own notes") == ()
    own = Facts.of(Findings(replace(catalogue()["td0"], source="my own notes"), SMALL, ()))
    opening = next(b for b in update_blocks(own) if isinstance(b, Paragraph))
    assert "(my own notes)" in str(opening.spans[0])  # what no entry is found in is written as it stands


# how it looks

CONFERENCE = r"""\documentclass[10pt,twocolumn]{article}
\usepackage{amsmath,amssymb,amsthm}
\setlength{\textwidth}{6.75in}\setlength{\columnsep}{0.25in}\setlength{\oddsidemargin}{-0.125in}
\setlength{\textheight}{9in}\setlength{\topmargin}{-0.5in}
\newtheorem{theorem}{Theorem}[section]\newtheorem{lemma}[theorem]{Lemma}
\theoremstyle{remark}\newtheorem{remark}[theorem]{Remark}
\renewcommand{\baselinestretch}{0.97}
"""
STYLES = {
    "one column of 3.3 inches": r"\documentclass{article}"
    r"\usepackage{amsmath,amssymb,amsthm}\setlength{\textwidth}{3.3in}",
    "two columns": r"\documentclass[twocolumn]{article}\usepackage{amsmath,amssymb,amsthm}"
    r"\setlength{\textwidth}{6.85in}\setlength{\columnsep}{0.25in}",
    "a conference's": CONFERENCE,
}


def overfull(folder: Path) -> list[str]:
    return re.findall(r"Overfull \\hbox.*", (folder / "main.log").read_text(errors="replace"))


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_it_compiles_and_fits_a_column(style, tmp_path):
    papers = [made(name) for name in NAMES]
    fragments = [(f"{p.name}.tex", latex.fragment(p)) for p in papers]
    macros = {name: m for p in papers for name, m in p.macros.items()}
    notation = ("macros.tex", latex.macros_file(macros.values(), [text for _, text in fragments]))
    body = "".join(rf"\input{{{p.name}}}" for p in papers)
    source = STYLES[style] + r"\input{macros}\begin{document}" + body + r"\end{document}"
    assert compiled(source, tmp_path, notation, *fragments) == ""
    assert overfull(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("breaks", [True, False])
def test_a_formula_that_is_too_wide_is_seen(tmp_path, monkeypatch, breaks):
    if not breaks:
        monkeypatch.setattr(latex, "lines", lambda tree, limit: [tree])
    paper = replace(made("td0"), blocks=(Display((added("abcdefghijklmnopqrstuvwxyz"),)),))
    source = STYLES["two columns"] + r"\begin{document}" + latex.fragment(paper) + r"\end{document}"
    assert compiled(source, tmp_path) == ""
    assert (overfull(tmp_path) == []) is breaks


def test_a_matrix_is_as_wide_as_its_widest_row_and_is_never_broken():
    small, wide = [["a", "b"], ["c", "d"]], [[added("aaa"), "b"], ["c", "d"]]
    assert width(matrix(small).tree) < width(matrix(wide).tree)
    assert width(matrix(small).tree) == width(matrix([*small, ["e", "f"]]).tree)
    pieces = lines(row(equation("x", matrix(small)), "+", "y").tree, 6)
    assert list(map(printed, pieces)) == ["x", f"= {matrix(small).latex}", "+y"]


@needs_typst
@pytest.mark.slow
def test_the_pdf_has_no_macro_left_and_two_pages():
    source = typst.source(made("td-lambda"))
    assert "lpPhi" not in source and "#raw(" not in source.replace('#raw("td_', "")
    content = typst.write(made("td-lambda"))
    assert content.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", content)) in (0, 2, 3)


def test_headings_and_labels_are_the_authors():
    written = latex.fragment(made("td0"), level="subsection", prefix="app:td:")
    assert written.count(r"\subsection{") == 1 and r"\section{" not in written
    labels = re.findall(r"\\label\{([^}]*)\}", written)
    assert labels and all(label.startswith("app:td:") for label in labels) and len(set(labels)) == len(labels)
    assert {r for r in re.findall(r"\\(?:eq)?ref\{([^}]*)\}", written)} <= set(labels)


def test_formulas_are_made_of_macros_alone():
    paper = made("average-reward-td")
    for line in displays(paper):
        assert not re.search(r"\\(phi|delta|lambda|gamma|ell)\b", in_print(line)), line
    assert any(isinstance(s, Formula) for s in made("td-lambda").title)


# commands

QUICK = ("-d", "2", "-n", "3", "-L", "2", "--format", "tex")


def test_the_command_writes_what_a_paper_needs(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = run_cli(capsys, "report", "td0", "--paper", *QUICK, "--evidence", "identity-symbolic")
    assert ran.code == 0 and "layerproof-report" in ran.out
    names = {p.name for p in (tmp_path / "layerproof-report").iterdir()}
    assert {"td0.tex", "macros.tex", "references.bib", "example.tex"} <= names


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (("td0", "--paper", "--level", "chapter"), "level"),
        (("td0", "--paper", "--prefix", "a}b"), "prefix"),
        (("td0", "gtd2", "--paper", "--prefix", "a:"), "prefix"),
        (("td0", "--paper", "--format", "html"), "format"),
        (("--paper",), "no algorithm"),
        (("td0", "--paper", "--invariance"), "invariance"),
        (("td0", "--prefix", "a:"), "--paper"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, capsys, arguments, fragment):
    assert_refused(run_cli(capsys, "report", *arguments, "-o", str(tmp_path / "out")), 2, fragment)
    assert not (tmp_path / "out").exists()


def test_a_construction_without_an_update_is_refused(tmp_path):
    with pytest.raises(lp.ContentError, match="no update"):
        lp.paper(str(EXAMPLES / "ridge_td.py"), directory=tmp_path / "out", formats=["tex"])


@pytest.mark.slow
@needs_typst
def test_the_paper_form_in_the_docs_is_the_one_that_is_written_today(tmp_path: Path) -> None:
    lp.paper("td-lambda", directory=tmp_path / "out", formats=["pdf"])
    kept = Path(__file__).parents[2] / "docs" / "td-lambda.pdf"
    assert (tmp_path / "out" / "td-lambda.pdf").read_bytes() == kept.read_bytes(), "layerproof report td-lambda --paper"

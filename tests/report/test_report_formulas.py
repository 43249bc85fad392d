"""Formulas: what the gate lets through every format takes, and nothing else is let through."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import report_samples as samples
from formula_samples import COMMANDS, gathered
from hypothesis import given, settings
from hypothesis import strategies as st
from report_tools import compiled, needs_typst, texts

from layerproof.proofs.formula.commands import (
    ACCENTS,
    SIZES,
    SPACES,
    STYLES,
)
from layerproof.proofs.formula.formula import quoted
from layerproof.proofs.formula.latex import latex as printed
from layerproof.proofs.formula.lines import lines
from layerproof.proofs.formula.nodes import parts
from layerproof.proofs.formula.reader import readable
from layerproof.proofs.report.writers import tex
from layerproof.proofs.report.writers.mathml import mathml
from layerproof.proofs.report.writers.typst_math import typst_math

# formulas


WITH_ARGUMENTS = {f"\\{name}" for name in (*STYLES, *ACCENTS, *SIZES, *SPACES)} | {
    "\\frac", "\\tfrac", "\\dfrac", "\\sqrt", "\\left", "\\right", "\\begin", "\\end",
}  # fmt: skip


@pytest.mark.slow
def test_tex_takes_every_formula_that_the_gate_lets_through(tmp_path: Path) -> None:
    body = "\n".join(rf"\[ {formula} \]" for formula in [*gathered(1500, 1), *COMMANDS])
    assert compiled(tex.PREAMBLE + body + r"\end{document}", tmp_path) == ""
    assert compiled(tex.PREAMBLE + body + r"\[ x^2^2 \]\end{document}", tmp_path) != ""


@needs_typst
def test_typst_takes_every_formula_that_the_gate_lets_through(tmp_path: Path) -> None:
    import typst

    alone = (r"\sqrt{}", r"\hat{}", r"\frac{}{}", r"\lfloor x", r"\left(\langle \right)")
    formulas = [quoted("", latex) for latex in [*gathered(800, 2), *COMMANDS, *alone]]
    document = "\n\n".join(typst_math(f) + " " + typst_math(f, display=True) for f in formulas)
    assert typst.compile(document.encode(), ignore_system_fonts=True)
    with pytest.raises(typst.TypstError):
        typst.compile((document + "$ frac(1 $").encode(), ignore_system_fonts=True)


def test_mathml_is_well_formed_for_every_formula_that_the_gate_lets_through() -> None:
    for latex in [*gathered(800, 3), *COMMANDS]:
        for display in (False, True):
            root = ElementTree.fromstring(mathml(quoted("a < b", latex), display))
            assert root.tag == "math" and root.get("data-exact") == "a < b"
            assert "\\" not in "".join(root.itertext()).replace("∖", "")


@pytest.mark.slow
@given(st.text("\\{}$%#&^_~'abc[]() \n", max_size=12) | texts)
@settings(max_examples=500)
def test_gate_lets_nothing_through_that_ends_a_formula(latex: str) -> None:
    if readable(latex):
        bare = re.sub(r"\\[^A-Za-z]", "", latex)
        assert not set(bare) & set("$%#~") and bare.count("{") == bare.count("}")
        assert set(re.findall(r"\\[A-Za-z]+", latex)) <= WITH_ARGUMENTS | set(COMMANDS)


@pytest.mark.parametrize(
    "latex",
    [r"\input{/etc/passwd}", r"\write18{x}", "$", "a % b", "#1", "x^^5c", "x^2^3", "{", "}", r"\begin{document}", "é",
     r"\def\x{}", r"\text{$x$}", r"\text{\input{x}}", r"\\", "a & b", r"\left(", r"\csname x\endcsname", r"x'^2'",
     r"\frac", r"\begin{array}{c} x \end{array}", r"\begin{cases} a & b & c \end{cases}", r"\\[1cm]",
     r"\begin{aligned}[b] x \end{aligned}", r"\verb|x|"],
)  # fmt: skip
def test_gate_refuses(latex: str) -> None:
    assert not readable(latex)
    shown = mathml(quoted("<plain>", latex))
    assert shown == '<code class="formula" data-exact="&lt;plain&gt;">&lt;plain&gt;</code>'
    assert tex.formula(quoted("<plain>", latex)) == r"\texttt{\textless{}plain\textgreater{}}"
    assert typst_math(quoted("<plain>", latex)) == '#raw("<plain>")'


def test_flaws_that_others_have() -> None:
    assert "<mi>ϕ</mi><mo" in mathml(quoted("", r"\phi'_j")) and "′" in mathml(quoted("", r"\phi'_j"))
    assert "{" not in mathml(quoted("", r"{\phi'_{j}}^\top")).replace("{d", "")
    assert ">td_error</mtext>" in mathml(quoted("", r"T_{\text{td\_error}}"))
    assert "&lt;b&gt;" in mathml(quoted("", r"\text{<b>}"))
    assert '<mo form="prefix" stretchy="false">(</mo>' in mathml(quoted("", r"(\frac{a}{b})"))
    assert ">gamma_phi<" in mathml(quoted("", r"\mathrm{gamma\_phi}"))
    assert "[U+202E]" in mathml(quoted("a\u202eb", "x"))


def test_long_formulas_are_broken_and_nothing_is_lost() -> None:
    for formula in (samples.LONG, samples.UPDATE, samples.FENCES, samples.CASES):
        for limit in (10, 30, 66):
            pieces = lines(formula.tree, limit)
            assert [x for piece in pieces for x in parts(piece)] == list(parts(formula.tree))
            assert all(readable(printed(piece)) for piece in pieces)
    assert len(lines(samples.LONG.tree, 66)) > 2 and len(lines(samples.CASES.tree, 10)) <= 2


@pytest.mark.slow
def test_every_formula_of_every_derivation_is_readable() -> None:
    from helpers import CASES
    from reports import formulas

    from layerproof.proofs.report.derivation.steps import sections

    shown = [formula for case in CASES for formula in formulas(sections(case.derivation))]
    assert len(shown) > 500
    for formula in shown:
        assert readable(formula.latex), formula.latex

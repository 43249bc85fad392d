"""The page of an algorithm that attends by patterns: its formulas are its code's, and rows bear a paper's symbols."""

from __future__ import annotations

from dataclasses import replace

import pytest

from layerproof.proofs.case import Settings
from layerproof.proofs.report.model import Code, Display, Matrix, Picture
from layerproof.proofs.report.pattern_formulas import head_matrices, layer_formulas, stated
from layerproof.proofs.report.pattern_page import pattern_page
from layerproof.proofs.verdict import Claim, Verdict
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.given import pattern_form
from layerproof.symbolic.patterns.record import GivenHead, GivenLayer

UPDATES = {
    "causal-td": ["delta_j = R_j + gamma w_j.phi'_j - w_j.phi_j",
                  r"w_{t} \leftarrow w_{t} + \frac{1}{n} C_{\ell} \sum_{j=1}^{\min(t,\,n)} \delta_{j} \phi_{j}"],
    "kernel-gradient-descent": [r"f(x_{t}) \leftarrow f(x_{t}) + \frac{1}{n} \alpha \sum_{j=1}^{n} K_{j t} "
                                "(y_{j} - f(x_{j}))"],
    "sarsa": ["delta_j = R_j + gamma w_l.phi'_j - w_l.phi_j",
              r"w_{\ell+1} = w_{\ell} + \frac{1}{n} C_{\ell} \sum_{j=1}^{n} \delta_{j} \phi_{j}"],
    "softmax-td": ["delta_j = R_{j+1} + gamma v(S_{j+1}) - v(S_j)",
                   r"v(S_{t}) \leftarrow v(S_{t}) + \sum_{j=1}^{n} K_{j t} \delta_{j}"],
}  # fmt: skip


def shown(name: str) -> list[str]:
    formulas = stated(pattern_catalogue()[name])
    return [*(f.text for f in formulas[:-1]), formulas[-1].latex]


@pytest.mark.parametrize("name", UPDATES)
def test_the_update_is_printed_as_its_code_says_it(name):
    assert shown(name) == UPDATES[name]


def test_another_update_prints_as_another_and_one_without_a_loop_as_none():
    right = pattern_catalogue()["softmax-td"]

    def wrong(own, C, sweep, p):
        sweep.total = 0 * own.state
        for k in sweep:
            sweep.total = sweep.total + k.weight * (k.reward - k.state)
        return own.state - sweep.total

    (formula,) = stated(replace(right, update=wrong))
    assert formula.latex == r"v(S_{t}) \leftarrow v(S_{t}) - \sum_{j=1}^{n} K_{j t} (R_{j+1} - v(S_{j}))"
    assert stated(replace(right, update=lambda own, C, sweep, p: own.state)) == []


def test_layer_mask_and_heads_are_those_that_were_derived():
    form = pattern_form(pattern_catalogue()["sarsa"])
    V, Q = head_matrices(form)
    rows = [r.name for r in form.algorithm.rows]
    assert V.name.latex == r"V_{\ell}" and Q.name.latex == "Q"
    at = {(a, b): Q.entries[i][j] for i, a in enumerate(rows) for j, b in enumerate(rows)}
    assert {k: e.text for k, e in at.items() if e is not None} == {
        ("gamma_phi_next", "w"): "I", ("phi", "w"): "-I", ("reward", "one"): "1",
    }  # fmt: skip
    assert V.entries[rows.index("w")][rows.index("phi")].latex == r"C_{\ell}"
    layer, mask = layer_formulas(form)
    assert (
        layer.latex.startswith(r"Z_{\ell+1} = Z_{\ell} + \frac{1}{n} V_{\ell} Z_{\ell} A") and r"j \le n" in mask.latex
    )
    layer, mask, shift = layer_formulas(pattern_form(pattern_catalogue()["softmax-td"]))
    assert r"S\bigl(" in layer.latex and shift.latex == r"S: \quad \bar{v}_{t} \leftarrow \gamma v_{t+1}"


@pytest.mark.parametrize("name", ["softmax-td", "causal-td"])
def test_rows_bear_symbols_wherever_a_person_reads(name):
    algorithm = pattern_catalogue()[name]
    claims = (Claim(name, "c", "identity-symbolic", Verdict.HOLDS, "", ""),)
    page, line = pattern_page(algorithm, name, claims, Settings(features=2, context=3, layers=1), "command")
    words = [
        str(span) if isinstance(span, str) else span.text
        for block in page.lead for span in getattr(block, "spans", ()) if not isinstance(span, Code)
    ]  # fmt: skip
    sentences = " ".join(words)
    assert "phi_next" not in sentences and "td_error" not in sentences and "sum_" not in sentences
    assert "proved for all" in sentences
    assert sum(isinstance(b, Picture) for b in page.lead) == 1 and any(isinstance(b, Display) for b in page.lead)
    layer = next(s for s in page.sections if s.id == "layer")
    assert any(isinstance(b, Matrix) for b in layer.blocks)
    assert line[1].spans[0].latex == UPDATES[name][-1]


def test_a_layer_of_ones_own_says_that_it_is_given_and_what_is_refuted_stands_first():
    right = pattern_catalogue()["kernel-gradient-descent"]
    head = GivenHead(lambda k, C, p: {"residual": p.alpha * k.residual})
    algorithm = replace(right, name="own", layer=GivenLayer((head,), scale="1/n"))
    claims = (Claim(algorithm.name, "c", "identity-exact", Verdict.REFUTED, "", "it differs"),)
    page, _ = pattern_page(algorithm, "own", claims, Settings(features=2, context=3, layers=1), "command")
    assert page.verdict is Verdict.REFUTED and page.lead[0].verdict is Verdict.REFUTED
    layer = next(s for s in page.sections if s.id == "layer")
    assert "given, and checked" in "".join(map(str, layer.blocks[0].spans))

"""What a record declares for selections, scalar steps and blocks stands in every formula of a page, and in pictures."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from helpers import Case
from reports import formulas, fresh, page_of, subject

from layerproof.proofs.report.build import page
from layerproof.proofs.report.declared import declared, layered
from layerproof.proofs.report.layer_pictures import row_labels
from layerproof.proofs.report.model import Picture
from layerproof.proofs.report.picture_layer import short
from layerproof.symbolic.algorithms import catalogue

PROGRAM = r"\\mathit\{(?:now|sync)\}|\\operatorname\{now\}"


def latex_of(page) -> list[str]:
    return [f.latex for f in formulas((page.lead, page.sections))]


@pytest.mark.parametrize(("name", "symbol"), [("online-td", r"\mathbf{1}["), ("target-network-td", "s_{")])
def test_no_formula_of_a_page_has_a_program_name(name: str, symbol: str):
    shown = latex_of(page_of(Case(name)))
    assert not [x for x in shown if re.search(PROGRAM, x)]
    assert sum(symbol in x for x in shown) > 12
    assert any(symbol in text for text in layered(catalogue()[name]))


def test_a_selection_at_a_token_and_a_step_of_a_layer():
    shown = " ".join(latex_of(page_of(Case("online-td"))))
    assert r"\sum_{j=1}^{n} \mathbf{1}[j = \ell] \delta_{j} \phi_{j}" in shown
    assert re.search(r"\{?\\mathbf\{1\}\[i ?= ?\\ell\]\}? & i = j", shown)  # the mask: now(i)
    shown = " ".join(latex_of(page_of(Case("target-network-td"))))
    assert "s_{0} = 0" in shown.replace("{s_{0}}", "s_{0}") and r"s_{\ell} (w_{\ell}" in shown


def test_without_declaration_the_names_are_shown(monkeypatch):
    algorithm = replace(catalogue()["online-td"], symbols={})
    assert declared(algorithm) == {} and layered(algorithm) == list(algorithm.layered)
    for wrong in ({"now": r"\input{x}{j}"}, {"now": "s"}, {"now": "#1{j}"}):
        assert declared(replace(algorithm, symbols=wrong)) == {}
    monkeypatch.setattr("layerproof.proofs.report.build.with_declared", lambda page, algorithm: page)
    assert any(re.search(PROGRAM, x) for x in latex_of(page(fresh(Case("online-td")))))


def test_labels_of_pictures_end_with_a_whole_symbol():
    assert row_labels(subject(Case("expected-sarsa"))) == ["φ1", "φ2", "γφ\u03041", "γφ\u03042", "δ"]
    drawn = [b.svg for s in page_of(Case("expected-sarsa")).sections for b in s.blocks if isinstance(b, Picture)]
    assert any(">γφ\u0304₁<" in svg for svg in drawn) and not any("∗" in svg for svg in drawn)
    assert short("pi_left gamma phi_left + pi_right gamma phi_right") == "π…"
    assert short("gamma phi'_1 phi'_2") == "γφ′₁…"

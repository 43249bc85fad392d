"""The comparison with the talk's paper: equal where it is, by which sign where it is not, and a wrong print is seen."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from reports import matrices, words

import layerproof as lp
from layerproof.proofs.report.model import Table
from layerproof.proofs.report.published import PUBLISHED, compared, comparison, told
from layerproof.proofs.report.sections import published as section


@pytest.mark.parametrize("name", ["td0", "td-lambda", "residual-gradient"])
def test_the_printed_weights_are_the_derived_ones(name):
    beside = comparison(lp.derive(name))
    assert beside is not None and beside.equal and beside.same


def test_of_average_reward_one_mask_and_the_read_out_have_the_opposite_sign():
    beside = comparison(lp.derive("average-reward-td"))
    assert beside is not None and not beside.equal and beside.same
    assert [dict(h) for h in beside.heads] == [
        {"W P": "equal", "Q": "equal", "M": "opposite"},
        {"W P": "equal", "Q": "equal", "M": "equal"},
    ]
    assert beside.readout == "opposite"
    assert "opposite sign" in told(beside) and "no prediction" in told(beside)


def test_the_textbooks_trace_and_other_algorithms_have_no_counterpart_there():
    assert comparison(lp.derive("td-lambda", trace="gamma-lam")) is None
    assert comparison(lp.derive("gtd2")) is None


@pytest.mark.parametrize(("matrix", "name"), [(1, "W P"), (2, "Q"), (3, "M")])
def test_a_wrong_print_is_seen(matrix, name):
    honest = PUBLISHED["td0", ""]

    def wrong(layout, C):
        ((*head,),) = honest.heads(layout, C)
        at = 0 if name != "W P" else -1
        head[matrix][at][at] += 1
        return [tuple(head)]

    beside = compared(lp.derive("td0"), replace(honest, heads=wrong))
    assert beside.heads[0][name] == "different" and not beside.same
    assert "the predictions of the two differ" in told(beside)


def on_the_page(name):
    """The section of an algorithm's page: words and the table's relations."""
    shown = section.build(SimpleNamespace(derivation=lp.derive(name)))
    assert shown is not None
    (table,) = [b for b in shown.blocks if isinstance(b, Table)]
    return shown, [row[-1].spans[0] for row in table.rows]


def test_the_page_has_a_row_for_each_matrix_and_says_what_differs():
    shown, relations = on_the_page("td0")
    assert relations == ["equal, entry by entry"] * 4
    shown, relations = on_the_page("average-reward-td")
    assert relations.count("equal but for the sign") == 2 and len(relations) == 7
    assert "no prediction" in words(shown)
    captions = [m.caption for m in matrices(shown)]
    assert captions.count("Head 1, in the paper.") == captions.count("Head 1, here.") == 1  # the mask alone
    assert section.build(SimpleNamespace(derivation=lp.derive("gtd2"))) is None


def test_a_page_never_calls_different_weights_equal(monkeypatch):
    honest = PUBLISHED["td0", ""]
    monkeypatch.setitem(PUBLISHED, ("td0", ""), replace(PUBLISHED["residual-gradient", ""], where=honest.where))
    shown, relations = on_the_page("td0")
    assert "different" in relations and "the predictions of the two differ" in words(shown)


def test_a_sign_alone_is_no_freedom():
    honest = PUBLISHED["average-reward-td", ""]
    beside = compared(lp.derive("average-reward-td"), replace(honest, sign=-1))
    assert not beside.same

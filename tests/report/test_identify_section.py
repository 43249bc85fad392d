"""What `identify` says on pages: the rule read off a page's weights, trained networks, and weights block by block."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from cli import assert_refused, run_cli

import layerproof as lp
from layerproof.proofs.report.findings import Findings
from layerproof.proofs.report.model import Listing, Paragraph, Report
from layerproof.proofs.report.picture_blocks import MOST, blocks_picture, shown_blocks
from layerproof.proofs.report.sections import identify
from layerproof.proofs.report.writers.checked import check
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.construction import Construction


@cache
def right() -> Construction:
    return lp.construct("td0", d=2, n=3, layers=2)


def section_of(construction: Any, name: str = "td0") -> list[str]:
    subject = SimpleNamespace(
        algorithm=find(name), item=find(name), construction=construction, state=None, progress=lambda _: None
    )
    section = identify.build(cast(Findings, subject))
    assert section is not None
    check(Report("t", section.blocks, ()))
    return [str(b.spans[0]) if isinstance(b, Paragraph) else b.text if isinstance(b, Listing) else type(b).__name__
            for b in section.blocks]  # fmt: skip


def test_the_section_says_what_the_weights_are_and_not_what_the_page_is_about() -> None:
    sentences = section_of(right())
    assert "The weights of this page: exactly td0." in sentences
    assert any(text.startswith("w += (1/n) sum_j (R_j + gamma w.phi'_j - w.phi_j) C phi_j") for text in sentences)
    minus = RationalMatrix.of([[int(i == j) * (-1 if i in (2, 3) else 1) for j in range(5)] for i in range(5)])
    wrong = tuple(tuple(replace(h, Q=h.Q @ minus) for h in heads) for heads in right().layers)
    assert any("none of these" in text for text in section_of(replace(right(), layers=wrong)))


def test_trained_networks_on_record_stand_in_a_table_with_the_median_one_s_picture() -> None:
    blocks = section_of(right())
    assert any("Of the 30 trained networks on record 19 are called td0" in text for text in blocks)
    assert {"Table", "Picture"} <= set(blocks)


def blocks_of(Q: np.ndarray) -> tuple[list[dict[str, Any]], float]:
    P = np.zeros((5, 5))
    P[4, 4] = 1
    (x,) = lp.identify({"P": P, "Q": Q}, layout="td", n=3, layers=2, function=False).networks
    assert x.recognition.best is not None
    return x.blocks(), x.recognition.best.near.shares[0]


def test_blocks_are_shares_and_what_is_left_is_where_it_was_put() -> None:
    Q = np.zeros((5, 5))
    Q[:2, :2], Q[:2, 2:4] = -np.eye(2), np.eye(2)
    right, share = blocks_of(Q)
    assert share == 1 and all(b["left"] == 0 for b in right)
    assert [(b["key"], b["query"], b["share"]) for b in right] == [("phi", "gamma_phi_next", 0.5), ("phi", "phi", 0.5)]
    Q[2:4, :2] = 0.5 * np.eye(2)  # a term of residual gradient, half as large
    wrong, share = blocks_of(Q)
    (left,) = [b for b in wrong if b["left"] > 0.01]
    assert (left["key"], left["query"]) == ("gamma_phi_next", "phi")
    assert sum(b["share"] for b in wrong) == pytest.approx(1)
    assert sum(b["left"] for b in wrong) == pytest.approx(1 - share) == pytest.approx(1 / 9)


def test_the_picture_shows_the_largest_blocks_and_the_rest_together() -> None:
    blocks = [{"written": f"r{k}", "value": "v", "key": "phi", "query": "gamma_phi_next", "share": (k + 1) / 210,
               "left": 0.0} for k in range(20)]  # fmt: skip
    rows = shown_blocks(blocks)
    assert len(rows) == MOST + 1 and rows[0][0] == "r19 += v (phi . phi')"
    assert sum(row[1] for row in rows) == pytest.approx(1) and rows[-1][0] == "8 other blocks"
    svg, words = blocks_picture(blocks, "td0", "x")
    assert "r19 += v (phi . phi'): 9.5%" in words and svg.count("<rect") == 2 + 2 * len(rows)


@pytest.mark.slow
def test_the_command_writes_a_page(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    P, Q = np.zeros((2, 3, 3)), np.zeros((2, 3, 3))
    P[:, 2, 2], Q[:, 0, 0], Q[:, 0, 1] = 1, -0.5, 0.25
    np.savez(tmp_path / "a.npz", P=P, Q=Q)
    asked = ("identify", str(tmp_path / "a.npz"), "--layout", "td", "-n", "3", "--trials", "2")
    assert run_cli(capsys, *asked, "--page", str(tmp_path / "a.html")).code == 0
    text = (tmp_path / "a.html").read_text()
    assert "Exactly td0 (discount 1/2 gamma)" in text and "<svg" in text and "td_error += td_error (phi . phi')" in text
    again = run_cli(capsys, *asked, "--page", str(tmp_path / "a.html"))
    assert_refused(again, 2, "wanted a new file that ends in .html")

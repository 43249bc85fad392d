"""A wrong module is told what would make it right: one planted mistake each, and the change that undoes it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import layerproof as lp
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.construction import Construction
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.strict_json import loads

N = 4


@cache
def right() -> Construction:
    return lp.construct("td-lambda", d=2, n=N, layers=2, seed=1)


class Mine(nn.Module):
    """TD(1/2) by its formula, with one mistake."""

    def __init__(self, bug: str = "", factor: float = 1.0):
        super().__init__()
        self.factor = factor
        for k, (head,) in enumerate(right().layers):
            for letter in "PQM":
                rows = getattr(head, letter).fractions()
                x = torch.tensor([[float(v) for v in row] for row in rows], dtype=torch.float64)
                if bug == letter:
                    x = x + 0.1
                if bug == "C" and letter == "Q":
                    x[:2, :2], x[:2, 2:4] = x[:2, :2].T.clone(), x[:2, 2:4].T.clone()
                if bug == "first" and letter == "M":
                    x[0], x[:, 0] = 0, 0
                if bug == "query" and letter == "M":
                    x[-1] = torch.tensor([0.5 ** (N - j) for j in range(N + 1)])
                self.register_buffer(f"{letter}_{k}", x)

    def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
        prompts = [Z]
        for k in range(2):
            P, Q, M = (getattr(self, f"{letter}_{k}") for letter in "PQM")
            prompts.append(prompts[-1] + self.factor * (P @ prompts[-1] @ M @ (prompts[-1].mT @ Q @ prompts[-1])) / N)
        return prompts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bug", "factor", "change"),
    [
        ("", float(N), "missing-1/n"),
        ("", -1.0, "sign"),
        ("", 0.5, "mask-off-by-one"),
        ("C", 1.0, "C-transposed"),
        ("first", 1.0, "first-masked"),
        ("query", 1.0, "query-not-masked"),
        ("Q", 1.0, "right-with-Q"),
        ("M", 1.0, "right-with-M"),
        ("", 0.71, None),  # no mistake of the list: nothing is named
    ],
)
def test_the_smallest_change_is_named(bug: str, factor: float, change: str | None, tmp_path: Path) -> None:
    module, path = Mine(bug, factor), tmp_path / "case.json"
    with pytest.raises(AssertionError) as caught:
        lp.assert_implements(module, "td-lambda", reference=right(), save=path)
    error: Any = caught.value
    assert error.diagnosis["change"] == change
    assert ("what would make it right: " in str(error)) == (change is not None)
    assert error.result.exit_code == 1
    assert error.diagnosis["counterexample"]["prompt"]
    assert "counterexample: the smallest prompt found" in str(error)
    assert f"saved: {path}" in str(error)
    kept = loads(path.read_text())
    assert (kept["change"], kept["found"]) == (change, error.diagnosis["counterexample"])
    witness = kept["found"]  # the module does on the saved rows what the file says that it did
    rows = [[float(Fraction(x)) for x in row] for row in witness["prompt_rows"]]
    after = module.states(torch.tensor(rows, dtype=torch.float64))[witness["layer"]]
    at = -1 if witness["column"].endswith("query") else int(witness["column"].split()[-1]) - 1
    row = witness["row_names"].index(witness["row"])
    assert float(after[row, at]) == pytest.approx(float(Fraction(witness["layer_value"])), rel=1e-12)


def test_a_right_module_passes_and_wrong_exact_weights_are_diagnosed(tmp_path: Path) -> None:
    assert lp.assert_implements(Mine(), "td-lambda", reference=right()).holds
    minus = RationalMatrix.of([[-1 * int(i == j) for j in range(5)] for i in range(5)])
    wrong = replace(right(), layers=tuple(tuple(replace(h, Q=h.Q @ minus) for h in heads) for heads in right().layers))
    path = tmp_path / "case.json"
    with pytest.raises(AssertionError, match="what would make it right: flip the sign of P or of Q") as caught:
        lp.assert_implements(wrong, "td-lambda", save=path)
    error: Any = caught.value
    assert loads(path.read_text())["found"] == error.result.claims[0].witness
    assert not lp.assert_implements(right(), "td-lambda", save=tmp_path / "none.json").settings.get(
        "counterexample saved"
    )
    assert not (tmp_path / "none.json").exists()
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(ArgumentError, match="is no counterexample"):
        lp.assert_implements(wrong, "td-lambda", save=tmp_path / "mine.json")
    with pytest.raises(AssertionError, match=r"not saved: .*a\.json: File name too long"):  # the verdict stands
        lp.assert_implements(wrong, "td-lambda", save=tmp_path / f"{'a' * 250}.json")

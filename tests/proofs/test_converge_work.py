"""What `layerproof converge` refuses before it begins, in each size; and a stranger's certificate with it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

import layerproof as lp
from layerproof.proofs.convergence import ask
from layerproof.proofs.convergence.certificate import write
from layerproof.proofs.convergence.check import check
from layerproof.proofs.convergence.overview import overview
from layerproof.proofs.convergence.question import Question
from layerproof.symbolic.errors import WorkLimitError


def prompt(d: int, n: int, bits: int) -> lp.Context:
    x = Fraction(2**bits - 1, 2**bits + 1)
    return lp.Context.of([[x] * d] * n, [[1] * d] * n, [1] * n, [1] * d)


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is decided."""
    monkeypatch.setattr(ask, "answer", None)
    monkeypatch.setattr(ask, "run_trials", None)


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"features": 60, "prompt": prompt(60, 2, 200)}, "features is 60"),
        ({"prompt": prompt(2, 2, 40000)}, "the numbers given have"),
        ({"trials": 10_000}, "trials are 10000"),
        ({"layers": 2000, "prompt": prompt(2, 2, 100)}, "layers is 2000"),
        ({"context": 10_000, "trace": "gamma-lam"}, "context is 10000"),
        ({"features": 1001}, "features is 1001, above the limit of 1000"),
        ({"layers": 2001}, "layers is 2001, above the limit of 2000"),
    ],
)
def test_each_size_is_refused_with_its_name(asked: dict, fault: str, never: None) -> None:
    with pytest.raises(WorkLimitError, match=fault):
        ask.converge("td-lambda" if "trace" in asked else "td0", Question(**asked))


def test_the_layers_of_a_period_count(never: None) -> None:
    steps = tuple(([[Fraction(1, k + 2), 0], [0, Fraction(1)]],) for k in range(1500))
    asked = {"features": 2, "context": 5, "steps": steps}
    with pytest.raises(WorkLimitError, match="the layers repeat after 1500"):
        ask.converge("td0", Question(periodic=True, **asked))


def test_the_limit_is_raised_and_counts_in_the_table_and_for_a_certificate(tmp_path: Path) -> None:
    answer = lp.converge("td0", d=2, n=2, layers=1, max_work=10**9)
    assert answer.document_of_certificate is not None
    with pytest.raises(WorkLimitError, match=r"above the limit of 10: .* --max-work"):
        lp.converge("td0", d=1, n=2, layers=1, max_work=10)
    with pytest.raises(WorkLimitError, match="above the limit of 100000"):
        overview(Question(process="loop", features=1, context=2, layers=1, max_work=100_000))
    path = tmp_path / "certificate.json"
    write(answer.document_of_certificate, path)
    assert check(path).exit_code == 0
    data = json.loads(path.read_text())
    data["prompt"]["rewards"][0] = "1/0x" + "7" * 100_000
    path.write_text(json.dumps(data))
    with pytest.raises(WorkLimitError, match="the numbers given have"):
        check(path)

"""Numbers of any size: shown from the exact number, null in documents where a float is not finite; verdicts stand."""

from __future__ import annotations

import json
from fractions import Fraction
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from cli import assert_refused, run_cli

from layerproof.proofs.report.picture_curves import Curve, curves_picture
from layerproof.symbolic.exact import decimal_text, nearest
from layerproof.symbolic.identity.limit import root, root_text
from layerproof.symbolic.strict_json import dumps, loads

LARGE = {
    "reward of 1e400": {"features": [[1]], "next_features": [[0]], "rewards": ["1e400"], "query": [1]},
    "feature of 20000": {"features": [[20000]], "next_features": [[0]], "rewards": [1], "query": [1]},
    "feature of 3": {"features": [[3]], "next_features": [[0]], "rewards": [1], "query": [1]},
    "successor of 1e300": {"features": [[1]], "next_features": [["1e300"]], "rewards": [1], "query": [1]},
    "reward of 1e-400": {"features": [[1]], "next_features": [[0]], "rewards": ["1e-400"], "query": [1]},
}


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.fixture(params=LARGE.values(), ids=LARGE)
def prompt(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "prompt.json"
    path.write_text(json.dumps(request.param))
    return str(path)


@pytest.mark.slow
def test_a_prompt_of_any_size_gets_its_exact_verdict_and_floats_at_most_undecided(capsys: Any, prompt: str) -> None:
    ran = run_cli(capsys, "verify", "td0", "--prompt", prompt, "--json", "--trials", "2")
    claims = json.loads(ran.out, parse_constant=no_constant)["claims"]
    verdicts = {c["evidence"]: c["verdict"] for c in claims if c["evidence"] == "identity-exact"}
    assert verdicts == {"identity-exact": "HOLDS"}
    floats = {c["verdict"] for c in claims if c["evidence"] == "float"}
    assert floats <= {"HOLDS", "UNDECIDED"} and ran.code == (3 if "UNDECIDED" in floats else 0)
    (reason,) = [c["reason"] for c in claims if c["evidence"] == "identity-exact"]
    assert "w_40.q = " in reason and "inf" not in reason and "= 0" not in reason


@pytest.mark.slow
def test_a_report_of_such_a_prompt_is_written(capsys: Any, prompt: str, tmp_path: Path) -> None:
    out = tmp_path / "report"
    ran = run_cli(capsys, "report", "td0", "--prompt", prompt, "-o", str(out), "--format", "md,json,html,tex",
                  "--trials", "2", "-L", "40")  # fmt: skip
    assert ran.code in (0, 3) and (out / "td0.md").exists()
    for path in out.glob("*.json"):
        json.loads(path.read_text(), parse_constant=no_constant)


def test_decimals_are_of_the_exact_number() -> None:
    assert [decimal_text(Fraction(10) ** k, 3) for k in (-400, 0, 400)] == ["1e-400", "1", "1e+400"]
    assert decimal_text(-(Fraction(10) ** 5000) / 7, 4) == "-1.429e+4999"
    assert decimal_text(Fraction(0)) == "0" and decimal_text(Fraction(1, 3)) == "0.3333333333"
    assert nearest(Fraction(2) ** 2000) == inf and nearest(-(Fraction(2) ** 2000)) == -inf
    assert root(Fraction(1, 10**2000)) > 0 and root_text(Fraction(1, 10**2000), 3) == "1e-1000"
    assert root_text(Fraction(0), 3) == "0" and root_text(Fraction(2), 6) == "1.41421"


def test_what_is_not_finite_is_null_in_a_document() -> None:
    document = {"a": [1.5, inf, -inf, nan], "b": {"c": (inf,)}}
    assert loads(dumps(document)) == {"a": [1.5, None, None, None], "b": {"c": [None]}}


def test_a_picture_is_cut_where_it_leaves_the_range() -> None:
    svg, words = curves_picture([0, 1, 2], [Curve("d", (1.0, 1e308, inf))], "t", ("layer", "value"), "x")
    assert "inf" not in svg and "nan" not in svg and "beyond the range of floats from layer 2 on" in words
    assert "no values" in curves_picture([0], [Curve("d", (inf,))], "t", ("layer", "value"), "x")[1]


@pytest.mark.parametrize("value", [f"0x{'f' * 4000}", f'"{"9" * 4400}"', '"1e9999"', '"9/0"', "1e400"])
def test_a_parameter_of_any_size_in_a_grid_is_refused_in_one_line(capsys: Any, tmp_path: Path, value: str) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(f'algorithm = "td0"\nd = 2\nn = 3\nL = 1\ngamma = {value}\n')
    ran = run_cli(capsys, "sweep", str(path))
    assert_refused(ran, ran.code, "gamma")
    assert ran.code in (2, 4) and len(ran.err) < 400


def test_eigenvalues_too_close_to_be_enclosed_leave_verdict_radius_and_steps(capsys: Any, tmp_path: Path) -> None:
    path = tmp_path / "prompt.json"
    prompt = {"features": [["1e-400", 1], [1, 0]], "next_features": [[0, 1], [1, 0]], "rewards": [1, 0]}
    path.write_text(json.dumps({**prompt, "query": [1, 1]}))
    ran = run_cli(capsys, "converge", "td0", "--prompt", str(path))
    assert ran.code == 0 and "from w_0             converges" in ran.out
    assert "radius    the largest modulus that w_0 excites is between 0.949999" in ran.out
    assert "0 < alpha < 39.999999" in ran.out

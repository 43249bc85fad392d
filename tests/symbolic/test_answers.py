"""Answers that must not mislead: what is only not derived, what a result is worth in an assert, and other ways past."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cli import run_cli
from own_files import write

import layerproof as lp
from layerproof.proofs.user_file import load
from layerproof.symbolic.errors import ArgumentError

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = {"d": 2, "n": 4, "layers": 2, "trials": 1}


@pytest.mark.slow
def test_given_heads_show_that_a_failed_derivation_rules_nothing_out(tmp_path):
    # a row of twos is as good as one of ones, but is no constant row that is looked for
    text = (EXAMPLES / "heavy_ball_td.py").read_text(encoding="utf-8")
    changes = [("lambda t, p: 1, scalar=True", "lambda t, p: 2, scalar=True"), ("[[1]]", '[["1/4"]]')]
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "twos.py"
    path.write_text(text, encoding="utf-8")
    given = load(path)
    assert lp.verify(given, **SMALL).holds
    result = lp.verify(replace(given, heads=None), evidence=["derived"], **SMALL)
    claim = next(c for c in result.claims if c.asked)
    assert (claim.verdict, result.exit_code) == (lp.Verdict.UNDECIDED, 3) and "one more prompt row" in claim.reason


@pytest.mark.slow
def test_a_discount_may_have_any_name(tmp_path, capsys):
    path = write(
        tmp_path,
        ('parameters=("gamma",)', 'parameters=("discount",), defaults={"discount": "3/4"}'),
        ("p.gamma * t.phi_next", "p.discount * t.phi_next"),
        ("p.gamma * (w @ t.phi_next)", "p.discount * (w @ t.phi_next)"),
    )
    ran = run_cli(capsys, "verify", path, "-d", "2", "-n", "4", "-L", "2", "--trials", "1")
    assert ran.code == 0, ran.out + ran.err


@pytest.mark.slow
def test_a_result_is_true_only_when_all_of_it_holds():
    assert lp.verify("td0", evidence=["identity-exact"], **SMALL)
    assert not lp.invariance("td0", layers=2, looped=True, set="one-layer", floats=False)
    assert lp.invariance("td0", layers=2, looped=True, floats=False)  # a question that is answered


@pytest.mark.slow
def test_a_construction_that_only_imports_its_neighbour_is_checked(tmp_path, capsys):
    right = Path(write(tmp_path))
    sibling = (
        f"from dataclasses import replace\nfrom {right.stem} import ALGORITHM as RIGHT\n"
        "ALGORITHM = replace(RIGHT, name='wrong', heads=lambda layout, step, p, layer: [])\n"
    )
    (tmp_path / "wrong.py").write_text(sibling)
    (tmp_path / "stranger.py").write_text("raise SystemExit('was run')\nALGORITHM = print('x')\n")
    ran = run_cli(capsys, "check", str(tmp_path))
    assert ran.code == 1 and "wrong" in ran.out and "stranger" not in ran.out + ran.err


@pytest.mark.slow
def test_what_other_programs_print_stays_off_stdout(tmp_path):
    path = write(tmp_path, ("ALGORITHM = ", "import os\nos.system('echo shouted')\nALGORITHM = "))
    command = [sys.executable, "-m", "layerproof", "verify", path, "-d", "2", "-n", "4", "-L", "2", "--json"]
    ran = subprocess.run(
        [*command, "--evidence", "identity-exact"], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0 and "shouted" not in ran.stdout and "shouted" in ran.stderr


@pytest.mark.parametrize("name", ("layerproof", "random", "types", "torch"))
def test_a_template_shadows_no_module(tmp_path, capsys, name):
    ran = run_cli(capsys, "new", name, "--folder", str(tmp_path))
    assert ran.code == 2 and "is a module" in ran.err and not list(tmp_path.iterdir())


def test_an_update_returns_a_tuple(tmp_path, capsys):
    for code, kind in (("return w + C @ sweep.total / sweep.n", "a vector"), ("return None", "None")):
        path = write(tmp_path, ("return (w + C @ sweep.total / sweep.n,)", code))
        ran = run_cli(capsys, "verify", path, "--evidence", "derived")
        assert ran.code == 4 and f"returns {kind}, wanted a tuple" in ran.err


def test_the_advice_for_the_first_parameter_is_a_tuple(tmp_path, capsys):
    path = write(tmp_path, ('parameters=("gamma",)', "parameters=()"))
    assert 'parameters=("gamma",), and its value' in run_cli(capsys, "verify", path, "--evidence", "derived").err


@pytest.mark.parametrize(
    "change, message",
    (
        ({"parameters": "gamma"}, "parameters is 'gamma', wanted a tuple"),
        ({"transition_scalars": "rho"}, "transition_scalars is 'rho', wanted a tuple"),
    ),
)
def test_a_text_is_no_tuple_of_names(change, message):
    with pytest.raises(ArgumentError, match=message):
        replace(load(EXAMPLES / "off_policy_td.py"), **change)


def test_two_rows_have_two_names():
    own = load(EXAMPLES / "off_policy_td.py")
    with pytest.raises(ArgumentError, match="phi names two rows"):
        replace(own, features=(*own.features, own.features[0]))

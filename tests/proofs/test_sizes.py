"""An algorithm that is stated for some sizes only: everything takes the nearest, by name others are an error."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cli import assert_refused, run_cli

from layerproof.proofs import checker
from layerproof.proofs.case import Case, Settings
from layerproof.proofs.checker import verify
from layerproof.proofs.sizes import fitted
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.errors import SizesError

SQUARE = replace(find("td0"), name="square", sizes=("n = d",))
EXACT = ("identity-exact",)


def test_by_name_sizes_that_are_left_open_move_and_it_is_said():
    result = verify(SQUARE, settings=Settings(features=2, layers=2, exact_trials=1), evidence=EXACT)
    assert result.holds
    assert result.notes == ("square at n = 2 in place of 100: it is stated for n = d",)
    assert json.loads(result.to_json())["notes"] == list(result.notes)
    assert result.settings["context"] == 2


def test_by_name_other_sizes_are_an_error_with_the_constraint():
    with pytest.raises(SizesError, match="context is 5 and features is 2, but square is stated for n = d") as raised:
        verify(SQUARE, settings=Settings(features=2, context=5), evidence=EXACT)
    assert raised.value.exit_code == 2


def test_of_everything_each_is_checked_at_the_nearest_sizes(monkeypatch):
    monkeypatch.setattr(checker, "catalogue", lambda: {"td0": find("td0"), "square": SQUARE})
    result = verify(settings=Settings(features=2, context=5, layers=2), evidence=EXACT)
    assert result.holds
    assert result.notes == ("square at n = 2 in place of 5: it is stated for n = d",)
    assert not verify("td0", settings=Settings(features=2, context=5, layers=2), evidence=EXACT).notes


def test_layers_that_differ_are_looped_by_nobody(monkeypatch):
    tabled = replace(find("nesterov-td"), name="tabled")
    asked = Settings(features=2, context=2, layers=2, exact_trials=1, looped=True)
    with pytest.raises(SizesError, match=r"looped is asked for, but the layers of tabled differ: .* beta is"):
        verify(tabled, settings=asked, evidence=EXACT)
    monkeypatch.setattr(checker, "catalogue", lambda: {"tabled": tabled})
    result = verify(settings=asked, evidence=EXACT)
    assert result.holds and result.notes == ("tabled with weights of each layer's own: they differ by layer",)


def test_a_case_at_other_sizes_is_refused_whoever_makes_it():
    with pytest.raises(SizesError, match="stated for n = d"):
        Case(SQUARE, Settings(features=2, context=5))
    assert Case(SQUARE, fitted(SQUARE, Settings(features=2))[0]).settings.context == 2


def test_the_constraint_of_a_users_file_reaches_the_judge(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    asked = ("verify", str(path), "-d", "2", "-n", "3", "--evidence", "identity-exact", "--json")
    assert_refused(run_cli(capsys, *asked, "-L", "4"), 2, "mine is stated for L <= n")


FILE = '''
from layerproof import Accumulator, Algorithm, FeatureBlock


def update(weights, preconditioners, sweep, p):
    """w + (1/n) C sum of delta phi."""
    (w,), (C,) = weights, preconditioners
    sweep.total = 0 * w
    for t in sweep:
        sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="mine", title="Mine", source="nowhere", features=(
        FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q),
        FeatureBlock("following", lambda t, p: p.gamma * t.phi_next),
    ),
    accumulators=(Accumulator("error", lambda weights, x, p: x.reward + weights[0] @ (x.following - x.phi)),),
    parameters=("gamma",), update=update, sizes=("L <= n",),
)
'''

"""`layerproof sa`: names, processes, exits, tables and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli import assert_refused, run_cli

from layerproof.symbolic.rules import rules

TWO = {"schema": 1, "transition": [["1/2", "1/2"], ["1", "0"]], "reward": ["1", "0"]}


def chain(tmp_path: Path, **changed: object) -> str:
    path = tmp_path / "chain.json"
    path.write_text(json.dumps({**TWO, **changed}))
    return str(path)


def test_several_rules_in_three_tables(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("tabular-td", "q-learning", "emphatic-td", "dqn")
    ran = run_cli(capsys, "sa", *names)
    assert ran.code == 0 and all(ran.out.count(f" {name} ") == 3 for name in names) and set(names) <= set(rules())
    assert "arXiv" in ran.out and "assumed" in ran.out and "cited" in ran.out


def test_one_rule_with_every_reason(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_cli(capsys, "sa", "linear-td", "--process", "w-to-2w")
    assert ran.code == 0 and "A = 1/5" in ran.out and "not covered: ode-at-infinity fails" in ran.out


def test_a_chain_in_a_file_and_one_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ran = run_cli(capsys, "sa", "tabular-td", "--mdp", chain(tmp_path), "--gamma", "1/2", "--json")
    document = ran.document
    assert ran.code == 0 and document["command"] == "sa" and document["settings"]["rules"] == ["tabular-td"]
    assert document["settings"]["process"]["transition"] == [[["1/2", "1/2"]], [["1", "0"]]]
    limit = next(c for c in document["claims"] if c["details"]["assumption"] == "convergence")["details"]["limit"]
    assert limit == ["8/5", "4/5"]  # v1 = v0/2, v0 = 1 + (v0 + v1)/4


def test_sizes_and_seeds_of_drawn_processes(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("sa", "gtd2", "--process", "random-ergodic", "--states", "3", "-d", "2", "--json")
    first, same, other = (run_cli(capsys, *given, "--seed", seed).document["claims"] for seed in ("0", "0", "1"))
    assert first == same != other and "w in R^2" in first[0]["reason"]


REFUSED = {
    "an unknown rule": (("linear_td",), 2, "did you mean linear-td"),
    "an unknown process": (("linear-td", "--process", "boyan"), 2, "did you mean boyan"),
    "two processes": (("linear-td", "--process", "loop", "--mdp", "x.json"), 2, "wanted one process"),
    "a file that is not there": (("linear-td", "--mdp", "nowhere.json"), 4, "nowhere.json: there is no such file"),
    "gamma": (("linear-td", "--gamma", "2"), 2, "gamma is 2, wanted a number from 0 to 1"),
    "eta": (("gtd2", "--eta", "0"), 2, "eta is 0"),
    "power": (("gtd2", "--power", "-1"), 2, "power is -1"),
    "sizes of a process that has its own": (("linear-td", "--process", "baird", "--states", "3"), 2, "leave it out"),
    "too many states": (("linear-td", "--states", "1000"), 2, "states is 1000"),
    "two policies on policy": (("td-lambda", "--process", "w-to-2w"), 4, "ask an off-policy rule"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("json", [False, True])
def test_what_is_refused(what: str, json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, code, message = REFUSED[what]
    ran = run_cli(capsys, "sa", *arguments, *["--json"] * json)
    assert ran.err.splitlines()[-1].startswith("layerproof: ") and message in ran.err and ran.code == code


def test_a_row_that_does_not_sum_to_one_names_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = chain(tmp_path, transition=[["1/2", "1/3"], ["1", "0"]])
    assert_refused(run_cli(capsys, "sa", "linear-td", "--mdp", path), 4, path, "transition[0][0] sums to 5/6")

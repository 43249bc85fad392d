"""A rule in a file of one's own: judged as data, in a process of its own; what it may not do, and what it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli import assert_refused, run_cli

import layerproof as lp
from layerproof.proofs.approximation.claims import sa
from layerproof.proofs.approximation.question import Question
from layerproof.proofs.user_file import load
from layerproof.proofs.verdict import Claim, Verdict
from layerproof.symbolic.errors import ContentError, RefusedError

pytestmark = pytest.mark.slow
TEXT = """import layerproof as lp

def h(v, y):
    delta = y.reward + y.gamma * v[y.next_state] - v[y.state]
    return {y.state: delta}

RULE = lp.Rule(name="mine", title="Mine", source="me", parts={"v": "states"}, h=h)
"""
DELTA = "    delta = y.reward + y.gamma * v[y.next_state] - v[y.state]\n"


def write(folder: Path, *changes: tuple[str, str]) -> str:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "mine.py"
    path.write_text(text)
    return str(path)


def ask(path: str, **settings: object) -> dict[str, Claim]:
    return {c.details["assumption"]: c for c in lp.sa(path, process="two-state", **settings).claims}


def test_a_file_is_judged_as_the_catalogue_is(tmp_path: Path) -> None:
    mine, theirs = (
        {c.details["assumption"]: (c.verdict, c.reason) for c in lp.sa(rule, process="two-state").claims}
        for rule in (write(tmp_path), "tabular-td")
    )
    only = {"mean-field", "formal"}  # what the catalogue says of its own rules
    assert mine == {key: value for key, value in theirs.items() if key not in only}


def test_a_trace_maxima_tables_and_a_chain_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        tmp_path,
        (DELTA, DELTA + "    delta = lp.maximum(delta, delta - 1) + y.tables.bonus[y.state] + y.e / 8\n"),
        ("h=h)", 'h=h,\n    trace=lambda before, y: {"e": before.e / 2 + 1}, trace_parts={"e": 1})'),
    )
    document = {"schema": 1, "transition": [["1/2", "1/2"], ["1", "0"]], "reward": ["1", "0"], "gamma": "1/2"}
    (tmp_path / "chain.json").write_text(json.dumps({**document, "tables": {"bonus": ["0", "1/4"]}}))
    ran = run_cli(capsys, "sa", path, "--mdp", str(tmp_path / "chain.json"), "--json")
    claims = {c["details"]["assumption"]: c for c in ran.document["claims"]}
    assert ran.code == 0 and claims["form"]["details"]["infinite"] and claims["traced"]["verdict"] == "HOLDS"
    # E e = 2 before the step, so each reward is larger by 1/4, and state 1's by 1/4 more: v0 = 5/4 + (v0 + v1)/4, ...
    assert claims["convergence"]["verdict"] == "HOLDS" and claims["mean-ode"]["details"]["limit"] == ["11/5", "8/5"]
    assert len(ran.document["settings"]["files"]["mine"]) == 64


def test_a_product_of_weights_is_not_lipschitz(tmp_path: Path) -> None:
    claims = ask(write(tmp_path, ("{y.state: delta}", "{y.state: delta * v[0]}")))
    assert claims["lipschitz"].verdict is Verdict.REFUTED and "c^2" in claims["lipschitz"].reason
    assert claims["stability"].verdict is Verdict.REFUTED


REFUSED = {
    "compared": ("    delta = delta if v[0] > 0 else 0 * delta\n", "comparison"),
    "branched on": ("    delta = delta if v[0] else 0 * delta\n", "truth"),
    "looked up by": ("    delta = [1, 2][v[0]] * delta\n", "lookup"),
    "maximum of Python": ("    delta = max(delta, 0 * delta)\n", "comparison"),
    "caught": ("    try:\n        v[0] > 0\n    except Exception:\n        pass\n", "comparison"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_looks_at_a_symbol_is_refused_with_function_and_line(what: str, tmp_path: Path) -> None:
    more, kind = REFUSED[what]
    with pytest.raises(RefusedError, match=r"line \d+ of h") as raised:
        ask(write(tmp_path, (DELTA, DELTA + more)))
    assert raised.value.function == "h" and raised.value.line == (6 if what == "caught" else 5)
    assert raised.value.kind == kind or what in ("looked up by", "maximum of Python")


HOSTILE = {
    "ends its process": (DELTA, DELTA + "    import os; os._exit(3)\n", "exit status 3"),
    "runs for ever": (DELTA, DELTA + "    while True: pass\n", "did not finish within"),
    "raises": (DELTA, DELTA + "    1 / 0\n", "line 5"),
    "cites itself": ("h=h)", 'h=h, cited={"lln": "me"})', "leave it out"),
    "a float": ("y.gamma", "0.5", "float"),
    "no rule": ("RULE = lp.Rule(", "RULE = dict(", "wanted a layerproof.Rule"),
    "answers itself": (
        "RULE = ",
        'from layerproof.proofs.own import rule_answers\n'
        'rule_answers.rule_samples = lambda *_: {"maxima": [], "parts": [[[[9], 1]]], "moves": [], "traces": []}\n'
        "RULE = ",
        "told for 0 transitions",
    ),
    "answers too little": (
        "RULE = ",
        'from layerproof.proofs.own import rule_answers\n'
        'rule_answers.rule_samples = lambda *_: {"maxima": [], "parts": [], "moves": [[[1]]], "traces": []}\n'
        "RULE = ",
        "has 1 entries, wanted 4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_told_of_in_words(what: str, tmp_path: Path) -> None:
    old, new, message = HOSTILE[what]
    with pytest.raises(lp.LayerproofError, match=message) as raised:
        sa(write(tmp_path, (old, new)), question=Question("two-state"), time_limit=5)
    assert raised.value.exit_code == (3 if what == "a float" else 4)


def test_another_value_each_time_is_seen(tmp_path: Path) -> None:
    claims = ask(
        write(tmp_path, ("def h", "COUNT = []\n\ndef h"), (DELTA, DELTA + "    COUNT.append(0); delta += len(COUNT)\n"))
    )
    assert claims["traced"].verdict is Verdict.REFUTED


def test_a_rule_is_no_algorithm_and_two_names_are_two(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="layerproof sa judges"):
        load(Path(write(tmp_path)))
    with pytest.raises(lp.ArgumentError, match="two rules are called 'gtd2'"):
        lp.sa("gtd2", write(tmp_path, ('"mine"', '"gtd2"')))


def test_the_template_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(capsys, "new", "--rule", "my-rule", "-o", str(tmp_path)).code == 0
    ran = run_cli(capsys, "sa", str(tmp_path / "my_rule.py"), "--process", "w-to-2w")
    assert ran.code == 0 and "my-rule on w-to-2w" in ran.out and "A = 1/5" in ran.out
    assert_refused(run_cli(capsys, "new", "--rule", "gtd2", "-o", str(tmp_path)), 2, "which is in the catalogue")

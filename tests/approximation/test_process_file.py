"""A decision process in a JSON file: read strictly, and written so that it is read back as it was."""

from __future__ import annotations

import copy
import json
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import pytest

import layerproof as lp
from layerproof.numeric.data.decisions import draw_decisions
from layerproof.symbolic.errors import ArgumentError, ContentError
from layerproof.symbolic.markov.decision import DecisionProcess
from layerproof.symbolic.markov.document import document, read_document
from layerproof.symbolic.markov.named import NAMED
from layerproof.symbolic.strict_json import dumps

GOOD: dict[str, Any] = {
    "schema": 1,
    "transition": [[["1/2", "1/2"], ["0", "1"]], [["1", "0"], ["1/3", "2/3"]]],
    "reward": [["1", "0"], ["-1/2", "0.25"]],
    "behaviour": [["1/2", "1/2"], ["1/4", "3/4"]],
}


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "chain.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def changed(key: str, value: Any) -> dict[str, Any]:
    return {**copy.deepcopy(GOOD), key: value}


def test_what_is_left_out_is_one_hot_uniform_and_on_policy(tmp_path: Path) -> None:
    process = lp.read_process(written(tmp_path, GOOD))
    assert (process.name, process.states, process.actions, process.d) == ("chain", 2, 2, 2)
    assert (
        process.on_policy
        and process.features == ((1, 0), (0, 1))
        and process.interest == (1, 1)
        and process.gamma is None
    )
    assert process.reward[1][1] == (F(1, 4), F(1, 4))
    plain = lp.read_process(written(tmp_path, {"schema": 1, "transition": [[0, 1], [1, 0]], "reward": [2, 3]}))
    assert plain.actions == 1 and plain.reward[0] == ((2, 2),)


@pytest.mark.parametrize("name", NAMED)
def test_a_process_is_read_back_as_it_was_written(name: str) -> None:
    first = NAMED[name]()
    again = read_document(json.loads(dumps(document(first))))
    assert document(again) == document(first) and again.chain.law == first.chain.law


def test_drawn_processes_are_read_back_too() -> None:
    first = draw_decisions("loop", 4, 2, 7, actions=2, off_policy=True)
    assert document(read_document(document(first))) == document(first) and not first.on_policy
    assert document(draw_decisions("loop", 4, 2, 8, actions=2, off_policy=True)) != document(first)


REFUSED = {
    "a row that does not sum to 1": (changed("transition", [[["1/2", "1/3"], [0, 1]], [[1, 0], [1, 0]]]),
                                     r"transition\[0\]\[0\] sums to 5/6"),
    "a negative probability": (changed("transition", [[["3/2", "-1/2"], [0, 1]], [[1, 0], [1, 0]]]), "entry -1/2"),
    "a number for the rows of features": (changed("features", "3"), "at least one state, one action and one feature"),
    "numbers for rows": (changed("features", ["1", "2"]), "at least one state, one action and one feature"),
    "a sum of thousands of digits": (changed("behaviour", [["0x" + "7" * 9000, "1/4"], [1, 0]]),
                                     r"behaviour\[0\] sums to 0x[0-9a-f]{38}\.\.\. \(900\d characters\) with"),
    "a discount of thousands of digits": (changed("gamma", "0x" + "7" * 9000), r"gamma is 0x7{38}\.\.\. \(9002 char"),
    "a policy that does not sum to 1": (changed("behaviour", [["1/2", "1/4"], [1, 0]]), r"behaviour\[0\] sums to 3/4"),
    "a ragged table": (changed("transition", [[[1, 0], [0, 1]], [[1, 0]]]), r"transition\[1\] has 1 entries, wanted 2"),
    "too few rewards": (changed("reward", [1]), "reward has 1 entries, wanted 2"),
    "no rewards": ({k: v for k, v in GOOD.items() if k != "reward"}, "lacks reward"),
    "an unknown key": (changed("rewards", [1, 1]), "has the key 'rewards'"),
    "another schema": (changed("schema", 2), "schema is '2', wanted 1"),
    "a number that is none": (changed("reward", ["a", "b"]), r"reward\[0\] is 'a'"),
    "true": (changed("reward", [True, False]), r"reward\[0\] is true or false"),
    "gamma beyond 1": (changed("gamma", "3/2"), "gamma is 3/2"),
    "a list": ([1, 2], "is a list"),
    "nothing": (changed("transition", []), "transition is no list of rows"),
    "nested too deep": (changed("reward", [[[[[1]]]]]), "nested more than 4 deep"),
    "negative interest": (changed("interest", [1, -1]), "interest has the entry -1"),
    "a table with a bad name": (changed("tables", {"__class__": [1]}), "tables is no object"),
    "a name of several lines": (changed("name", "a\nb"), "name is"),
    "no JSON": ("{", "is not JSON"),
    "a key twice": ('{"schema": 1, "schema": 1}', "given twice"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_said_with_the_file(what: str, tmp_path: Path) -> None:
    content, message = REFUSED[what]
    with pytest.raises(ContentError, match=rf"chain\.json: .*{message}"):
        lp.read_process(written(tmp_path, content))


def test_floats_are_refused_from_python() -> None:
    with pytest.raises(ArgumentError, match=r"transition\[0\]\[0\]\[0\] is 0.5"):
        DecisionProcess.of("x", [[0.5, 0.5], [0, 1]], [0, 0], [[1], [1]])


def test_a_ratio_that_is_not_defined_names_state_and_action() -> None:
    process = DecisionProcess.of("x", [[[1], [1]]], [0], [[1]], behaviour=[[1, 0]], target=[[0, 1]])
    with pytest.raises(ContentError, match="ratio of state 0, action 1 is not defined"):
        process.check_ratios()

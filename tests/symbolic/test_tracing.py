"""What is traced of a construction is its functions: the same values in every arithmetic, and plain data."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import islice
from typing import Any

import pytest

from layerproof.numeric.data.draws import preconditioners, prompts
from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.errors import ContentError
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.tracing import Point, Traced, differs, evaluated, is_evaluated, points, text, trace, values_at

CHOICES = [
    (name, dict(zip(a.options, values, strict=True)))
    for name, a in catalogue().items()
    for values in (list(zip(*a.options.values(), strict=True)) or [()])
]


@pytest.mark.parametrize(("name", "options"), CHOICES)
def test_the_expressions_run_as_the_functions_do(name: str, options: dict[str, str]) -> None:
    record = catalogue()[name]
    traced = evaluated(record, trace(record, options))
    assert is_evaluated(traced) and not is_evaluated(record)
    values = record.values({"gamma": Fraction(9, 10), "lam": Fraction(1, 2)})
    steps = preconditioners(record, 2, 3, 0)
    for _, context, start in islice(prompts(record, 2, 5, 0, "boyan-chain", None), 2):
        both = [problem(a, RATIONALS, context, start, values, record.choose(options)) for a in (record, traced)]
        assert both[0].X == both[1].X
        assert both[0].rows(both[0].start) == both[1].rows(both[1].start)
        for first, second in zip(*(textbook(setup, steps) for setup in both), strict=True):
            assert all(x == y for x, y in zip(first, second, strict=True))


@pytest.mark.parametrize(("name", "options"), CHOICES)
def test_a_tree_is_plain_data_and_reads_back(name: str, options: dict[str, str]) -> None:
    tree = trace(catalogue()[name], options)
    data = json.loads(json.dumps(tree.to_data()))
    again = Traced.from_data(data)
    again.check(catalogue()[name])
    assert again.to_data() == tree.to_data()


@pytest.mark.parametrize(("name", "options"), CHOICES)
def test_the_second_net_finds_no_difference_in_the_catalogue(name: str, options: dict[str, str]) -> None:
    record = catalogue()[name]
    traced = trace(record, options)
    for point in points(record, 0, traced):
        assert Point.from_data(json.loads(json.dumps(point.to_data()))) == point
        assert differs(traced, point, values_at(record, options, point)) is None


def test_the_loop_stands_as_the_file_writes_it() -> None:
    loop = trace(catalogue()["td-lambda"]).update
    assert loop is not None
    shown = {name: text(node) for name, node in loop.body}
    delta = "t.reward + gamma * (w @ t.phi_next) - w @ t.phi"
    assert shown == {"e": "lam * sweep.e + t.phi", "total": f"sweep.total + ({delta}) * (lam * sweep.e + t.phi)"}
    assert {name: text(node) for name, node in loop.lets} == {"delta": delta}
    assert [text(node) for _, node in loop.finish] == ["w + C @ sweep.total / sweep.n"]


def planted(record: Algorithm, change: Any) -> Any:
    data = trace(record).to_data()
    change(data)
    return data


HOSTILE: dict[str, Any] = {
    "another format": lambda d: d.update(format=2),
    "a key more": lambda d: d.update(more=1),
    "a forward node": lambda d: d["nodes"].insert(0, ["neg", 5]),
    "an unknown operation": lambda d: d["nodes"].append(["exec", 0, 0]),
    "a float": lambda d: d["nodes"].append(["number", 0.5]),
    "a number not in lowest terms": lambda d: d["nodes"].append(["number", "2/4"]),
    "a huge number": lambda d: d["nodes"].append(["number", "9" * 10_000]),
    "a huge power": lambda d: d["nodes"].extend([["number", "99999999"], ["pow", len(d["nodes"]), len(d["nodes"])]]),
    "a node that is true": lambda d: d["accumulators"].append(["x", True]),
    "neither loop nor reason": lambda d: d.update(update=None),
    "a kind that is none": lambda d: d["nodes"].append(["name", "weight", "w", "list"]),
    "a name that is no text": lambda d: d["nodes"].append(["name", "weight", 3, "vector"]),
    "an unhashable operation": lambda d: d["nodes"].append([["add"], 0, 0]),
    "an unhashable source": lambda d: d["nodes"].append(["name", [], "w", "vector"]),
    "an unhashable kind": lambda d: d["nodes"].append(["name", "weight", "w", {}]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_data_that_is_no_tree_is_refused(name: str) -> None:
    data = planted(catalogue()["td0"], HOSTILE[name])
    with pytest.raises(ContentError):
        Traced.from_data(data)


@pytest.mark.parametrize("data", [None, [], 3, "x", {}, {"nodes": []}])
def test_what_is_no_mapping_is_refused(data: Any) -> None:
    with pytest.raises(ContentError):
        Traced.from_data(data)


def test_a_tree_of_another_record_is_refused() -> None:
    tree = trace(catalogue()["td0"])
    for other in ("gtd2", "least-squares", "td-lambda"):
        with pytest.raises(ContentError):
            evaluated(catalogue()[other], tree)

"""Whatever is put in place of an argument of a public function, what escapes is an error of ours, never of Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import layerproof as lp
from layerproof.symbolic.algorithms import find

BAD = (object(), None, 5, "\0x", [], -1, float("nan"), [None], {"a": object()}, b"x")
SMALL = {"d": 1, "n": 1, "layers": 1}
CONSTRUCTION = lp.construct("td0", **SMALL)
DERIVED = {**SMALL, "evidence": ["derived"]}
FUNCTIONS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "audit": (("claims.toml",), {"output": None, "prove": False, "time_limit": 300}),
    "construct": (("td0",), {**SMALL, "gamma": 1, "trace": None, "looped": False, "preconditioners": None, "seed": 0}),
    "construct_pattern": (("sarsa",), {**SMALL, "gamma": 1, "values": None, "looped": False, "preconditioners": None}),
    "converge": (("td0",), {**SMALL, "alpha": None, "fixed": None, "preconditioners": None, "start": None}),
    "derive": (("td0",), {"trace": None}),
    "identify": ((CONSTRUCTION,), {"layout": None, "d": None, "transposed": (), "prompts": None, "process": None,
                                   "trials": 59, "function": False, "rule": None}),
    "interpretability_view": ((CONSTRUCTION,), {"dtype": None}),
    "invariance": (("td0",), {"d": 1, "n": 1, "layers": 1, "set": None, "group": "signs", "floats": False}),
    "load": (("folder",), {}),
    "paper": (("td0",), {**DERIVED, "directory": "p", "formats": ["tex"], "level": "section", "prefix": None}),
    "random_transitions": ((find("td0"),), {"d": 1, "n": 1, "count": 1, "seed": 0}),
    "read_context": (("x.json",), {}),
    "read_process": (("x.json",), {}),
    "read_sweep": (("x.toml",), {}),
    "read_weights": (("x.json",), {}),
    "report": (("td0",), {**DERIVED, "directory": "r", "formats": ["json"], "prove": False, "dates": False}),
    "sa": (("linear-td",), {"process": "two-state", "eta": 1}),
    "simulate": (("linear-td",), {"process": "two-state", "runs": 1, "steps": 1}),
    "train": (("tiny",), {"output": "t", "max_work": 1}),
    "verify": (("td0",), {**DERIVED, "prompt": None, "looped": False, "seed": 0, "order": "keys-first"}),
    "write_weights": ((CONSTRUCTION, "w.json"), {"dtype": "float64"}),
}  # fmt: skip


def escaping(name: str) -> list[str]:
    """The arguments of a function with which it raises what is no `LayerproofError`."""
    positional, named = FUNCTIONS[name]
    result = []
    for place in (*range(len(positional)), *named):
        for bad in BAD:
            at = [bad if k == place else x for k, x in enumerate(positional)]
            try:
                getattr(lp, name)(*at, **{k: bad if k == place else x for k, x in named.items()})
            except lp.LayerproofError:
                pass
            except Exception as error:
                result.append(f"{place} = {bad!r}: {error!r}")
    return result


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_escapes_is_an_error_of_ours(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert escaping(name) == []


def test_a_function_that_asks_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lp, "load", Path)
    assert any("None" in line for line in escaping("load"))


def test_a_flag_is_no_word() -> None:
    with pytest.raises(lp.ArgumentError, match="looped is 'yes', wanted True or False"):
        lp.verify("td0", looped="yes", **DERIVED)

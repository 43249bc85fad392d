"""Whatever is put in place of an argument, what escapes is an error of ours that names the argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

import layerproof as lp
from layerproof.symbolic.algorithms import find

BAD = (object(), None, 5, "\0x", [], -1, float("nan"), [None], {"a": object()}, b"x")
SMALL = {"d": 1, "n": 1, "layers": 1}
CONSTRUCTION = lp.construct("td0", **SMALL)
PATTERN = lp.construct_pattern("sarsa", **SMALL)
MODULE = lp.LinearTransformer.from_construction(CONSTRUCTION)
TD0 = find("td0")
DERIVED = {**SMALL, "evidence": ["derived"]}
ASSERTED = {"prompts": None, "layers": 1, "evidence": None, "reference": None, "device": "cpu", "dtype": None,
            "seed": 0, "save": None}  # fmt: skip
SWEEP = 'algorithm = ["td0"]\nd = [1]\nn = [1]\nL = [1]\nevidence = ["derived"]\n'
Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def call(asked: Callable[..., Any], /, *positional: Any, **named: Any) -> Call:
    return asked, positional, named


FUNCTIONS: dict[str, Call] = {
    "assert_implements": call(lp.assert_implements, CONSTRUCTION, "td0", **ASSERTED),
    "assert_implements, a module": call(lp.assert_implements, MODULE, "td0", **ASSERTED),
    "assert_implements, a pattern": call(lp.assert_implements, PATTERN, "sarsa", **ASSERTED),
    "audit": call(lp.audit, "claims.toml", output=None, prove=False, time_limit=300),
    "batch_check": call(
        lp.batch_check, CONSTRUCTION, TD0, lp.random_transitions(TD0, 1, 1, 1, 0),
        dtype=torch.float64, device="cpu", module=None,
    ),
    "construct": call(
        lp.construct, "td0", **SMALL, gamma=1, lam=1, trace=None, looped=False, preconditioners=None, seed=0
    ),
    "construct_pattern": call(
        lp.construct_pattern, "sarsa", **SMALL, gamma=1, values=None, looped=False, preconditioners=None
    ),
    "Context.of": call(lp.Context.of, [[1]], [[1]], [1], [1], extras=None),
    "converge": call(lp.converge, "td0", **SMALL, alpha=None, fixed=None, preconditioners=None, start=None),
    "derive": call(lp.derive, "td0", trace=None),
    "identify": call(
        lp.identify, CONSTRUCTION, layout=None, d=None, transposed=(), prompts=None, process=None, trials=59,
        function=False, rule=None,
    ),
    "interpretability_view": call(lp.interpretability_view, CONSTRUCTION, dtype=None),
    "invariance": call(lp.invariance, "td0", **SMALL, set=None, group="sign-flips", floats=False, max_work=1),
    "from_construction": call(
        lp.LinearTransformer.from_construction, CONSTRUCTION, dtype=torch.float64, device="cpu", trainable=False
    ),
    "from_pretrained": call(lp.LinearTransformer.from_pretrained, "folder", device="cpu", trainable=False),
    "load": call(lp.load, "folder"),
    "maximum": call(lp.maximum, 1, 2),
    "maximum of a list": call(lp.maximum, [1, 2]),
    "paper": call(lp.paper, "td0", **DERIVED, directory="p", formats=["tex"], level="section", prefix=None),
    "PatternTransformer": call(lp.PatternTransformer, PATTERN, dtype="float64"),
    "random_transitions": call(lp.random_transitions, TD0, d=1, n=1, count=1, seed=0),
    "read_context": call(lp.read_context, "x.json"),
    "read_process": call(lp.read_process, "x.json"),
    "read_sweep": call(lp.read_sweep, "sweep.toml"),
    "read_weights": call(lp.read_weights, "x.json"),
    "report": call(lp.report, "td0", **DERIVED, directory="r", formats=["json"], prove=False, dates=False),
    "run_sweep": call(
        lambda sweep, executor, path, **named: lp.run_sweep(_grid(sweep), executor, path, **named),
        "sweep.toml", ThreadPoolExecutor(1), "w.json", progress=print, at_once=1, retry=False,
    ),
    "sa": call(lp.sa, "linear-td", process="two-state", eta=1),
    "simulate": call(lp.simulate, "linear-td", process="two-state", runs=1, steps=1),
    "train": call(lp.train, "tiny", output="t", max_work=1),
    "verify": call(lp.verify, "td0", **DERIVED, prompt=None, looped=False, seed=0, order="keys-first"),
    "WorkerProcesses": call(lp.WorkerProcesses, 1, ready=()),
    "write_weights": call(lp.write_weights, CONSTRUCTION, "w.json", dtype="float64"),
}  # fmt: skip


def _grid(sweep: Any) -> Any:
    return lp.read_sweep(sweep) if sweep == "sweep.toml" else sweep


def escaping(function: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]) -> list[str]:
    """The arguments with which a function raises what is no `LayerproofError`, or one that does not name them."""
    names = list(inspect.signature(function).parameters)
    result = []
    for place in (*range(len(positional)), *named):
        name = place if isinstance(place, str) else names[min(place, len(names) - 1)]
        for bad in BAD:
            at = [bad if k == place else x for k, x in enumerate(positional)]
            try:
                function(*at, **{k: bad if k == place else x for k, x in named.items()})
            except lp.LayerproofError as error:
                if not names_it(str(error), name, bad):
                    result.append(f"{name} = {bad!r}, which is not named: {error}")
            except Exception as error:
                result.append(f"{name} = {bad!r}: {error!r}")
    return result


def names_it(message: str, name: str, bad: Any) -> bool:
    """Whether a message names the argument; a value that may be right meets a limit, or no file."""
    valid = bad is None or bad == 5 or bad == [] or (isinstance(bad, str) and bad in message)
    elsewhere = any(what in message for what in ("max-work", "there is no such"))
    return name.removesuffix("s") in message or (valid and elsewhere)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sweep.toml").write_text(SWEEP)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("what", FUNCTIONS)
def test_what_escapes_is_an_error_of_ours_that_names_the_argument(what: str) -> None:
    assert escaping(*FUNCTIONS[what]) == []


def test_what_prepares_a_worker_refuses_before_anything_is_done() -> None:
    for bad in BAD:
        if bad is not None:
            with pytest.raises(lp.ArgumentError, match=r"held is .*, wanted an end of a multiprocessing"):
                lp.prepare_worker(bad)


def test_every_public_function_is_tried() -> None:
    functions = {name for name in lp.__all__ if inspect.isfunction(getattr(lp, name))}
    assert functions - {what.split(",")[0] for what in FUNCTIONS} == {"algorithms", "prepare_worker"}


def test_a_function_that_asks_nothing_is_seen() -> None:
    assert any("TypeError" in line for line in escaping(Path, (".",), {}))


def test_a_message_without_the_name_is_seen() -> None:
    def refuse(weights: object) -> None:
        raise lp.ArgumentError("it is no matrix")

    assert len(escaping(refuse, ([[1]],), {})) == len(BAD)


def test_a_flag_is_no_word() -> None:
    with pytest.raises(lp.ArgumentError, match="looped is 'yes', wanted True or False"):
        lp.verify("td0", looped="yes", **DERIVED)

"""A user's construction for sweeps that writes down each time it runs, and does what a test wants at some gammas."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

TEXT = """import os, signal, time
from fractions import Fraction
from itertools import repeat
from pathlib import Path

from layerproof import Head, OwnConstruction

HERE = Path(__file__).parent


def heads(d, n, p, layer):
    worker = os.getppid()
    log = os.open(HERE / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{p.gamma} {worker}\\n".encode())
    os.close(log)
    pass  # what a test wants
    return [Head(W=None, P=[[int(p.gamma == 1)]], Q=[[1]], M=[[1]])]


CONSTRUCTION = OwnConstruction(
    name="still",
    title="Still",
    source="me",
    rows=lambda d: ["x"],
    columns=lambda d, n: ["a"],
    prompt=lambda context, p: [[1]],
    heads=heads,
    reference=lambda context, p: repeat({("x", "a"): 1}),
)
"""
"""It holds for every gamma but 1, where it is refuted."""
SPECIFICATION = """algorithm = "./still.py"
d = 1
n = 1
L = 1
exact_trials = 1
evidence = "identity-exact"
gamma = [{}]
"""


def write(folder: Path, gammas: list[str], wanted: str = "pass") -> Path:
    """The construction and a specification over `gammas`; `wanted` is what a run does. Gives the path."""
    (folder / "still.py").write_text(TEXT.replace("pass  # what a test wants", wanted), encoding="utf-8")
    path = folder / "sweep.toml"
    path.write_text(SPECIFICATION.format(", ".join(f'"{gamma}"' for gamma in gammas)), encoding="utf-8")
    return path


def runs(folder: Path) -> Counter[str]:
    """How often the construction ran, by gamma."""
    log = folder / "log"
    return Counter(line.split()[0] for line in log.read_text().splitlines()) if log.exists() else Counter()


def workers(folder: Path) -> set[int]:
    """The processes that judged it."""
    return {int(line.split()[1]) for line in (folder / "log").read_text().splitlines()}


def answered(function: Any) -> Future[Any]:
    """A call without arguments, made at once."""
    future: Future[Any] = Future()
    future.set_result(function())
    return future


class Inline(Executor):
    """Runs each call when it is submitted; `failing` maps the gamma of a point to the errors it ends with, in turn."""

    def __init__(self, failing: dict[str, list[BaseException]] | None = None):
        self.failing, self.submitted = failing or {}, []

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        if not arguments:  # whether there is a worker at all
            return answered(function)
        (point,) = arguments
        gamma = point.specification["gamma"]
        self.submitted.append(gamma)
        future: Future[Any] = Future()
        if self.failing.get(gamma):
            future.set_exception(self.failing[gamma].pop(0))
        else:
            future.set_result(function(point))
        return future


class Batched(Executor):
    """Runs together what comes within a moment; a killer among it breaks all of it, as in pools of processes."""

    def __init__(self, killers: set[str]):
        self.killers, self.batch = killers, []

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        if not arguments:
            return answered(function)
        future: Future[Any] = Future()
        self.batch.append((future, function, arguments[0]))
        if len(self.batch) == 1:
            threading.Timer(0.1, self.flush).start()
        return future

    def flush(self) -> None:
        batch, self.batch = self.batch, []
        broken = any(point.specification["gamma"] in self.killers for _, _, point in batch)
        for future, function, point in batch:
            if broken:
                future.set_exception(BrokenExecutor())
            else:
                future.set_result(function(point))


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")

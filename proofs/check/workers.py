"""Many targets at once: each core checks one, and what is said comes in the order of the targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

from ..case import Progress, Settings
from ..sweep.workers import WorkerProcesses, default_workers
from .files import Kind, Target
from .project import Outcome, check_target

FEW = 4
"""Fewer targets than this are checked here: a worker takes as long to start as some of them take."""
MOST_WORKERS = 8
QUICK = (Kind.DIRECTORY, Kind.UNKNOWN)


def check_all(targets: Sequence[Target], settings: Settings, prove: bool, progress: Progress) -> Iterator[Outcome]:
    """The outcome of each target, in their order, as `check_target` gives it.

    Where a theory is to be compiled, one after another: the prover uses the cores itself.
    """
    workers = min(default_workers(), len(targets), MOST_WORKERS)
    if workers < 2 or prove or sum(target.kind not in QUICK for target in targets) < FEW:
        for target in targets:
            yield check_target(target, settings, prove, progress)
        return
    pool = WorkerProcesses(workers)
    try:
        waiting = [pool.submit(check_target, target, settings) for target in targets]
        for number, (target, future) in enumerate(zip(targets, waiting, strict=True), 1):
            progress(f"{number} of {len(targets)} files: {target.name}")
            yield _outcome(target, future)
    finally:
        pool.stop()


def _outcome(target: Target, future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        return Outcome(target.name, target.kind, refused=f"{target.name}: the process that checked it ended early")

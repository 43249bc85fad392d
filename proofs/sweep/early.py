"""Processes that a command starts before it imports what it needs itself: they import torch on another core meanwhile.

Only for a command line without options that change what is run, and with two cores: elsewhere they might not be used.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Sequence
from importlib import import_module

from .workers import WorkerProcesses, leave_unready, make_ready, workers_for

PLAIN = ("--json", "--details")
"""Options that change nothing of what is run."""
FLOATS = (
    "layerproof.numeric.judge.crosscheck", "layerproof.numeric.judge.module_run", "layerproof.numeric.transformer",
    "layerproof.proofs.evidence.floats",
)  # fmt: skip
"""What float evidence needs."""

_second: WorkerProcesses | None = None
_forked = False


def begin(arguments: Sequence[str]) -> None:
    """Start what `layerproof verify` or `layerproof report`, called with these words, will share its work with.

    Whoever calls this calls `end` too, however the command ends.
    """
    global _second, _forked
    command = arguments[0]
    names = [word for word in arguments[1:] if word not in PLAIN]
    if any(name.startswith("-") or name.endswith(".py") for name in names):
        return
    with contextlib.suppress(OSError, ImportError, NotImplementedError):  # a system without what processes share
        if workers_for(len(names) or 100) > 1:
            _forked = True
            make_ready()
        elif command == "verify" and workers_for(100) > 1:
            _second = WorkerProcesses(1)
            _second.submit(_imported, FLOATS)


@contextlib.contextmanager
def second_process() -> Iterator[WorkerProcesses | None]:
    """A process that is importing torch, or None where `begin` started none."""
    try:
        yield _second
    finally:
        _end_second()


def _end_second() -> None:
    global _second
    if _second is not None:
        _second.stop()
        _second = None


def end() -> None:
    """End what `begin` started, whatever it is doing; workers that were forked have left by then."""
    global _forked
    _end_second()
    if _forked:
        _forked = False
        leave_unready()


def _imported(modules: Sequence[str]) -> None:
    for name in modules:
        import_module(name)
    gc.freeze()  # as in `prepare_worker`, which ran before there was anything to leave out

"""Where the points of a sweep run: worker processes on this machine, or the workers of Dask."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from importlib import import_module
from multiprocessing import forkserver, get_all_start_methods, get_context, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from ...symbolic.errors import ArgumentError, DeviceError
from ...symbolic.exact import whole_number
from ...symbolic.kinds import NAMES, Kind
from ...symbolic.plain_text import shown
from ..collector import look_seldom
from .parent import PARENT

THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS",
)  # fmt: skip
"""What a worker sets to 1; torch.compile would start processes of its own, which outlive a worker that ends at once."""
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**25)}
"""What a process that workers are forked from tells the C library: to keep what arrays leave free, where a worker would
otherwise ask the system for it again, page by page, with every array: a tenth of the float evidence."""
MOST = 4
"""Worker processes that a command starts by itself: each holds torch, 0.3 GB."""
READY = ("layerproof.proofs.sweep.forked", "layerproof.proofs.checker", "layerproof.numeric.judge.crosscheck")
"""What establishes claims, with SymPy and torch: seconds to import."""
HELD_BACK = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
"""What waits while a worker is asked for."""
PATIENCE = 10.0
"""Seconds in which a scheduler must answer."""


class WorkerProcesses(ProcessPoolExecutor):
    """Worker processes, started anew and single-threaded, that leave when this process does, however it ends.

    ready : modules that are imported once, by a process that the workers are forked from, where the system can do that
    """

    def __init__(self, workers: int, ready: Sequence[str] = ()):
        whole_number("workers", workers, 1)
        NAMES.check(ready=ready)
        self._forked = bool(ready) and "forkserver" in get_all_start_methods()
        context = get_context("forkserver" if self._forked else "spawn")
        if self._forked:
            make_ready(ready)
            # Until it has imported them, no worker is asked for: one that comes when this process was interrupted finds
            # nothing of it, and says so in a traceback.
            first = context.Process(target=_nothing)  # type: ignore[attr-defined]  # every context has it
            first.start()
            first.join()
        # Only this process holds the writing end, so that its end, even by kill -9, reaches every worker.
        reader, self._held = context.Pipe(duplex=False)
        super().__init__(workers, mp_context=context, initializer=prepare_worker, initargs=(reader,))

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """As of any executor; an interrupt waits for the milliseconds in which a worker is asked for."""
        with _interrupts_wait():
            return super().submit(*args, **kwargs)

    def stop(self) -> None:
        """End the workers at once, whatever they are doing."""
        self._held.close()
        self.shutdown(wait=True, cancel_futures=True)


def _nothing() -> None:
    """What the first process forked does."""


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Interrupts wait, for this thread and for processes that it starts: until `prepare_worker` they hear none."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # what every process starts if it is not there: it ends by hearing them again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def make_ready(modules: Sequence[str] = READY) -> None:
    """Start the process that workers are forked from, where the system has it and it is not there yet.

    Libraries count their threads when they are imported there.
    """
    if "forkserver" not in get_all_start_methods():
        return
    forkserver.set_forkserver_preload(list(modules))
    wanted = dict.fromkeys(THREAD_VARIABLES, "1") | {k: v for k, v in ALLOCATOR.items() if k not in os.environ}
    wanted[PARENT] = str(os.getpid())
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with _interrupts_wait():
            forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def leave_unready() -> None:
    """End the process that workers are forked from, which hears of our own end only when it has imported everything."""
    process = getattr(getattr(forkserver, "_forkserver", None), "_forkserver_pid", None)
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def prepare_worker(held: Connection | None = None) -> None:
    """Make this process a worker: one thread for torch, no part in Ctrl-C, its end when the other end of `held` goes.

    An initializer for any pool of processes: one worker a core is faster than workers that share their threads.
    Raises `ArgumentError`, with nothing done, where `held` is no end of a pipe.
    """
    Kind("an end of a multiprocessing.Pipe", lambda x: isinstance(x, Connection)).check_given(held=held)
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    look_seldom()
    gc.freeze()  # what is imported stays: to look through it for cycles again and again is a tenth of a check
    if held is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver ends its workers
        if hasattr(signal, "pthread_sigmask"):  # what a worker starts hears interrupts again
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
        threading.Thread(target=_leave_after, args=(held,), daemon=True).start()


def _leave_after(held: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        held.recv_bytes()
    os._exit(1)


def default_workers() -> int:
    """One worker a core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_for(jobs: int) -> int:
    """How many worker processes a command with so many jobs of seconds starts."""
    return min(default_workers(), jobs // 2, MOST)


@contextlib.contextmanager
def shared_by(jobs: int) -> Iterator[WorkerProcesses | None]:
    """Worker processes for a command with so many jobs of seconds; None where starting them would not pay.

    Only for a program with a main guard, as the command line is: each worker imports it.
    """
    workers = workers_for(jobs)
    if workers < 2:
        yield None
        return
    pool = WorkerProcesses(workers, READY)
    try:
        yield pool
    finally:
        pool.stop()


@contextlib.contextmanager
def dask_executor(scheduler: str | None, workers: int) -> Iterator[Executor]:
    """An executor over the Dask scheduler at an address, or over a cluster of `workers` processes started here.

    Raises `ArgumentError` where Dask is not installed or the address is none, `DeviceError` where nobody answers.
    """
    try:
        dask, distributed = import_module("dask"), import_module("distributed")
    except ImportError:
        raise ArgumentError(
            "executor is dask, which is not installed: pip install 'layerproof[dask]', or use --executor processes"
        ) from None
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            # A point whose worker died is tried on others, three times in all, as with processes.
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 2}))
            place = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", scheduler_port=0
                )
            )
        else:
            place = scheduler
        try:
            client = stack.enter_context(distributed.Client(place, timeout=PATIENCE))
        except OSError as error:
            raise DeviceError(f"scheduler {scheduler} does not answer: {error}") from None
        except ValueError as error:
            raise ArgumentError(
                f"scheduler is {shown(scheduler)}, wanted an address such as tcp://host:8786: {error}"
            ) from None
        yield client.get_executor(pure=False)

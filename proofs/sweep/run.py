"""Runs the points of a sweep over any executor; each is written down as it is finished, and none runs twice."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass
from multiprocessing import current_process
from os import PathLike, getpid
from typing import Any

from ...symbolic.errors import LayerproofError
from ...symbolic.exact import whole_number
from ...symbolic.kinds import FLAG, FUNCTION, PATH, Kind
from ..case import Progress, silent
from ..verdict import Verdict, worst
from .point import Point, not_run, run_point
from .results import Results
from .spec import Grid
from .workers import WorkerProcesses

DEATHS = 3
"""How often a point's worker may die before the point is recorded as not run; from one less on it runs alone."""
AT_ONCE = 1000
"""How many points an executor is given at a time, unless said otherwise."""
RESUME = "what is finished is written down, and the same command goes on from there"


EXECUTOR = Kind(
    "an Executor of concurrent.futures, or a function that makes one", lambda x: isinstance(x, Executor) or callable(x)
)
GUARD = "a script that runs a sweep is imported by every worker: start the sweep under if __name__ == '__main__':"


@dataclass(frozen=True, repr=False)
class SweepResult:
    """The records of a sweep's points, in the order of its grid.

    ran, found, cut : how many points ran now, how many were in the file before, bytes of a torn line cut off
    """

    records: tuple[dict[str, Any], ...]
    path: str
    ran: int
    found: int
    cut: int

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of any point."""
        return worst(Verdict(record["verdict"]) for record in self.records)

    @property
    def exit_code(self) -> int:
        """1 when any point is refuted, 3 when any is undecided or was not run, else 0."""
        return {Verdict.REFUTED: 1, Verdict.HOLDS: 0}.get(self.verdict, 3)

    def __bool__(self) -> bool:
        """Whether every point holds."""
        return self.exit_code == 0

    def __repr__(self) -> str:
        counts = Counter(record["verdict"] for record in self.records)
        return f"<sweep: {', '.join(f'{counts[v]} {v.value}' for v in Verdict if counts[v])}>"


def run_sweep(
    sweep: Grid,
    executor: Executor | Callable[[], Executor],
    path: str | PathLike[str],
    progress: Progress = silent,
    *,
    at_once: int = AT_ONCE,
    retry: bool = False,
) -> SweepResult:
    """Run every point that `path` does not hold yet, and append each one's record to it as soon as it is there.

    executor : any `concurrent.futures.Executor`; or a function that makes one, so that a pool whose worker died can be
               replaced (one that was given cannot: the sweep then stops, to be resumed)
    at_once  : how many points the executor is given at a time
    retry    : run again what is recorded as not run
    Raises `ContentError` for a damaged file, `ArgumentError` when another sweep holds it, `LayerproofError` when the
    file cannot be written or the executor fails; in each case what was recorded stays.
    """
    Kind("a sweep, as read_sweep gives", lambda x: isinstance(x, Grid)).check(sweep=sweep)
    EXECUTOR.check(executor=executor)
    PATH.check(path=path)
    FUNCTION.check(progress=progress)
    whole_number("at_once", at_once, 1)
    FLAG.check(retry=retry)
    if getattr(current_process(), "_inheriting", False):  # a worker that imports the script that started it
        raise LayerproofError(f"a sweep is started while a worker imports this script: {GUARD}")
    with Results(path) as results:
        known = {d for d, r in results.records.items() if r["claims"] or not retry}
        waiting = [point for point in sweep.points if point.digest not in known]
        _Run(executor, results, waiting, len(sweep.points), at_once, progress).run()
        records = tuple(results.records[point.digest] for point in sweep.points)
        return SweepResult(records, str(path), len(waiting), len(records) - len(waiting), results.cut)


class _Run:
    """The points on their way: waiting, flying (given to the executor), recorded."""

    def __init__(
        self,
        executor: Executor | Callable[[], Executor],
        results: Results,
        waiting: list[Point],
        total: int,
        at_once: int,
        progress: Progress,
    ):
        self.make = None if isinstance(executor, Executor) else executor
        self.executor = executor if isinstance(executor, Executor) else None
        self.results, self.waiting, self.total = results, deque(waiting), total
        self.at_once, self.progress = at_once, progress
        self.flying: dict[Future[dict[str, Any]], Point] = {}
        self.deaths: Counter[str] = Counter()
        self.suspects: set[str] = set()
        self.alone = False
        self.finished = self.given_up = 0

    def run(self) -> None:
        try:
            while self.waiting or self.flying:
                if self.fill():
                    done, _ = wait(self.flying, return_when=FIRST_COMPLETED)
                    broken = self.gather(done)
                else:
                    broken = True
                if broken:
                    self.replace_pool()
                self.progress(self.line())
        finally:
            for future in self.flying:
                future.cancel()
            if self.make is not None:
                _end(self.executor)

    def fill(self) -> bool:
        """Give the executor points; False when it is broken.  A point that is suspect runs with no other beside it."""
        if self.executor is None and self.make is not None:
            self.executor = self.make()
            if not self.finished and not self.deaths:
                _awake(self.executor)
        assert self.executor is not None
        while self.waiting and len(self.flying) < self.at_once:
            suspect = self.waiting[0].digest in self.suspects
            if self.flying and (suspect or self.alone):
                break
            try:
                future = self.executor.submit(run_point, self.waiting[0])
            except BrokenExecutor:
                return False
            self.flying[future] = self.waiting.popleft()
            self.alone = suspect
        return True

    def gather(self, done: set[Future[dict[str, Any]]]) -> bool:
        """Record what is done; True when the executor broke, the points then staying in `flying`."""
        broken = False
        for future in [f for f in self.flying if f in done]:  # in the order of the grid
            error = CancelledError() if future.cancelled() else future.exception()
            if isinstance(error, BrokenExecutor):
                broken = True
                continue
            point = self.flying.pop(future)
            if error is None:
                self.record(point, future.result())
                self.finished += 1
            elif type(error).__name__ == "KilledWorker":  # Dask's word for it, after tries of its own
                self.deaths[point.digest] += 1
                if self.alone:
                    self.record(point, not_run(point, f"its worker died each time, with no other beside: {error}"))
                else:  # Dask blames all that a dead worker had been given
                    self.suspects.add(point.digest)
                    self.waiting.append(point)
            else:
                raise LayerproofError(f"the executor failed: {type(error).__name__}: {error}; {RESUME}") from error
        return broken

    def replace_pool(self) -> None:
        """A worker died and took its pool along: its points wait again, and who was alone too often is given up."""
        wait(self.flying)
        self.gather(set(self.flying))
        lost = list(self.flying.values())
        self.flying.clear()
        self.alone = False
        if self.make is None:
            raise LayerproofError(f"a worker of the executor died, and it takes no more points; {RESUME}")
        _end(self.executor)
        self.executor = None
        for point in lost:
            self.deaths[point.digest] += 1
            if self.deaths[point.digest] >= DEATHS:  # the last one alone, so that no other is to blame
                self.record(
                    point, not_run(point, f"its worker died {DEATHS} times, the last time with no other beside")
                )
                self.given_up += 1
            else:
                self.waiting.append(point)
                if self.deaths[point.digest] >= DEATHS - 1:
                    self.suspects.add(point.digest)
        if self.given_up >= DEATHS and not self.finished:
            raise LayerproofError(f"workers die whatever they are given: none has finished a point; {RESUME}")

    def record(self, point: Point, record: dict[str, Any]) -> None:
        self.results.append({**record, "deaths": self.deaths[point.digest]})

    def line(self) -> str:
        done = self.total - len(self.waiting) - len(self.flying)
        return f"sweep, {10 * done // self.total * 10}%: {done} of {self.total} points"  # a line a tenth in a log


def _awake(executor: Executor) -> None:
    """Wait for a worker; raises `LayerproofError` where none can start, for which no point is to blame."""
    try:
        executor.submit(getpid).result()
    except BrokenExecutor:
        raise LayerproofError(
            f"no worker can start, so nothing is recorded: {GUARD}; what a worker said is above"
        ) from None


def _end(executor: Executor | None) -> None:
    if isinstance(executor, WorkerProcesses):
        executor.stop()
    elif executor is not None:
        executor.shutdown(wait=True, cancel_futures=True)

"""`layerproof sweep`: verify every point of a grid, on all cores or on many machines, resumable at any moment."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.plain_text import message, shown
from ...symbolic.strict_json import dumps
from ..case import MAX_WORK
from ..sweep.picture import check_picture, write_picture
from ..sweep.run import AT_ONCE, SweepResult, run_sweep
from ..sweep.spec import LIMIT, Grid, read_sweep
from ..sweep.summary import document, show
from ..sweep.workers import WorkerProcesses, dask_executor, default_workers
from ..terminal.options import Json, MaxWork, flag, integer
from ..terminal.progress import ProgressLine
from ..terminal.run_options import TIME_LIMIT


def command(
    specification: Path,
    *,
    executor: Annotated[str, Parameter(name="--executor", help="processes, or dask for more machines")] = "processes",
    scheduler: Annotated[
        str | None, Parameter(name="--scheduler", help="address of a Dask scheduler; default: a cluster made here")
    ] = None,
    workers: Annotated[int | None, integer("--workers", "worker processes; default: one a core")] = None,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="the results file; default: SPECIFICATION's, in .jsonl")
    ] = None,
    picture: Annotated[Path | None, Parameter(name="--picture", help="draw the points into this .svg")] = None,
    retry: Annotated[bool, flag("--retry", "run again what is recorded as not run")] = False,
    limit: Annotated[int, integer("--limit", "limit on the points of the grid")] = LIMIT,
    max_work: MaxWork = MAX_WORK,
    time_limit: Annotated[
        int, integer("--time-limit", "seconds that a user's own file may take at a point")
    ] = TIME_LIMIT,
    json: Json = False,
) -> int:
    """Verify every point of the grid that a TOML file specifies, and append each result to a file as it comes.

    The same command goes on where a sweep was stopped, however it was: nothing is lost and nothing runs twice.

    Exit codes: 0 every point holds, 1 some point is refuted, 3 some point is undecided or was not run.
    """
    if executor not in ("processes", "dask"):
        raise ArgumentError(f"executor is {shown(executor)}, wanted processes or dask")
    if scheduler is not None and executor != "dask":
        raise ArgumentError("scheduler is given, wanted with --executor dask only")
    if scheduler is not None and workers is not None:
        raise ArgumentError("workers is given, but those of a scheduler are its own: leave one of them out")
    for name, value in (("workers", workers), ("limit", limit), ("time_limit", time_limit)):
        if value is not None:
            whole_number(name, value, 1)
    if picture is not None:
        check_picture(picture)
    sweep = read_sweep(specification, limit, max_work, time_limit)
    path = specification.with_suffix(".jsonl") if output is None else output
    if picture is not None and picture.resolve() == path.resolve():
        raise ArgumentError(f"picture is {str(picture)!r}, which is where the results are written: name another file")
    number = workers or min(default_workers(), len(sweep.points))
    if sweep.left_out:
        print(
            f"layerproof: {sum(sweep.left_out.values())} of the grid's {sweep.size} points are left out, as their "
            f"algorithm is not stated for their sizes: {', '.join(sweep.left_out)}",
            file=sys.stderr,
        )
    stated = sweep.size - sum(sweep.left_out.values())
    if stated > len(sweep.points):
        print(
            f"layerproof: the grid's {stated} points are {len(sweep.points)}: the others differ only in what their "
            "algorithm does not depend on",
            file=sys.stderr,
        )
    with (
        ProgressLine() as progress,
        progress.resumable(path),
        _executor(executor, scheduler, number) as (maker, at_once),
    ):
        result = run_sweep(sweep, maker, path, progress, at_once=at_once, retry=retry)
    _notes(result)
    if picture is not None:
        write_picture(result.records, picture)
    if json:
        print(dumps(document(result, _settings(sweep, specification, path, executor))), end="")
    else:
        show(result)
    return result.exit_code


@contextmanager
def _executor(
    name: str, scheduler: str | None, workers: int
) -> Iterator[tuple[Executor | Callable[[], Executor], int]]:
    """What makes the executor (or is it), and how many points to give it at a time."""
    if name == "processes":
        yield partial(WorkerProcesses, workers), workers
        return
    with dask_executor(scheduler, workers) as made:
        yield made, AT_ONCE


def _notes(result: SweepResult) -> None:
    if result.cut:
        print(message(f"layerproof: cut {result.cut} bytes of an unfinished line off {result.path}"), file=sys.stderr)
    versions = {record["versions"].get("layerproof") for record in result.records}
    if len(versions) > 1:
        text = ", ".join(sorted(map(str, versions)))
        print(message(f"layerproof: the results are of different versions of layerproof: {text}"), file=sys.stderr)


def _settings(sweep: Grid, specification: Path, path: Path, executor: str) -> dict[str, object]:
    return {
        "specification": str(specification), "output": str(path), "executor": executor, "grid": sweep.size,
        "points": len(sweep.points), "left_out": dict(sweep.left_out),
    }  # fmt: skip

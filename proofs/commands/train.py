"""`layerproof train`: the published experiment, fast enough to be a routine check, judged seed by seed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ...numeric.training.presets import PRESETS
from ...numeric.training.settings import (
    ACTIVATIONS,
    ARCHITECTURES,
    OPTIMISERS,
    PROCESSES,
    STARTS,
    TARGETS,
    TRAPS,
    WINDOWS,
)
from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.plain_text import message, shown
from ...symbolic.strict_json import dumps
from ..case import MAX_WORK
from ..sweep.workers import WorkerProcesses, dask_executor, default_workers
from ..terminal.options import Json, integer, rational, size
from ..terminal.progress import ProgressLine

if TYPE_CHECKING:
    from ..training.run import TrainResult


def _one_of(name: str, known: Any, about: str) -> Parameter:
    return Parameter(name=f"--{name}", help=f"{about}: {', '.join(known)}")


def command(
    *algorithms: Annotated[str, Parameter(show=False)],
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="the run's folder")] = None,
    preset: Annotated[
        list[str] | None,
        Parameter(name="--preset", negative=(), help=f"a published experiment by name: {', '.join(PRESETS)}; repeat "
                  "for more, each in a folder of its name"),
    ] = None,
    processes: Annotated[int | None, integer("--processes", "random processes that are seen")] = None,
    seeds: Annotated[int | None, integer("--seeds", "networks, numbered from 1")] = None,
    width: Annotated[int | None, integer("--width", "networks side by side; a seed's bits belong to one width")] = None,
    features: Annotated[int | None, size("features")] = None,
    context: Annotated[int | None, size("context")] = None,
    layers: Annotated[int | None, size("layers")] = None,
    states: Annotated[int | None, integer("--states", "states of each process")] = None,
    looped: Annotated[
        bool | None,
        Parameter(name="--looped", negative="--sequential", help="one layer's weights for all layers, or each its own"),
    ] = None,
    gamma: Annotated[str | None, Parameter(name="--gamma", help="discount, exact: 9/10 or 0.9")] = None,
    lam: Annotated[str | None, Parameter(name="--lam", help="td-lambda's lambda, exact")] = None,
    trace: Annotated[str | None, Parameter(name="--trace", help="td-lambda's trace decay: lam or gamma-lam")] = None,
    architecture: Annotated[
        str | None, _one_of("architecture", ARCHITECTURES, "whose prompt, masks and heads the network has")
    ] = None,
    process: Annotated[str | None, _one_of("process", PROCESSES, "the law of processes")] = None,
    target: Annotated[str | None, _one_of("target", TARGETS, "what predictions are drawn to")] = None,
    window: Annotated[str | None, _one_of("window", WINDOWS, "how the next prompt follows")] = None,
    activation: Annotated[str | None, _one_of("activation", ACTIVATIONS, "what becomes of the scores")] = None,
    optimiser: Annotated[str | None, _one_of("optimiser", OPTIMISERS, "the optimiser")] = None,
    rate: Annotated[float | None, Parameter(name="--rate", help="learning rate")] = None,
    decay: Annotated[float | None, Parameter(name="--decay", help="weight decay")] = None,
    gain: Annotated[float | None, Parameter(name="--gain", help="gain of the first weights")] = None,
    start: Annotated[str | None, _one_of("start", STARTS, "the first weights")] = None,
    batches: Annotated[int | None, integer("--batches", "mini-batches of each process")] = None,
    windows: Annotated[int | None, integer("--windows", "windows of each mini-batch")] = None,
    log: Annotated[int | None, integer("--log", "a log point every so many processes")] = None,
    trap: Annotated[
        list[str] | None,
        Parameter(name="--trap", negative=(), help="a trap of the published code, never by default (repeat for more): "
                  + "; ".join(f"{name}: {about}" for name, about in TRAPS.items())),
    ] = None,
    null: Annotated[int, integer("--null", "also train so many networks on rewards in disorder")] = 0,
    executor: Annotated[str, Parameter(name="--executor", help="here, processes, or dask for more machines")] = "here",
    scheduler: Annotated[
        str | None, Parameter(name="--scheduler", help="address of a Dask scheduler; default: a cluster made here")
    ] = None,
    workers: Annotated[int | None, integer("--workers", "worker processes; default: one a core")] = None,
    device: Annotated[str, Parameter(name="--device", help="auto, cpu or cuda")] = "cpu",
    max_work: Annotated[int, integer("--max-work", "limit on the work between two states that are kept")] = MAX_WORK,
    json: Json = False,
) -> int:  # fmt: skip
    """Train networks by multi-task deep TD, many seeds at once, and judge what each of them has learned.

    The same command goes on where it was stopped, however that was. Without --preset it is the paper's main experiment.

    Exit codes: 0 trained, whatever the verdicts: they are answers.
    """
    from ..training.run import chosen, train  # torch, which other commands do without

    if algorithms:
        raise ArgumentError(
            f"algorithm is {shown(algorithms[0])}, but train takes none: --architecture says whose prompt, masks and "
            f"heads the network has, one of {', '.join(ARCHITECTURES)}"
        )
    if output is None:
        raise ArgumentError("--output is missing, wanted a folder: layerproof train --preset tiny -o run")
    if executor not in ("here", "processes", "dask"):
        raise ArgumentError(f"executor is {executor[:40]!r}, wanted here, processes or dask")
    if scheduler is not None and executor != "dask":
        raise ArgumentError("scheduler is given, wanted with --executor dask only")
    whole_number("null", null, 0, 10000)
    if workers is not None:
        whole_number("workers", workers, 1)
    changes: dict[str, Any] = {
        "processes": processes, "seeds": seeds, "width": width, "d": features, "n": context, "layers": layers,
        "states": states, "looped": looped, "trace": trace, "algorithm": architecture, "process": process,
        "target": target, "window": window, "activation": activation, "optimiser": optimiser, "rate": rate,
        "decay": decay, "gain": gain, "start": start, "batches": batches, "windows": windows, "log": log,
        "traps": trap,
        "gamma": None if gamma is None else str(rational(gamma, "gamma")),
        "lam": None if lam is None else str(rational(lam, "lam")),
    }  # fmt: skip
    names = list(dict.fromkeys(preset or ["main"]))
    for name in names:
        chosen(name, changes, max_work)  # everything is refused before anything runs
    results = []
    with ProgressLine() as progress, progress.resumable(output), ExitStack() as stack:
        pool: Any = None
        if executor == "processes":
            pool = WorkerProcesses(workers or default_workers())
            stack.callback(pool.stop)
        elif executor == "dask":
            pool = stack.enter_context(dask_executor(scheduler, workers or default_workers()))
        for name in names:
            place = output if len(names) == 1 else output / name
            results.append(
                train(
                    name, place, executor=pool, device=device, null=null, progress=progress, max_work=max_work,
                    **changes,
                )
            )  # fmt: skip
    if json:
        print(dumps({result.folder.name: result.document for result in results} if len(results) > 1
                    else results[0].document), end="")  # fmt: skip
    else:
        for result in results:
            _show(result)
    return 0


def _show(result: TrainResult) -> None:
    from ...numeric.training.settings import from_document
    from ..training.page import sentences, shown
    from ..training.run import METRICS, PAGE, PICTURE

    document = result.document
    for sentence in sentences(from_document(document["settings"]), document):
        print(sentence)
    for name in ("value difference", "implicit weight similarity", "share"):
        for key, measure in document["final"].items():
            if key.startswith(name):
                print(
                    f"  {key}: {shown(measure['mean'])} (quartiles {shown(measure['low'])} to {shown(measure['high'])})"
                )
    print(message(f"Written: {result.folder / METRICS}, {PICTURE}, {PAGE}, seed-K/weights.safetensors"))
    print(message(f"Next: open {result.folder / PAGE} in a browser{_identify(result)}"))


def _identify(result: TrainResult) -> str:
    """The command that reads rules off the weights, where it is there and reads such networks."""
    from importlib.util import find_spec

    there = find_spec(".identify", __package__) is not None and result.document["exact theory"]
    return f"; layerproof identify {quote(str(result.folder))}" if there else ""

"""Make a training run, and what is kept of it here: verdicts, measures, curves; machine, date, versions, command.

    python benchmarks/training_run.py PRESET FOLDER [--processes N] [--seeds N] [--null N] --date DATE --results FILE

The run goes on where it was stopped; seconds and memory are those of this call, so make it in one. `--made FILE` takes
them from an earlier record instead, for a call that only adds the null.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from typing import Any

import torch
from machine import record

import layerproof as lp
from layerproof.numeric.files.placing import place_file
from layerproof.symbolic.strict_json import dumps, loads

POINTS = 40
"""Points of a curve that are kept, at most."""
KEPT = ("share", "implicit weight similarity")


def rounded(value: Any) -> Any:
    """Floats to six digits: a record, not a result to go on from."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


def kept(document: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a run's metrics."""
    count = len(document["processes"])
    places = sorted({round(k * (count - 1) / POINTS) for k in range(POINTS + 1)})
    curves = {
        name: {key: [band[key][k] for k in places] for key in ("mean", "low", "high")}
        for name, band in document["curves"].items()
        if name.startswith(KEPT)
    }
    whole = {key: document[key] for key in ("settings", "final", "verdicts", "criterion", "order of appearance")}
    ends = {
        name: {"start": band["mean"][0], "end": band["mean"][-1]}
        for name, band in document["curves"].items()
        if band["mean"][0] is not None
    }
    seeds = [
        {"seed": s["seed"], "verdicts": s["verdicts"],
         **{name: x for name, x in s["final"].items() if name.startswith((*KEPT, "P corner", "Q phi"))}}
        for s in document["seeds"]
    ]  # fmt: skip
    return {**whole, "processes": [document["processes"][k] for k in places], "curves": curves, "ends": ends,
            "seeds": seeds}  # fmt: skip


def main() -> None:
    """Train, and write what is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("preset")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--null", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--made", type=Path)
    parser.add_argument("--date", required=True)
    parser.add_argument("--results", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    more = "" if arguments.processes is None else f" --processes {arguments.processes}"
    more += "" if arguments.seeds is None else f" --seeds {arguments.seeds}"
    null = f" --null {arguments.null}" if arguments.null else ""
    start, busy = time.perf_counter(), time.process_time()
    result = lp.train(
        arguments.preset, arguments.folder, null=arguments.null, processes=arguments.processes, seeds=arguments.seeds
    )
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    made = {
        **record(arguments.date),
        "seconds": round(seconds, 1),
        "CPU seconds": round(busy, 1),
        "peak memory in MB": round(memory),
    }
    del made["command"]
    if arguments.made is not None:
        made = loads(arguments.made.read_text())["made"]
    command = f"layerproof train --preset {arguments.preset}{more}{null} -o run"
    place_file(arguments.results, dumps(rounded({**kept(result.document), "made": made, "command": command})))
    print(f"{result!r} in {seconds:.0f} s")


if __name__ == "__main__":
    main()

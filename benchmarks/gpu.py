"""All that wants a GPU, in one command: tests, cross-checks, planted faults, determinism, roofline, launches, training.

    python benchmarks/gpu.py [--device auto|cpu|cuda] [--quick] [--minutes 7.5] [--date YYYY-MM-DD] [--results FOLDER]

It writes one folder, gpu-DATE below `benchmarks/results`, that can be committed: gpu.json, pictures and gpu.log.
Without CUDA it does what can be done on the CPU, at small sizes with --quick, and says NOT_RUN for the rest.  A part
that breaks is FAILED and does not keep the others from running; then, and only then, the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read once, when cuBLAS starts: determinism asks for it

import chart
import machine
import torch
from gpu_parts import PARTS, NotRun, Plan

from layerproof.numeric.device import resolve_device


def part(name: str, plan: Plan, log: Any) -> dict[str, Any]:
    """One part's result with its state: OK, NOT_RUN with the reason, or FAILED with what broke."""
    start = time.monotonic()
    if plan.left <= 0:
        result: dict[str, Any] = {"state": "NOT_RUN", "why": "the time was over"}
    else:
        try:
            result = {"state": "OK", **PARTS[name](plan)}
        except NotRun as why:
            result = {"state": "NOT_RUN", "why": str(why)}
        except Exception as error:  # a part that breaks is a finding; the rest of a rare machine's time is not lost
            traceback.print_exc(file=log)
            result = {"state": "FAILED", "why": f"{type(error).__name__}: {str(error)[:500]}"}
    result["seconds"] = round(time.monotonic() - start, 2)
    line = f"{name}: {result['state']} in {result['seconds']} s {result.get('why', '')}"
    print(line)
    print(line, file=log, flush=True)
    return result


def picture(results: dict[str, Any]) -> str | None:
    """Eager passes and graphs over the batch size, where both were run."""
    lines = [line for line in results["launches"].get("lines", []) if isinstance(line["graph_seconds"], float)]
    if len(lines) < 2:
        return None
    series = [
        chart.Series(label, [(line["batch"], 1000 * line[key]) for line in lines])
        for label, key in (("eager", "eager_seconds"), ("CUDA graph", "graph_seconds"))
    ]
    return chart.figure([chart.Panel("one pass, n = 100, L = 40", "prompts in a batch", "milliseconds", series)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts, write the folder, and return 1 where one broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--minutes", type=float, default=7.5, help="what is not begun by then is NOT_RUN")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="the folder's day")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", help="where the folder goes")
    asked = parser.parse_args(arguments)
    device, folder = resolve_device(asked.device), asked.results / f"gpu-{asked.date}"
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(device, asked.quick, folder, time.monotonic() + 60 * asked.minutes)
    with (folder / "gpu.log").open("w") as log:
        results = {name: part(name, plan, log) for name in PARTS}
    document = {
        **machine.record(asked.date), "device": str(device), "quick": asked.quick,
        "device_name": torch.cuda.get_device_name(device) if plan.cuda else "NOT_RUN: no CUDA device",
        "parts": results,
    }  # fmt: skip
    chart.write(folder / "gpu.json", json.dumps(document, indent=1) + "\n")
    drawn = picture(results)
    if drawn is not None:
        chart.write(folder / "launches.svg", drawn)
    print(folder)
    return int(any(result["state"] == "FAILED" for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())

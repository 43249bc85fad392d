"""All that wants a GPU, in one command: tests, cross-checks, planted faults, determinism, roofline, launches, training.

    python benchmarks/gpu.py [--device auto|cpu|cuda] [--quick] [--minutes 7.5] [--parts NAME,NAME] [--again]
                             [--date YYYY-MM-DD] [--results FOLDER]

It writes one folder, gpu-DATE below `benchmarks/results`, that can be committed: gpu.json, pictures and gpu.log, and
gpu.json anew after every part.  On CUDA each part is a process of its own, which is ended when its time is over: a
kernel that hangs or breaks the device costs one part.  The same command again runs what is not OK yet.
Without CUDA it does what can be done on the CPU, at small sizes with --quick, and says NOT_RUN for the rest.  A part
that breaks is FAILED and does not keep the others from running; then, and only then, the exit code is 1.
It needs torch, layerproof and what that needs, and no network; pytest and hypothesis for the tests.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
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

LIMITS = {
    "faults": 75,
    "tests": 90,
    "determinism": 40,
    "roofline": 90,
    "launches": 45,
    "throughput": 60,
    "training": 75,
}
"""Seconds that a part in a process of its own may take; the others: what is left."""
STOPPING = 8
"""Seconds before its limit at which such a part should stop by itself."""


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
            result = {"state": "FAILED", "why": f"{type(error).__name__}: {str(error)[:500]}", **plan.kept()}
    return {**result, "seconds": round(time.monotonic() - start, 2)}


def apart(name: str, plan: Plan, log: Any, words: Sequence[str]) -> dict[str, Any]:
    """The same in a process of its own; where that had to be ended, or ended itself, what it had kept by then."""
    start = time.monotonic()
    limit = min(LIMITS.get(name, plan.left), plan.left)
    if limit <= STOPPING:
        return {"state": "NOT_RUN", "why": "the time was over", "seconds": 0.0}
    command = [sys.executable, __file__, *words, "--only", name, "--minutes", str((limit - STOPPING) / 60)]
    plan.file(name).unlink(missing_ok=True)
    log.flush()
    with subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as process:
        try:
            process.wait(limit)
            why = f"its process ended with {process.returncode}"
        except subprocess.TimeoutExpired:
            why = f"ended after {limit:.0f} s"
        finally:  # with all that it started, which a compiler's processes are too
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    kept = plan.kept(name)
    plan.file(name).unlink(missing_ok=True)
    if "state" in kept:
        return kept
    return {"state": "FAILED", "why": f"{why}, see gpu.log", **kept, "seconds": round(time.monotonic() - start, 2)}


def picture(results: dict[str, Any]) -> str | None:
    """Eager passes and graphs over the batch size, where both were run."""
    lines = results.get("launches", {}).get("lines", [])
    lines = [line for line in lines if isinstance(line["graph_seconds"], float)]
    if len(lines) < 2:
        return None
    series = [
        chart.Series(label, [(line["batch"], 1000 * line[key]) for line in lines])
        for label, key in (("eager", "eager_seconds"), ("CUDA graph", "graph_seconds"))
    ]
    return chart.figure([chart.Panel("one pass, n = 100, L = 40", "prompts in a batch", "milliseconds", series)])


def described(device: torch.device) -> dict[str, Any] | str:
    """What the device is, as far as torch says."""
    if device.type != "cuda":
        return "NOT_RUN: no CUDA device"
    properties = torch.cuda.get_device_properties(device)
    names = ("name", "major", "minor", "total_memory", "multi_processor_count", "L2_cache_size", "clock_rate")
    return {name: getattr(properties, name) for name in names if hasattr(properties, name)} | {
        "cuda": torch.version.cuda
    }


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--minutes", type=float, default=7.5, help="what is not begun by then is NOT_RUN")
    parser.add_argument("--parts", default=",".join(PARTS), help="some of them, by name, with commas between")
    parser.add_argument("--again", action="store_true", help="also what an earlier run of this day found OK")
    parser.add_argument("--apart", action="store_true", help="each part in a process of its own, on a CPU too")
    parser.add_argument("--only", choices=tuple(PARTS), help=argparse.SUPPRESS)  # what such a process is told
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="the folder's day")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", help="where the folder goes")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts, write the folder, and return 1 where one broke."""
    asked = options().parse_args(arguments)
    device, folder = resolve_device(asked.device), (asked.results / f"gpu-{asked.date}").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(device, asked.quick, folder, time.monotonic() + 60 * asked.minutes, asked.only or "")
    if asked.only:
        plan.keep(part(asked.only, plan, sys.stderr))
        return 0
    wrong = [name for name in asked.parts.split(",") if name not in PARTS]
    if wrong:
        options().error(f"there is no part {wrong[0]}: the parts are {', '.join(PARTS)}")
    words = ["--device", device.type, "--date", asked.date, "--results", str(folder.parent), *["--quick"] * asked.quick]
    document: dict[str, Any] = {
        **machine.record(asked.date), "device": str(device), "quick": asked.quick, "device_name": described(device),
        "parts": {} if asked.again else _found_ok(folder / "gpu.json", str(device), asked.quick),
    }  # fmt: skip
    results = document["parts"]
    with (folder / "gpu.log").open("a") as log:
        for name in asked.parts.split(","):
            if name in results:
                print(f"{name}: OK in an earlier run")
                continue
            own = plan.for_part(name)
            result = apart(name, own, log, words) if plan.cuda or asked.apart else part(name, own, log)
            results[name] = result
            plan.file(name).unlink(missing_ok=True)
            line = f"{name}: {result['state']} in {result['seconds']} s {result.get('why', '')}"
            print(line, flush=True)
            print(line, file=log, flush=True)
            chart.write(folder / "gpu.json", json.dumps(document, indent=1, default=str) + "\n")
    drawn = picture(results)
    if drawn is not None:
        chart.write(folder / "launches.svg", drawn)
    print(folder)
    return int(any(result["state"] == "FAILED" for result in results.values()))


def _found_ok(file: Path, device: str, quick: bool) -> dict[str, Any]:
    """The parts that an earlier run on this kind of device, at these sizes, found OK."""
    try:
        before = json.loads(file.read_text())
        if (before["device"], before["quick"]) == (device, quick):
            return {name: result for name, result in before["parts"].items() if result["state"] == "OK"}
    except (OSError, ValueError, KeyError, TypeError):  # none, or one that was cut off
        pass
    return {}


if __name__ == "__main__":
    sys.exit(main())

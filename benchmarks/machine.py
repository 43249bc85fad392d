"""What a measurement was made with, and the one way in which a time is taken."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flint
import numpy
import torch


def record(date: str) -> dict[str, Any]:
    """Machine, its load, versions, date and command, as plain data."""
    return {
        "machine": f"{_processor()}, {platform.machine()}, {torch.get_num_threads()} thread(s) in torch",
        "load": [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else [],
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "python-flint": flint.__version__,
            "numpy": numpy.__version__,
        },
        "date": date,
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def clock() -> Callable[[], float]:
    """Time of this process where torch has one thread, which other processes hardly disturb; else time on the wall."""
    return time.process_time if torch.get_num_threads() == 1 else time.perf_counter


def least(job: Callable[[], Any], repeat: int, clock: Callable[[], float]) -> float:
    """The least of several times of `job`, in seconds: what else the machine does only ever adds to a time."""
    times = []
    for _ in range(repeat):
        start = clock()
        job()
        times.append(clock() - start)
    return min(times)

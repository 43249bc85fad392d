#!/usr/bin/env python3
"""What takes as much as the default limit on work lets in: CPU time and memory at the limit, one size at a time.

    python benchmarks/limits.py                   everything, about a minute of one core for each line
    python benchmarks/limits.py --only float      what has this word in its name, or is it
    python benchmarks/limits.py --part 0.1        at a tenth of the limit
    python benchmarks/limits.py --within 60       the largest that ends in 60 s of CPU and 4 GiB, whatever the limit

For each kind of work and each size that it grows with, the largest size that is let in is looked for with the estimate
itself, and the command runs in a process of its own, stopped after 300 s of CPU.  A line of JSON each: the units, CPU
seconds with those of processes it started, the largest resident set of any of them, exit code.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable

from layerproof.proofs.case import MAX_WORK
from layerproof.proofs.cli import run

_NAMES = ("approximation.claims", "certificate.certificate", "convergence.ask", "invariance.claims", "report.build",
          "checker", "patterns.claims", "training.run")  # fmt: skip
for _name in _NAMES:
    importlib.import_module(f"layerproof.proofs.{_name}")  # what commands load at their first use holds the estimates
SECONDS = 300
"""The CPU time after which a process is stopped: far above what the limit is meant to be."""
MEMORY, CLOSE, TRIES = 4, 0.8, 6
"""For --within: GiB, the share of time or memory that is near enough, and how many sizes are tried."""
CHECKS = ("check_work", "check_pattern_work")
"""What refuses too much work, wherever it is imported."""
SMALL = "-d 2 -n 3 -L 2"
ENTRYWISE = f"{SMALL} --evidence identity-entrywise"
JOBS = {
    "exact d": ("verify td0 -n 3 -L 2 --evidence identity-exact -d {}", 4000),
    "exact d, three heads": ("verify gtd2 -n 3 -L 2 --evidence identity-exact -d {}", 4000),
    "exact n": ("verify td-lambda -d 2 -L 2 --evidence identity-exact -n {}", 10**6),
    "exact n, no trace": ("verify td0 -d 2 -L 2 --evidence identity-exact -n {}", 10**6),
    "exact L": ("verify td0 -d 2 -n 3 --evidence identity-exact -L {}", 10**6),
    "exact L, three heads": ("verify gtd2 -d 2 -n 20 --evidence identity-exact -L {}", 10**6),
    "exact trials": (f"verify td-lambda {SMALL} --evidence identity-exact --exact-trials {{}}", 10**8),
    "exact trials, n = 50, L = 20": ("verify td0 -n 50 -L 20 --evidence identity-exact --exact-trials {}", 10**8),
    "float d": ("verify td0 -n 3 -L 2 --evidence float -d {}", 4000),
    "float d, three heads": ("verify tdc -n 3 -L 2 --evidence float -d {}", 4000),
    "float n": ("verify td-lambda -d 2 -L 2 --evidence float -n {}", 10**6),
    "float L": ("verify td0 -d 2 -n 3 --evidence float -L {}", 10**6),
    "float L, three heads": ("verify tdc -d 2 -n 20 --evidence float -L {}", 10**6),
    "float trials": (f"verify td-lambda {SMALL} --evidence float --trials {{}}", 10**8),
    "float trials, defaults": ("verify td0 --evidence float --trials {}", 10**8),
    "random d": ("verify td0 -n 3 -L 2 --evidence identity-random -d {}", 10**5),
    "random n": ("verify td-lambda -d 2 -L 2 --evidence identity-random -n {}", 10**6),
    "random L": ("verify tdc -d 2 -n 3 --evidence identity-random -L {}", 10**6),
    "entrywise d": (f"verify td0 {ENTRYWISE} --entrywise-context 5 --entrywise-features {{}}", 10**4),
    "entrywise n": (f"verify td-lambda {ENTRYWISE} --entrywise-features 2 --entrywise-context {{}}", 10**4),
    "entrywise n, three heads": (f"verify gtd2 {ENTRYWISE} --entrywise-features 3 --entrywise-context {{}}", 10**4),
    "all kinds, L": ("verify td-lambda -d 3 -n 100 -L {}", 10**5),
    "all kinds, n": ("verify tdc -d 3 -L 40 -n {}", 10**5),
    "patterns d": ("verify softmax-td -n 3 -L 2 --evidence identity-exact -d {}", 4000),
    "patterns n": ("verify softmax-td -d 2 -L 2 --evidence identity-exact -n {}", 10**5),
    "patterns n, causal": ("verify causal-td -d 2 -L 2 --evidence identity-exact -n {}", 10**5),
    "patterns n, column": ("verify sarsa -d 2 -L 2 --evidence identity-exact -n {}", 10**5),
    "patterns L": ("verify softmax-td -d 2 -n 3 --evidence identity-exact -L {}", 10**5),
    "patterns, float n": ("verify softmax-td -d 2 -L 2 --evidence float -n {}", 10**5),
    "certificate d": ("certify td0 -n 3 -L 1 -o there.json --evidence identity-exact -d {}", 10**5),
    "certificate n": ("certify td0 -d 2 -L 2 -o there.json --evidence identity-exact -n {}", 10**5),
    "report L": ("report td0 -d 2 -n 3 --format html -o there -L {}", 10**5),
    "invariance d": ("invariance td0 -n 1 -L 1 --set commutant -d {}", 100),
    "invariance n": ("invariance td0 -d 2 -L 1 --set commutant -n {}", 10**5),
    "invariance L": ("invariance td0 -d 2 -n 2 --sequential --set commutant -L {}", 100),
    "sa states": ("sa linear-td --process random-ergodic -d 3 --states {}", 10**4),
    "sa features": ("sa gtd2 --process random-ergodic --states 40 -d {}", 40),
    "sa trials": ("sa td-lambda --process random-ergodic --trials {}", 10**6),
    "train d": ("train -o there --processes 1 -d {}", 64),
    "train n": ("train -o there --processes 1 -n {}", 10**4),
    "train states": ("train -o there --processes 1 --states {}", 1000),
    "train windows": ("train -o there --processes 1 --windows {}", 10**4),
    "converge d": ("converge td0 -n 50 -d {}", 10**4),
    "converge d, three steps": ("converge tdc -n 50 -d {}", 10**4),
    "converge n": ("converge td-lambda -d 3 -n {}", 10**6),
    "converge trials": ("converge td0 -n 20 --trials {}", 10**6),
    "converge L": ("converge td0 -n 20 -L {}", 10**6),
}  # fmt: skip
"""What is run: a command, with its size left open, and a size that is too large or the largest of interest."""


def largest(line: str, above: int, limit: int) -> int:
    """The largest size below `above` that the command's own limits let in."""
    below = 1
    while above - below > max(1, below // 20):
        middle = (below + above) // 2
        below, above = (middle, above) if let_in(line.format(middle), limit) else (below, middle)
    return below


def let_in(line: str, limit: int) -> bool:
    """Whether a command passes its limits: asked for in a process that ends where the work would begin."""
    child = os.fork()
    if child == 0:
        code = 9
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            signal.setitimer(signal.ITIMER_PROF, 1)  # ends the process: a refusal takes less
            for name, module in list(sys.modules.items()):
                for check in CHECKS:
                    if name.startswith("layerproof.") and hasattr(module, check):
                        setattr(module, check, _ended_after(getattr(module, check)))
            code = run([*line.split(), "--max-work", str(limit)])
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) != 2


def _ended_after(check: Callable[..., None]) -> Callable[..., None]:
    """The check, and where it passes the end of this process."""

    def checked(*given: object) -> None:
        check(*given)
        os._exit(0)

    return checked


def fitting(line: str, above: int, seconds: float) -> dict[str, object]:
    """The largest size tried that ended in `seconds` of CPU and `MEMORY` GiB, and the least tried that did not."""
    best: dict[str, object] = {}
    more: dict[str, object] = {}
    part, below, over = 0.03, 0.0, 0.0
    for _ in range(TRIES):
        limit = int(MAX_WORK * part)
        size = largest(line, above, limit)
        measurement = {"size": size, **measured(line.format(size), limit, 3 * int(seconds))}
        share = max(float(str(measurement["cpu_s"])) / seconds, float(str(measurement["rss_gib"])) / MEMORY)
        if measurement["exit"] == 0 and share <= 1:
            best, below = measurement, part
            if share > CLOSE or size >= above - max(1, above // 20):
                break
            part *= min(max(0.95 / max(share, 0.01), 1.15), 8)
            part = min(part, (below + over) / 2) if over else part
        else:
            more, over = measurement, part
            part = (below + over) / 2
    return {**best, "not": {key: more[key] for key in ("size", "cpu_s", "rss_gib", "exit")} if more else None}


def measured(line: str, limit: int, most: int = SECONDS) -> dict[str, object]:
    """CPU seconds, the largest resident set in GiB and exit code of a command, stopped after `most` seconds of CPU."""
    with tempfile.TemporaryDirectory() as scratch:
        words = [sys.executable, "-m", "layerproof", *line.split(), "--max-work", str(limit)]
        start = subprocess.Popen(
            words, cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (most, most)),
        )  # fmt: skip
        assert start.stderr is not None
        printed = start.stderr.read()
        _, status, used = os.wait4(start.pid, 0)
    return {
        "cpu_s": round(used.ru_utime + used.ru_stime, 1), "rss_gib": round(used.ru_maxrss / 2**20, 2),
        "exit": os.waitstatus_to_exitcode(status), "said": (printed.strip().splitlines() or [""])[-1][:200],
    }  # fmt: skip


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append")
    parser.add_argument("--part", type=float, default=1.0, help="of the default limit")
    parser.add_argument("--within", type=float, help="seconds of CPU that a command may take, in place of the limit")
    asked = parser.parse_args()
    limit = int(MAX_WORK * asked.part)
    for name, (line, above) in JOBS.items():
        if any(word == name if word in JOBS else word in name for word in asked.only or [""]):
            if asked.within:
                entry = {"job": name, **fitting(line, above, asked.within)}
            else:
                size = largest(line, above, limit)
                entry = {"job": name, "size": size, **measured(line.format(size), limit)}
            print(json.dumps(entry), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

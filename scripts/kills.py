#!/usr/bin/env python3
"""Commands killed at random moments, seeded: nothing that was there is lost, and the next run clears up and ends well.

    python scripts/kills.py                one kill of each command
    python scripts/kills.py --count 20     so many of each
    python scripts/kills.py --seed 3 --only export

certify, report and export replace what an earlier run wrote: after the kill it is there whole, or the new one is, or
(cut off between two renames of a folder) it lies beside under another name and the next run puts it back.  sweep and
train go on: what their files held at the kill is still there at the end, and the end is that of a run without a kill.
The process is a copy of this one, so that no moment is lost to imports.  Exit code: 0 nothing was lost, 1.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from layerproof.proofs.cli import run

SMALL = "td0 -d 2 -n 2 -L 1 --evidence derived"
REPLACES = {
    "certify": (f"certify {SMALL} -o there.json", "there.json"),
    "export": (f"export {SMALL} --npz -o there", "there"),
    "report": (f"report {SMALL} --format html -o there", "there"),
}
TRAINS = "train -o there --processes 2 --seeds 1 --width 2 -d 2 -n 3 -L 1 --states 3 --batches 6 --windows 2 --log 1"
GOES_ON = {"sweep": ("sweep grid.toml -o there.jsonl --workers 1", "there.jsonl"), "train": (TRAINS, "there")}
GRID = 'algorithm = ["td0"]\nd = 2\nn = 2\nL = 1\nseed = [0, 1, 2, 3]\nevidence = "derived"\n'


def copy(line: str, folder: Path, moment: float | None) -> tuple[int, float]:
    """Run a command in a copy of this process, killed with what it started after `moment` seconds: its end and time."""
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.chdir(folder)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        code = 5
        try:
            code = run(line.split())
        finally:
            os._exit(code)
    if moment is not None:
        time.sleep(moment)
        for kill in (os.killpg, os.kill):  # the group may not be there yet
            try:
                kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - start


def names(folder: Path) -> list[str]:
    """What a folder holds."""
    return sorted(p.name for p in folder.iterdir())


def state(path: Path) -> str:
    """What a file or a folder holds, by its digest; empty where there is nothing."""
    if not path.exists():
        return ""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    sums = [f"{p.relative_to(path)} {hashlib.sha256(p.read_bytes()).hexdigest()}" for p in files]
    return hashlib.sha256("\n".join(sums).encode()).hexdigest()


def replaces(name: str, count: int, rng: random.Random) -> list[str]:
    """Kill a command that replaces a file or a folder `count` times; what went wrong."""
    line, target = REPLACES[name]
    wrong = []
    with tempfile.TemporaryDirectory() as scratch:
        old, new = Path(scratch, "old"), Path(scratch, "new")
        times = []
        for folder, seed in ((old, 0), (new, 1)):
            folder.mkdir()
            code, took = copy(f"{line} --seed {seed}", folder, None)
            if code or not (folder / target).exists():
                return [f"{name}: exit {code} without any kill"]
            times.append(took)
        known = {state(old / target), state(new / target)}
        for number in range(count):
            work = Path(scratch, f"work{number}")
            shutil.copytree(old, work)
            copy(f"{line} --seed 1", work, rng.uniform(0, times[1] * 1.05))
            if state(work / target) not in known and not known & {state(p) for p in work.iterdir()}:
                wrong.append(f"{name} {number}: neither the old nor the new one is there: {names(work)}")
            code, _ = copy(f"{line} --seed 1", work, None)
            if code or state(work / target) != state(new / target):
                wrong.append(f"{name} {number}: the next run ended with {code}")
            elif names(work) != [target]:
                wrong.append(f"{name} {number}: left over: {names(work)}")
            shutil.rmtree(work)
    return wrong


def goes_on(name: str, count: int, rng: random.Random) -> list[str]:
    """Kill a command that goes on where it was `count` times; what went wrong."""
    line, target = GOES_ON[name]
    wrong = []
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch, "whole")
        whole.mkdir()
        (whole / "grid.toml").write_text(GRID, encoding="utf-8")
        code, took = copy(line, whole, None)
        if code not in (0, 1, 3):
            return [f"{name}: exit {code} without any kill"]
        expected = {p.relative_to(whole): len(lines(p)) for p in sorted(whole.rglob("*.jsonl"))}
        for number in range(count):
            work = Path(scratch, f"work{number}")
            work.mkdir()
            (work / "grid.toml").write_text(GRID, encoding="utf-8")
            copy(line, work, rng.uniform(0, took))
            before = {p: lines(p) for p in work.rglob("*.jsonl")}
            ended, _ = copy(line, work, None)
            lost = [p.name for p, had in before.items() if lines(p)[: len(had)] != had]
            now = {p.relative_to(work): len(lines(p)) for p in sorted(work.rglob("*.jsonl"))}
            if lost or ended != code or now != expected or not (work / target).exists():
                wrong.append(f"{name} {number}: lost {lost}, exit {ended} for {code}, lines {now} for {expected}")
            shutil.rmtree(work)
    return wrong


def lines(path: Path) -> list[bytes]:
    """The whole lines of a file of results."""
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def kills(commands: list[str], count: int, seed: int) -> list[str]:
    """Kill each command `count` times; what went wrong."""
    failures = []
    for name in commands:
        with tempfile.TemporaryDirectory() as scratch:  # once here: the copies find everything imported
            line = (REPLACES | GOES_ON)[name][0].replace("-o there", f"-o {scratch}/there")
            if name in REPLACES:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    run(line.split())
        rng = random.Random(f"{seed} {name}")
        failures += (replaces if name in REPLACES else goes_on)(name, count, rng)
    return failures


def main() -> int:
    """The command."""
    everything = [*REPLACES, *GOES_ON]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=everything, action="append")
    asked = parser.parse_args()
    start = time.monotonic()
    commands = asked.only or everything
    failures = kills(commands, asked.count, asked.seed)
    print(*failures, sep="\n", end="\n" * bool(failures))
    print(f"{asked.count * len(commands)} kills of {', '.join(commands)} with seed {asked.seed} in "
          f"{time.monotonic() - start:.0f} s: {len(failures)} went wrong")  # fmt: skip
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())

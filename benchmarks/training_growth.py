"""How the cost of training grows with networks, n and layers, and beside the plain loop: CPU seconds of this process.

    python benchmarks/training_growth.py [--rounds 3] --date DATE --results FILE

CPU time of one thread, which other work on the machine changes less than seconds; the least of several rounds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import torch
from machine import record

from layerproof.numeric.files.placing import place_file
from layerproof.numeric.training.loop import Trainer
from layerproof.numeric.training.presets import PRESETS
from layerproof.numeric.training.settings import Training
from layerproof.symbolic.strict_json import dumps

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))  # where the plain loop is, which tests judge by

from plain_training import Plain, learn


def milliseconds(settings: Training, rounds: int) -> float:
    """CPU time of a process of one network, with the measures of a log point and the baseline."""
    trainer = Trainer(settings, 0)
    states = trainer.run()
    next(states)  # the first log point has no training behind it
    times = []
    for _ in range(rounds):
        start = process_time()
        next(states)
        times.append(process_time() - start)
    return min(times) / (settings.log * settings.width) * 1000


def changes() -> Iterator[tuple[str, dict[str, Any]]]:
    """What differs from `main`, one thing at a time."""
    yield "main", {}
    for count in (5, 10, 60):
        yield f"{count} networks", {"seeds": count, "width": count}
    for n in (15, 60, 120):
        yield f"n = {n}", {"n": n}
    for layers in (1, 2, 4, 5, 6, 8):
        yield f"L = {layers}", {"layers": layers}


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--date", required=True)
    parser.add_argument("--results", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    base = replace(PRESETS["main"].settings, processes=10**6)
    times = {}
    for name, more in changes():
        times[name] = round(milliseconds(replace(base, **more), arguments.rounds), 3)
        print(f"{name}: {times[name]} ms", flush=True)
    start = process_time()
    learn(Plain(processes=1), 1)
    plain = round((process_time() - start) * 1000, 1)
    about = {
        "CPU ms of a process and network": times,
        "the plain loop": plain,
        "ratio": round(plain / times["main"], 1),
    }
    print(f"the plain loop: {plain} ms, {about['ratio']} times as much")
    place_file(arguments.results, dumps({**record(arguments.date), **about}))


if __name__ == "__main__":
    main()

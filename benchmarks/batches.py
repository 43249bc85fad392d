"""What a judged prompt costs: of a batch with a-priori bounds, as layers grow, and with all three tiers over Q.

    python benchmarks/batches.py [--quick] [--only batch|exact] [--date DAY] [--results FOLDER]

Least of several repeats, in milliseconds a prompt, of time on the wall and of CPU time of all threads.  On a machine
that does something else, read the latter, with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import chart
import machine

import layerproof as lp
from layerproof.numeric.data.draws import prompts
from layerproof.numeric.judge.batch import batch_check, random_transitions
from layerproof.numeric.judge.crosscheck import crosscheck
from layerproof.proofs.case import Case, Settings
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.identity.exact import problem


def least(job: Callable[[], Any], prompts_in: int, repeat: int) -> dict[str, float]:
    """The least milliseconds a prompt on the wall and of CPU."""
    return {
        name: 1000 * machine.least(job, repeat, clock) / prompts_in
        for name, clock in (("wall_ms", time.perf_counter), ("cpu_ms", time.process_time))
    }


def in_floats(n: int, L: int, count: int, repeat: int) -> dict[str, Any]:
    """td0 on `count` random prompts, d = 3, transformer beside loop at every layer and column."""
    algorithm, construction = find("td0"), lp.construct("td0", d=3, n=n, layers=L)
    data = random_transitions(algorithm, 3, n, count, 0)

    def job() -> None:
        result = batch_check(construction, algorithm, data)
        if (result.status, result.prompts) != ("within", count):
            raise RuntimeError(f"the batch is {result.status} on {result.prompts} prompts, wanted within on {count}")

    return {"job": "batch", "d": 3, "n": n, "L": L, "prompts": count, **least(job, count, repeat)}


def over_q(n: int, L: int, count: int, repeat: int) -> dict[str, Any]:
    """td0 on `count` rational prompts, d = 3: this run, one step and every run."""
    algorithm, case = find("td0"), Case(find("td0"), Settings(features=3, context=n, layers=L))
    drawn = islice(prompts(algorithm, 3, n, 0, "boyan-chain"), count)
    setups = [problem(algorithm, RATIONALS, c, w, case.parameters, {}) for _, c, w in drawn]
    construction = case.subject

    def job() -> None:
        result = crosscheck(construction, algorithm, setups)
        if result.status != "within" or result.a_priori is None or result.a_priori.status != "within":
            raise RuntimeError(f"the run is {result.status}, wanted within in all three tiers")

    return {"job": "exact", "d": 3, "n": n, "L": L, "prompts": count, **least(job, count, repeat)}


def measured(quick: bool, only: str | None) -> list[dict[str, Any]]:
    """One line a job."""
    n, count, repeat = (8, 16, 1) if quick else (100, 1000, 3)
    lines = []
    if only != "exact":
        lines += [
            in_floats(n, L, count if L <= 40 else count // 4, repeat) for L in ((2, 4) if quick else (10, 40, 160))
        ]
    if only != "batch":
        lines.append(over_q(n, 4 if quick else 40, 4 if quick else 100, repeat))
    return lines


def main() -> None:
    """Print a table, and write the lines beside the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", choices=("batch", "exact"), help="one of the two jobs")
    parser.add_argument("--date", default="", help="the day to write into the result")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", help="folder to write to")
    arguments = parser.parse_args()
    lines = measured(arguments.quick, arguments.only)
    for line in lines:
        size, taken = f"n={line['n']} L={line['L']}", f"{line['wall_ms']:.3g} ms a prompt, {line['cpu_ms']:.3g} of CPU"
        print(f"{line['job']:6s} {size}: {taken}")
    document = {**machine.record(arguments.date), "quick": arguments.quick, "lines": lines}
    chart.write(arguments.results / "batches-cpu.json", json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()

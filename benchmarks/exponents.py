"""How cost grows with n, d, L and the batch: exponents fitted to measured times, as a table and a picture.

    python benchmarks/exponents.py [--quick] [--date DAY] [--results FOLDER]

Four kinds of work of td0, each with all its columns; the first three are timed a layer:
    rationals  one layer checked over Q: layer, textbook iterate and comparison; the numbers grow with depth
    field      the same modulo 2^61 - 1, where every number is one word: operations without the growth of numbers
    float64    one layer of the torch module, a batch of prompts
    judged     a batch of prompts against the textbook loop, with a-priori bounds, every layer and column
Everything runs on one thread, and its processor time is taken.  Times are per layer but for the sweeps of L and of the
batch, where they are whole runs.  Memory is what a run at the largest size adds to the resident set of a process.  The
products M X^T, which are computed once a prompt and grow with n^2 (a dense mask), are left out of "per layer": two
depths are timed and subtracted, or the clock starts after the first layer.
An exponent is the slope of a least-squares line through (log size, log time), over the range stated with it; the
residual is the standard deviation of the points about the line, as a percentage of the time.  The slope of the last
doubling alone stands beside it: where it is larger, fixed costs still weigh on the smaller sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import chart
import machine
import torch

from layerproof.numeric.data.draws import preconditioners, starting_weights
from layerproof.numeric.data.prompts import generic_context
from layerproof.numeric.judge.batch import batch_check, random_transitions
from layerproof.numeric.transformer import LinearTransformer
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.arithmetic import PRIME_FIELD, RATIONALS, Arithmetic
from layerproof.symbolic.arithmetics.prime_field import element
from layerproof.symbolic.attention import iterate
from layerproof.symbolic.construction import construct, instantiate
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.identity.exact import mismatches, problem
from layerproof.symbolic.prompt import Layout

ALGORITHM = find("td0")
GAMMA = Fraction(9, 10)
BATCH, REPEAT, CLOCK = 8, 7, time.process_time

LAYERS, BATCHES = ("rationals", "field", "float64"), ("float64", "judged")
"""The kinds that are timed a layer, and those that are timed by the prompts in a batch."""

DEPTHS = {"rationals": (20, 40, 80, 160), "field": (100, 200, 400, 800), "float64": (10, 20, 40, 80)}
"""Layers from which on each weighs more than what is done once for all of them."""

Job = Callable[[], tuple[float, float]]  # the seconds of a run, and those of the part of it that does not count
Sweep = tuple[str, str, Sequence[int], dict[str, int]]  # kind, letter, its sizes, the other sizes


def checked(arithmetic: Arithmetic, d: int, n: int, layers: int, whole: bool = False) -> Job:
    """A run of `layers` checked layers, or of as many after a first one that is not timed."""
    derivation, fixed = derive(ALGORITHM), preconditioners(ALGORITHM, d, layers + 1, 0)
    context, start = generic_context(d, n, 0), starting_weights(ALGORITHM, d, 0)
    known: dict[str, Any] = {"gamma": GAMMA}
    data: Any = context
    if arithmetic is PRIME_FIELD:  # the same rationals, read modulo the prime

        def vectors(rows: Sequence[Sequence[Fraction]]) -> list[list[Any]]:
            return [[element(x) for x in row] for row in rows]

        known = {"gamma": element(GAMMA)}
        fixed = [tuple(vectors(C) for C in step) for step in fixed]
        start = tuple(vectors(start))
        rewards, query = vectors([context.rewards, context.query])
        data = vectors(context.features), vectors(context.next_features), rewards, query
    setup = problem(ALGORITHM, arithmetic, data, start, known, {})
    steps = fixed[: layers + (not whole)]
    heads = instantiate(derivation, arithmetic, Layout.of(ALGORITHM, d, n), steps, known)
    Y = setup.row_matrix(setup.start)
    scale, names = arithmetic.number(Fraction(1, n)), setup.layout.accumulators

    def job() -> tuple[float, float]:
        compared = mismatches(setup, iterate(setup.X, Y, heads, scale), steps, names, derivation.readout)
        differences = [] if whole else [next(compared)]
        taken = machine.least(lambda: differences.extend(compared), 1, CLOCK)
        assert differences == [None] * len(steps), differences
        return taken, 0.0

    return job


def in_floats(d: int, n: int, layers: int, whole: bool = False, batch: int = BATCH) -> Job:
    """A run of `layers` layers of the torch module on `batch` prompts, every layer's rows, with and without them."""
    built = construct(derive(ALGORITHM), d, n, 1, preconditioners(ALGORITHM, d, 1, 0), {"gamma": GAMMA}, looped=True)
    module = LinearTransformer.from_construction(built, torch.float64)
    generator = torch.Generator().manual_seed(0)
    Z = torch.randn(batch, built.layout.m, n + 1, dtype=torch.float64, generator=generator) / (d * n) ** 0.5

    def run(depth: int) -> float:
        module.depth = depth
        with torch.no_grad():
            return machine.least(lambda: module.rows(Z), 5, CLOCK)

    run(2)  # the first call sets things up
    return lambda: (run(layers), 0.0) if whole else (run(1 + layers), run(1))


def judged(d: int, n: int, layers: int, batch: int, whole: bool = True) -> Job:
    """A batch of prompts, judged; whole runs only."""
    built = construct(derive(ALGORITHM), d, n, layers, preconditioners(ALGORITHM, d, layers, 0), {"gamma": GAMMA})
    data = random_transitions(ALGORITHM, d, n, batch, 0)

    def job() -> tuple[float, float]:
        shown: list[str] = []
        taken = machine.least(lambda: shown.append(batch_check(built, ALGORITHM, data).status), 1, CLOCK)
        assert set(shown) == {"within"} and whole, shown
        return taken, 0.0

    return job


def peak(job: Job) -> float:
    """MiB that one run adds to the resident set, in a process of its own."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        job()
        os.write(theirs, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        added = answer.read()
    os.waitpid(child, 0)
    return int(added) / 2**10


KINDS: dict[str, Callable[..., Job]] = {
    "rationals": partial(checked, RATIONALS),
    "field": partial(checked, PRIME_FIELD),
    "float64": in_floats,
    "judged": judged,
}


def sweeps(quick: bool) -> list[Sweep]:
    """What is measured: n far above d, d far below n and d far above n."""
    if quick:
        ranges = [("n", (8, 16, 32), {"d": 2}), ("d", (2, 4, 8), {"n": 8}), ("L", (4, 8, 16), {"d": 2, "n": 8})]
        return [
            (kind, letter, sizes, {**at, "layers": 40 if kind == "float64" else 4})
            for kind in LAYERS
            for letter, sizes, at in ranges
        ] + [(kind, "batch", (2, 4, 8), {"d": 2, "n": 8, "layers": 2}) for kind in BATCHES]
    result: list[Sweep] = [(kind, "batch", (125, 250, 500, 1000), {"d": 3, "n": 100, "layers": 40}) for kind in BATCHES]
    for kind in LAYERS:
        exact = kind != "float64"
        layers = 4 if exact else 40
        result += [
            (kind, "n", (125, 250, 500, 1000), {"d": 10, "layers": layers}),
            (kind, "d", (16, 32, 64, 128), {"n": 500, "layers": layers}),
            (kind, "d", (32, 64, 128, 256) if exact else (64, 128, 256, 512), {"n": 4, "layers": layers}),
            (kind, "L", DEPTHS[kind], {"d": 10, "n": 250, "layers": layers}),
        ]
    return result


def fit(points: Sequence[chart.Point]) -> tuple[float, float, float]:
    """(exponent, factor, residual) of time = factor * size^exponent; residual: relative standard deviation."""
    xs, ys = [log(x) for x, _ in points], [log(y) for _, y in points]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / sum((x - x_mean) ** 2 for x in xs)
    rest = [y - y_mean - slope * (x - x_mean) for x, y in zip(xs, ys, strict=True)]
    spread = sqrt(sum(r * r for r in rest) / max(len(rest) - 2, 1))
    return slope, exp(y_mean - slope * x_mean), exp(spread) - 1


def measure(sweep: Sweep) -> dict[str, Any]:
    """One sweep: its times and what was fitted to them."""
    kind, letter, sizes, others = sweep
    whole = letter in ("L", "batch")
    named = "layers" if letter == "L" else letter
    given = [{**others, named: x, **({"whole": True} if whole else {})} for x in sizes]
    jobs = [KINDS[kind](**sizes) for sizes in given]
    # Round after round over all sizes, so that a slow spell of the machine does not hit one size alone.
    rounds = [[job() for job in jobs] for _ in range(REPEAT)]
    times = []
    for k, sizes_given in enumerate(given):
        with_it, without = (min(seconds[k][part] for seconds in rounds) for part in (0, 1))
        times.append((with_it - without) / (1 if whole else sizes_given["layers"]))
    exponent, factor, residual = fit(list(zip(sizes, times, strict=True)))
    last, *_ = fit([(sizes[k], times[k]) for k in (-2, -1)])
    at = {k: v for k, v in others.items() if k != "layers"}
    memory = peak(jobs[-1])
    return {
        "kind": kind, "letter": letter, "at": at, "sizes": list(sizes), "seconds": times,
        "exponent": exponent, "factor": factor, "residual": residual, "last_doubling": last, "memory_mib": memory,
    }  # fmt: skip


def expected(line: dict[str, Any]) -> str:
    """What counting operations gives for the sweep, in the order of the leading term."""
    if line["letter"] in ("n", "batch"):
        return "1"
    if line["letter"] == "d":
        return "2 (d^2 for C and the keys)" if line["at"]["n"] == 4 else "1 to 2 (n d + d^2)"
    return "1 to 2 (bits grow with L)" if line["kind"] == "rationals" else "1"


def table(lines: Sequence[dict[str, Any]]) -> str:
    """The Markdown table."""
    rows = [
        "| layer | against | at | range | exponent | residual | last doubling | operations say | memory at the end |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        at = ", ".join(f"{k} = {v}" for k, v in line["at"].items())
        span = f"{line['sizes'][0]} to {line['sizes'][-1]}"
        rows.append(
            f"| {line['kind']} | {line['letter']} | {at} | {span} | {line['exponent']:.2f} "
            f"| {line['residual']:.0%} | {line['last_doubling']:.2f} | {expected(line)} "
            f"| {line['memory_mib']:.0f} MiB |"
        )
    return "\n".join(rows)


def picture(lines: Sequence[dict[str, Any]]) -> str:
    """One panel a sweep, the kinds of layer together."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in lines:
        at = ", ".join(f"{k} = {v}" for k, v in line["at"].items())
        groups.setdefault((line["letter"], at), []).append(line)
    panels = []
    for (letter, at), members in groups.items():
        series = []
        for line in members:
            points = list(zip(line["sizes"], line["seconds"], strict=True))
            ends = [(x, line["factor"] * x ** line["exponent"]) for x in (line["sizes"][0], line["sizes"][-1])]
            series.append(chart.Series(f"{line['kind']}: {letter}^{line['exponent']:.2f}", points, ends))
        what = {"L": "seconds for L layers", "batch": "seconds for the batch"}.get(letter, "seconds a layer")
        panels.append(chart.Panel(f"time against {letter}, {at}", letter, what, series))
    return chart.figure(panels)


def main() -> None:
    """Measure every sweep, print the table, write the numbers and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--date", default="", help="the day to write into the result")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", help="folder to write to")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = [measure(sweep) for sweep in sweeps(arguments.quick)]
    print(table(lines))
    document = {**machine.record(arguments.date), "quick": arguments.quick, "batch": BATCH, "sweeps": lines}
    chart.write(arguments.results / "exponents.json", json.dumps(document, indent=2) + "\n")
    chart.write(arguments.results / "exponents.svg", picture(lines))


if __name__ == "__main__":
    main()

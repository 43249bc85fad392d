"""The exact decision about convergence beside numpy's eigenvalues, in one run: seconds, and whether they agree.

    python benchmarks/convergence.py [--quick] [--date DAY] [--results FOLDER]

Both judge the same iteration w <- T w + c of the same prompts, half of them with a step just inside and half with one
just beyond the largest that converges:
    read off   T and c, from the update on polynomials in its weights
    decided    from w_0, from every start, the prediction, value differences and the limit, over the rationals
    answer     all that `layerproof converge` says: the certified rate, the steps, the field, the distance, too
    numpy      abs(numpy.linalg.eigvals(T)).max() < 1 in float64, T rounded beforehand
A last part has T with an eigenvalue of exactly 1, and asks numpy for how many it is below, at and above 1.
One thread, processor time, the least of several repetitions, the median over prompts.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import chart
import machine
import numpy
import torch

from layerproof.proofs.convergence.answer import answer, setup_of
from layerproof.proofs.convergence.question import Question
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.convergence.decide import decide
from layerproof.symbolic.convergence.rationals import fractions

NEAR = Fraction(1, 10**4)
"""How far from the largest step the tried ones are, relative to it."""


def rounded(T: Any) -> Any:
    """T in float64."""
    return numpy.array([[float(x) for x in line] for line in fractions(T)])


def radius(T: Any) -> float:
    """The largest modulus of an eigenvalue, by numpy."""
    return float(numpy.abs(numpy.linalg.eigvals(T)).max())


def measure(name: str, d: int, n: int, prompts: int) -> dict[str, Any]:
    """Times and agreement of one algorithm at one size."""
    algorithm, clock = find(name), machine.clock()
    times: dict[str, list[float]] = {k: [] for k in ("read off", "decided", "answer", "numpy")}
    agree, converge, one, unlike = 0, 0, 0, 0
    for seed in range(prompts):
        question = Question(features=d, context=n, seed=seed).check(algorithm)
        started = clock()
        steps = answer(algorithm, question).steps
        times["answer"].append(clock() - started)
        edge = steps.every[0][1] if steps is not None and steps.every else None
        alpha = edge.lower * (1 + (NEAR if seed % 2 else -NEAR)) if edge is not None else Fraction(1)
        setup = setup_of(algorithm, replace(question, alpha=alpha))
        times["read off"].append(machine.least(setup.run, 3, clock))
        it = setup.run().iteration
        T = rounded(it.T)
        times["decided"].append(machine.least(lambda it=it: decide(it), 3, clock))
        times["numpy"].append(machine.least(lambda T=T: radius(T) < 1, 3, clock))
        decided = decide(it).every.converges
        converge += decided
        same, exactly = decided is (radius(T) < 1), it.T.charpoly()(1) == 0
        agree, one, unlike = agree + same, one + exactly, unlike + (not same and not exactly)
    return {
        "algorithm": name, "d": d, "n": n, "prompts": prompts, "converge": converge, "agree": agree,
        "eigenvalue 1": one, "disagree without it": unlike,
        "seconds": {k: statistics.median(v) for k, v in times.items()},
        "slowest": {k: max(v) for k, v in times.items()},
    }  # fmt: skip


def on_the_circle(d: int, n: int, prompts: int) -> dict[str, Any]:
    """Tabular average-reward TD: the constants have the eigenvalue 1 exactly, and numpy says what it says."""
    algorithm = find("average-reward-td")
    counts = {"exactly 1": 0, "numpy below 1": 0, "numpy at 1": 0, "numpy above 1": 0}
    for seed in range(prompts):
        question = Question(features=d, context=n, seed=seed, tabular=True, alpha=Fraction(1, 2)).check(algorithm)
        T = setup_of(algorithm, question).run().iteration.T
        counts["exactly 1"] += T.charpoly()(1) == 0
        near = radius(rounded(T))
        counts[f"numpy {'below' if near < 1 else 'above' if near > 1 else 'at'} 1"] += 1
    return {"algorithm": algorithm.name, "d": d, "n": n, "prompts": prompts, **counts}


def table(lines: list[dict[str, Any]]) -> str:
    """The Markdown table."""
    kinds = ("read off", "decided", "answer", "numpy")
    rows = [
        f"| algorithm | d | agrees with numpy | with the eigenvalue 1 | {' | '.join(f'{k}, s' for k in kinds)} |",
        "|---|---|---|---|" + "---|" * len(kinds),
    ]
    for line in lines:
        shown = " | ".join(f"{line['seconds'][k]:.2g}" for k in kinds)
        rows.append(
            f"| {line['algorithm']} | {line['d']} | {line['agree']} of {line['prompts']} | "
            f"{line['eigenvalue 1']} | {shown} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Measure, print the table, write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--date", default="", help="the day to write into the result")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", help="folder to write to")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    quick = arguments.quick
    sizes = (2,) if quick else (2, 3, 5, 10)
    lines = [
        measure(name, d, 10 if quick else 100, 2 if quick else 10) for name in ("td0", "gtd2") for d in sizes
    ]  # fmt: skip
    circle = on_the_circle(3 if quick else 10, 20 if quick else 100, 3 if quick else 50)
    print(table(lines))
    print(", ".join(f"{k}: {v}" for k, v in circle.items()))
    document = {**machine.record(arguments.date), "quick": quick, "results": lines, "on_the_circle": circle}
    chart.write(arguments.results / "convergence-cpu.json", json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()

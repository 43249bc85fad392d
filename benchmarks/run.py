"""The benchmark: each job beside what a user would do otherwise, in one run on one machine.

    python benchmarks/run.py [--quick] [--json FILE]

Ratios are what counts: both sides run in the same process one after the other, medians of several repetitions.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import approximation_jobs
import invariance_jobs
import numpy
import sympy
import torch
import training_jobs

import layerproof as lp
from layerproof.numeric.data.draws import prompts
from layerproof.numeric.judge.batch import batch_check, random_transitions
from layerproof.numeric.judge.crosscheck import crosscheck
from layerproof.proofs.case import Case, Settings
from layerproof.proofs.evidence.exact import first_mismatch
from layerproof.proofs.sizes import fitted
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import SizesError
from layerproof.symbolic.identity.entrywise import entrywise
from layerproof.symbolic.identity.exact import problem
from layerproof.symbolic.identity.random import random_identity

PARAMETERS = {"gamma": Fraction(9, 10), "lam": Fraction(1, 2)}


def seconds(job: Callable[[], Any], repeat: int) -> float:
    """The median time of one run of `job`, without rounds of the garbage collector, as `timeit` has it."""
    times, collects = [], gc.isenabled()
    for _ in range(repeat):
        gc.collect()
        gc.disable()
        try:
            start = time.perf_counter()
            job()
            times.append(time.perf_counter() - start)
        finally:
            if collects:
                gc.enable()
    return statistics.median(times)


def sympy_entrywise(d: int, n: int) -> None:
    """The td0 identity as one would write it in plain SymPy: dense symbolic matrices and `expand`."""
    phi = sympy.Matrix(d, n, lambda i, j: sympy.Symbol(f"phi{i}_{j}"))
    following = sympy.Matrix(d, n, lambda i, j: sympy.Symbol(f"next{i}_{j}"))
    rewards = sympy.Matrix(1, n, lambda i, j: sympy.Symbol(f"R{j}"))
    q = sympy.Matrix(d, 1, lambda i, j: sympy.Symbol(f"q{i}"))
    w = sympy.Matrix(1, d, lambda i, j: sympy.Symbol(f"w{j}"))
    C = sympy.Matrix(d, d, lambda i, j: sympy.Symbol(f"C{i}_{j}"))
    zero = sympy.zeros(d, 1)
    X = phi.row_join(q).col_join(following.row_join(zero))
    Y = (rewards + w * following - w * phi).row_join(-w * q)
    Z = X.col_join(Y)
    P = sympy.zeros(2 * d + 1, 2 * d + 1)
    P[2 * d, 2 * d] = 1
    Q = sympy.zeros(2 * d + 1, 2 * d + 1)
    Q[:d, :d], Q[:d, d : 2 * d] = -C.T, C.T
    M = sympy.diag(*([1] * n + [0]))
    after = Z + P * Z * M * (Z.T * Q * Z) / n
    delta = rewards + w * following - w * phi
    new = w + (C * sum((delta[0, j] * phi[:, j] for j in range(n)), sympy.zeros(d, 1))).T / n
    wanted = (rewards + new * following - new * phi).row_join(-new * q)
    difference = (after[2 * d, :] - wanted).applyfunc(sympy.expand)
    assert difference == sympy.zeros(1, n + 1)


def fraction_exact(case: Case, context: Any, start: Any) -> None:
    """td0 on one prompt with Python Fractions entry by entry: L layers of attention, and the loop, compared."""
    d, n, L = context.d, context.n, case.settings.layers
    gamma = Fraction(case.settings.gamma)
    following = [[gamma * x for x in v] for v in context.next_features]
    columns = [(*context.features[j], *following[j]) for j in range(n)] + [(*context.query, *([Fraction(0)] * d))]
    w = list(start[0])

    def row(weights: list[Fraction]) -> list[Fraction]:
        rewards = [*context.rewards, Fraction(0)]
        return [rewards[t] + sum(weights[k] * (c[d + k] - c[k]) for k in range(d)) for t, c in enumerate(columns)]

    y = row(w)
    for step in case.per_layer()[:L]:
        C = step[0]
        keys = [sum(y[j] * columns[j][k] for j in range(n)) for k in range(d)]
        met = [sum(keys[k] * C[m][k] for k in range(d)) for m in range(d)]
        y = [y[t] + sum(met[m] * (c[d + m] - c[m]) for m in range(d)) / n for t, c in enumerate(columns)]
        total = [Fraction(0)] * d
        for j in range(n):
            delta = context.rewards[j] + sum(w[k] * (following[j][k] - context.features[j][k]) for k in range(d))
            total = [total[k] + delta * context.features[j][k] for k in range(d)]
        w = [w[k] + sum(C[k][m] * total[m] for m in range(d)) / n for k in range(d)]
        assert y == row(w)


def naive_attention(module: Any, Z: torch.Tensor) -> torch.Tensor:
    """The layers as the formula reads, every row of every token: Z + (1/n) W P Z M (Z^T Q Z)."""
    n = Z.shape[-1] - 1
    for number in range(module.depth):
        change = torch.zeros_like(Z)
        for head in module.layers[number].heads:
            change = change + head.W @ (head.P @ Z @ head.M @ (Z.mT @ head.Q @ Z))
        Z = Z + change / n
    return Z


def loop_in_torch(trials: int, d: int, n: int, layers: int) -> None:
    """TD(0) as published checks do it: prompt by prompt, Python loops over layers and transitions, torch matrices.

    Weights are a column (d, 1), features the columns of a matrix, picked by index at each use; one value a layer, the
    query's, is compared.
    """
    dtype, identity = torch.float64, torch.eye(d, dtype=torch.float64)
    mask = torch.eye(n + 1, dtype=dtype)
    mask[n, n] = 0
    P, Q = torch.zeros(2, 2 * d + 1, 2 * d + 1, dtype=dtype)
    P[-1, -1] = 1
    C = identity / 2
    Q[:d, :d], Q[:d, d : 2 * d] = -C.T, C.T
    for trial in range(trials):
        generator = torch.Generator().manual_seed(trial)
        phi = torch.randn(d, n + 1, dtype=dtype, generator=generator) / 2
        after = 0.9 * torch.randn(d, n + 1, dtype=dtype, generator=generator) / 2
        rewards = torch.randn(1, n + 1, dtype=dtype, generator=generator)
        after[:, n], rewards[:, n] = 0, 0
        Z, w = torch.cat([phi, after, rewards]), torch.zeros(d, 1, dtype=dtype)
        gaps = []
        for _ in range(layers):
            Z = Z + P @ Z @ mask @ Z.T @ Q @ Z / n
            total = torch.zeros(d, 1, dtype=dtype)
            for j in range(n):
                delta = rewards[0, j] + torch.mm(w.T, after[:, [j]]) - torch.mm(w.T, phi[:, [j]])
                total = total + delta * phi[:, [j]]
            w = w + torch.mm(C, total) / n
            gaps.append(abs(-Z[-1, -1].item() - torch.mm(w.T, phi[:, [n]]).item()))
        assert max(gaps) < 1e-9


def entry(job: str, ours: float, other: str = "", theirs: float | None = None) -> dict[str, Any]:
    """One line of the result."""
    return {
        "job": job,
        "seconds": ours,
        "beside": other,
        "seconds_beside": theirs,
        "ratio": None if theirs is None else theirs / ours,
    }


def entrywise_jobs(quick: bool) -> list[dict[str, Any]]:
    """identity-entrywise against plain SymPy, and the other algorithms' times."""
    d, n = (2, 4) if quick else (4, 10)
    result = []
    for name in catalogue():
        derivation = derive(find(name))
        ours = seconds(lambda derivation=derivation: entrywise(derivation, d, n), 5)
        job = f"identity-entrywise {name}, d={d}, n={n}"
        if name == "td0":
            result.append(entry(job, ours, "SymPy Matrix and expand", seconds(lambda: sympy_entrywise(d, n), 1)))
        else:
            result.append(entry(job, ours))
    return result


def prepared(d: int, n: int, layers: int) -> Iterator[tuple[str, Case, Any, Any]]:
    """Each algorithm at the nearest sizes that it is stated for: its job, its case with weights, and a prompt."""
    for name in catalogue():
        try:
            settings, _ = fitted(find(name), Settings(features=d, context=n, layers=layers))
        except SizesError as error:  # none is near
            print(f"left out: {error}", file=sys.stderr)
            continue
        case = Case(find(name), settings)
        case.subject.row_heads()
        d_own, n_own = settings.features, settings.context
        _, context, start = next(prompts(case.algorithm, d_own, n_own, 0, "boyan-chain"))
        yield f"identity-exact {name}, d={d_own}, n={n_own}, L={settings.layers}", case, context, start


def exact_jobs(quick: bool) -> list[dict[str, Any]]:
    """identity-exact: one prompt, every layer and column, with the weights made beforehand."""
    result = []
    for job, case, context, start in prepared(3, *((20, 8) if quick else (100, 40))):
        ours = seconds(lambda case=case, c=context, s=start: first_mismatch(case, c, s), 3)
        if case.algorithm.name == "td0":
            theirs = seconds(lambda case=case, c=context, s=start: fraction_exact(case, c, s), 1)
            result.append(entry(job, ours, "Fractions, entry by entry", theirs))
        else:
            result.append(entry(job, ours))
    return result


def random_jobs(quick: bool) -> list[dict[str, Any]]:
    """identity-random at a size where rationals are out of reach."""
    d, n, L = (8, 50, 10) if quick else (64, 1000, 100)
    derivation = derive(find("td0"))
    return [
        entry(
            f"identity-random td0, d={d}, n={n}, L={L}",
            seconds(lambda: random_identity(derivation, d, n, L, PARAMETERS, 0), 3),
        )
    ]


def float_jobs(quick: bool) -> list[dict[str, Any]]:
    """The torch forward pass, batched and in n p^2 order, against the formula as it reads."""
    trials, n, L = (4, 20, 4) if quick else (256, 100, 40)
    construction = lp.construct("td0", d=3, n=n, layers=L)
    module = lp.LinearTransformer.from_construction(construction, torch.float64, torch.device("cpu"))
    Z = torch.randn(trials, construction.layout.m, n + 1, dtype=torch.float64) / 10
    with torch.no_grad():
        p, wanted = construction.layout.p, naive_attention(module, Z)
        assert torch.allclose(module.rows(Z)[-1], wanted[:, p:])
        ours = seconds(lambda: module.rows(Z), 5)
        theirs = seconds(lambda: naive_attention(module, Z), 3)
    job = f"torch layers td0, {trials} prompts, n={n}, L={L}, accumulator rows after every layer"
    return [entry(job, ours, "Z M (Z^T Q Z), batched", theirs)]


def throughput_jobs(quick: bool) -> list[dict[str, Any]]:
    """A trial of the whole cross-check, bounds included, and of the exact distance, beside a loop over trials."""
    trials, n, L = (16, 20, 4) if quick else (1000, 100, 40)
    algorithm, construction = find("td0"), lp.construct("td0", d=3, n=n, layers=L)
    data = random_transitions(algorithm, 3, n, trials, 0)
    ours = seconds(lambda: batch_check(construction, algorithm, data), 1 if quick else 7) / trials
    alone = 2 if quick else 20
    theirs = seconds(lambda: loop_in_torch(alone, 3, n, L), 1 if quick else 3) / alone
    case = Case(algorithm, Settings(features=3, context=n, layers=L))
    drawn = islice(prompts(algorithm, 3, n, 0, "boyan-chain"), 8 if quick else 100)
    setups = [problem(algorithm, RATIONALS, c, w, case.parameters, {}) for _, c, w in drawn]
    exact = seconds(lambda: crosscheck(case.subject, algorithm, setups), 1 if quick else 5) / len(setups)
    beside = "a loop over layers and transitions with torch, one prompt at a time, no bounds"
    size = f"d=3, n={n}, L={L}, every layer and column"
    return [
        entry(f"cross-check td0, a prompt of a batch of {trials}, a-priori bounds, {size}", ours, beside, theirs),
        entry(f"cross-check td0, a prompt of {len(setups)}, all three tiers in exact arithmetic, {size}", exact,
              beside, theirs),
    ]  # fmt: skip


def large_exact_jobs(quick: bool) -> list[dict[str, Any]]:
    """identity-exact where numbers are long and columns many."""
    return [
        entry(job, seconds(lambda case=case, c=context, s=start: first_mismatch(case, c, s), 1))
        for job, case, context, start in prepared(*((4, 40, 6) if quick else (10, 1000, 40)))
    ]


def verify_jobs(quick: bool) -> list[dict[str, Any]]:
    """`layerproof verify` from a cold start, beside a plain loop over trials in torch: one algorithm, floats only."""
    command = [sys.executable, "-m", "layerproof", "verify", "--json"]
    trials, n, L = (2, 20, 4) if quick else (30, 100, 40)
    command += ["-n", str(n), "-L", str(L), "--trials", str(trials)]

    def ours() -> None:
        subprocess.run(command, check=True, capture_output=True)

    theirs = seconds(lambda: loop_in_torch(trials, 3, n, L), 1)
    return [
        entry(
            f"layerproof verify, all {len(catalogue())} algorithms, all evidence, {trials} trials, cold start",
            seconds(ours, 1 if quick else 3),
            "a torch loop over trials and transitions, td0 only, floats only",
            theirs,
        )
    ]


def identify_jobs(quick: bool) -> list[dict[str, Any]]:
    """identify of networks near TD(0), d = 4, n = 30, L = 3, without the function: one a seed."""
    seeds = 2 if quick else 30
    (head,) = lp.construct("td0", d=4, n=30, layers=3, looped=True).layers[0]
    exact = {k: numpy.array([[float(x) for x in row] for row in getattr(head, k).fractions()]) for k in "PQM"}
    noise = numpy.random.default_rng(0)

    def near() -> dict[str, Any]:
        return {k: x if k == "M" else (x + 0.05 * noise.normal(size=x.shape)).astype("f4") for k, x in exact.items()}

    networks = [near() for _ in range(seeds)]
    ours = seconds(lambda: [lp.identify(x, layout="td", layers=3, function=False) for x in networks], 1 if quick else 3)
    return [entry(f"identify {seeds} networks: d=4, n=30, L=3, weights only", ours)]


JOBS = (
    entrywise_jobs,
    exact_jobs,
    large_exact_jobs,
    random_jobs,
    float_jobs,
    throughput_jobs,
    verify_jobs,
    identify_jobs,
)


def main() -> None:
    """Run every job and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    arguments = parser.parse_args()
    lines: list[dict[str, Any]] = []
    for job in JOBS:
        lines += job(arguments.quick)
    lines += approximation_jobs.jobs(arguments.quick, seconds, entry)
    lines += invariance_jobs.jobs(arguments.quick, seconds, entry)
    lines += training_jobs.jobs(arguments.quick, seconds, entry)
    machine = (
        f"{platform.machine()}, {torch.get_num_threads()} threads, Python {platform.python_version()}, "
        f"torch {torch.__version__}, sympy {sympy.__version__}, numpy {numpy.__version__}"
    )
    print(f"{machine}\n")
    print("| job | seconds | beside | seconds | ratio |\n|---|---|---|---|---|")
    for line in lines:
        theirs = "" if line["seconds_beside"] is None else f"{line['seconds_beside']:.3g}"
        ratio = "" if line["ratio"] is None else f"{line['ratio']:.3g}"
        print(f"| {line['job']} | {line['seconds']:.3g} | {line['beside']} | {theirs} | {ratio} |")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "jobs": lines}, indent=2) + "\n")


if __name__ == "__main__":
    main()

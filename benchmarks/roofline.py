"""A roofline for the batched forward pass of a torch module: how near it comes to what the machine can do at all.

    python benchmarks/roofline.py [--quick] [--device cpu|cuda] [--threads T] [--date DAY] [--results FOLDER]

The pass is `LinearTransformer.rows` of td0 at d = 3, n = 100, L = 40.  What it cannot do without:
    bytes       the inputs once and the rows that each layer changes once: s B (m N + L K N)
    operations  M X^T once a prompt, 2 N^2 p, or N p for a diagonal mask; a layer and head 2 K K N + 2 K N p + 2 K p p +
                2 K p N, and 2 K N to add
    (B prompts, Z : (m, N), p feature rows, K accumulator rows, s bytes a number, additions and multiplications counted)
Both ceilings are measured in the same run at the same dtype: a copy of a large tensor (read and written bytes) and a
product of large square matrices.  The floor is the larger of bytes / copy rate and operations / matmul rate; the
achieved fraction is floor / time.  The same steps timed one by one say where the rest of the time goes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import chart
import machine
import numpy as np
import torch

from layerproof.numeric.data.draws import preconditioners
from layerproof.numeric.device import resolve_device
from layerproof.numeric.judge.exact_floats import floats
from layerproof.numeric.transformer import LinearTransformer
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.construction import Construction, construct
from layerproof.symbolic.derivation.derive import derive

ALGORITHM = find("td0")
DTYPES = (torch.float64, torch.float32)


def timed(job: Callable[[], Any], device: torch.device, repeat: int) -> float:
    """The least time of `job` in seconds, with everything that it queued on the device done."""

    def run() -> None:
        job()
        if device.type != "cpu":
            torch.accelerator.synchronize()

    run()  # the first call sets things up
    clock = machine.clock() if device.type == "cpu" else time.perf_counter
    return machine.least(run, repeat, clock)


def ceilings(dtype: torch.dtype, device: torch.device, quick: bool) -> tuple[float, float]:
    """(bytes a second of a copy, operations a second of a matrix product)."""
    big = device.type != "cpu"
    source = torch.ones((1 << 20 if quick else 1 << (30 if big else 27)) // dtype.itemsize, dtype=dtype, device=device)
    target = torch.empty_like(source)
    copy = 2 * source.numel() * dtype.itemsize / timed(lambda: target.copy_(source), device, 7)
    side = 128 if quick else 8192 if big else 1536
    a, b = torch.rand(2, side, side, dtype=dtype, device=device)
    return copy, 2 * side**3 / timed(lambda: torch.mm(a, b), device, 5)


def needed(built: Construction, batch: int, dtype: torch.dtype) -> tuple[int, int]:
    """(bytes, operations) that the forward pass of `batch` prompts cannot do without."""
    layout, heads = built.layout, [built.heads(layer) for layer in range(built.depth)]
    m, p, N, K = layout.m, layout.p, layout.n + 1, layout.m - layout.p
    masks = {id(h.M): floats(h.M) for layer in heads for h in layer}.values()
    keys = sum(N * p if (np.diag(np.diag(M)) == M).all() else 2 * N * N * p for M in masks)
    layers = sum(len(layer) * (2 * K * K * N + 2 * K * N * p + 2 * K * p * p + 2 * K * p * N) for layer in heads)
    return (
        batch * dtype.itemsize * (m * N + built.depth * K * N),
        batch * (keys + layers + built.depth * 2 * K * N),
    )


def parts(built: Construction, Z: torch.Tensor, module: LinearTransformer, repeat: int) -> dict[str, float]:
    """Seconds for the steps of the pass, each done alone as often as the pass does it."""
    p, depth, device, head = built.layout.p, built.depth, Z.device, module.layers[0].heads[0]
    X, Y, M, U, E = (
        Z[:, :p].contiguous(), Z[:, p:].contiguous(), head.M, (head.W @ head.P)[p:, p:], head.Q[:p, :p]
    )  # fmt: skip

    diagonal = M.diagonal()  # td0's mask has nothing else

    def masked() -> torch.Tensor:
        return (X * diagonal).mT

    keys = masked()
    met, after = Y @ keys, torch.empty_like(Y)

    def often(job: Callable[[], torch.Tensor]) -> float:
        return timed(lambda: [job() for _ in range(depth)], device, repeat)

    return {
        "reading the weights' zeros, once": timed(module._row_layers, device, repeat),
        "mask times features, once": timed(masked, device, repeat),
        "rows times keys": often(lambda: Y @ keys),
        "times U and E": often(lambda: (met * U[0, 0]) @ E * 0.5),
        "times features, added": often(lambda: torch.add(Y, met @ X, out=after)),
    }


def measure(dtype: torch.dtype, device: torch.device, quick: bool) -> dict[str, Any]:
    """Ceilings, and one line a batch size."""
    d, n, L = (2, 8, 3) if quick else (3, 100, 40)
    built = construct(derive(ALGORITHM), d, n, L, preconditioners(ALGORITHM, d, L, 0), {"gamma": Fraction(9, 10)})
    module = LinearTransformer.from_construction(built, dtype, device)
    copy, product = ceilings(dtype, device, quick)
    batches = (1, 8) if quick else [4**k for k in range(6 if device.type == "cpu" else 9)]
    lines = []
    for batch in batches:
        generator = torch.Generator().manual_seed(0)
        Z = (2 * torch.rand(batch, built.layout.m, n + 1, dtype=dtype, generator=generator) - 1).to(device)
        with torch.no_grad():
            assert all(bool(Y.isfinite().all()) for Y in module.rows(Z))
            seconds = timed(lambda Z=Z: module.rows(Z), device, 5)
            steps = parts(built, Z, module, 5)
        size, operations = needed(built, batch, dtype)
        floor = max(size / copy, operations / product)
        lines.append(
            {
                "batch": batch, "seconds": seconds, "prompts_a_second": batch / seconds, "bytes": size,
                "operations": operations, "floor_seconds": floor, "fraction": floor / seconds,
                "copy_fraction": size / copy / seconds, "parts": steps,
            }
        )  # fmt: skip
    return {
        "dtype": str(dtype).removeprefix("torch."), "sizes": {"d": d, "n": n, "L": L}, "copy_bytes_a_second": copy,
        "matmul_operations_a_second": product, "batches": lines,
    }  # fmt: skip


def reason(result: dict[str, Any]) -> str:
    """Where the time of the largest batch goes, in words."""
    line = result["batches"][-1]
    bound = "bytes" if line["copy_fraction"] >= line["fraction"] * 0.999 else "operations"
    shares = sorted(line["parts"].items(), key=lambda item: -item[1])
    told = ", ".join(f"{name} {seconds / line['seconds']:.0%}" for name, seconds in shares)
    return (
        f"{result['dtype']}, batch {line['batch']}: {line['fraction']:.1%} of the roofline, whose limit is the "
        f"{bound}. Of the time that is spent: {told}."
    )


def table(results: Sequence[dict[str, Any]]) -> str:
    """The Markdown table."""
    rows = ["| dtype | batch | ms | prompts/s | of the roofline | of the copy rate |", "|---|---|---|---|---|---|"]
    for result in results:
        rows += [
            f"| {result['dtype']} | {x['batch']} | {1000 * x['seconds']:.3g} | {x['prompts_a_second']:.3g} "
            f"| {x['fraction']:.1%} | {x['copy_fraction']:.1%} |"
            for x in result["batches"]
        ]
    return "\n".join(rows)


def picture(results: Sequence[dict[str, Any]]) -> str:
    """The roofline, and the achieved fraction against the batch size."""
    roofs, fractions = [], []
    for result in results:
        copy, product, name = result["copy_bytes_a_second"], result["matmul_operations_a_second"], result["dtype"]
        points = [(x["operations"] / x["bytes"], x["operations"] / x["seconds"] / 1e9) for x in result["batches"]]
        ridge = product / copy
        roof = [(x, min(copy * x, product) / 1e9) for x in sorted((0.25, ridge, max(64.0, 2 * ridge)))]
        roofs.append(chart.Series(f"{name}: {copy / 1e9:.3g} GB/s, {product / 1e9:.3g} Gop/s", points, roof))
        fractions.append(chart.Series(name, [(x["batch"], 100 * x["fraction"]) for x in result["batches"]]))
    return chart.figure(
        [
            chart.Panel("roofline: dashed the ceilings", "operations a byte", "10^9 operations a second", roofs),
            chart.Panel("how much of it is reached", "prompts in a batch", "per cent of the roofline", fractions),
        ]
    )


def main() -> None:
    """Measure, print the table and the reasons, write the numbers and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or auto for the accelerator where there is one")
    parser.add_argument("--threads", type=int, help="threads of torch; with 1, processor time is taken")
    parser.add_argument("--date", default="", help="the day to write into the result")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", help="folder to write to")
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    results = [measure(dtype, device, arguments.quick) for dtype in DTYPES]
    reasons = [reason(result) for result in results]
    print(table(results), "", *reasons, sep="\n")
    document = {
        **machine.record(arguments.date), "device": str(device), "quick": arguments.quick, "reasons": reasons,
        "results": results,
    }  # fmt: skip
    chart.write(arguments.results / f"roofline-{device.type}.json", json.dumps(document, indent=2) + "\n")
    chart.write(arguments.results / f"roofline-{device.type}.svg", picture(results))


if __name__ == "__main__":
    main()

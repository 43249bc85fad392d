"""Batched layers that attend by a kernel, beside the same layers by hand with scaled_dot_product_attention, in one run.

    python benchmarks/patterns.py [--quick] [--date DAY] [--results FOLDER]

The job is from prompts Z_0 : (T, m, N) to Z_L, pattern included.  By hand: queries and keys are the features, the
values one row made from Z, `torch.nn.functional.scaled_dot_product_attention` in every layer and the shift of rows;
values as they are, (T, n, 1), or repeated to the width of the keys, as the fused kernel wants them: the quicker of the
two counts.  ReLU is no softmax: by hand it is relu(Q K^T) V, the pattern made once.

Every layer of ours is compared with a layer by hand of the same Z, within the bound that follows.  Scores are sums of d
products, so each is off by growth(d) = (1+u)^d - 1 of S, the sum of the products' sizes, on either side; less the
largest, 2 u S more; the exponential, 4 u.  So a weight, its sum and the division apart, is off by a factor e^a at most,
a = 2 (growth(d) + 2 u) S + 4 u, and after them by (1 + growth(n + 4)) e^(2 a).  Then sums of n values, each a sum of up
to four entries with a factor: growth(n + 12).  With r = (1 + growth(2 n + 16)) e^(2 a) - 1 on either side a row differs
by 2 r (|Z| + K |values|), and the shift multiplies that by gamma once rounded.

One thread, processor time, the least of several repetitions, both sides in turn.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import chart
import machine
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from layerproof.numeric.device import precision
from layerproof.numeric.judge.bounds import growth
from layerproof.numeric.patterns.attention import PatternLayer, kernel_pattern, lowered, states_of
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.derive import derive_pattern
from layerproof.symbolic.patterns.layer import layer_of

GAMMA, ALPHA = 0.9, 0.5


def ours(layer: PatternLayer, kernel: str, Z: Tensor, d: int, n: int, L: int, sees: str) -> Tensor:
    """Z_L of the product's layers."""
    with torch.no_grad():
        K = kernel_pattern(kernel, Z[:, :d], n, sees)
        *_, Z = states_of([layer] * L, Z, K)
    return Z


def by_hand(name: str, kernel: str, Z: Tensor, d: int, n: int, L: int, sees: str, wide: bool) -> Tensor:
    """Z_L by hand.  Z : (T, m, N), rows phi, reward, target, current, or phi, residual."""
    with torch.no_grad():
        queries = Z[:, :d].mT.contiguous()
        keys = queries[:, :n].contiguous()
        seen = None
        if sees == "causal":
            seen = torch.ones(n + 1, n, dtype=torch.bool).tril()
        weights = None
        if kernel == "relu":
            weights = (queries @ keys.mT).relu()
            weights = weights if seen is None else weights * seen
        td = name == "softmax-td"
        current = Z[:, -1]
        reward, target = Z[:, d], Z[:, min(d + 1, Z.shape[1] - 1)]
        for _ in range(L):
            values = ((reward + target - current) if td else current)[:, :n, None]
            if weights is not None:
                added = (weights @ values)[..., 0]
            elif wide:
                values = values.expand(-1, -1, d)
                added = scaled_dot_product_attention(queries[:, None], keys[:, None], values[:, None], seen, scale=1.0)
                added = added[:, 0, :, 0]
            else:
                added = scaled_dot_product_attention(queries, keys, values, seen, scale=1.0)[..., 0]
            if td:
                current = current + added
                target = torch.nn.functional.pad(GAMMA * current[:, 1:], (0, 1))
            else:
                current = current - ALPHA / n * added
        rows = [Z[:, :d], reward[:, None], target[:, None], current[:, None]] if td else [Z[:, :d], current[:, None]]
        return torch.cat(rows, dim=1)


def bound(kernel: str, Z: Tensor, d: int, n: int, sees: str) -> Tensor:
    """What one layer of either side may differ by: the docstring's, (T, 1, 1)."""
    target = precision(Z.dtype)
    u = float(target.unit_roundoff)
    X = Z[:, :d].abs().double()
    S = float((X.mT @ X).max())
    a = 2 * (growth(d, target) + 2 * u) * S + 4 * u
    r = (1 + growth(2 * n + 16, target)) * math.exp(2 * a) - 1
    K = kernel_pattern(kernel, Z[:, :d].double(), n, sees).abs()
    if kernel == "relu":  # each weight is off by its own score's error, whatever it is itself
        K, r = X.mT @ X, (1 + growth(2 * n + d + 16, target)) - 1
    values = Z[:, d:].abs().double().sum(dim=1, keepdim=True)
    size = Z.abs().double().amax(dim=(1, 2), keepdim=True) + (values @ K).amax(dim=(1, 2), keepdim=True)
    return 2 * r * size * (1 + 4 * u)


def prepared(name: str, d: int, n: int, batch: int, dtype: torch.dtype, sees: str) -> tuple[PatternLayer, Tensor]:
    """The layer, lowered, and prompts of standard normal numbers at rows that prompts fill: (T, m, N)."""
    algorithm = replace(pattern_catalogue()[name], sees=sees)
    form = derive_pattern(algorithm)
    values = {"gamma": RATIONALS.number(Fraction(9, 10)), "alpha": RATIONALS.number(Fraction(1, 2))}
    layer = layer_of(form, RATIONALS, d, n, None, values)
    made = lowered(layer, dtype, torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    Z = torch.randn(batch, d + (3 if name == "softmax-td" else 1), n + 1, generator=generator, dtype=dtype)
    if name == "softmax-td":
        Z[:, d, n] = 0
        Z[:, d + 1, :n] = GAMMA * Z[:, d + 2, 1:]
        Z[:, d + 1, n] = 0
    return made, Z


def differs(name: str, kernel: str, layer: PatternLayer, Z: Tensor, d: int, n: int, L: int, sees: str) -> float:
    """The largest difference of one layer, in bounds, over L layers of ours: an error where it is above 1."""
    K, worst = kernel_pattern(kernel, Z[:, :d], n, sees), 0.0
    for _ in range(L):
        after = layer(Z, K)
        limit = bound(kernel, Z, d, n, sees)
        for wide in (False, True):
            hand = by_hand(name, kernel, Z, d, n, 1, sees, wide)
            worst = max(worst, float(((after.double() - hand.double()).abs() / limit).max()))
        Z = after
    assert worst <= 1, f"{name}, {kernel}, {sees}: a layer differs by {worst} of its bound"
    return worst


def measure(
    name: str, kernel: str, d: int, n: int, L: int, batch: int, dtype: torch.dtype, sees: str, repeat: int
) -> Any:
    """Times of both sides, in turn, and how near their layers are."""
    layer, Z = prepared(name, d, n, batch, dtype, sees)
    clock = machine.clock()
    jobs: dict[str, Callable[[], Any]] = {
        "layerproof": lambda: ours(layer, kernel, Z, d, n, L, sees),
        "by hand": lambda: by_hand(name, kernel, Z, d, n, L, sees, False),
        "by hand, wide": lambda: by_hand(name, kernel, Z, d, n, L, sees, True),
    }
    near = differs(name, kernel, layer, Z[:8], d, n, min(L, 3), sees)
    times = {job: math.inf for job in jobs}
    for _ in range(repeat):
        for job, run in jobs.items():
            times[job] = min(times[job], machine.least(run, 1, clock))
    hand = min(times["by hand"], times["by hand, wide"])
    return {
        "algorithm": name, "kernel": kernel, "keys": sees, "d": d, "n": n, "L": L, "prompts": batch,
        "dtype": str(dtype).removeprefix("torch."), "seconds": times, "ratio": hand / times["layerproof"],
        "difference in bounds": near,
    }  # fmt: skip


def table(lines: list[dict[str, Any]]) -> str:
    """The Markdown table."""
    rows = ["| layers | keys | dtype | L | layerproof, s | by hand, s | ratio |", "|---|---|---|---|---|---|---|"]
    for x in lines:
        hand = min(x["seconds"]["by hand"], x["seconds"]["by hand, wide"])
        rows.append(
            f"| {x['algorithm']}, {x['kernel']} | {x['keys']} | {x['dtype']} | {x['L']} | "
            f"{x['seconds']['layerproof']:.3g} | {hand:.3g} | {x['ratio']:.2f} |"
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
    d, n, batch, repeat = (2, 5, 3, 1) if quick else (3, 100, 256, 5)
    lines = [
        measure(name, kernel, d, n, L, batch, dtype, sees, repeat)
        for name, kernel in (("softmax-td", "softmax"), ("kernel-gradient-descent", "softmax"), ("softmax-td", "relu"))
        for sees in ("context", "causal")
        for dtype in (torch.float64, torch.float32)
        for L in ((1, 2) if quick else (1, 40))
    ]
    document = {**machine.record(arguments.date), "quick": quick, "results": lines}
    arguments.results.mkdir(parents=True, exist_ok=True)
    chart.write(arguments.results / "patterns-cpu.json", json.dumps(document, indent=2) + "\n")
    print(table(lines))


if __name__ == "__main__":
    main()

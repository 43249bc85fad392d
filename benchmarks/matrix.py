"""The cross-check matrix: every algorithm in every dtype, eager and compiled, in both orders, on each device there is.

    python benchmarks/matrix.py [--quick] [--compile] [--date YYYY-MM-DD] [--json FILE]

Each line is what `layerproof verify --evidence float` says at d = 3, n = 100, with L = 1 and L = 40: the verdicts of
the one-step and the a-priori tier, how tight they are, and the certified distance of the run from the exact iterates.
--compile also runs each through torch.compile (1 to 11 seconds a graph).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch
from machine import record

from layerproof.numeric.device import PRECISIONS, TF32
from layerproof.proofs.case import Case, Settings
from layerproof.proofs.evidence.floats import establish
from layerproof.symbolic.algorithms import catalogue, find


def lines(quick: bool, compiled: bool) -> list[dict[str, Any]]:
    """The results, one entry for each combination."""
    n, depths, trials = (10, (1, 3), 2) if quick else (100, (1, 40), 30)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    dtypes = [*(p.name for p in PRECISIONS.values()), TF32.name]
    result = []
    for name in catalogue():
        for device in devices:
            for dtype in dtypes:
                for layers in depths:
                    for order in ("keys-first", "scores-first"):
                        for graph in (False, True) if compiled else (False,):
                            settings = Settings(
                                context=n, layers=layers, trials=trials, device=device, dtype=dtype, order=order,
                                compiled=graph,
                            )  # fmt: skip
                            print(f"{name} {device} {dtype} L={layers} {order} {graph}", file=sys.stderr)
                            result.append(line(name, settings))
    return result


def line(name: str, settings: Settings) -> dict[str, Any]:
    """One combination."""
    s, claims = settings, list(establish(Case(find(name), settings)))
    first, details = claims[0], claims[0].details
    distance, early = details.get("distance") or {}, details.get("a_priori") or {}
    return {
        "algorithm": name,
        "device": s.device,
        "dtype": s.dtype,
        "layers": s.layers,
        "evaluation": (details.get("environment") or {}).get("evaluation"),
        "one_step": first.verdict.value,
        "error_over_bound": details.get("ratio"),
        "any_run": claims[1].verdict.value if len(claims) > 1 else "NOT_RUN",
        "last_bound": early.get("last_bound"),
        "vacuous_from": early.get("vacuous_from"),
        "distance": distance.get("last_absolute"),
        "relative_distance": distance.get("last_relative"),
    }


def main() -> None:
    """Run every combination and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--compile", action="store_true", help="also through torch.compile")
    parser.add_argument("--date", default="", help="written into the result")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    arguments = parser.parse_args()
    results = lines(arguments.quick, arguments.compile)
    keys = list(results[0])
    print("| " + " | ".join(keys) + " |\n|" + "---|" * len(keys))
    for entry in results:
        cells = (f"{v:.2g}" if isinstance(v, float) else "" if v is None else str(v) for v in entry.values())
        print("| " + " | ".join(cells) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps({**record(arguments.date), "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()

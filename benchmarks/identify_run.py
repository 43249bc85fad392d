"""What identify says of every network of a training run, added to the run's record.

python benchmarks/identify_run.py FOLDER RECORD [--trials N]    (0 trials: of the weights alone)
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from training_run import rounded

import layerproof as lp
from layerproof.numeric.files.placing import place_file
from layerproof.symbolic.strict_json import dumps, loads

BLOCKS = 16
"""Blocks of each network that are kept, the largest."""


def kept(x: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a network's answer."""
    best, function = x["catalogue"][0], x["function"]
    nearest = {key: best[key] for key in ("algorithm", "distance", "shares")}
    kappa = best["discount_factor"]
    if kappa is not None:
        top, _, bottom = kappa.partition("/")
        nearest["discount_factor"] = f"{round(1000 * int(top, 0) / int(bottom or '1', 0))}/1000"
    entry = {
        **{key: x[key] for key in ("name", "match", "algorithm")},
        "catalogue": [{"discount_factor": None, **nearest}],
        "outside_commutant": x["outside_commutant"],
        "blocks": x["blocks"][:BLOCKS],
    }
    if function is not None:
        fit = function["layers"][-1]["fits"][:1]
        entry["function"] = {
            "prompts": function["prompts"],
            "layers": [{"explained": function["layers"][-1]["explained"], "fits": fit}],
            "largest distance": max(function["distances"]),
            "size": function["size"],
        }
    return entry


def main() -> None:
    """Ask, and add the answers to the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--trials", type=int, default=59)
    arguments = parser.parse_args()
    networks = []
    for place in sorted(arguments.folder.glob("seed-*"), key=lambda x: int(x.name.split("-")[1])):
        (answer,) = lp.identify(
            place / "weights.safetensors", trials=max(arguments.trials, 1), function=arguments.trials > 0
        ).networks
        networks.append({**kept(answer.document()), "name": place.name})
        print(place.name, answer.verdict(), flush=True)
    record = loads(arguments.record.read_text())
    record["identify"] = rounded(networks)
    place_file(arguments.record, dumps(record))


if __name__ == "__main__":
    main()

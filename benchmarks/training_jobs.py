"""Training beside the published experiment written as its paper writes it, one network and one prompt at a time."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from layerproof.numeric.training.loop import Trainer
from layerproof.numeric.training.presets import PRESETS
from layerproof.numeric.training.settings import Training

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))  # where the plain loop is, which tests judge by

from plain_training import Plain, learn

BESIDE = "one network, one prompt at a time, as the paper writes it"


def process_seconds(settings: Training, processes: int, seconds: Any) -> float:
    """Seconds of one process of one network, all networks side by side, the measures of a log point included."""
    trainer = Trainer(settings, 0)
    states = trainer.run()
    next(states)  # the first log point has no training behind it

    def job() -> None:
        for _ in range(processes // settings.log):
            next(states)

    return float(seconds(job, 1)) / (processes * settings.width)


def jobs(quick: bool, seconds: Any, entry: Any) -> list[dict[str, Any]]:
    """The lines of the benchmark's table."""
    many = 10 if quick else 40
    main = replace(PRESETS["main"].settings, processes=10**6, **({"seeds": 3, "width": 3} if quick else {}))
    theirs = seconds(lambda: learn(Plain(processes=1, batches=1 if quick else 5), 1), 1) * (5 if quick else 1)
    lines = [
        entry(f"train, main preset, a process of one of {main.width} networks, with measures",
              process_seconds(main, many, seconds), BESIDE, theirs)
    ]  # fmt: skip
    for name, more in (
        ("10 networks", {"seeds": 10, "width": 10}), ("n = 60", {"n": 60}), ("L = 6", {"layers": 6}),
        ("softmax", {"activation": "softmax"}), ("td-lambda", {"algorithm": "td-lambda"}),
    ):  # fmt: skip
        if quick and name != "n = 60":
            continue
        changed = replace(main, **more)
        lines.append(entry(f"train, the same with {name}", process_seconds(changed, 10, seconds)))
    return lines

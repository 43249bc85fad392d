"""How much work a training run asks for between two states that are kept, estimated before anything is drawn.

The units are those of `..limit`, some 0.1 microseconds or 4 bytes each; the factors are measured (docs/robustness.md).
A run as a whole may take hours: it goes on where it was stopped, so what is bounded is what a stop can lose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...numeric.training.loop import BLOCK
from ...numeric.training.measure import LOOKS, TOGETHER
from ...numeric.training.network import DEEP
from ...numeric.training.settings import Training
from ...symbolic.algorithms import find
from ...symbolic.derivation.derive import derive
from .. import limit

GROWS = {"d": 1, "states": 3, "n": 1, "layers": 1, "batches": 1, "windows": 1, "width": 1, "log": 1, "final": 1}
"""The settings that work grows with, and the least of each."""
BYTES = 4
"""Bytes of one unit: 4 GiB are the default limit."""


def check_work(settings: Training, most: int) -> None:
    """Raise `WorkLimitError` where a log interval, the measures and the memory of a group take more than `most`."""
    sizes = {name: limit.Size(getattr(settings, name), least) for name, least in GROWS.items()}
    limit.check(most, sizes, lambda z: dict(_parts(settings, z)), "training")


def _parts(settings: Training, z: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    known = find(settings.algorithm)
    derivation = derive(known)
    heads, masks = len(derivation.heads), len(derivation.masks)
    d, s, n, K = z["d"], z["states"], z["n"], z["width"]
    m = 2 * d + len(known.accumulators)
    interval = min(z["log"], settings.processes) * z["batches"]
    tokens, windows = K * (n + 2 + z["windows"]), K * z["windows"]
    chains = K * max(BLOCK, LOOKS, TOGETHER)
    deep = DEEP[heads > 1]
    carried = max(z["layers"] - deep - 1, 0)
    with_vectors = sum((1 + 2 * heads) ** k for k in range(min(z["layers"] - 1, deep) + 1))
    yield "masks", 40 * masks * n * n
    yield "drawing trajectories", interval * tokens * (10 + 5 * s // 2)
    if settings.activation == "linear":
        layers = m * m * with_vectors // 10 + heads * carried * m**3 // 15
        kept = m * m * (4 + with_vectors // 4 + 4 * carried)
    else:
        layers = z["layers"] * (300 + (n + 1) * (n + 1 + m) * m // 60)
        kept = 2 * z["layers"] * (n + 1) * (n + 1 + 4 * m)
    yield "steps of the optimiser", interval * windows * layers
    yield "the measures", K * (z["final"] + 2 * LOOKS) * (s**3 // 30 + (s + d) * layers)
    yield "memory for the windows", 4 * K * (z["batches"] * m * m + kept) * z["windows"] // BYTES
    yield "memory for trajectories", BLOCK * z["batches"] * tokens * (16 * d + 12 * m) // BYTES
    yield "memory for processes", 32 * chains * s * s // BYTES
    yield "memory for masks", 140 * masks * n * n // BYTES

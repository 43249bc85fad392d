"""What evidence about an algorithm that attends by patterns takes, estimated before any of it runs."""

from __future__ import annotations

from collections.abc import Mapping

from ...symbolic.patterns.record import PatternAlgorithm
from .. import limit
from ..case import Settings
from .trials import EXACT_PATTERNS


def check_pattern_work(algorithm: PatternAlgorithm, s: Settings, asked: tuple[str, ...]) -> None:
    """Raise `WorkLimitError` when what is asked for would take more than the stated limit."""
    sizes = {name: limit.Size(x) for name, x in _work_sizes(s).items()}
    limit.check(s.max_work, sizes, lambda z: _estimate(algorithm, z, asked))


def pattern_work_of(algorithm: PatternAlgorithm, s: Settings, asked: tuple[str, ...]) -> int:
    """The units of all parts together: where it stands among what takes longest."""
    return sum(_estimate(algorithm, _work_sizes(s), asked).values())


def _work_sizes(s: Settings) -> dict[str, int]:
    names = ("features", "context", "layers", "trials", "exact_trials")
    d, n = entrywise_sizes(s)
    return {name: getattr(s, name) for name in names} | {"entrywise_features": d, "entrywise_context": n}


def _estimate(algorithm: PatternAlgorithm, z: Mapping[str, int], asked: tuple[str, ...]) -> dict[str, int]:
    N, L = z["context"] + 1, z["layers"]
    m = sum(1 if row.scalar else z["features"] for row in algorithm.rows)
    # Where tokens cannot share a loop each runs its own; a layer's numbers grow with every layer.
    loop = (N * N if algorithm.sees == "causal" else N) * 150
    layers = L * (loop + N * m * 100 + N * N * (m + 40)) + L * L * N * m * 20
    layers += 60 * L * z["features"] ** 2  # preconditioners, drawn and placed
    parts = {"identity-exact": max(z["exact_trials"], len(EXACT_PATTERNS) * bool(algorithm.kernels)) * layers}
    parts["identity-random"] = L * (loop + N * N * m)
    parts["float"] = min(z["trials"] * L, 1000) * (N * N * (m + 25) + N * m * 100) + z["trials"] * L * N * N
    parts["identity-entrywise"] = 5 * z["entrywise_context"] ** 3 * z["entrywise_features"] ** 4
    return {name: work for name, work in parts.items() if name in asked}


def entrywise_sizes(s: Settings) -> tuple[int, int]:
    """d and n of the entrywise identity: those given, else small ones."""
    return s.entrywise_features or min(s.features, 2), s.entrywise_context or min(s.context, 3)

"""What patterns are made from: kernels of the scores x_j . x_t, as exact numbers where they are ones.

A kernel stands between the scores and the mask, K = kappa(S), so that a key under the mask counts for nothing; a
softmax is taken over the keys of each query, and over the tokens of the context alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction

Scores = list[list[Fraction]]
EXACT: dict[str, Callable[[Fraction], Fraction]] = {
    "linear": lambda s: s,
    "polynomial": lambda s: (1 + s) ** 2,
    "relu": lambda s: max(s, Fraction(0)),
}
"""Kernels that are rational at rational scores."""
TRANSCENDENTAL = ("exponential", "softmax")
"""Kernels that are not: over the rationals, matrices of random rationals stand for them."""
KERNELS = (*EXACT, *TRANSCENDENTAL)


def scores(features: Sequence[Sequence[Fraction]]) -> Scores:
    """x_j . x_t for every two tokens : (N, N)."""
    return [[sum((a * b for a, b in zip(x, y, strict=True)), Fraction(0)) for y in features] for x in features]


def exact_pattern(kernel: str, features: Sequence[Sequence[Fraction]]) -> Scores:
    """K (N, N) of a kernel in `EXACT`, from each token's features."""
    return [[EXACT[kernel](s) for s in row] for row in scores(features)]


def random_pattern(N: int, seed: int) -> Scores:
    """K (N, N) with rational entries of no structure at all, in [-1, 1] / N."""
    rng = random.Random(f"layerproof pattern {seed}")
    return [[Fraction(rng.randint(-1024, 1024), 1024 * N) for _ in range(N)] for _ in range(N)]

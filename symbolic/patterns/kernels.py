"""What patterns are made from: kernels of the scores x_j . x_t, as exact numbers where they are ones.

A kernel stands between the scores and the mask, K = kappa(S) o mu, so that a key under the mask counts for nothing; a
softmax is taken over the keys of each query that the mask lets through.  `softmax-over-queries` is the other axis, as
published code has it: the weights of each key, over the tokens that it is a key of, sum to one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

Scores = list[list[Fraction]]
EXACT: dict[str, Callable[[Fraction], Fraction]] = {
    "linear": lambda s: s,
    "polynomial": lambda s: (1 + s) ** 2,
    "relu": lambda s: max(s, Fraction(0)),
}
"""Kernels that are rational at rational scores."""
TRANSCENDENTAL = ("exponential", "softmax", "softmax-over-queries")
"""Kernels that are not: over the rationals, matrices of random rationals stand for them."""
KERNELS = (*EXACT, *TRANSCENDENTAL)


def scores(features: Sequence[Sequence[Fraction]]) -> Scores:
    """x_j . x_t for every two tokens : (N, N)."""
    from ..arithmetics.rational import RationalMatrix  # FLINT, which the process of a user's file does without

    X = RationalMatrix.of(features)
    products: Scores = (X @ X.mT).fractions()
    return products


def exact_pattern(kernel: str, features: Sequence[Sequence[Fraction]]) -> Scores:
    """K (N, N) of a kernel in `EXACT`, from each token's features."""
    return [[EXACT[kernel](s) for s in row] for row in scores(features)]


def masked_pattern(
    kernel: str, features: Sequence[Sequence[Fraction]], seen: Sequence[int], exp: Any, mask_first: bool = False
) -> list[list[Any]]:
    """K (N, N) of any kernel under a mask: zero where the key is none of the first `seen[t]` tokens.

    exp        : a rational -> its exponential, in whatever numbers
    mask_first : the mask is applied to the scores instead, and every token is a key
    """
    S, N = scores(features), len(features)
    if mask_first:
        S = [[s if j < seen[t] else Fraction(0) for t, s in enumerate(row)] for j, row in enumerate(S)]
        seen = [N] * N
    if kernel in EXACT:
        K: list[list[Any]] = [[EXACT[kernel](s) for s in row] for row in S]
    else:
        K = [[exp(s) for s in row] for row in S]
    K = [[x if j < seen[t] else 0 for t, x in enumerate(row)] for j, row in enumerate(K)]
    if kernel == "softmax":
        sums = [sum(row[t] for row in K) for t in range(N)]
        return [[x / sums[t] if j < seen[t] else 0 for t, x in enumerate(row)] for j, row in enumerate(K)]
    if kernel == "softmax-over-queries":
        totals = [sum(row) for row in K]
        return [[x / totals[j] if j < seen[t] else 0 for t, x in enumerate(row)] for j, row in enumerate(K)]
    return K


def random_pattern(N: int, seed: int) -> Scores:
    """K (N, N) with rational entries of no structure at all, in [-1, 1] / N."""
    rng = random.Random(f"layerproof pattern {seed}")
    return [[Fraction(rng.randint(-1024, 1024), 1024 * N) for _ in range(N)] for _ in range(N)]

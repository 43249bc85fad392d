"""Heads whose values and keys are feature rows, over a constant row above all: a matrix on the accumulator rows.

With W P = [[0, 0], [U, 0]] and Q = [[0, E], [0, 0]] a head adds (1/n) (U X M X^T E) Y to the accumulator rows: K Y,
where K is one matrix for each prompt and stored layer, since feature rows never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Mixing:
    """One such head in float64: the number of its mask, U : (K, p) and E : (p, K).

    exact       U and E correctly rounded
    absolute    |W||P| and |E|
    structural  the same with max(1, |f|) for each non-zero factor f
    """

    mask: int
    exact: tuple[np.ndarray, np.ndarray]
    absolute: tuple[np.ndarray, np.ndarray]
    structural: tuple[np.ndarray, np.ndarray]


def mixed(layers: Sequence[Sequence[Mixing]], kind: str, gram: np.ndarray, K: int, scale: float) -> np.ndarray:
    """scale * sum over a layer's heads of U (X M X^T) E: (T, stored layers, K, K).

    kind : which of a head's U and E; gram : (T, p, masks * p), X M X^T for every mask
    """
    p, result = gram.shape[1], np.zeros((len(gram), len(layers), K, K))
    for number, heads in enumerate(layers):
        for h in heads:
            U, E = getattr(h, kind)
            result[:, number] += U @ gram[:, :, p * h.mask : p * (h.mask + 1)] @ E
    return result * scale

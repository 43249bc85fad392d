"""Numbers for each layer, row and token of some prompts as products of two matrices, which are many times smaller."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Factored:
    """left times right, (T, L, K, N), of numbers that are not negative.

    left : (T, L, r);  right : (T, K, r, N)
    """

    left: np.ndarray
    right: np.ndarray

    def __getitem__(self, some: slice) -> Factored:
        return Factored(self.left[some], self.right[some])

    def most(self) -> np.ndarray:
        """At least the largest number of each layer, but for rounding: (T, L)."""
        tallest = self.right.max(axis=(1, 3), initial=0)
        return np.asarray((self.left @ tallest[..., None])[..., 0])

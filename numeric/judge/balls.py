"""Matrices of balls, by Arb: each entry is an interval that holds the exact number, at so many bits.

What grows in exact arithmetic by some bits a layer stays as long as it was, and what that has cost is part of the
answer: no bound has to be proved beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb, arb_mat

from ...symbolic.arithmetics.rational import RationalMatrix

OUTWARD = 1 + 2.0**-50


class Balls:
    """A matrix of balls; supports `@`, `+`, `-`, `*` by a number and `.mT`, as a layer asks.

    Every operation rounds to the bits that FLINT's context has when it runs (`ctx.workprec`).
    """

    __slots__ = ("mat",)

    def __init__(self, mat: Any):
        self.mat = mat

    @staticmethod
    def of(matrix: RationalMatrix) -> Balls:
        """A matrix over Q."""
        return Balls(arb_mat(matrix.num) / matrix.den)

    @property
    def mT(self) -> Balls:
        return Balls(self.mat.transpose())

    def __matmul__(self, other: Balls) -> Balls:
        return Balls(self.mat * other.mat)

    def __add__(self, other: Balls) -> Balls:
        return Balls(self.mat + other.mat)

    def __sub__(self, other: Balls) -> Balls:
        return Balls(self.mat - other.mat)

    def __mul__(self, scalar: arb) -> Balls:
        return Balls(self.mat * scalar)

    def lowest_terms(self) -> Balls:
        """Itself: balls have no denominators."""
        return self

    def middles(self) -> np.ndarray:
        """The middles of the balls in float64, (rows, columns)."""
        values = [float(x) for x in self.mat.entries()]
        return np.array(values).reshape(self.mat.nrows(), self.mat.ncols())

    def radius(self, ones: Balls) -> float:
        """At least every radius; ones : (columns, 1).

        The sum of a row's balls holds every sum of their points, so that its radius is at least the sum of theirs.
        """
        sums = (self.mat * ones.mat).entries()
        if all(x.is_exact() for x in sums):
            return 0.0
        return max(float(x.rad()) for x in sums) * OUTWARD + 2.0**-1073  # what float may have made zero

"""Matrices of balls, by Arb: each entry is an interval that holds the exact number, at so many bits.

What grows in exact arithmetic by some bits a layer stays as long as it was, and what that has cost is part of the
answer: no bound has to be proved beside it.
"""

from __future__ import annotations

from functools import cache
from math import inf, nextafter
from typing import Any

import numpy as np
from flint import arb, arb_mat, ctx

from ...symbolic.arithmetics.rational import RationalMatrix

OUTWARD = 1 + 2.0**-50
NEAR = 2.0**-40
"""What balls narrower than this share of the largest entry leave open of which entry it is."""


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

    @staticmethod
    def of_floats(values: np.ndarray) -> Balls:
        """Finite floats (rows, columns), exactly."""
        return Balls(arb_mat(*values.shape, values.reshape(-1).tolist()))

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

    def largest(self) -> float | None:
        """The largest |entry|, rounded up to float64; None where that is more than one float, for all the balls say."""
        entries, sizes = self.mat.entries(), np.abs(self.middles())
        top = sizes.max(initial=0)
        if not 2.0**-1000 < top < inf:
            return 0.0 if all(x == 0 for x in entries) else None
        if not self.radius() <= NEAR * top:
            return None
        near = [abs(entries[i]) for i in np.flatnonzero(sizes >= top * (1 - 4 * NEAR)).tolist()]
        with ctx.workprec(53):  # in which ends are rounded outwards
            most = max(float(x.upper()) for x in near)
        below = arb(nextafter(most, 0.0))
        return most if any(x > below for x in near) else None

    def radius(self) -> float:
        """At least every radius.

        The sum of a row's balls holds every sum of their points, so that its radius is at least the sum of theirs.
        """
        sums = (self.mat * _ones(self.mat.ncols())).entries()
        if all(x.is_exact() for x in sums):
            return 0.0
        return max(float(x.rad()) for x in sums) * OUTWARD + 2.0**-1073  # what float may have made zero


@cache
def _ones(columns: int) -> arb_mat:
    """(columns, 1)."""
    return arb_mat(columns, 1, [1] * columns)

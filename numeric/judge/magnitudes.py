"""How far one update of the textbook loop in float64 may be from the exact update: magnitudes and counts of roundings.

The update runs once more, on `Magnitude`s: every number by the sum of the absolute values of the elementary products
that make it up, with the most roundings that any of them meets.  Subtraction adds, so that nothing cancels, and with
S the magnitude of a result and k, m its counts
    |computed - exact| <= ((1+u)^k (1+v)^m - 1) S + underflow:
k roundings to float64 and m to the format that the prompt was lowered to, by the induction of `bounds.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..device import Precision
from ..reference import inner
from .carried import OUTWARD
from .exact_floats import up


@dataclass(frozen=True, eq=False)
class Magnitude:
    """Sums of absolute elementary products (d, ...) or (1, ...), with the most roundings in any of them.

    Each number of a prompt is an elementary product that met one rounding of each kind: the prompt may hold it, or
    its product with a parameter, rounded once to float64 and once to the prompt's own format.  A parameter met one,
    when it was rounded to float64.
    """

    values: np.ndarray
    rounded: int = 0
    lowered: int = 0

    @staticmethod
    def of_prompt(values: np.ndarray, least: float) -> Magnitude:
        """Numbers of a prompt.

        least : what a format loses to underflow over its unit roundoff; with it added, a rounding that underflows is
                off by no more than the unit roundoff too
        """
        return Magnitude(np.abs(values) + least, 1, 1)

    @staticmethod
    def of_parameter(value: float) -> Magnitude:
        """A rational parameter, rounded to float64."""
        return Magnitude(np.array(abs(value)), 1)

    def growth(self, double: Precision, lowered_to: Precision) -> float:
        """(1+u)^k (1+v)^m - 1, rounded up."""
        return _growth(self.rounded, self.lowered, double, lowered_to)

    def __add__(self, other: Any) -> Magnitude:
        o = _magnitude(other)
        rounded = max(self.rounded, o.rounded) + 1
        return Magnitude(self.values + o.values, rounded, max(self.lowered, o.lowered))

    __radd__ = __sub__ = __rsub__ = __add__

    def __neg__(self) -> Magnitude:
        return self

    def __mul__(self, other: Any) -> Magnitude:
        o = _magnitude(other)
        return Magnitude(self.values * o.values, self.rounded + o.rounded + 1, self.lowered + o.lowered)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Magnitude:
        o = _magnitude(other)
        if o.lowered or o.rounded > 1:
            raise TypeError("an update divides by a sum or a product: the magnitude of its quotient is not known")
        # 1 / (1 - u) is more than 1 + u, and less than its square.
        return Magnitude(self.values / o.values, self.rounded + 2 * o.rounded + 1, self.lowered)

    def __rtruediv__(self, other: Any) -> Magnitude:
        return _magnitude(other) / self

    def __matmul__(self, other: Magnitude) -> Magnitude:
        total = inner(self.values, other.values)
        rounded = self.rounded + other.rounded + len(self.values)
        return Magnitude(total, rounded, self.lowered + other.lowered)


@lru_cache
def _growth(rounded: int, lowered: int, double: Precision, lowered_to: Precision) -> float:
    exact = (1 + double.unit_roundoff) ** rounded * (1 + lowered_to.unit_roundoff) ** lowered - 1
    return up(exact) * OUTWARD


@dataclass(frozen=True, eq=False)
class StepMagnitude:
    """The preconditioners of several updates in absolute values, (d, d, updates), rounded to float64."""

    values: np.ndarray

    def __matmul__(self, other: Magnitude) -> Magnitude:
        rounded = other.rounded + 1 + len(self.values)
        return Magnitude(np.add.reduce(self.values[:, :, None] * other.values, axis=1), rounded, other.lowered)

    @property
    def mT(self) -> StepMagnitude:
        return StepMagnitude(self.values.transpose(1, 0, 2))

    T = mT


def _magnitude(value: Any) -> Magnitude:
    if isinstance(value, Magnitude):
        return value
    # An integer is exact; any other number is rounded to float64.
    return Magnitude(np.array(abs(float(value))), 0 if isinstance(value, int) else 1)

"""The Jacobian of the outer update at a point, for one layer: exact, by differences.

With one layer the prediction is of degree at most 1 in each single trained entry, so the update, an error times a
gradient, is of degree at most 2 in it, and a central difference of any width is the derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import fmpq_mat

from ..arithmetics.arithmetic import RATIONALS
from ..convergence.rationals import matrix
from ..exact import as_fraction
from .samples import Outer, Trajectory
from .update import sample_update
from .weights import Point, WeightSpace


def jacobian(space: WeightSpace, point: Point, samples: Sequence[Trajectory], outer: Outer) -> fmpq_mat:
    """du_i / dtheta_k : (N, N), of the mean update over the samples, N the number of trained entries.

    samples : of numbers of the rationals' arithmetic;  `ValueError` for more than one layer
    """
    if space.depth != 1:
        raise ValueError("differences are derivatives for one layer only")

    def update(k: int, step: int) -> list[Fraction]:
        there = [*point[:k], point[k] + step, *point[k + 1 :]]
        updates = [sample_update(space, there, sample, outer, RATIONALS).update for sample in samples]
        return [sum(map(as_fraction, x), Fraction(0)) for x in zip(*updates, strict=True)]

    width = 2 * len(samples)
    columns = [[(a - b) / width for a, b in zip(update(k, 1), update(k, -1), strict=True)] for k in range(space.size)]
    return matrix(columns).transpose()

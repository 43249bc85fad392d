"""What a limit is, by name: equations in the prompt's own numbers, which never see the iteration, put to the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate

from ..prompt import Context
from .rationals import matrix

Vector = Sequence[Fraction]


def names(context: Context, weights: Mapping[str, Vector], gamma: Fraction | None, decay: Fraction | None) -> list[str]:
    """The names that the limit deserves, each an equation that holds exactly; the first is the most telling.

    weights : the limit, by name; the first vector is w, and a second one of length 1 the reward rate
    gamma   : the discount; None for average reward;  decay : of the trace, where there is one
    """
    w, *others = weights.values()
    rewards = list(context.rewards)
    equations = []
    if gamma is None:
        rate = others[0][0] if others and len(others[0]) == 1 else None
        errors = [r - (rate if rate is not None else m) - _gap(w, phi, after, Fraction(1))
                  for r, m, phi, after in zip(rewards, _prefix_means(rewards), context.features, context.next_features,
                                              strict=True)]  # fmt: skip
        if _vanishes(errors, context.features):
            mean = "the learned reward rate" if rate is not None else "the prefix means of the rewards"
            equations.append(f"average-reward LSTD: sum_j delta_j phi_j = 0 with {mean}")
        return equations
    errors = [r - _gap(w, phi, after, gamma)
              for r, phi, after in zip(rewards, context.features, context.next_features, strict=True)]  # fmt: skip
    residuals = [r - _dot(w, phi) for r, phi in zip(rewards, context.features, strict=True)]
    moved = [[a - gamma * b for a, b in zip(phi, after, strict=True)]
             for phi, after in zip(context.features, context.next_features, strict=True)]  # fmt: skip
    if decay is not None and _vanishes(errors, _traces(context.features, decay)):
        equations.append(f"LSTD(lambda): sum_j delta_j e_j = 0 with traces that decay by {decay}")
    if _vanishes(residuals, context.features):
        equations.append("least squares: sum_j (y_j - w.x_j) x_j = 0" + (_least_norm(w, context.features)))
    if gamma and _vanishes(errors, context.features):
        equations.append("LSTD: sum_j delta_j phi_j = 0")
    if gamma and _vanishes(errors, moved):
        least = _least_norm(w, moved)
        equations.append(f"least mean squared TD error: sum_j delta_j (phi_j - gamma phi'_j) = 0{least}")
    if not any(errors):
        equations.append("every error of the prompt is zero")
    return equations


def _gap(w: Vector, phi: Vector, after: Vector, gamma: Fraction) -> Fraction:
    return _dot(w, phi) - gamma * _dot(w, after)


def _dot(u: Vector, v: Vector) -> Fraction:
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def _vanishes(errors: Sequence[Fraction], vectors: Sequence[Vector]) -> bool:
    """Whether sum_j errors_j vectors_j = 0."""
    return all(not _dot(errors, entries) for entries in zip(*vectors, strict=True))


def _prefix_means(rewards: Sequence[Fraction]) -> list[Fraction]:
    return [total / j for j, total in enumerate(accumulate(rewards), 1)]


def _traces(features: Sequence[Vector], decay: Fraction) -> list[list[Fraction]]:
    result, e = [], [Fraction(0)] * len(features[0])
    for phi in features:
        e = [decay * x + y for x, y in zip(e, phi, strict=True)]
        result.append(e)
    return result


def _least_norm(w: Vector, vectors: Sequence[Vector]) -> str:
    """Whether w is the shortest of several solutions: it is in the span of the vectors, which is not everything."""
    rank = matrix(vectors).rank()
    return ", of minimum norm" if rank < len(w) and matrix([*vectors, w]).rank() == rank else ""

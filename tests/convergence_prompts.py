"""Prompts whose iterations are known by hand, and iterations made from matrices, for the tests of convergence."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from layerproof.symbolic.algorithms import find
from layerproof.symbolic.convergence.iteration import Iteration, iteration
from layerproof.symbolic.convergence.rationals import column, matrix, row
from layerproof.symbolic.prompt import Context

VALUES = {"gamma": Fraction(9, 10), "lam": Fraction(1, 2)}
ONE_HOT = [[int(i == j) for j in range(3)] for i in range(3)]
EXPANDING = Context.of([[1]], [[2]], [1], [1])
"""phi = 1, phi' = 2: with gamma = 9/10 TD(0) diverges for every step."""
CYCLE = Context.of(ONE_HOT, [ONE_HOT[1], ONE_HOT[2], ONE_HOT[0]], [0, 0, 1], [1, 0, 0])
"""The closed tabular trajectory 0 -> 1 -> 2 -> 0."""
TWO = Context.of([[1, 0], [0, 1]], [[0, 1], [1, 0]], [1, 0], [1, 0])
"""Two states that follow each other, reward 1 in the first: v = (1, gamma) / (1 - gamma^2)."""
WINDOW = Context.of([[0, -2], [-1, -3]], [[-3, -3], [-2, 2]], [1, 2], [1, 1])
"""GTD2 with beta = 1/2 is stable at alpha = 1/10, and not at 2/25 or 3/25."""


def scaled(d: int, *steps: Any) -> tuple[Any, ...]:
    """The preconditioners step I, one for each."""
    return tuple([[s if i == j else Fraction(0) for j in range(d)] for i in range(d)] for s in steps)


def of(name: str, context: Context, alpha: Fraction | int = 1, start: Any = None, **values: Fraction) -> Iteration:
    """The iteration of a catalogue algorithm with all its steps alpha."""
    algorithm, a = find(name), Fraction(alpha)
    step = tuple(
        a if p in algorithm.scalar_preconditioners else scaled(context.d, a)[0] for p in algorithm.preconditioners
    )
    return iteration(algorithm, context, [step], algorithm.values({**VALUES, **values}), algorithm.choose(None), start)


def raw(
    T: Sequence[Sequence[Any]], c: Sequence[Any], read: Sequence[Any] | None = None, start: Sequence[Any] | None = None
) -> Iteration:
    """The iteration w <- T w + c."""
    n = len(c)
    A, b = matrix(T), column(c)
    return Iteration(A, b, column(start or [0] * n), row(read or [1] * n), (("w", n),), ((A, b),))

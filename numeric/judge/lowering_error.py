"""What rounding weights and prompts does, apart from what arithmetic does: two exact runs and the float run.

Three values exist: of the rational objects (1/3, lambda^k, gamma phi'), of the lowered tensors in exact arithmetic,
and what the module returned.  The lowering error is between the first two, the arithmetic error between the last two.
Both are exact, rounded up once: computed in balls (`balls.py`), and over Q where these leave the last bit open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx
from torch import Tensor

from ...symbolic.arithmetics.rational import Rational, RationalMatrix
from ...symbolic.attention import Head, iterate
from ...symbolic.construction import Construction
from ...symbolic.identity.exact import Problem
from ..lower import Lowered
from .balls import Balls
from .exact_floats import dyadic_matrix, up

PROMPTS = 2
"""The prompts on which both errors are told apart: it takes exact arithmetic with long numbers."""
BITS = 160
"""Of the balls, and one more for each layer: three times float64's, of which the first and the layers take some."""
LAYERS_FOR_BALLS = 20
"""From so many layers on, numbers over Q are longer than balls."""


@dataclass(frozen=True)
class SplitError:
    """The largest absolute errors over rows and columns of `prompts` prompts, for each state 0, ..., L, rounded up."""

    prompts: int
    lowering: tuple[float, ...]
    arithmetic: tuple[float, ...]


def lowered_construction(construction: Construction, lowered: Lowered) -> Construction:
    """The construction whose rationals are the lowered tensors; they must be finite."""
    known: dict[int, RationalMatrix] = {}

    def exact(original: Any, tensor: Tensor) -> RationalMatrix:
        # Matrices that were one object stay one: masks are told apart by identity.
        if id(original) not in known:
            known[id(original)] = dyadic_matrix(tensor.double().cpu().numpy())
        return known[id(original)]

    layers = tuple(
        tuple(
            Head(*(exact(getattr(head, name), tensors[name]) for name in ("W", "P", "Q", "M")))
            for head, tensors in zip(heads, stored, strict=True)
        )
        for heads, stored in zip(construction.layers, lowered.layers, strict=True)
    )
    return replace(construction, layers=layers)


@dataclass(frozen=True, eq=False)
class _Run:
    """Exact layers from a prompt, X : (p, N) and Y : (K, N) over Q, with the factor of a layer's change."""

    construction: Construction
    X: RationalMatrix
    Y: RationalMatrix
    scale: Fraction

    def states(self, form: Callable[[RationalMatrix], Any], scale: Callable[[Fraction], Any]) -> Iterator[Any]:
        """The accumulator rows after 0, ..., L layers; form, scale : matrices and numbers in the arithmetic to use."""
        split, known = self.construction.row_heads(), dict[int, Any]()
        assert split is not None

        def formed(matrix: RationalMatrix) -> Any:
            if id(matrix) not in known:
                known[id(matrix)] = form(matrix)
            return known[id(matrix)]

        layers = [[replace(h, U=formed(h.U), E=formed(h.E), M=formed(h.M)) for h in heads] for heads in split]
        X, Y = form(self.X), form(self.Y)
        yield Y
        yield from iterate(
            X, Y, layers * self.construction.depth if self.construction.looped else layers, scale(self.scale)
        )


def _over_Q(meant: _Run, stored: _Run, rows: np.ndarray) -> list[tuple[float, float]]:
    """Both errors of every state; rows : (L+1, K, N), what came back."""
    each = zip(*(run.states(lambda matrix: matrix, Rational.of) for run in (meant, stored)), rows, strict=True)
    return [(_largest(left, right), _largest(right, dyadic_matrix(Y))) for left, right, Y in each]


def _largest(left: RationalMatrix, right: RationalMatrix) -> float:
    """The largest |left - right| over entries, rounded up."""
    gap = left - right
    entries = gap.num.entries()
    return up(Fraction(int(max(max(entries), -min(entries))), int(gap.den))) if entries else 0.0


def _in_balls(meant: _Run, stored: _Run, rows: np.ndarray) -> list[tuple[float, float]] | None:
    """The same, to the last bit, from runs held in balls; None where these leave it open, as where nothing is lost."""
    found = []
    with ctx.workprec(BITS + len(rows)):
        both = (run.states(Balls.of, lambda x: arb(x.numerator) / x.denominator) for run in (meant, stored))
        for left, right, Y in zip(*both, rows, strict=True):
            lost, rounded = (left - right).largest(), (right - Balls.of_floats(Y)).largest()
            if lost is None or rounded is None:
                return None
            found.append((lost, rounded))
    return found


def split_error(
    construction: Construction, lowered: Lowered, setups: Sequence[Problem], X: np.ndarray, Y: np.ndarray
) -> SplitError:
    """Tell lowering from arithmetic on the first `PROMPTS` prompts.

    X, Y : (T, p, N) and (T, L+1, K, N), feature and accumulator rows as the module returned them, finite
    """
    n, used = construction.layout.n, min(PROMPTS, len(setups))
    weights, each = lowered_construction(construction, lowered), []
    for trial, setup in enumerate(setups[:used]):
        rows = Y[trial]
        meant = _Run(construction, setup.X, setup.row_matrix(setup.start), Fraction(1, n))
        stored = _Run(weights, dyadic_matrix(X[trial]), dyadic_matrix(rows[0]), Fraction(lowered.scale))
        balls = _in_balls(meant, stored, rows) if construction.depth >= LAYERS_FOR_BALLS else None
        each.append(balls or _over_Q(meant, stored, rows))
    lowering, arithmetic = np.array(each).max(axis=0).T.tolist()
    return SplitError(used, tuple(lowering), tuple(arithmetic))

"""What rounding weights and prompts does, apart from what arithmetic does: two exact runs and the float run.

Three values exist: of the rational objects (1/3, lambda^k, gamma phi'), of the lowered tensors in exact arithmetic,
and what the module returned.  The lowering error is between the first two, the arithmetic error between the last two.
Both are computed over Q.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from torch import Tensor

from ...symbolic.arithmetics.rational import Rational, RationalMatrix
from ...symbolic.attention import Head, iterate
from ...symbolic.construction import Construction
from ...symbolic.identity.exact import Problem
from ..lower import Lowered
from .exact_floats import dyadic_matrix, up

PROMPTS = 2
"""The prompts on which both errors are told apart: it takes exact arithmetic with long numbers."""


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


def _states(construction: Construction, X: Any, Y: Any, scale: Fraction) -> Iterator[Any]:
    split = construction.row_heads()
    assert split is not None
    layers = (split[0 if construction.looped else number] for number in range(construction.depth))
    yield Y
    yield from iterate(X, Y, layers, Rational.of(scale))


def _largest(left: Any, right: Any) -> float:
    """The largest |left - right| over entries, rounded up."""
    gap = left - right
    entries = gap.num.entries()
    return up(Fraction(int(max(max(entries), -min(entries))), int(gap.den))) if entries else 0.0


def split_error(
    construction: Construction, lowered: Lowered, setups: Sequence[Problem], states: np.ndarray
) -> SplitError:
    """Tell lowering from arithmetic on the first `PROMPTS` prompts.

    states : (L+1, T, m, N), what the module returned for the lowered prompts, finite
    """
    p, n = construction.layout.p, construction.layout.n
    weights = lowered_construction(construction, lowered)
    lowering, arithmetic = ([0.0] * (construction.depth + 1) for _ in range(2))
    used = min(PROMPTS, len(setups))
    for trial, setup in enumerate(setups[:used]):
        Z = states[0, trial]
        meant = _states(construction, setup.X, setup.row_matrix(setup.start), Fraction(1, n))
        stored = _states(weights, dyadic_matrix(Z[:p]), dyadic_matrix(Z[p:]), Fraction(lowered.scale))
        for layer, (left, right) in enumerate(zip(meant, stored, strict=True)):
            lowering[layer] = max(lowering[layer], _largest(left, right))
            arithmetic[layer] = max(arithmetic[layer], _largest(right, dyadic_matrix(states[layer, trial, p:])))
    return SplitError(used, tuple(lowering), tuple(arithmetic))

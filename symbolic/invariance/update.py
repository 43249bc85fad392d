"""The outer update of the weights on one sample, and its average over a group of symmetries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..arithmetics.arithmetic import Arithmetic
from ..attention import Head
from ..errors import ArgumentError
from ..identity.exact import Problem
from .gradient import gradients, of_stored, read_out, states
from .samples import Outer, Trajectory, prompts
from .symmetry import Square, SymmetryGroup
from .weights import WeightSpace


@dataclass(frozen=True, eq=False)
class SampleUpdate:
    """One sample's update: predictions, the outer error delta, and the flat update u, one number a trained entry."""

    prediction: Any
    following: Any
    delta: Any
    update: list[Any]


def prompt_matrix(setup: Problem) -> Any:
    """Z of a prompt, (m, n+1), in the prompt's arithmetic; plain zeros stay plain."""
    height, width = setup.X.shape
    at = setup.arithmetic.at
    X = [[at(setup.X, i, j) for j in range(width)] for i in range(height)]
    return setup.arithmetic.matrix([*X, *setup.rows(setup.start)])


def seeds(space: WeightSpace, arithmetic: Arithmetic) -> tuple[Any, Any, Any]:
    """The read-out's signed row (1, m), the query's column (n+1, 1), and their product (m, n+1)."""
    m, n = space.layout.m, space.layout.n
    row, sign = space.layout.accumulator(space.readout.row), arithmetic.number(space.readout.sign)
    one = arithmetic.number(1)
    return (
        arithmetic.matrix([[sign if i == row else 0 for i in range(m)]]),
        arithmetic.matrix([[one if j == n else 0] for j in range(n + 1)]),
        arithmetic.matrix([[sign if (i, j) == (row, n) else 0 for j in range(n + 1)] for i in range(m)]),
    )


def predict(space: WeightSpace, layers: Sequence[Sequence[Head]], setup: Problem) -> tuple[Any, list[Any]]:
    """The prediction f(Z), and the states that the layers read, Z_0, ..., Z_{L-1}."""
    arithmetic = setup.arithmetic
    row, column, _ = seeds(space, arithmetic)
    scale = arithmetic.number(Fraction(1, space.layout.n))
    before = states(prompt_matrix(setup), layers[:-1], scale)
    return arithmetic.at(read_out(before[-1], layers[-1], scale, row, column), 0, 0), before


def gradient(
    space: WeightSpace, layers: Sequence[Sequence[Head]], before: Sequence[Any], arithmetic: Arithmetic
) -> list[Any]:
    """The gradient of the prediction at every trained entry, flat; a looped transformer's is summed over its layers."""
    scale = arithmetic.number(Fraction(1, space.layout.n))
    of_layers = gradients(before, layers, scale, seeds(space, arithmetic)[2])
    m, several = space.layout.m, len(space.masks) > 1
    per_layer = [
        [g for head in heads for g in ((head.W, head.P, head.Q) if several else (head.P, head.Q))]
        for heads in of_layers
    ]
    at, stored = arithmetic.at, of_stored(per_layer, space.looped)
    return [at(g, i, j) for matrices in stored for g in matrices for i in range(m) for j in range(m)]


def along(
    space: WeightSpace,
    layers: Sequence[Sequence[Head]],
    befores: Sequence[Sequence[Any]],
    factors: Sequence[Any],
    arithmetic: Arithmetic,
) -> list[Any]:
    """x grad f(Z) + x' grad f(Z'), flat.  befores : the states that layers read of Z and Z'; factors : x, x' or None"""
    total = [arithmetic.number(0)] * space.size  # polynomials leave out what is structurally zero
    for before, factor in zip(befores, factors, strict=True):
        if factor is not None:
            moved = gradient(space, layers, before, arithmetic)
            total = [u if g is None else u + factor * g for u, g in zip(total, moved, strict=True)]
    return total


def sample_update(
    space: WeightSpace, point: Sequence[Any], sample: Trajectory, outer: Outer, arithmetic: Arithmetic
) -> SampleUpdate:
    """The update on one sample: x grad f(Z) + x' grad f(Z'), with x and x' as the outer update says."""
    return layers_update(space, space.heads(point, arithmetic), sample, outer, arithmetic)


def layers_update(
    space: WeightSpace, layers: Sequence[Sequence[Head]], sample: Trajectory, outer: Outer, arithmetic: Arithmetic
) -> SampleUpdate:
    """As `sample_update`, of the layers at a point."""
    now, later = prompts(space, arithmetic, sample, outer.window)
    prediction, before = predict(space, layers, now)
    following, before_later = predict(space, layers, later)
    delta = outer.error(arithmetic, sample.rewards[-1], prediction, following)
    factors = outer.coefficients(arithmetic, delta)
    update = along(space, layers, (before, before_later), factors, arithmetic)
    return SampleUpdate(prediction, following, delta, update)


def averaged_update(
    space: WeightSpace,
    point: Sequence[Any],
    sample: Trajectory,
    outer: Outer,
    elements: Sequence[Square],
    arithmetic: Arithmetic,
) -> list[Any]:
    """The expected update under the law that moves one sample by every element with equal probability.

    Every law that is symmetric under the group is a mixture of such orbits.  No symmetry of the update is assumed.
    """
    if not elements:
        raise ArgumentError("elements is empty, wanted the elements of a finite group")
    total: list[Any] | None = None
    layers = space.heads(point, arithmetic)
    for g in elements:
        moved = sample.moved(g, arithmetic.number)
        update = layers_update(space, layers, moved, outer, arithmetic).update
        total = update if total is None else [x + y for x, y in zip(total, update, strict=True)]
    share = arithmetic.number(Fraction(1, len(elements)))
    return [x * share for x in total or []]


def check_equivariance(
    space: WeightSpace,
    point: Sequence[Any],
    sample: Trajectory,
    outer: Outer,
    group: SymmetryGroup,
    arithmetic: Arithmetic,
) -> str | None:
    """Whether u(S theta S^T; S Z) = S u(theta; Z) S^T and f likewise, for every generator, exactly, at a point.

    Returns None, or what differs.  The point may be any; a projection may replace an average only after this.
    """
    plain = sample_update(space, point, sample, outer, arithmetic)
    for position, g in enumerate(group.generators):
        S = row_action(space, g)
        there = conjugated(space, point, S, arithmetic)
        moved = sample_update(space, there, sample.moved(g, arithmetic.number), outer, arithmetic)
        if moved.prediction != plain.prediction:
            return f"generator {position} changes the prediction: {moved.prediction} instead of {plain.prediction}"
        wanted = conjugated(space, plain.update, S, arithmetic)
        for k, (x, y) in enumerate(zip(moved.update, wanted, strict=True)):
            if x != y:
                return f"generator {position} does not carry the update's entry {space.coordinate(k)}: {x} against {y}"
    return None


def row_action(space: WeightSpace, g: Square) -> list[list[Fraction]]:
    """S : (m, m), how g acts on the rows of Z: on every block of features, not on the other rows."""
    m = space.layout.m
    S = [[Fraction(0)] * m for _ in range(m)]
    for _, rows, moved in space.blocks:
        for x, i in enumerate(rows):
            for y, j in enumerate(rows):
                S[i][j] = g[x][y] if moved else Fraction(i == j)
    return S


def conjugated(
    space: WeightSpace, point: Sequence[Any], S: Sequence[Sequence[Fraction]], arithmetic: Arithmetic
) -> list[Any]:
    """S theta S^T for every trained matrix of a point, flat."""
    number, m = arithmetic.number, space.layout.m
    action = arithmetic.matrix([[number(x) for x in row] for row in S])
    result: list[Any] = []
    for layer in range(space.stored):
        for k in range(len(space.matrices)):
            rows = [
                [number(x) if isinstance(x, (int, Fraction)) else x for x in r]
                for r in space.matrix_rows(point, layer, k)
            ]
            moved = action @ arithmetic.matrix(rows) @ action.mT
            result += [arithmetic.at(moved, i, j) for i in range(m) for j in range(m)]
    return result

"""Weights of one's own: heads that a user gives, made exact and checked for their shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from .algorithm import Algorithm
from .arithmetics.rational import RationalMatrix
from .attention import Head
from .construction import Construction, Steps
from .derivation.derive import readout_of
from .derivation.state import SymbolicState
from .errors import ArgumentError, ContentError
from .exact import exact_rows
from .plain_text import shown
from .prompt import Layout


def given_construction(
    algorithm: Algorithm,
    options: Mapping[str, str],
    d: int,
    n: int,
    depth: int,
    steps: Sequence[Steps],
    parameters: Mapping[str, Fraction],
    looped: bool,
) -> Construction:
    """The construction that `algorithm.heads` gives at these sizes, one call a stored layer.

    Raises `ArgumentError` when the algorithm gives no heads, `ContentError` when a head has a wrong shape or an entry
    that is no rational number.
    """
    if algorithm.heads is None:
        raise ArgumentError(f"{algorithm.name} gives no heads: its weights are derived")
    layout = Layout.of(algorithm, d, n)
    p = algorithm.bind(parameters, options)
    layers = []
    for layer, step in enumerate(steps):
        named = SimpleNamespace(
            **{
                name: value if name in algorithm.scalar_preconditioners else RationalMatrix.of(value)
                for name, value in zip(algorithm.preconditioners, step, strict=True)
            }
        )
        heads = algorithm.heads(layout, named, p, layer)
        if not isinstance(heads, Sequence) or not all(isinstance(h, Head) for h in heads):
            raise ContentError(f"heads of {algorithm.name} returned {shown(heads)}, wanted a list of Head")
        layers.append(
            tuple(exact_head(h, layout.m, n + 1, f"layer {layer + 1}, head {k + 1}") for k, h in enumerate(heads))
        )
    state = SymbolicState(algorithm, dict(options))
    return Construction(
        algorithm=algorithm.name,
        options=dict(options),
        parameters=dict(parameters),
        layout=layout,
        layers=tuple(layers),
        depth=depth,
        looped=looped,
        steps=tuple(tuple(s) for s in steps),
        readout=readout_of(state),
    )


def exact_head(head: Head, m: int, columns: int, where: str) -> Head:
    """A head of rows of numbers as exact matrices; W None is the identity. W, P, Q : (m, m); M : (columns, columns)."""
    one = RationalMatrix.of([[int(i == j) for j in range(m)] for i in range(m)])
    W = one if head.W is None else exact_matrix(head.W, m, m, f"W of {where}")
    P, Q = exact_matrix(head.P, m, m, f"P of {where}"), exact_matrix(head.Q, m, m, f"Q of {where}")
    return Head(W, P, Q, exact_matrix(head.M, columns, columns, f"M of {where}"))


def exact_matrix(rows: Any, height: int, width: int, where: str) -> RationalMatrix:
    """Rows of integers, Fractions or texts such as "-1/2" as an exact matrix; floats are refused: 0.1 is not 1/10."""
    if isinstance(rows, RationalMatrix) and rows.shape == (height, width):
        return rows
    return RationalMatrix.of(exact_rows(rows, height, width, where))

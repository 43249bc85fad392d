"""The shear of two layers: what the first writes into rows that only the query brings on, and the second takes back.

Where the first layer changes the query's entry of a row u, zero at the start, by sum_k s_k times the change of its
accumulators k, also zero at the start, the entry is sum_k s_k times theirs.  A second layer that reads u as no value
and no key is then the layer that asks k where it asked u: Q[., k] + s_k Q[., u].  The prediction is the same; other
rows of the context are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ..arithmetics.rational import RationalMatrix
from ..attention import Head
from .network import Network, identity
from .tensor import tensors

Sheared = dict[int, dict[int, Fraction]]
"""{row u: {accumulator's row k: s_k}}."""


def unsheared(network: Network) -> Network:
    """A network of the same prediction whose first layer writes no such row; itself where there is none."""
    shears = _shears(network)
    if not shears:
        return network
    first, second = network.layers
    layers = (tuple(_without(h, shears) for h in first), tuple(_asking(h, shears) for h in second))
    return replace(network, layers=layers, predicts_only=True)


def _shears(network: Network) -> Sheared:
    if network.looped or network.depth != 2 or len(network.layers) != 2:
        return {}
    layout, algorithm = network.layout, network.prompt.algorithm
    brought = {i for b in algorithm.features if b.query is not None for i in layout.block(b.name)}
    accumulators = [layout.accumulator(name) for name in layout.accumulators]
    one, two = tensors(network)
    read = {row for place in two.entries for row in place[1:3]}
    written = {place[0] for place in one.entries if place[0] < layout.p} - brought - read
    lines = {row: _of_query(one.entries, row, brought) for row in (*written, *accumulators)}
    shears: Sheared = {}
    for u in sorted(written):
        combination = _combination(lines[u], [lines[k] for k in accumulators])
        if combination is not None:
            shears[u] = {k: x for k, x in zip(accumulators, combination, strict=True) if x}
    return shears


def _of_query(entries: Mapping[Any, Fraction], row: int, brought: set[int]) -> dict[Any, Fraction]:
    """The change of a row in the query's column, place by place."""
    return {place[1:]: x for place, x in entries.items() if place[0] == row and place[3] in brought}


def _combination(
    wanted: Mapping[Any, Fraction], lines: Sequence[Mapping[Any, Fraction]]
) -> tuple[Fraction, ...] | None:
    """Factors with which the lines add up to the wanted one, exactly; None where there are none."""
    left, rows = dict(wanted), [(dict(line), k) for k, line in enumerate(lines)]
    zero = Fraction(0)
    factors = [zero] * len(lines)
    used: list[tuple[Any, dict[Any, Fraction], dict[int, Fraction]]] = []
    for line, k in rows:  # each line without those before it
        own = {k: Fraction(1)}
        for pivot, other, made in used:
            _subtract(line, other, x := line.get(pivot, zero) / other[pivot])
            _subtract(own, made, x)
        if line:
            used.append((next(iter(line)), line, own))
    for pivot, other, made in used:
        x = left.get(pivot, zero) / other[pivot]
        _subtract(left, other, x)
        for k, y in made.items():
            factors[k] += x * y
    return None if left else tuple(factors)


def _subtract(line: dict[Any, Fraction], other: Mapping[Any, Fraction], factor: Fraction) -> None:
    if factor:
        for at, x in other.items():
            line[at] = line.get(at, Fraction(0)) - factor * x
            if not line[at]:
                del line[at]


def _without(head: Head, shears: Sheared) -> Head:
    rows = (head.W @ head.P).fractions()
    P = [[Fraction(0)] * len(row) if i in shears else row for i, row in enumerate(rows)]
    return Head(identity(len(rows)), RationalMatrix.of(P), head.Q, head.M)


def _asking(head: Head, shears: Sheared) -> Head:
    rows = [list(row) for row in head.Q.fractions()]
    for row in rows:
        for u, factors in shears.items():
            for k, x in factors.items():
                row[k] += x * row[u]
    return Head(head.W, head.P, RationalMatrix.of(rows), head.M)

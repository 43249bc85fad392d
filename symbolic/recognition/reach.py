"""Which entries of a layer's interaction tensor any prompt reaches: the query column begins with zeros, and of the last
layer nothing but the read-out is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .network import Network
from .prompts import holds_data


@dataclass(frozen=True)
class Reach:
    """What of one layer counts.

    filled   the rows that may be nonzero in a context token, and in the query's
    written  the rows whose change is seen
    asked    the rows that a token may bring as a query
    """

    filled: tuple[frozenset[int], frozenset[int]]
    written: frozenset[int]
    asked: frozenset[int]

    def keeps(self, a: int, b: int, r: int, s: int, kind: tuple[int, int]) -> bool:
        """Whether the entry that writes a, reads value b and key r, and is asked by s, can matter."""
        return a in self.written and s in self.asked and b in self.filled[kind[0]] and r in self.filled[kind[1]]


def reaches(network: Network) -> tuple[tuple[Reach, ...], ...]:
    """For each stored layer what counts of it, once for each time that it is applied."""
    layout, algorithm = network.layout, network.prompt.algorithm
    known = holds_data(network.prompt)
    context, query = set(range(layout.p)), set()
    for block in algorithm.features:
        if block.query is not None:
            query |= set(layout.block(block.name))
    context |= {layout.accumulator(name) for name in known}
    everything = frozenset(range(layout.m))
    by_layer: list[list[Reach]] = [[] for _ in network.layers]
    for number in range(network.depth):
        last = number == network.depth - 1
        filled = (frozenset(context), frozenset(query))
        written = frozenset([layout.accumulator(network.readout.row)]) if last else everything
        asked = filled[1] if last else filled[0] | filled[1]
        stored = 0 if network.looped else number
        by_layer[stored].append(Reach(filled, written, asked))
        touched = _written(network, number)
        context |= touched
        query |= touched
    return tuple(tuple(dict.fromkeys(r)) for r in by_layer)


def everything(network: Network) -> tuple[tuple[Reach, ...], ...]:
    """As `reaches`, for what `verify` compares: every row of every layer, from any starting weights."""
    rows, algorithm = frozenset(range(network.layout.m)), network.prompt.algorithm
    query = {i for b in algorithm.features if b.query is not None for i in network.layout.block(b.name)}
    query |= {i for number in range(network.depth) for i in _written(network, number)}
    return tuple((Reach((rows, frozenset(query)), rows, rows),) for _ in network.layers)


def _written(network: Network, layer: int) -> set[int]:
    """The rows that a layer may change."""
    rows: set[int] = set()
    for head in network.heads(layer):
        product = head.W @ head.P
        rows |= {i for i, row in enumerate(product.num.tolist()) if any(x != 0 for x in row)}
    return rows


def keeps(reach: Sequence[Reach], a: int, b: int, r: int, s: int, kind: tuple[int, int]) -> bool:
    """Whether an entry matters in some application of the layer."""
    return any(x.keeps(a, b, r, s, kind) for x in reach)

"""An algorithm's own weights with fitted parameters, in the rows of a network's prompt."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ..arithmetics.arithmetic import RATIONALS
from ..arithmetics.rational import RationalMatrix
from ..attention import Head, RowHead, TokenwiseHead
from ..construction import instantiate
from ..prompt import Layout
from .fitted import Fitted
from .network import Network, identity


def rebuilt(network: Network, fitted: Fitted) -> Network:
    """The network that runs the algorithm with these parameters, layer by layer like `network`."""
    member, layout = fitted.family.member, network.layout
    algorithm = member.algorithm
    own = Layout.of(algorithm, layout.d, layout.n)
    steps = [
        tuple(fitted.matrices(k, layout.d)[c] for c in algorithm.preconditioners) for k in range(len(network.layers))
    ]
    features = [i for b, mine in zip(member.blocks, own.features, strict=True) for i in layout.block(b)[: mine[1]]]
    rows = [layout.accumulator(row) for row in member.rows]
    kappa = Fraction(1) if fitted.kappa is None else fitted.kappa
    factor = [kappa if i in fitted.family.discounted else Fraction(1) for i in range(layout.m)]
    one = identity(layout.m)

    def dense(head: RowHead) -> Head:
        P, Q = _zeros(layout.m), _zeros(layout.m)
        read, met = (features, rows) if isinstance(head, TokenwiseHead) else (rows, features)
        for i, line in enumerate(head.U.fractions()):
            for j, x in enumerate(line):
                P[rows[i]][read[j]] = x
        for i, line in enumerate(head.E.fractions()):
            for j, x in enumerate(line):
                Q[features[i]][met[j]] = x * factor[features[i]] * factor[met[j]]
        return Head(one, RationalMatrix.of(P), RationalMatrix.of(Q), head.M)

    heads = instantiate(member.form, RATIONALS, own, steps, fitted.family.values())
    layers = tuple(tuple(dense(h) for h in of_layer) for of_layer in heads)
    return Network(network.name, layers, network.depth, network.looped, network.prompt, layout, network.masked)


def with_heads(network: Network, layers: Sequence[Sequence[Head]]) -> Network:
    """The same sizes and prompt with other heads."""
    return Network(
        network.name, tuple(tuple(heads) for heads in layers), network.depth, network.looped, network.prompt,
        network.layout, network.masked,
    )  # fmt: skip


def _zeros(m: int) -> list[list[Any]]:
    return [[Fraction(0)] * m for _ in range(m)]

"""Weights to be identified: exact heads, and the prompt that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from flint import fmpz_mat

from ..arithmetics.rational import RationalMatrix
from ..attention import Head
from ..construction import Construction
from ..derivation.derive import readout_of
from ..derivation.state import SymbolicState
from ..errors import ArgumentError
from ..prompt import Layout
from ..readout import Readout
from .prompts import Prompt


@dataclass(frozen=True, eq=False)
class Network:
    """An L-layer network of linear attention as exact weights; nothing of what its file says it is.

    layers  the heads of each stored layer; one entry that is applied `depth` times when `looped`
    masked  whether masks were given; else M0 is meant, the published mask
    predicts_only  whether it stands for another network whose prediction is the same, and not its other rows
    """

    name: str
    layers: tuple[tuple[Head, ...], ...]
    depth: int
    looped: bool
    prompt: Prompt
    layout: Layout
    masked: bool = True
    predicts_only: bool = False

    @cached_property
    def readout(self) -> Readout:
        """Where the prompt shows its prediction."""
        algorithm = self.prompt.algorithm
        return readout_of(SymbolicState(algorithm, algorithm.choose(None)))

    def heads(self, layer: int) -> tuple[Head, ...]:
        """The heads of layer number `layer`, counted from 0."""
        return self.layers[0 if self.looped else layer]

    def construction(self, algorithm: str = "identified", steps: Sequence[tuple[object, ...]] = ()) -> Construction:
        """The same weights as an exact construction."""
        return Construction(
            algorithm=algorithm, options={}, parameters={}, layout=self.layout, layers=self.layers, depth=self.depth,
            looped=self.looped, steps=tuple(steps), readout=self.readout,
        )  # fmt: skip


def transposed(network: Network, names: Sequence[str]) -> Network:
    """The same network with some of the matrices P, Q, W and M transposed."""
    wrong = next((name for name in names if name not in ("W", "P", "Q", "M")), None)
    if wrong is not None:
        raise ArgumentError(f"transposed names {wrong[:20]!r}, wanted some of W, P, Q, M")

    def turned(head: Head) -> Head:
        return Head(*(getattr(head, k).mT if k in names else getattr(head, k) for k in ("W", "P", "Q", "M")))

    layers = tuple(tuple(turned(h) for h in heads) for heads in network.layers)
    return Network(network.name, layers, network.depth, network.looped, network.prompt, network.layout, network.masked)


def identity(m: int) -> RationalMatrix:
    """The identity (m, m)."""
    return RationalMatrix(fmpz_mat(m, m, [int(i == j) for i in range(m) for j in range(m)]), 1)

"""Heads that a file gives, as matrices of the judge's own: equal matrices are sent and read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.attention import Head
from ...symbolic.errors import ContentError
from ...symbolic.exact import as_fraction
from ...symbolic.prompt import Layout
from ...symbolic.tracing.heads import GivenHeads
from . import reading
from .client import Child
from .protocol import matrix, number

MOST_HEADS = 10_000
"""The most heads of one layer."""


class Heads:
    """The heads of an algorithm's file: (layout, step, parameters, layer) -> those of that layer.

    named : the algorithm's lists of names; options : the names of its options
    """

    def __init__(self, child: Child, named: Mapping[str, Sequence[str]], options: Sequence[str]):
        self._child, self._named, self._options = child, named, options

    def __call__(self, layout: Layout, step: Any, p: Any, layer: int) -> list[Head]:
        scalars = self._named["scalar_preconditioners"]
        reply = self._child.ask(
            "heads", d=layout.d, n=layout.n, layer=layer,
            step={k: number(as_fraction(x)) if k in scalars else matrix(x.fractions()) for k, x in vars(step).items()},
            parameters={name: number(as_fraction(getattr(p, name))) for name in self._named["parameters"]},
            options={name: getattr(p, name) for name in self._options},
        )  # fmt: skip
        return heads(self._child, reply, layout.m, layout.n + 1, layer)

    def blocks(self, options: Mapping[str, str]) -> GivenHeads:
        """The same as tables of blocks, for every size; raises as `symbolic.tracing.heads.trace_heads` does."""
        reply = self._child.ask("blocks of heads", options=dict(options))
        with self._child.naming():
            return GivenHeads.from_data(reply)


def heads(child: Child, reply: Any, m: int, columns: int, layer: int) -> list[Head]:
    """The heads of a layer from what the process said. W, P, Q : (m, m); M : (columns, columns)."""
    with child.naming():
        result = []
        for k, content in enumerate(reading.sequence(reply, "a layer's heads", MOST_HEADS)):
            where = f"layer {layer + 1}, head {k + 1}"
            matrices = reading.mapping(content, where)
            if set(matrices) not in ({"P", "Q", "M"}, {"W", "P", "Q", "M"}):
                raise ContentError(f"{where} has other matrices than W, P, Q and M")
            made = {name: _matrix(child, x, columns if name == "M" else m, f"{name} of {where}")
                    for name, x in matrices.items()}  # fmt: skip
            result.append(Head(made.get("W"), made["P"], made["Q"], made["M"]))
        return result


def _matrix(child: Child, content: Any, size: int, where: str) -> RationalMatrix:
    """A square matrix, sent whole or by the number of one that was sent before."""
    sent = reading.mapping(content, where)
    if set(sent) == {"same"}:
        known: RationalMatrix | None = child.kept.get(reading.whole(sent["same"], where))
        if known is None or known.shape != (size, size):
            raise ContentError(f"{where} is said to be a matrix that was not sent before")
        return known
    if set(sent) not in ({"rows"}, {"rows", "keep"}):
        raise ContentError(f"{where} is no matrix")
    made = RationalMatrix.of(reading.rows(sent["rows"], where, size, size))
    if "keep" in sent:
        child.kept[reading.whole(sent["keep"], where)] = made
    return made

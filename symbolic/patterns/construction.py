"""Exact layers with attention patterns at sizes, with everything that running them takes: what files hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..arithmetics.arithmetic import RATIONALS
from .heads import PatternForm
from .layer import Layer, layer_of


@dataclass(frozen=True, eq=False)
class PatternConstruction:
    """The layers of an algorithm that attends by patterns, over Q.

    rows        (name, number of rows) of each block of rows, top to bottom
    written     the row blocks that layers write
    last        what the last column is: "query" or "parameter"
    kernel      what heads without scores attend by, a name of `KERNELS`; empty where every head has scores
    scored      the row block that the kernel's scores are made from; empty without a kernel
    keys        the mask: a name of `KEYS`; mask_first : it is applied to the scores, before the kernel
    by_length   whether a layer's change is divided by n
    shift_from  which token the shift of rows reads: "next" or "previous"; empty without one
    layers      the stored layers: one where `looped`, else `depth`
    steps       C : (d, d) as rows of rationals of each stored layer; None where the algorithm has none
    """

    algorithm: str
    parameters: Mapping[str, Fraction]
    d: int
    n: int
    rows: tuple[tuple[str, int], ...]
    written: tuple[str, ...]
    last: str
    kernel: str
    scored: str
    keys: str
    mask_first: bool
    by_length: bool
    shift_from: str
    layers: tuple[Layer, ...]
    depth: int
    looped: bool
    steps: tuple[Any, ...]

    @property
    def m(self) -> int:
        """The number of rows of Z."""
        return sum(size for _, size in self.rows)

    def row_names(self) -> list[str]:
        """A name for each row of Z."""
        return [name if size == 1 else f"{name}[{i + 1}]" for name, size in self.rows for i in range(size)]

    def layer(self, number: int) -> Layer:
        """The layer number 0, ..., L - 1."""
        return self.layers[0 if self.looped else number]


def pattern_construction(
    form: PatternForm, d: int, n: int, depth: int, steps: Sequence[Any], parameters: Mapping[str, Fraction],
    looped: bool = False,
) -> PatternConstruction:  # fmt: skip
    """A form at sizes.  steps : C of each stored layer, or None."""
    algorithm, given = form.algorithm, form.algorithm.layer
    values = {name: RATIONALS.number(x) for name, x in parameters.items()}
    kernel = ""
    if any(head.Q is None for head in form.heads):
        kernel = algorithm.kernels[0] if given is None else given.kernel or algorithm.kernels[0]
    beside = ("previous" if form.previous else "next") if form.shift else ""
    return PatternConstruction(
        algorithm=algorithm.name,
        parameters=dict(parameters),
        d=d,
        n=n,
        rows=tuple((row.name, 1 if row.scalar else d) for row in algorithm.rows),
        written=tuple(row.name for row in algorithm.rows if row.name in form.held),
        last=algorithm.families[-1],
        kernel=kernel,
        scored=algorithm.scored if kernel else "",
        keys=form.sees,
        mask_first=bool(kernel and given is not None and given.mask_first),
        by_length=form.by_length,
        shift_from=beside,
        layers=tuple(layer_of(form, RATIONALS, d, n, C, values) for C in steps),
        depth=depth,
        looped=looped,
        steps=tuple(steps),
    )

"""Weights of one's own: heads that a user gives, made exact and checked for their shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from random import Random
from types import SimpleNamespace
from typing import Any

from .algorithm import Algorithm
from .arithmetics.rational import RationalMatrix
from .attention import Head
from .construction import Construction, Steps
from .derivation.derive import readout_of
from .derivation.state import SymbolicState
from .errors import ArgumentError, ContentError, DiffersError
from .exact import exact_rows
from .plain_text import shown
from .prompt import Layout
from .tables import SELECTIONS
from .tracing.expression import Expression, names
from .tracing.heads import Block, Blocks, GivenHeads, TracedHead, trace_heads
from .tracing.mask_cases import ABOVE, BELOW, EARLIER, LATER, ON, MaskCase
from .tracing.mask_layer import READS, reading
from .tracing.program import Program


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


TRIED = ((1, 1, 1), (2, 3, 3), (3, 7, 2))
"""(d, n, layers) at which the traced tables are compared with the running heads."""


def traced(algorithm: Algorithm, options: Mapping[str, str]) -> GivenHeads:
    """The heads that an algorithm gives as tables of blocks, at every size.

    Raises `RefusedError` with the line where they differ from size to size, or branch on the layer,
    `DiffersError` when the running heads are others than the traced ones.
    """
    blocks = getattr(algorithm.heads, "blocks", None)  # of a file: its process is asked
    tables: GivenHeads = trace_heads(algorithm, options) if blocks is None else blocks(options)
    tables.check(algorithm)
    compare(algorithm, options, tables)
    return tables


def _steps(algorithm: Algorithm, d: int, layers: int, seed: int) -> list[Steps]:
    """Preconditioners with no structure."""
    rng = Random(f"steps {d} {layers} {seed}")

    def number() -> Fraction:
        return Fraction(rng.choice((-1, 1)) * rng.randint(1, 99), rng.randint(1, 99))

    return [
        tuple(
            number() if name in algorithm.scalar_preconditioners else [[number() for _ in range(d)] for _ in range(d)]
            for name in algorithm.preconditioners
        )
        for _ in range(layers)
    ]


def compare(algorithm: Algorithm, options: Mapping[str, str], tables: GivenHeads) -> None:
    """Raise `DiffersError` unless the running heads are the traced ones, at a few sizes and in every layer there."""
    for seed, (d, n, layers) in enumerate(TRIED):
        parameters = {x: Fraction(13 + 2 * k + seed, 17 + 5 * k) for k, x in enumerate(algorithm.parameters)}
        steps = _steps(algorithm, d, layers, seed)
        made = given_construction(algorithm, options, d, n, layers, steps, parameters, looped=False)
        for layer, (heads, step) in enumerate(zip(made.layers, steps, strict=True)):
            if len(heads) != len(tables.heads):
                difference = f"layer {layer + 1} has {len(heads)} heads, on symbols it has {len(tables.heads)}"
                raise DiffersError(difference, {"layer": layer + 1})
            values = _Numbers(algorithm, made.layout, parameters, step, layer)
            for k, (head, traced) in enumerate(zip(heads, tables.heads, strict=True), 1):
                for name, matrix in values.matrices(traced).items():
                    if getattr(head, name) != matrix:
                        place = {"d": d, "n": n, "layer": layer + 1, "head": k, "matrix": name}
                        where = ", ".join(f"{x} = {value}" for x, value in place.items())
                        raise DiffersError(f"the heads are not what they are on symbols, at {where}", place)


class _Numbers:
    """Traced blocks at one size, on numbers."""

    def __init__(self, algorithm: Algorithm, layout: Layout, parameters: Mapping[str, Fraction], step: Any, layer: int):
        self._layout = layout
        self._known: dict[tuple[str, str], Fraction] = {("parameter", x): v for x, v in parameters.items()}
        self._known |= {("sweep", "n"): Fraction(layout.n), ("sweep", "layer"): Fraction(layer)}
        self._steps: dict[str, RationalMatrix] = {}
        for name, value in zip(algorithm.preconditioners, step, strict=True):
            if name in algorithm.scalar_preconditioners:
                self._known["preconditioner", name] = Fraction(value)
            else:
                self._steps[name] = RationalMatrix.of(value)

    def matrices(self, head: TracedHead) -> dict[str, RationalMatrix]:
        """W, P, Q and M."""
        m = range(self._layout.m)
        identity = RationalMatrix.of([[int(i == j) for j in m] for i in m])
        return {
            "W": identity if head.W is None else self._matrix(head.W), "P": self._matrix(head.P),
            "Q": self._matrix(head.Q), "M": self._mask(head),
        }  # fmt: skip

    def _matrix(self, blocks: Blocks) -> RationalMatrix:
        layout = self._layout
        made = {place: self._block(block, len(layout.rows(place[0]))).fractions() for place, block in blocks}
        return RationalMatrix.of(layout.matrix(made))

    def _block(self, block: Block, size: int) -> RationalMatrix:
        one = RationalMatrix.of([[int(i == j) for j in range(size)] for i in range(size)])
        total: RationalMatrix = one * Fraction(0)
        for word, c in block:
            term = one
            for name, flipped in word:
                term = term @ (self._steps[name].mT if flipped else self._steps[name])
            total = total + term * self._number(c)
        return total

    def _mask(self, head: TracedHead) -> RationalMatrix:
        n = self._layout.n
        if not head.M:
            return RationalMatrix.context_mask(n)
        return RationalMatrix.of(self._layout.mask(lambda i, j: mask_entry(head.M, i, j, self._known)))

    def _number(self, node: Expression) -> Fraction:
        return value_of(node, self._known)


def mask_entry(cases: Sequence[MaskCase], i: int, j: int, known: Mapping[tuple[str, str], Fraction]) -> Fraction:
    """The entry of a traced mask at two positions; known : (source, name) -> the value of what else it is made of."""
    side, distance = ON if i == j else BELOW if i > j else ABOVE, abs(i - j)
    case = next(c for c in cases if c.side == side and c.first <= distance <= (c.last or distance))
    layer = int(known["sweep", "layer"]) + 1
    at: dict[tuple[str, str], Fraction] = {}
    for position, value in ((LATER, max(i, j)), (EARLIER, min(i, j))):
        at["position", position] = Fraction(value)
        at |= {(READS, reading(position, rule)): Fraction(read(value, layer)) for rule, read in SELECTIONS.items()}
    return value_of(case.entry, {**known, **at})


def value_of(node: Expression, known: Mapping[tuple[str, str], Fraction]) -> Fraction:
    """A traced number where its symbols have these values."""
    keys = list(dict.fromkeys((x.source, x.name) for x in names([node])))
    values = [known[key] for key in keys]
    value = Program([node], [*keys, *(("whole", *key) for key in keys)]).run([*values, *map(_whole, values)])[0]
    return Fraction(value)


def _whole(value: Fraction) -> Any:
    return int(value) if value.denominator == 1 else value

"""Heads that a user gives, in the form in which derived ones come: tables of coefficients over the rows of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ....numeric.data.draws import preconditioners
from ....symbolic.algorithm import Algorithm
from ....symbolic.arithmetics.rational import RationalMatrix
from ....symbolic.derivation.coefficients import LENGTH
from ....symbolic.derivation.contraction import Scalar
from ....symbolic.derivation.derive import Derivation, readout_of
from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.masks import Mask
from ....symbolic.derivation.state import SymbolicState
from ....symbolic.errors import DiffersError, NotRepresentableError
from ....symbolic.given import given_construction
from ....symbolic.prompt import Layout
from ....symbolic.readout import Readout
from ....symbolic.tracing.evaluate import Program
from ....symbolic.tracing.expression import Expression, names
from ....symbolic.tracing.heads import Block, Blocks, GivenHead, GivenHeads, trace_heads

TRIED = ((1, 1, 1), (2, 3, 3), (3, 7, 2))
"""(d, n, layers) at which the traced tables are compared with the running heads."""


@dataclass(frozen=True, eq=False)
class GivenWeights:
    """What a theorem is written from where the heads are given: the part of a derivation that is not derived.

    heads : with U the entries of P on the rows of numbers, and E those of Q; every W is the identity
    masks : M0, the mask of every head, then others that the loop asks for
    """

    algorithm: Algorithm
    options: Mapping[str, str]
    state: SymbolicState
    masks: tuple[Mask, ...]
    heads: tuple[SymbolicHead, ...]
    readout: Readout

    @property
    def mask_names(self) -> tuple[str, ...]:
        """M0 for the context mask, M1, M2, ... for what else the loop asks for."""
        return tuple(f"M{k}" for k in range(len(self.masks)))

    def asking(self, masks: Iterable[Mask]) -> GivenWeights:
        """The same where the loop asks for these masks, which no head may have: then no proof will do."""
        every = {m.key(): m for m in (*self.masks, *masks)}
        return replace(self, masks=tuple(every.values()))


Weights = Derivation | GivenWeights


def given(algorithm: Algorithm, options: Mapping[str, str]) -> GivenWeights:
    """The heads that an algorithm gives, at every size.

    Raises `RefusedError` with the line where they differ from size to size or from layer to layer in more than C_l,
    `DiffersError` when the running heads are others than the traced ones, and as `given_weights`.
    """
    blocks = getattr(algorithm.heads, "blocks", None)  # of a file: its process is asked
    found: GivenHeads = trace_heads(algorithm, options) if blocks is None else blocks(options)
    found.check(algorithm)
    compare(algorithm, options, found)
    return given_weights(algorithm, options, found)


def given_weights(algorithm: Algorithm, options: Mapping[str, str], found: GivenHeads) -> GivenWeights:
    """The given heads over the rows of numbers.

    Raises `NotRepresentableError` for a head that reads or writes otherwise than the two shapes do, P = diag(0, U) with
    U over rows of numbers and Q = diag(E, G).
    """
    state = SymbolicState(algorithm, dict(options))
    numbers = {b.name for b in algorithm.features if b.scalar} | {row.name for row in algorithm.accumulators}
    values = _Values(state)
    heads = []
    for k, head in enumerate(found.heads, 1):
        if head.W is not None:
            raise NotRepresentableError(f"head {k} has a W of its own, and the theory has words for W = None alone")
        U, E = {}, {}
        for (written, read), block in head.P:
            if written not in numbers:
                raise NotRepresentableError(f"P of head {k} writes the feature rows {written}")
            ((_, c),) = block
            U[written, read] = values(c)
        for (r, s), block in head.Q:
            for word, c in block:
                E[r, word, s] = values(c)
        kept = [w for w, _ in U if any(w == b.name for b in algorithm.features)]
        if kept:
            raise NotRepresentableError(f"P of head {k} writes the feature row {kept[0]}, which has to stay as it is")
        heads.append(SymbolicHead(0, {x: c for x, c in U.items() if c.poly}, {x: c for x, c in E.items() if c.poly}))
    mask = Mask(state.algebra.number(1))
    return GivenWeights(algorithm, dict(options), state, (mask,), tuple(heads), readout_of(state))


class _Values:
    """Traced coefficients in the derivation's algebra."""

    def __init__(self, state: SymbolicState):
        self._algebra = state.algebra

    def __call__(self, node: Expression) -> Scalar:
        a = self._algebra
        keys = list(dict.fromkeys((x.source, x.name) for x in names([node])))
        whole = [("whole", *key) for key in keys]
        known = [a.parameter(LENGTH if key == ("sweep", "n") else key[1]) for key in keys]
        value = Program([node], [*keys, *whole]).run([*known, *known])[0]
        return a.number(value) if isinstance(value, (int, Fraction)) else value


def compare(algorithm: Algorithm, options: Mapping[str, str], found: GivenHeads) -> None:
    """Raise `DiffersError` unless the running heads are the traced ones, at a few sizes and in every layer there."""
    for seed, (d, n, layers) in enumerate(TRIED):
        parameters = {x: Fraction(3 + 2 * k + seed, 5 + k) for k, x in enumerate(algorithm.parameters)}
        steps = preconditioners(algorithm, d, layers, seed)
        made = given_construction(algorithm, options, d, n, layers, steps, parameters, looped=False)
        for layer, (heads, step) in enumerate(zip(made.layers, steps, strict=True)):
            if len(heads) != len(found.heads):
                said = f"layer {layer + 1} has {len(heads)} heads, on symbols it has {len(found.heads)}"
                raise DiffersError(said, {"layer": layer + 1})
            values = _Numbers(algorithm, made.layout, parameters, step)
            for k, (head, traced) in enumerate(zip(heads, found.heads, strict=True), 1):
                wanted = {**values.matrices(traced), "M": RationalMatrix.context_mask(n)}
                for name, matrix in wanted.items():
                    if getattr(head, name) != matrix:
                        place = {"d": d, "n": n, "layer": layer + 1, "head": k, "matrix": name}
                        where = ", ".join(f"{x} = {value}" for x, value in place.items())
                        raise DiffersError(f"the heads are not what they are on symbols, at {where}", place)


class _Numbers:
    """Traced blocks at one size, on numbers."""

    def __init__(self, algorithm: Algorithm, layout: Layout, parameters: Mapping[str, Fraction], step: Any):
        self._layout = layout
        self._known: dict[tuple[str, str], Fraction] = {("parameter", x): v for x, v in parameters.items()}
        self._known["sweep", "n"] = Fraction(layout.n)
        self._steps: dict[str, RationalMatrix] = {}
        for name, value in zip(algorithm.preconditioners, step, strict=True):
            if name in algorithm.scalar_preconditioners:
                self._known["preconditioner", name] = Fraction(value)
            else:
                self._steps[name] = RationalMatrix.of(value)

    def matrices(self, head: GivenHead) -> dict[str, RationalMatrix]:
        """W, P and Q."""
        m = range(self._layout.m)
        identity = RationalMatrix.of([[int(i == j) for j in m] for i in m])
        return {
            "W": identity if head.W is None else self._matrix(head.W), "P": self._matrix(head.P),
            "Q": self._matrix(head.Q),
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

    def _number(self, node: Expression) -> Fraction:
        keys = list(dict.fromkeys((x.source, x.name) for x in names([node])))
        known = [self._known[key] for key in keys]
        value = Program([node], [*keys, *(("whole", *key) for key in keys)]).run([*known, *map(_whole, known)])[0]
        return Fraction(value)


def _whole(value: Fraction) -> Any:
    return int(value) if value.denominator == 1 else value

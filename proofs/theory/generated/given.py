"""Heads that a user gives, in the form in which derived ones come: tables of coefficients over the rows of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.derive import Derivation, readout_of
from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.given_form import coefficient
from ....symbolic.derivation.masks import Mask
from ....symbolic.derivation.state import SymbolicState
from ....symbolic.errors import NotRepresentableError
from ....symbolic.given import traced
from ....symbolic.readout import Readout
from ....symbolic.tracing.heads import GivenHeads


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

    Raises as `traced` and `given_weights`.
    """
    return given_weights(algorithm, options, traced(algorithm, options))


def given_weights(algorithm: Algorithm, options: Mapping[str, str], found: GivenHeads) -> GivenWeights:
    """The given heads over the rows of numbers.

    Raises `NotRepresentableError` for a head that reads or writes otherwise than the two shapes do, P = diag(0, U) with
    U over rows of numbers and Q = diag(E, G).
    """
    state = SymbolicState(algorithm, dict(options))
    numbers = {b.name for b in algorithm.features if b.scalar} | {row.name for row in algorithm.accumulators}
    heads = []
    for k, head in enumerate(found.heads, 1):
        if head.W is not None:
            raise NotRepresentableError(f"head {k} has a W of its own, and the theory has words for W = None alone")
        U, E = {}, {}
        for (written, read), block in head.P:
            if written not in numbers:
                raise NotRepresentableError(f"P of head {k} writes the feature rows {written}")
            ((_, c),) = block
            U[written, read] = coefficient(state, c)
        for (r, s), block in head.Q:
            for word, c in block:
                E[r, word, s] = coefficient(state, c)
        kept = [w for w, _ in U if any(w == b.name for b in algorithm.features)]
        if kept:
            raise NotRepresentableError(f"P of head {k} writes the feature row {kept[0]}, which has to stay as it is")
        heads.append(SymbolicHead(0, {x: c for x, c in U.items() if c.poly}, {x: c for x, c in E.items() if c.poly}))
    mask = Mask(state.algebra.number(1))
    return GivenWeights(algorithm, dict(options), state, (mask,), tuple(heads), readout_of(state))

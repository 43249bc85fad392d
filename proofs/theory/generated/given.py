"""Heads that a user gives, in the form in which derived ones come: tables of coefficients over the rows of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.coefficients import LAYER
from ....symbolic.derivation.derive import Derivation, readout_of
from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.given_form import Matrix, matrix_of, multiplied
from ....symbolic.derivation.given_masks import masks_given
from ....symbolic.derivation.masks import Mask
from ....symbolic.derivation.scalar import Scalar
from ....symbolic.derivation.state import SymbolicState
from ....symbolic.errors import NotRepresentableError
from ....symbolic.given import traced
from ....symbolic.readout import Readout
from ....symbolic.tracing.heads import GivenHeads


@dataclass(frozen=True, eq=False)
class GivenWeights:
    """What a theorem is written from where the heads are given: the part of a derivation that is not derived.

    `Form` holds less of a head, and tells it by its shape: here Q has rows of numbers too, W its own place, and masks
    may add up to others, since a theorem spells them out.

    heads   : with U the entries of W P on the rows of numbers, and E those of Q
    factors : W and P of every head where some head has a W of its own; none where every W is the identity
    masks   : M0, the context mask, those of the heads, then others that the loop asks for
    """

    algorithm: Algorithm
    options: Mapping[str, str]
    state: SymbolicState
    masks: tuple[Mask, ...]
    heads: tuple[SymbolicHead, ...]
    readout: Readout
    factors: tuple[tuple[Matrix, Matrix], ...] = ()

    @property
    def numbers(self) -> list[Scalar]:
        """Every number of the heads' matrices."""
        parts = [part for h in self.heads for part in (h.U, h.E)]
        parts += [matrix for factors in self.factors for matrix in factors]
        return [c for part in parts for c in part.values()]

    @property
    def names(self) -> frozenset[str]:
        """The parameters, steps and positions that the heads and masks are made of, n and the layer among them."""
        scalars = [*self.numbers, *(x for h in self.heads for x in self.masks[h.mask].scalars())]
        return frozenset(x for c in scalars for x in c.names())

    @property
    def mask_names(self) -> tuple[str, ...]:
        """M0 for the context mask, M1, M2, ... for what else the loop asks for."""
        return tuple(f"M{k}" for k in range(len(self.masks)))

    def has_masks(self, asked: Iterable[Mask]) -> bool:
        """Whether the heads have the masks that the loop asks for and no others, but for the context mask."""
        own = {m.key() for m in self.masks[1:]}
        return own == {m.key() for m in asked} - {self.masks[0].key()}

    def asking(self, masks: Iterable[Mask]) -> GivenWeights:
        """The same where the loop asks for these masks, which no head may have: then no proof will do."""
        every = {m.key(): m for m in (*self.masks, *masks)}
        return replace(self, masks=tuple(every.values()))


Weights = Derivation | GivenWeights


def given(algorithm: Algorithm, options: Mapping[str, str], layered: bool = False) -> GivenWeights:
    """The heads that an algorithm gives, at every size; layered : with numbers made from the layer's, if they have any.

    Raises as `traced` and `given_weights`, and `NotRepresentableError` for a number of the layer's.
    """
    weights = given_weights(algorithm, options, traced(algorithm, options))
    if LAYER in weights.names and not layered:
        raise NotRepresentableError("heads makes a number of the layer's")
    return weights


def given_weights(algorithm: Algorithm, options: Mapping[str, str], given: GivenHeads) -> GivenWeights:
    """The given heads over the rows of numbers.

    Raises `NotRepresentableError` for a head that reads or writes otherwise than the two shapes do, W P = diag(0, U)
    with U over rows of numbers and Q = diag(E, G).
    """
    state = SymbolicState(algorithm, dict(options))
    numbers = [b.name for b in algorithm.features if b.scalar] + [row.name for row in algorithm.accumulators]
    rows = [b.name for b in algorithm.features if not b.scalar] + numbers
    one: Matrix = {(x, (), x): state.algebra.number(1) for x in rows}
    heads, factors = [], []
    masks, which = masks_given(state, given)
    for k, (head, mask) in enumerate(zip(given.heads, which, strict=True), 1):
        W = one if head.W is None else matrix_of(state, head.W)
        P = matrix_of(state, head.P)
        written = multiplied(W, P)
        what = f"P of head {k}" if head.W is None else f"W P of head {k}"
        for row, _, _ in written:
            if row not in numbers:
                raise NotRepresentableError(f"{what} writes the feature rows {row}")
            if any(row == b.name for b in algorithm.features):
                raise NotRepresentableError(f"{what} writes the feature row {row}, which has to stay as it is")
        U = {(row, read): c for (row, _, read), c in written.items()}
        heads.append(SymbolicHead(mask, U, matrix_of(state, head.Q)))
        factors.append((W, P))
    own = any(head.W is not None for head in given.heads)
    for k, (W, P) in enumerate(factors, 1):
        if own and (met := {c for r, _, c in W if r not in numbers} & {r for r, _, _ in P}):
            raise NotRepresentableError(
                f"W P of head {k} is zero in the feature rows because products over {met.pop()} cancel: leave them out"
            )
    return GivenWeights(
        algorithm, dict(options), state, masks, tuple(heads), readout_of(state), tuple(factors) if own else ()
    )

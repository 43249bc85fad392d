"""Heads in symbols beside the update's closed form: what an identity is about, whether heads are derived or given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..algorithm import Algorithm
from ..readout import Readout
from .coefficients import LENGTH
from .factor import SymbolicHead
from .hypotheses import Hypotheses
from .loop import LoopForm
from .masks import LemmaStep, Mask
from .scalar import Scalar
from .state import SymbolicState
from .tokenwise import SymbolicTokenwiseHead

AnyHead = SymbolicHead | SymbolicTokenwiseHead


@dataclass(frozen=True, eq=False)
class Form:
    """One algorithm with one choice of options, and heads for it.

    masks       the distinct masks in closed form, M0 first where it occurs: those of the heads and of the loop
    heads       those over a constant row last, where they are derived
    lemma       the mask lemma's identities, (weight, row, block) -> steps
    hypotheses  what must not be zero, where the update or the weights divide
    """

    algorithm: Algorithm
    options: Mapping[str, str]
    state: SymbolicState
    loop: LoopForm
    embedding: dict[tuple[str, int, str], Scalar]
    masks: tuple[Mask, ...]
    heads: tuple[AnyHead, ...]
    lemma: dict[tuple[int, str, str], tuple[LemmaStep, ...]]
    readout: Readout
    hypotheses: Hypotheses

    @property
    def meeting(self) -> tuple[SymbolicHead, ...]:
        """The heads in which feature rows meet: W P = diag(0, U), Q = diag(E, 0)."""
        return tuple(h for h in self.heads if isinstance(h, SymbolicHead))

    @property
    def tokenwise(self) -> tuple[SymbolicTokenwiseHead, ...]:
        """The heads over the constant row, which map rows token by token."""
        return tuple(h for h in self.heads if isinstance(h, SymbolicTokenwiseHead))

    @property
    def depends_on_length(self) -> bool:
        """Whether the weights or masks hold n: then there is one transformer for each n, and not one for all."""
        scalars = [x for h in self.heads for x in (*h.U.values(), *h.E.values())]
        return any(LENGTH in names for names in (*(s.names() for s in scalars), *(m.names() for m in self.masks)))

    @property
    def mask_names(self) -> tuple[str, ...]:
        """M0 for the context mask, M1, M2, ... for the others."""
        names, other = [], 0
        for mask in self.masks:
            other += not mask.is_context_mask
            names.append("M0" if mask.is_context_mask else f"M{other}")
        return tuple(names)

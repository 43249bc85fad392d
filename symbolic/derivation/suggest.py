"""What would make an update possible: extra prompt rows, found by trying them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..algorithm import Algorithm, FeatureBlock
from ..errors import NotPolynomialError, NotRepresentableError
from .derive import derive
from .loop import loop_form
from .state import SymbolicState

CONSTANT_ROW = "the number 1"


@dataclass(frozen=True)
class Suggestion:
    """A block of d more prompt rows, or a constant row, with which the update can be done, and in how many heads."""

    rows: str
    heads: int

    def sentence(self) -> str:
        """The suggestion in words."""
        plural = "s" if self.heads > 1 else ""
        if self.rows == CONSTANT_ROW:
            return f"with one more prompt row that holds {self.rows} it takes {self.heads} head{plural}"
        return f"with d more prompt rows that hold {self.rows} it takes {self.heads} head{plural}"


def suggest(algorithm: Algorithm, options: Mapping[str, str]) -> Suggestion | None:
    """The first extra rows with which weights exist: a constant row, or a transition's number times a feature block.

    Each candidate is tried: the derivation must succeed with it.  None says only that none of these will do.
    """
    for name, block in (*_constant_row(algorithm, options), *_candidates(algorithm)):
        wider = replace(algorithm, features=(*algorithm.features, block))
        try:
            found = derive(wider, options)
        except (NotRepresentableError, NotPolynomialError):
            continue
        return Suggestion(name, len(found.heads))
    return None


def _constant_row(algorithm: Algorithm, options: Mapping[str, str]) -> Iterator[tuple[str, FeatureBlock]]:
    """A row of ones, where the update mixes old weight vectors and there is none."""
    state = SymbolicState(algorithm, dict(options))
    try:
        mixing = loop_form(state).mixing
    except (NotRepresentableError, NotPolynomialError):
        return
    if mixing and state.constant is None:
        yield CONSTANT_ROW, FeatureBlock(_free(algorithm, "one"), lambda t, p: 1, scalar=True)


def _free(algorithm: Algorithm, name: str) -> str:
    """The name, with as many underscores as make it one that no row has."""
    taken = {b.name for b in algorithm.features} | {r.name for r in algorithm.accumulators}
    while name in taken:
        name += "_"
    return name


def _candidates(algorithm: Algorithm) -> Iterator[tuple[str, FeatureBlock]]:
    for scalar in (*algorithm.transition_scalars, "reward"):
        for block in algorithm.features:
            if not block.scalar:
                name = _free(algorithm, f"{scalar}_{block.name}")
                yield f"{scalar} * {block.name}", FeatureBlock(name, _times(scalar, block))


def _times(scalar: str, block: FeatureBlock) -> Callable[[Any, Any], Any]:
    return lambda t, p: getattr(t, scalar) * block.context(t, p)

"""What would make an update possible: extra prompt rows, found by trying them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..algorithm import Algorithm, FeatureBlock
from ..errors import NotPolynomialError, NotRepresentableError
from .derive import derive


@dataclass(frozen=True)
class Suggestion:
    """A block of d more prompt rows with which the update can be done, and how many heads it then takes."""

    rows: str
    heads: int

    def sentence(self) -> str:
        """The suggestion in words."""
        plural = "s" if self.heads > 1 else ""
        return f"with d more prompt rows that hold {self.rows} it takes {self.heads} head{plural}"


def suggest(algorithm: Algorithm, options: Mapping[str, str]) -> Suggestion | None:
    """The first extra block of rows, a number of the transition times a feature block, with which weights exist.

    Each candidate is tried: the derivation must succeed with it.  None says only that none of these will do.
    """
    for name, block in _candidates(algorithm):
        wider = replace(algorithm, features=(*algorithm.features, block))
        try:
            found = derive(wider, options)
        except (NotRepresentableError, NotPolynomialError):
            continue
        return Suggestion(name, len(found.heads))
    return None


def _candidates(algorithm: Algorithm) -> Iterator[tuple[str, FeatureBlock]]:
    taken = {block.name for block in algorithm.features} | {row.name for row in algorithm.accumulators}
    for scalar in (*algorithm.transition_scalars, "reward"):
        for block in algorithm.features:
            if not block.scalar:
                name = f"{scalar}_{block.name}"
                while name in taken:
                    name += "_"
                yield f"{scalar} * {block.name}", FeatureBlock(name, _times(scalar, block))


def _times(scalar: str, block: FeatureBlock) -> Callable[[Any, Any], Any]:
    return lambda t, p: getattr(t, scalar) * block.context(t, p)

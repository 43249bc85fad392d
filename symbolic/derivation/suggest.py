"""What would make an update possible: extra prompt rows, found by trying them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..algorithm import Algorithm, FeatureBlock
from ..errors import NotPolynomialError, NotRepresentableError
from .derive import Derivation, derive
from .missing import free, with_missing_rows

CONSTANT_ROW = "the number 1"


@dataclass(frozen=True)
class Suggestion:
    """More prompt rows with which the update can be done, and in how many heads.

    code : feature blocks and accumulators as a file says them, where accumulator rows are among them
    """

    rows: str
    heads: int
    code: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The suggestion in words."""
        plural = "s" if self.heads > 1 else ""
        if self.code:
            return f"with {' and '.join(self.code)} it takes {self.heads} head{plural}"
        if self.rows == CONSTANT_ROW:
            return f"with one more prompt row that holds {self.rows} it takes {self.heads} head{plural}"
        return f"with d more prompt rows that hold {self.rows} it takes {self.heads} head{plural}"


def suggest(algorithm: Algorithm, options: Mapping[str, str]) -> Suggestion | None:
    """The first extra rows with which weights exist: those that the update asks for, or a number times a feature block.

    Each candidate is tried: the derivation must succeed with it.  None says only that none of these will do.
    """
    added = with_missing_rows(algorithm, options)
    if added is not None:
        heads = len(derive(added.algorithm, options).heads)
        if not added.rows:
            return Suggestion(CONSTANT_ROW, heads)
        arguments = (*((f"features=(..., {added.constant})",) if added.constant else ()),
                f"accumulators=(..., {', '.join(added.rows)})")  # fmt: skip
        return Suggestion(", ".join((*([CONSTANT_ROW] if added.constant else []), *added.rows)), heads, arguments)
    for name, block in _candidates(algorithm):
        wider = replace(algorithm, features=(*algorithm.features, block))
        try:
            derivation = derive(wider, options)
        except (NotRepresentableError, NotPolynomialError):
            continue
        return Suggestion(name, len(derivation.heads))
    return None


def derive_or_advise(algorithm: Algorithm, options: Mapping[str, str]) -> Derivation:
    """`derive`; where an update cannot be done, the error also says which rows more would do."""
    try:
        return derive(algorithm, options)
    except NotRepresentableError as error:
        suggestion = suggest(algorithm, algorithm.choose(options))
        if suggestion is None:
            raise
        error.args = (f"{error}; {suggestion.sentence()}",)
        raise


def _candidates(algorithm: Algorithm) -> Iterator[tuple[str, FeatureBlock]]:
    for scalar in (*algorithm.transition_scalars, "reward"):
        for block in algorithm.features:
            if not block.scalar:
                name = free(algorithm, f"{scalar}_{block.name}")
                yield f"{scalar} * {block.name}", FeatureBlock(name, _times(scalar, block))


def _times(scalar: str, block: FeatureBlock) -> Callable[[Any, Any], Any]:
    return lambda t, p: getattr(t, scalar) * block.context(t, p)

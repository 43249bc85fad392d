"""The catalogue beyond linear attention over one mask: every module of this folder holds one `ALGORITHM`."""

from __future__ import annotations

import copyreg
from functools import cache
from typing import Any

from ..discovery import defined
from ..patterns.record import PatternAlgorithm


@cache
def pattern_catalogue() -> dict[str, PatternAlgorithm]:
    """Every algorithm of this folder by name, in alphabetical order of the module names.

    >>> list(pattern_catalogue())
    ['causal-td', 'kernel-gradient-descent', 'sarsa', 'softmax-td']
    """
    return defined(__name__, __path__, "ALGORITHM", "algorithm")


def _named(name: str) -> PatternAlgorithm:
    return pattern_catalogue()[name]


def _reduced(algorithm: PatternAlgorithm) -> Any:
    """For pickle: one of the catalogue by its name, since its functions have none; any other as it is."""
    known = pattern_catalogue().get(algorithm.name) is algorithm
    return (_named, (algorithm.name,)) if known else algorithm.__reduce_ex__(2)


copyreg.pickle(PatternAlgorithm, _reduced)

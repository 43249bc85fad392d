"""The catalogue beyond linear attention over one mask: every module of this folder holds one `ALGORITHM`."""

from __future__ import annotations

from functools import cache

from ..discovery import defined
from ..patterns.record import PatternAlgorithm


@cache
def pattern_catalogue() -> dict[str, PatternAlgorithm]:
    """Every algorithm of this folder by name, in alphabetical order of the module names.

    >>> list(pattern_catalogue())
    ['causal-td', 'kernel-gradient-descent', 'sarsa', 'softmax-td']
    """
    return defined(__name__, __path__, "ALGORITHM", "algorithm")

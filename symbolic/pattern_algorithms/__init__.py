"""The catalogue beyond linear attention over one mask: every module of this folder holds one `ALGORITHM`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from ..patterns.record import PatternAlgorithm


@cache
def pattern_catalogue() -> dict[str, PatternAlgorithm]:
    """Every algorithm of this folder by name, in alphabetical order of the module names.

    >>> list(pattern_catalogue())
    ['causal-td', 'kernel-gradient-descent', 'sarsa', 'softmax-td']
    """
    found: dict[str, PatternAlgorithm] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        algorithm: PatternAlgorithm = importlib.import_module(f"{__name__}.{module.name}").ALGORITHM
        if algorithm.name in found:
            raise RuntimeError(f"two modules define the algorithm {algorithm.name}")
        found[algorithm.name] = algorithm
    return found

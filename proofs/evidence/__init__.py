"""The kinds of evidence, one a file. Each module has NAME, STRENGTH, and `establish(case) -> claims`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType


@cache
def kinds() -> dict[str, ModuleType]:
    """Every kind of evidence by name, in the order in which it is established (each module's ORDER).

    >>> list(kinds())[:2]
    ['derived', 'identity-symbolic']
    """
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return {m.NAME: m for m in sorted(modules, key=lambda m: int(m.ORDER))}

"""The sections of a page, one a file. Each module has NAME, TITLE, ORDER and `build(subject) -> Section | None`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType


@cache
def section_modules() -> tuple[ModuleType, ...]:
    """Every section's module, in the order of the page (each module's ORDER).

    >>> section_modules()[0].NAME
    'verdicts'
    """
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return tuple(sorted(modules, key=lambda m: int(m.ORDER)))

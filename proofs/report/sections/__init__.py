"""The sections of a page, one a file, each of them a `PageSection`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Protocol, runtime_checkable

from ..findings import Findings
from ..model import Section


@runtime_checkable
class PageSection(Protocol):
    """What a module of this package is: the section's name, its title, and its place on the page."""

    NAME: str
    TITLE: str
    ORDER: int

    def build(self, findings: Findings, /) -> Section | None:
        """The section of a page with these findings; None where it does not apply."""


@cache
def section_modules() -> tuple[PageSection, ...]:
    """Every section's module, in the order of the page (each module's ORDER); `TypeError` where one is no section.

    >>> section_modules()[0].NAME
    'verdicts'
    """
    modules: list[PageSection] = []
    for module in (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)):
        if not isinstance(module, PageSection):
            raise TypeError(f"{module.__name__} is no section: it has no NAME, TITLE, ORDER and build")
        modules.append(module)
    return tuple(sorted(modules, key=lambda module: module.ORDER))

"""The kinds of evidence, one a file: each module is a `Kind`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from typing import Protocol, cast, runtime_checkable

from ..case import Case
from ..verdict import Claim


@runtime_checkable
class Kind(Protocol):
    """What the module of a kind of evidence holds; its docstring says what the evidence is.

    NAME      what it is called
    ORDER     its place among the kinds
    STRENGTH  how strong a HOLDS of it is
    NEEDS     "heads" of any kind, heads in "blocks" (derived, or given so), or a "derivation"
    """

    NAME: str
    ORDER: int
    STRENGTH: str
    NEEDS: str

    def establish(self, case: Case) -> Iterable[Claim]:
        """What is found of a case; raises what the derivation raises."""


@runtime_checkable
class OnRequest(Kind, Protocol):
    """A kind that runs only where it is asked for by name."""

    def recorded(self, case: Case) -> Claim:
        """What earlier runs have left on record, for a case that does not ask for it."""


@cache
def kinds() -> dict[str, Kind]:
    """Every kind of evidence by name, in the order in which it is established.

    Raises `TypeError` for a module in this room that is no `Kind`.

    >>> list(kinds())[:2]
    ['derived', 'identity-symbolic']
    """
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    wrong = [m.__name__ for m in modules if not isinstance(m, Kind)]
    if wrong:
        raise TypeError(f"{wrong[0]} is no kind of evidence: it lacks what `Kind` names")
    ordered = sorted((cast(Kind, m) for m in modules), key=lambda kind: kind.ORDER)
    return {kind.NAME: kind for kind in ordered}

"""The catalogue: every module of this folder holds one `ALGORITHM`; they are discovered, there is no list to edit."""

from __future__ import annotations

import copyreg
from collections.abc import Iterable
from functools import cache
from typing import Any

from ..algorithm import Algorithm
from ..discovery import defined
from ..errors import ArgumentError
from ..near import near as near_to
from ..plain_text import shown


@cache
def catalogue() -> dict[str, Algorithm]:
    """Every algorithm of the catalogue by name, in alphabetical order of the module names.

    >>> "td0" in catalogue()
    True
    """
    return defined(__name__, __path__, "ALGORITHM", "algorithm")


def find(name: str, others: Iterable[str] = ()) -> Algorithm:
    """The algorithm called `name`; `ArgumentError` with the nearest names when there is none.

    >>> find("td-0")
    Traceback (most recent call last):
    ...
    layerproof.symbolic.errors.ArgumentError: there is no algorithm 'td-0'; did you mean td0? See: layerproof list
    """
    known = catalogue()
    if name in known:
        return known[name]
    near = near_to(name, [*known, *others])
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join([*known, *others])}."
    raise ArgumentError(f"there is no algorithm {shown(name)}; {hint} See: layerproof list")


def _reduced(algorithm: Algorithm) -> Any:
    """For pickle: one of the catalogue by its name, since its functions may have none; any other as it is."""
    known = catalogue().get(algorithm.name) is algorithm
    return (find, (algorithm.name,)) if known else algorithm.__reduce_ex__(2)


copyreg.pickle(Algorithm, _reduced)

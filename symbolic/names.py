"""Names that become symbols: each stands for one thing, in every arithmetic and in everything that is printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .errors import ContentError
from .plain_text import shown

RESERVED = {
    "R": "the reward", "reward": "the reward", "phi": "the features", "phi_next": "the successor's features",
    "next": "the successor's features", "q": "the query", "query": "the query", "n": "the context length",
    "index": "the position in the context", "extras": "what a transition carries", "change": "a weight's change",
}  # fmt: skip
"""Names that are taken, and what by."""


def check_names(named: Iterable[tuple[str, Sequence[str]]], carried: Iterable[str]) -> None:
    """Raise `ContentError` when two things have one name, or one has a name that is taken or that Python cannot read.

    named   : (what it is, its names), for everything that becomes a symbol
    carried : the names of what every transition carries, which stand with a position too: rho_1, rho_2, ...
    """
    known: dict[str, str] = {}
    stems = "|".join(map(re.escape, ("R", "phi", "phi_next", "next", "reward", *carried)))
    for what, names in named:
        for name in names:
            if not isinstance(name, str) or not name.isidentifier():
                raise ContentError(f"{what} has the name {shown(name)}, wanted a name as Python's variables have")
            if name in RESERVED:
                raise ContentError(f"{what} {name} has a name that is taken: {name} is {RESERVED[name]}; rename it")
            if name in known:
                raise ContentError(f"{name} names both {known[name]} and {what}: give each a name of its own")
            if re.fullmatch(f"({stems})_([0-9]+|j)", name):
                stem = name.rpartition("_")[0]
                raise ContentError(f"{what} {name} has a name that is taken: it is {stem} at one transition; rename it")
            known[name] = what

"""Macros: a name for every symbol that an author may want to write another way, and what a formula is without them."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Any

from .nodes import Command, Node, Symbol

PREFIX = "lp"
DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


@dataclass(frozen=True)
class Macro:
    r"""One macro: `\name`, what it stands for, and whether it takes an index, `#1` in `latex`."""

    name: str
    latex: str
    indexed: bool = False

    def at(self, index: str = "") -> str:
        """The macro as a formula uses it."""
        return rf"\{self.name}{{{index}}}" if self.indexed else rf"\{self.name}"

    def definition(self) -> str:
        """The line of macros.tex; an author's own definition that comes before it wins."""
        return rf"\providecommand{{\{self.name}}}{'[1]' if self.indexed else ''}{{{self.latex}}}"


def macro_name(name: str) -> str:
    r"""A name that TeX takes: letters only.

    >>> macro_name("mean_reward"), macro_name("w2")
    ('lpMeanReward', 'lpWTwo')
    """
    letters = ""
    for part in re.split(r"[^0-9A-Za-z]+", name.replace("'", "prime")):
        letters += "".join(DIGITS[int(c)] if c.isdigit() else c for c in part[:1].upper() + part[1:])
    return PREFIX + (letters or "Sign")


def in_macros(tree: Node) -> Node:
    """The tree with the macro of every symbol in the symbol's place, for LaTeX that an author goes on with."""
    if isinstance(tree, Symbol):
        return Command(tree.macro, None if tree.index is None else in_macros(tree.index))
    changed: dict[str, Any] = {f.name: _in_macros(getattr(tree, f.name)) for f in fields(tree)}
    return replace(tree, **changed)


def _in_macros(part: Any) -> Any:
    if isinstance(part, tuple):
        return tuple(map(_in_macros, part))
    return in_macros(part) if isinstance(part, Node) else part

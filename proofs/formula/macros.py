"""Macros: a name for every symbol that an author may want to write another way, and what a formula is without them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from .build import Part, items, row
from .formula import Formula
from .latex import group, latex
from .nodes import HOLE, Node, Row, Sign, Symbol

PREFIX = "lp"
DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


@dataclass(frozen=True)
class Macro:
    r"""One macro: `\name`, and what it stands for, with a hole where its index stands if it takes one."""

    name: str
    shown: Node

    @property
    def latex(self) -> str:
        """What it stands for, `#1` for the index."""
        several = isinstance(self.shown, Row) and len(self.shown.items) > 1
        return latex(self.shown if several else Row((self.shown,)))

    def at(self, index: Part | None = None) -> Formula:
        """The macro as a formula uses it."""
        if index is None:
            return Formula(Symbol(self.name, None, self.shown))
        return Formula(Symbol(self.name, row(index).tree, filled(self.shown, items(index))))

    def definition(self) -> str:
        """The line of macros.tex; an author's own definition that comes before it wins."""
        body = self.latex
        return rf"\providecommand{{\{self.name}}}{'[1]' if HOLE.text in body else ''}{{{body}}}"


def macro_name(name: str) -> str:
    r"""A name that TeX takes: letters only.

    >>> macro_name("mean_reward"), macro_name("w2")
    ('lpMeanReward', 'lpWTwo')
    """
    letters = ""
    for part in re.split(r"[^0-9A-Za-z]+", name.replace("'", "prime")):
        letters += "".join(DIGITS[int(c)] if c.isdigit() else c for c in part[:1].upper() + part[1:])
    return PREFIX + (letters or "Sign")


def in_macros(tree: Node) -> str:
    """The LaTeX of a tree with the macro of every symbol in the symbol's place, for an author to go on with."""
    return latex(_with_macros(tree))


def _with_macros(tree: Node) -> Node:
    if isinstance(tree, Symbol):
        index = "" if tree.index is None else group(_with_macros(tree.index))
        return Sign("letter", rf"\{tree.macro}{index}")
    return _each(tree, _with_macros)


def filled(tree: Node, index: tuple[Node, ...]) -> Node:
    """The tree with an index in its hole."""
    if tree == HOLE:
        return index[0] if len(index) == 1 else Row(index)
    if isinstance(tree, Row):
        return Row(tuple(x for item in tree.items for x in (index if item == HOLE else (filled(item, index),))))
    return _each(tree, lambda node: filled(node, index))


def _each(tree: Node, change: Callable[[Node], Node]) -> Node:
    """The tree with its parts changed."""

    def changed(part: Any) -> Any:
        if isinstance(part, tuple):
            return tuple(map(changed, part))
        return change(part) if isinstance(part, Node) else part

    new: dict[str, Any] = {f.name: changed(getattr(tree, f.name)) for f in fields(tree)}
    return replace(tree, **new)

"""Declared symbols in a page's formulas: 1[j = l] where a program's name now stands at a token, s_l where sync does.

Formulas that are printed from exact objects call a selection and a scalar step by the program's name; a page says what
the record declares instead, wherever the name stands as a word of its own: of several letters, and no Greek one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from ...symbolic.algorithm import Algorithm
from ..formula.formula import Formula
from ..formula.latex import latex
from ..formula.nodes import Node, Row, Scripts, Sign, Words
from ..formula.reader import read as tree_of
from ..formula.reader import readable
from ..formula.symbols import TOKEN
from .model import Label, Page, Section, Sentence

Part = TypeVar("Part", Page, tuple[Section, ...])
Declared = dict[str, Callable[[str], str]]
"""For a name what is declared, in LaTeX, at an index; at "" where none stands."""


def declared(algorithm: Algorithm) -> Declared:
    """What selections and scalar steps are called, of those that a record declares."""
    by_name: Declared = {}
    for name in algorithm.selections:
        symbol = algorithm.symbols.get(name, "")
        if TOKEN in symbol and "#" not in symbol and readable(symbol.replace(TOKEN, "j")):
            by_name[name] = lambda index, symbol=symbol: symbol.replace(TOKEN, index or "j")  # type: ignore[misc]
    for name in algorithm.scalar_preconditioners:
        symbol = algorithm.symbols.get(name, "")
        if symbol and "#" not in symbol and readable(f"{symbol}_{{1}}"):
            by_name[name] = lambda index, symbol=symbol: f"{symbol}_{{{index or chr(92) + 'ell'}}}"  # type: ignore[misc]
    return by_name


def layered(algorithm: Algorithm) -> list[str]:
    """What differs from layer to layer, as marked-up sentences with declared symbols in them."""
    symbols_of, sentences = declared(algorithm), []
    for text in algorithm.layered:
        for name, symbol in symbols_of.items():
            text = re.sub(rf"(?<![\w$]){re.escape(name)}(?![\w$])", lambda _, x=symbol: f"${x('')}$", text)  # type: ignore[misc]
        sentences.append(text)
    return sentences


def with_declared(part: Part, algorithm: Algorithm | None) -> Part:
    """A page, or sections, with declared symbols in the place of the names that they are declared for."""
    symbols = {} if algorithm is None else declared(algorithm)
    return cast(Part, _in(part, symbols)) if symbols else part


def _in(part: Any, symbols: Declared) -> Any:
    """A part of a page."""
    if isinstance(part, Formula):
        tree = _tree(part.tree, symbols)
        return part if tree is part.tree else Formula(tree)
    if isinstance(part, tuple):
        parts = [_in(x, symbols) for x in part]
        return part if all(x is y for x, y in zip(parts, part, strict=True)) else tuple(parts)
    if isinstance(part, Sentence):
        spans = _in(part.spans, symbols)
        return part if spans is part.spans else Sentence(spans)
    if isinstance(part, Label):
        called = _in(part.formula, symbols)
        return part if called is part.formula else Label(str(part), called)
    return _changed(part, symbols, _in) if is_dataclass(part) else part


def _changed(part: Any, symbols: Declared, change: Callable[[Any, Declared], Any]) -> Any:
    new = {f.name: change(getattr(part, f.name), symbols) for f in fields(part)}
    new = {name: x for name, x in new.items() if x is not getattr(part, name)}
    return replace(part, **new) if new else part


def _tree(node: Any, symbols: Declared) -> Any:
    if isinstance(node, Words):
        return tree_of(symbols[node.text]("")) if node.text in symbols and node.style == "it" else node
    if isinstance(node, Scripts) and isinstance(node.base, Words) and node.base.text in symbols and node.below:
        shown: Node = tree_of(symbols[node.base.text](latex(node.below)))
        return shown if node.above is None else Scripts(shown, None, node.above)
    if isinstance(node, Row):
        return _row(node, symbols)
    if isinstance(node, tuple):
        parts = [_tree(x, symbols) for x in node]
        return node if all(x is y for x, y in zip(parts, node, strict=True)) else tuple(parts)
    return _changed(node, symbols, _tree) if is_dataclass(node) else node


def _row(node: Row, symbols: Declared) -> Row:
    """A row, with now(i) as a selection at token i."""
    items: list[Node] = []
    k = 0
    while k < len(node.items):
        item, rest = node.items[k], node.items[k + 1 : k + 4]
        called = isinstance(item, Sign) and item.kind == "function" and item.text in symbols and len(rest) == 3
        if called and isinstance(rest[2], Sign) and rest[2].kind == "close":
            items.append(tree_of(symbols[item.text](latex(rest[1]))))  # type: ignore[union-attr]  # it is a sign
            k += 4
        else:
            items.append(_tree(item, symbols))
            k += 1
    same = len(items) == len(node.items) and all(x is y for x, y in zip(items, node.items, strict=True))
    return node if same else Row(tuple(items))

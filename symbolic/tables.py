"""What an algorithm prescribes layer by layer, layers from l = 1: scalar steps, and which tokens a layer reads."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from .errors import ContentError
from .exact import exact_number
from .plain_text import shown

Rule = str | tuple[str, ...]
"""A formula in l, "(l - 1) / (l + 2)", or the numbers of one period, ("0", "0", "1")."""
_OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda x, y: x + y,
    ast.Sub: lambda x, y: x - y,
    ast.Mult: lambda x, y: x * y,
    ast.Div: lambda x, y: x / y,
}
SELECTIONS: dict[str, Callable[[int, int], bool]] = {
    "j = l": lambda j, layer: j == layer,
    "j <= l": lambda j, layer: j <= layer,
    "j >= l": lambda j, layer: j >= layer,
}
"""The tokens j that layer l reads, by the text that says so."""
LONGEST = 200
"""The most characters of a formula, and the most numbers of a period."""


def entry(rule: Rule, layer: int, name: str) -> Fraction:
    """The number that a rule gives for a layer, from 1 on; `ContentError` where it divides by zero or is no rule."""
    if not isinstance(rule, str):
        return exact_number(rule[(layer - 1) % len(rule)], f"an entry of the table {name}")
    try:
        return _value(_parsed(rule, name), Fraction(layer))
    except ZeroDivisionError:
        raise ContentError(f"the table {name}, {rule}, divides by zero at layer {layer}") from None


def check(rule: Any, name: str) -> None:
    """Raise `ContentError` where this is neither a formula in l nor the numbers of a period."""
    if isinstance(rule, str):
        _parsed(rule, name)
    elif not isinstance(rule, Sequence) or not 0 < len(rule) <= LONGEST:
        raise ContentError(f"the table {name} is {shown(rule)}, wanted a formula in l or the numbers of one period")
    else:
        for number in rule:
            exact_number(number, f"an entry of the table {name}")


def text(rule: Rule) -> str:
    """A rule in words."""
    return rule if isinstance(rule, str) else f"{', '.join(str(x) for x in rule)}, and so on"


def _parsed(rule: str, name: str) -> ast.expr:
    wanted = "wanted a formula of l and whole numbers with + - * / and brackets, such as (l - 1) / (l + 2)"
    try:
        found = ast.parse(rule.strip(), mode="eval").body if len(rule) <= LONGEST else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        found = None
    if found is None or not _is_formula(found):
        raise ContentError(f"the table {name} is {shown(rule)}, {wanted}")
    return found


def _is_formula(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return type(node.op) in _OPERATIONS and _is_formula(node.left) and _is_formula(node.right)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and _is_formula(node.operand)
    if isinstance(node, ast.Constant):
        return type(node.value) is int
    return isinstance(node, ast.Name) and node.id == "l"


def _value(node: ast.expr, layer: Fraction) -> Fraction:
    if isinstance(node, ast.BinOp):
        result: Fraction = _OPERATIONS[type(node.op)](_value(node.left, layer), _value(node.right, layer))
        return result
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand, layer)
    return Fraction(node.value) if isinstance(node, ast.Constant) else layer  # type: ignore[arg-type]  # it is a formula


def prescribed(tables: Mapping[str, Rule], names: Sequence[str], steps: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Each layer's steps with what the tables prescribe in place of theirs, the first being those of layer 1.

    names : what the entries of a step are, in order
    """
    if not tables:
        return list(steps)
    return [
        tuple(entry(tables[x], layer, x) if x in tables else c for x, c in zip(names, step, strict=True))
        for layer, step in enumerate(steps, 1)
    ]


def check_selection(rule: Any, name: str) -> None:
    """Raise `ContentError` where this is no text that says which tokens a layer reads."""
    if not isinstance(rule, str) or rule not in SELECTIONS:
        raise ContentError(f"the selection {name} is {shown(rule)}, wanted {' or '.join(SELECTIONS)}")


def selection(rule: str, layer: int) -> Callable[[int], int]:
    """1 at the tokens, from 1 on, that a layer reads, 0 at the others."""
    return lambda j: int(SELECTIONS[rule](j, layer))

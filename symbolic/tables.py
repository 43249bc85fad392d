"""What an algorithm prescribes layer by layer, layers from l = 1: scalar steps, and which tokens a layer reads."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .errors import ContentError
from .exact import exact_number
from .plain_text import shown

if TYPE_CHECKING:
    from flint import fmpq_poly

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
        made: Fraction = formula(rule, name, Fraction(layer), Fraction)
        return made
    except ZeroDivisionError:
        raise ContentError(f"the table {name}, {rule}, divides by zero at layer {layer}") from None


def formula(rule: str, name: str, layer: Any, number: Callable[[int], Any]) -> Any:
    """What a formula in l says of a layer, in any arithmetic; number : its whole numbers."""
    return _value(_parsed(rule, name), layer, number)


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
        formula = ast.parse(rule.strip(), mode="eval").body if len(rule) <= LONGEST else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        formula = None
    if formula is None or not _is_formula(formula):
        raise ContentError(f"the table {name} is {shown(rule)}, {wanted}")
    return formula


def _is_formula(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return type(node.op) in _OPERATIONS and _is_formula(node.left) and _is_formula(node.right)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and _is_formula(node.operand)
    if isinstance(node, ast.Constant):
        return type(node.value) is int
    return isinstance(node, ast.Name) and node.id == "l"


def _value(node: ast.expr, layer: Any, number: Callable[[int], Any]) -> Any:
    if isinstance(node, ast.BinOp):
        return _OPERATIONS[type(node.op)](_value(node.left, layer, number), _value(node.right, layer, number))
    if isinstance(node, ast.UnaryOp):
        return -_value(node.operand, layer, number)
    return number(node.value) if isinstance(node, ast.Constant) else layer  # type: ignore[arg-type]  # it is a formula


@dataclass(frozen=True)
class Tail:
    """What a rule does as l grows: its limit, None where it grows without end.

    decay    : how many powers of l it loses on the way to its limit; None for a rule that is one number
    positive : whether it is above its limit in the end
    """

    limit: Fraction | None
    decay: int | None = None
    positive: bool = False


def tail(rule: str, name: str) -> Tail:
    """How a formula in l ends; `ContentError` where it divides by zero at some layer or is no formula.

    >>> tail("(l - 1) / (l + 2)", "beta"), tail("3 / (l * l)", "b").decay, tail("l / 2", "b").limit
    (Tail(limit=Fraction(1, 1), decay=1, positive=False), 2, None)
    """
    top, bottom = _quotient(_parsed(rule, name), name, rule)
    common = top.gcd(bottom)
    if common.degree() > 0:
        top, bottom = top // common, bottom // common
    if top.degree() > bottom.degree():
        return Tail(None)
    lead = bottom.coeffs()[-1]
    limit = top.coeffs()[-1] / lead if top.degree() == bottom.degree() else lead * 0
    rest = top - bottom * limit
    value = Fraction(int(limit.p), int(limit.q))
    if rest.degree() < 0:
        return Tail(value)
    return Tail(value, bottom.degree() - rest.degree(), rest.coeffs()[-1] / lead > 0)


def _quotient(node: ast.expr, name: str, rule: str) -> tuple[fmpq_poly, fmpq_poly]:
    """A formula as numerator and denominator, polynomials in l, the latter not zero at any layer."""
    from flint import fmpq_poly  # which the process of a user's file does without

    one = fmpq_poly([1])
    if isinstance(node, ast.Constant):
        return fmpq_poly([node.value]), one
    if isinstance(node, ast.UnaryOp):
        a, b = _quotient(node.operand, name, rule)
        return -a, b
    if not isinstance(node, ast.BinOp):
        return fmpq_poly([0, 1]), one
    (a, b), (c, d) = (_quotient(x, name, rule) for x in (node.left, node.right))
    if isinstance(node.op, ast.Mult):
        return a * c, b * d
    if isinstance(node.op, ast.Div):
        if layer := _zero_at(c):
            raise ContentError(f"the table {name}, {rule}, divides by zero at layer {layer}")
        return a * d, b * c
    return (a * d + c * b if isinstance(node.op, ast.Add) else a * d - c * b), b * d


def _zero_at(p: fmpq_poly) -> int | None:
    """The first layer at which a polynomial is zero."""
    if p.degree() < 0:
        return 1
    roots = [r for r, _ in p.numer().roots()] if p.degree() else []
    return min((int(r) for r in roots if r > 0), default=None)


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

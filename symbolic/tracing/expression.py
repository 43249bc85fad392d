"""Expressions: what a construction computes, as a shared tree of plain data. It knows no arithmetic and no Python file.

op         args and kind
number     a rational constant: scalar; its value is `number`
name       a symbol: its `source` says what it stands for, see `SOURCES`
add, sub   two scalars or two vectors
neg        a scalar or a vector
mul        two scalars, or a scalar and a vector in either order
div        a scalar or a vector by a scalar
pow        a scalar by an exponent: a polynomial with integer coefficients in the index and n
dot        two vectors: scalar
apply      a matrix and a vector: vector
product    two matrices: matrix
transpose  a matrix
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..errors import ContentError

SCALAR, VECTOR, MATRIX = "scalar", "vector", "matrix"
SOURCES = {
    "weight": "a weight before the update",
    "preconditioner": "a step matrix, or a scalar step",
    "parameter": "a parameter: gamma, lam",
    "transition": "what the transition at hand carries: phi, phi_next, reward, index and the declared extras",
    "sweep": "n, the context length",
    "before": "a loop variable before the step at hand",
    "after": "a loop variable after the last step",
    "token": "a feature block's entries, or the reward, in one column",
    "query": "q, the features of the query",
    "position": "the later or the earlier of a mask's two positions",
    "selected": "1 where the layer reads the later, or the earlier, of a mask's two positions, and 0 elsewhere",
    "entry": "one number of the context of a construction all of one's own",
}
MAX_EXPONENT, MAX_EXPONENT_NODES, MAX_DEPTH = 1_000, 16, 40
ARITY = {
    "number": 0, "name": 0, "add": 2, "sub": 2, "neg": 1, "mul": 2, "div": 2, "pow": 2, "dot": 2, "apply": 2,
    "product": 2, "transpose": 1,
}  # fmt: skip


@dataclass(eq=False, slots=True)  # not frozen for speed alone: nothing changes a node
class Expression:
    """One node; equal nodes of one `NodeTable` are one object, so `is` compares them.

    op     : a key of `ARITY`
    kind   : scalar, vector or matrix
    args   : the operands
    number : the value of a number
    source, name : what a name stands for
    step   : which pass over the loop's body a name belongs to while it is traced; 0 in every tree that is kept
    """

    op: str
    kind: str
    args: tuple[Expression, ...] = ()
    number: Fraction = Fraction(0)
    source: str = ""
    name: str = ""
    step: int = 0

    def __repr__(self) -> str:
        return f"Expression({text(self)})"


class NodeTable:
    """Makes expressions, each node once."""

    def __init__(self) -> None:
        self._known: dict[Any, Expression] = {}

    def number(self, value: int | Fraction) -> Expression:
        """A rational constant."""
        key = ("number", value.numerator, value.denominator)
        if key not in self._known:
            self._known[key] = Expression("number", SCALAR, number=Fraction(value))
        return self._known[key]

    def name(self, source: str, name: str, kind: str, step: int = 0) -> Expression:
        """A symbol."""
        key = ("name", source, name, kind, step)
        if key not in self._known:
            self._known[key] = Expression("name", kind, source=source, name=name, step=step)
        return self._known[key]

    def make(self, op: str, *args: Expression) -> Expression:
        """An operation; `ContentError` when the operands are of kinds that it does not join."""
        key = (op, *map(id, args))
        node = self._known.get(key)
        if node is None:
            kind = kind_of(op, args)
            node = self._known[key] = Expression(op, kind, args)
        return node


def kind_of(op: str, args: tuple[Expression, ...]) -> str:
    """The kind that an operation gives; `ContentError` for operands that it does not join."""
    kinds = tuple(a.kind for a in args)
    match op, kinds:
        case (("add" | "sub"), (left, right)) if left == right != MATRIX:
            return left
        case "neg", (kind,) if kind != MATRIX:
            return kind
        case "mul", (left, right) if SCALAR in kinds and MATRIX not in kinds:
            return right if left == SCALAR else left
        case "div", (kind, "scalar") if kind != MATRIX:
            return kind
        case "pow", ("scalar", "scalar") if is_exponent(args[1]):
            return SCALAR
        case "dot", ("vector", "vector"):
            return SCALAR
        case "apply", ("matrix", "vector"):
            return VECTOR
        case "product", ("matrix", "matrix"):
            return MATRIX
        case "transpose", ("matrix",):
            return MATRIX
    raise ContentError(f"the operation {op} of {' and '.join(kinds) or 'nothing'} is no expression")


def is_exponent(node: Expression) -> bool:
    """Whether a node is a small polynomial with integer coefficients in positions and n: an integer at every step."""
    parts = list(nodes([node]))
    for part in parts:
        if part.op == "number" and part.number.denominator == 1 and abs(part.number) <= MAX_EXPONENT:
            continue
        if _is_position(part):
            continue
        if part.op not in ("add", "sub", "neg", "mul"):
            return False
    return len(parts) <= MAX_EXPONENT_NODES


def has_entries(node: Expression) -> bool:
    """Whether a node reads anything but positions and n."""
    return any(part.op == "name" and not _is_position(part) for part in nodes([node]))


def _is_position(part: Expression) -> bool:
    if part.op != "name":
        return False
    return part.source == "position" or (part.source, part.name) in (("transition", "index"), ("sweep", "n"))


def reads_layer(node: Expression) -> bool:
    """Whether a node is made from the layer's number."""
    return any((x.source, x.name) == ("sweep", "layer") for x in names([node]))


def nodes(roots: Iterable[Expression], stop: Collection[int] = ()) -> Iterator[Expression]:
    """Every node below `roots`, once, operands before what they go into.

    stop : the ids of nodes that are not looked into
    """
    seen: set[int] = set()
    for root in roots:
        stack = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                yield node
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                if id(node) not in stop:
                    stack += [(a, False) for a in reversed(node.args) if id(a) not in seen]


def names(roots: Iterable[Expression]) -> list[Expression]:
    """The symbols below `roots`."""
    return [node for node in nodes(roots) if node.op == "name"]


_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "dot": "@", "apply": "@", "product": "@"}
_BINDS = {"add": 1, "sub": 1, "mul": 2, "div": 2, "dot": 2, "apply": 2, "product": 2, "neg": 3, "pow": 4}


def text(node: Expression, limit: int = 160) -> str:
    """An expression as Python writes it, shortened to about `limit` characters.

    >>> t = NodeTable()
    >>> text(t.make("mul", t.number(Fraction(1, 2)), t.name("parameter", "gamma", "scalar")))
    '1/2 * gamma'
    """
    budget = [limit]

    def shown(node: Expression, above: int, depth: int = 0) -> str:
        if budget[0] <= 0 or depth > MAX_DEPTH:
            return "..."
        if node.op == "number":
            written, binds = str(node.number), 2 if node.number.denominator != 1 or node.number < 0 else 9
        elif node.op == "name":
            written, binds = symbol(node), 9
        elif node.op == "transpose":
            written, binds = shown(node.args[0], 9, depth + 1) + ".T", 9
        elif node.op == "neg":
            written, binds = "-" + shown(node.args[0], 3, depth + 1), 3
        else:
            binds = _BINDS[node.op]
            left = shown(node.args[0], binds, depth + 1)
            written = f"{left} {_SIGNS[node.op]} {shown(node.args[1], binds + 1, depth + 1)}"
        budget[0] -= len(written) if not node.args else 3
        return f"({written})" if binds < above else written

    return shown(node, 0)


def symbol(node: Expression) -> str:
    """A symbol as a construction's file reads it."""
    prefix = {"transition": "t.", "sweep": "sweep.", "before": "sweep.", "after": "sweep.", "token": "x."}
    return prefix.get(node.source, "") + node.name

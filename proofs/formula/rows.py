"""The rows of a prompt as trees: an accumulator's entry in a context column, and in the query column."""

from __future__ import annotations

from collections.abc import Callable

from ...symbolic.tracing import Traced
from ...symbolic.tracing.expression import SCALAR, Expression, NodeTable, nodes


def context_entry(traced: Traced, row: str) -> Expression | None:
    """An accumulator row's entry in a transition's column, in the transition's own symbols; None for zero."""
    blocks, own = {r.name: r.context for r in traced.features}, NodeTable()

    def stands(name: str) -> Expression:  # the transition's numbers are read by name too, and are no blocks
        return blocks[name] if name in blocks else own.name("transition", name, SCALAR)

    root = dict(traced.accumulators)[row]
    return _replaced(root, lambda node: stands(node.name) if node.source == "token" else node)


def query_entry(traced: Traced, row: str) -> Expression | None:
    """An accumulator row's entry in the query column; None for zero."""
    blocks = {r.name: r.query for r in traced.features}
    root = dict(traced.accumulators)[row]
    return _replaced(root, lambda node: blocks.get(node.name) if node.source == "token" else node)


def without_weights(root: Expression | None) -> Expression | None:
    """An entry at zero weights; None for zero."""
    return None if root is None else _replaced(root, lambda node: None if node.source == "weight" else node)


def _replaced(root: Expression, stands: Callable[[Expression], Expression | None]) -> Expression | None:
    """The tree with what stands for each name, None for zero; zeros and ones are left out."""
    table, made = NodeTable(), dict[int, Expression | None]()
    for node in nodes([root]):
        if node.op == "name":
            made[id(node)] = _copy(table, stands(node))
        elif node.op == "number":
            made[id(node)] = table.number(node.number) if node.number else None
        else:
            made[id(node)] = _made(table, node.op, [made[id(a)] for a in node.args])
    return made[id(root)]


def _copy(table: NodeTable, root: Expression | None) -> Expression | None:
    if root is None:
        return None
    copies: dict[int, Expression] = {}
    for node in nodes([root]):
        if node.op == "name":
            copies[id(node)] = table.name(node.source, node.name, node.kind)
        elif node.op == "number":
            copies[id(node)] = table.number(node.number)
        else:
            copies[id(node)] = table.make(node.op, *(copies[id(a)] for a in node.args))
    return copies[id(root)]


def _made(table: NodeTable, op: str, args: list[Expression | None]) -> Expression | None:
    match op, args:
        case ("add", (None, x)) | ("add" | "sub", (x, None)):
            return x
        case "sub", (None, x):
            return None if x is None else table.make("neg", x)
        case (("mul" | "dot" | "apply" | "div" | "neg"), (None, *_)):
            return None
        case (("mul" | "dot" | "apply"), (_, None)):
            return None
        case "mul", (x, y) if x is not None and y is not None and any(_one(a) for a in (x, y)):
            return y if _one(x) else x
        case "dot", (x, y) if x is not None and y is not None:
            for k, side in enumerate((x, y)):  # a scalar comes out in front: gamma w.phi'
                if side.op == "mul":
                    scalar, vector = side.args if side.args[0].kind == SCALAR else side.args[::-1]
                    inner = table.make("dot", *((vector, y) if k == 0 else (x, vector)))
                    return table.make("mul", scalar, inner)
    return table.make(op, *(a if a is not None else table.number(0) for a in args))


def _one(node: Expression) -> bool:
    return node.op == "number" and node.number == 1

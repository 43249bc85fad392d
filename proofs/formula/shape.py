"""An update's loop as a paper writes it: sums, what is named on the way, recursions, and the step that reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...symbolic.tracing import Loop
from ...symbolic.tracing.expression import Expression, nodes


@dataclass(frozen=True, eq=False)
class Sum:
    """A loop variable that starts at zero and only grows: the sum of `terms`, each with its sign, over the steps."""

    terms: tuple[tuple[int, Expression], ...]


@dataclass(frozen=True, eq=False)
class Shape:
    """A loop, sorted.

    sums        : the variables that are written as sums where they are read
    definitions : the other variables and named parts, each after what it is made of
    starts      : the start of each variable that is defined
    copies      : the variables that keep something of the step before: they are written as that, one step back
    """

    loop: Loop
    sums: dict[str, Sum]
    definitions: tuple[tuple[str, Expression], ...]
    starts: dict[str, Expression]
    copies: set[str]


def terms(node: Expression, stop: frozenset[int] = frozenset()) -> Iterator[tuple[int, Expression]]:
    """The terms of a sum with their signs; a node in `stop` is one term."""
    if id(node) in stop or node.op not in ("add", "sub", "neg"):
        yield 1, node
    elif node.op == "neg":
        yield from ((-sign, part) for sign, part in terms(node.args[0], stop))
    else:
        yield from terms(node.args[0], stop)
        yield from ((sign if node.op == "add" else -sign, part) for sign, part in terms(node.args[1], stop))


def is_zero(node: Expression) -> bool:
    """Whether a node is plainly zero: 0, or a product with it."""
    if node.op == "number":
        return not node.number
    return node.op == "mul" and any(is_zero(a) for a in node.args)


def shape(loop: Loop) -> Shape:
    """Sort a loop."""
    body, starts = dict(loop.body), dict(loop.start)
    lets = dict(loop.lets)
    sums: dict[str, Sum] = {}
    for name, node in body.items():
        others = [*(n for v, n in body.items() if v != name), *lets.values()]
        if is_zero(starts[name]) and not _reads(others, name, frozenset({id(node)})):
            gain = _gain(node, name, frozenset(id(n) for n in lets.values()))
            if gain is not None:
                sums[name] = Sum(gain)
    copies = {v for v, n in body.items() if v not in sums and not n.args and n.source in ("transition", "before")}
    ids = {id(n): v for v, n in (*lets.items(), *((v, n) for v, n in body.items() if v not in sums)) if n.args}
    wanted = [n for _, n in loop.finish] + [n for s in sums.values() for _, n in s.terms]
    order: list[tuple[str, Expression]] = []
    moving = {id(n) for n in nodes([*body.values(), *lets.values()]) if _moves(n)}

    def visit(node: Expression) -> None:
        if node.op == "name" and node.source == "before" and node.name not in {*sums, *copies}:
            define(node.name, body[node.name])
        if id(node) in ids and id(node) in moving:
            define(ids[id(node)], node)
            return
        for a in node.args:
            visit(a)

    def define(name: str, node: Expression) -> None:
        if name in seen:
            return
        seen.add(name)
        for a in node.args if node.args else (node,):
            visit(a)
        order.append((name, node))

    seen: set[str] = set()
    for node in wanted:
        visit(node)
    for _, node in loop.finish:
        for part in nodes([node]):
            if part.op == "name" and part.source == "after" and part.name not in {*sums, *copies}:
                define(part.name, body[part.name])
    return Shape(loop, sums, tuple(order), {name: starts[name] for name, _ in order if name in starts}, copies)


def _moves(node: Expression) -> bool:
    """Whether a node changes from step to step."""
    return any(p.op == "name" and p.source in ("transition", "before") for p in nodes([node]))


def _reads(roots: list[Expression], name: str, stop: frozenset[int]) -> bool:
    return any(
        n.op == "name" and n.source == "before" and n.name == name for n in nodes(roots, stop) if id(n) not in stop
    )


def _gain(node: Expression, name: str, stop: frozenset[int]) -> tuple[tuple[int, Expression], ...] | None:
    """What a step adds to a variable; None when it does something else to it."""
    parts = list(terms(node, stop - {id(node)}))
    itself = [k for k, (_, p) in enumerate(parts) if p.op == "name" and p.source == "before" and p.name == name]
    if len(itself) != 1 or parts[itself[0]][0] != 1:
        return None
    rest = parts[: itself[0]] + parts[itself[0] + 1 :]
    return tuple(rest) if rest and not _reads([p for _, p in rest], name, frozenset()) else None

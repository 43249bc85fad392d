"""Traced expressions as programs: lists of steps over slots, which run in any arithmetic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from ..algorithm import Algorithm
from ..errors import ZeroDivisorError
from ..transitions import Sweep
from .expression import Expression, nodes
from .traced import Loop


class Program:
    """Expressions as a list of steps over slots: inputs, constants, results; what is shared is computed once.

    inputs : the symbols, in the order in which `run` is given their values; `whole` among the keys is an index as an
             integer, for exponents
    given  : expressions whose values are inputs too
    """

    def __init__(self, outputs: Iterable[Expression], inputs: Sequence[Any], given: Sequence[Expression] = ()):
        self.slots: dict[Any, int] = {key: k for k, key in enumerate(inputs)}
        self.constants: list[Any] = []
        self.steps: list[tuple[Callable[[Any, Any], Any], int, int]] = []
        outputs = list(outputs)
        known = {id(node) for node in given}
        order = list(nodes(outputs, known))
        for node in order:
            if node.op == "number":
                value = node.number
                self.constants.append(int(value) if value.denominator == 1 else value)
                self.slots[id(node)] = len(inputs) + len(self.constants) - 1
        self._next = len(inputs) + len(self.constants)
        self._exact = {id(node) for node in order if node.op == "number" or (id(node) in known and _is_exact(node))}
        for node in order:
            if id(node) in known:
                self.slots[id(node)] = self.slots["given", id(node)]
            else:
                self._add(node)
        self.outputs = [self.slots[id(node)] for node in outputs]

    def _add(self, node: Expression) -> None:
        if node.op == "number":
            return
        if node.op == "name":
            self.slots[id(node)] = self.slots[node.source, node.name]
            if (node.source, node.name) in (("transition", "index"), ("sweep", "n")):
                self._exact.add(id(node))
            return
        if node.op == "pow":
            base, exponent = node.args
            self._emit(node, _power, self.slots[id(base)], self._whole(exponent))
        elif len(node.args) == 1:
            slot = self.slots[id(node.args[0])]
            self._emit(node, _UNARY[node.op], slot, slot)
        else:
            left, right = node.args
            exact = id(left) in self._exact or id(right) in self._exact
            plain = all(a.op == "number" and a.number.denominator == 1 for a in node.args if id(a) in self._exact)
            careful = exact and (node.op == "div" or not plain)
            table = _CAREFUL if careful else _BINARY
            self._emit(node, table[node.op], self.slots[id(left)], self.slots[id(right)])
        if all(id(a) in self._exact for a in node.args):
            self._exact.add(id(node))

    def _whole(self, node: Expression) -> int:
        """The slot of an exponent, with the index and n as integers."""
        key = ("whole", id(node))
        if key not in self.slots:
            if node.op == "name":
                self.slots[key] = self.slots["whole", node.source, node.name]
            elif node.op == "number":
                self.slots[key] = self.slots[id(node)]
            else:
                args = [self._whole(a) for a in node.args]
                function = _UNARY[node.op] if len(args) == 1 else _BINARY[node.op]
                self.steps.append((function, args[0], args[-1]))
                self.slots[key] = self._next
                self._next += 1
        return self.slots[key]

    def _emit(self, node: Expression, function: Callable[[Any, Any], Any], left: int, right: int) -> None:
        self.steps.append((function, left, right))
        self.slots[id(node)] = self._next
        self._next += 1

    def run(self, values: list[Any]) -> list[Any]:
        """The outputs at these values of the inputs, which are consumed."""
        slots = values + self.constants
        for function, left, right in self.steps:
            slots.append(function(slots[left], slots[right]))
        return [slots[k] for k in self.outputs]


def _product(a: Any, b: Any) -> Any:
    try:
        return a * b
    except TypeError:
        if isinstance(a, Fraction):
            return b * a.numerator / a.denominator
        if isinstance(b, Fraction):
            return a * b.numerator / b.denominator
        raise


def _sum(a: Any, b: Any) -> Any:
    try:
        return a + b
    except TypeError:
        if isinstance(a, Fraction):
            return (b * a.denominator + a.numerator) / a.denominator
        if isinstance(b, Fraction):
            return (a * b.denominator + b.numerator) / b.denominator
        raise


def _difference(a: Any, b: Any) -> Any:
    return _sum(a, -b)


def _quotient(a: Any, b: Any) -> Any:
    if isinstance(b, int) and isinstance(a, int):
        if not b:
            raise ZeroDivisorError(
                f"the update divides {int(a)} by a number that is zero at a position or length: write a divisor that "
                "is zero at none of them"
            )
        return Fraction(int(a), int(b))
    try:
        return a / b
    except TypeError:
        if isinstance(b, Fraction):
            return a * b.denominator / b.numerator
        if isinstance(a, Fraction):
            return a.numerator / (b * a.denominator)
        raise


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int):
        return Fraction(int(base)) ** exponent
    return base**exponent


def _transposed(matrix: Any, _: Any) -> Any:
    return matrix.mT if hasattr(matrix, "mT") else matrix.T


_UNARY: dict[str, Callable[[Any, Any], Any]] = {"neg": lambda x, _: -x, "transpose": _transposed}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "dot": operator.matmul, "apply": operator.matmul, "product": operator.matmul,
}  # fmt: skip
_CAREFUL = _BINARY | {"add": _sum, "sub": _difference, "mul": _product, "div": _quotient}
"""Where an operand may be an int or a Fraction: not every arithmetic takes Fractions, and int / int is no float."""


def whole(index: Any) -> Any:
    """A position as an integer, where the arithmetic has it as one; a symbol stays what it is."""
    if isinstance(index, int):
        return int(index)
    try:
        return int(index)
    except Exception:
        return index  # a symbolic position: what its powers are is for its arithmetic to say


def keys_of(roots: Sequence[Expression]) -> list[Any]:
    """The symbols below `roots` as input keys, exponents' as integers beside them."""
    keys: dict[Any, None] = {}
    for node in nodes(roots):
        if node.op == "name":
            keys[node.source, node.name] = None
        elif node.op == "pow":
            for part in nodes([node.args[1]]):
                if part.op == "name":
                    keys["whole", part.source, part.name] = None
    return list(keys)


class LoopProgram:
    """A loop as three programs: before it, a step, after it. What no step changes is computed before the loop."""

    def __init__(self, record: Algorithm, loop: Loop):
        self.names = [name for name, _ in loop.start]
        self.parameters = record.parameters
        outer: list[Any] = [
            *(("weight", w) for w in record.weights), *(("preconditioner", c) for c in record.preconditioners),
            *(("parameter", name) for name in record.parameters), ("sweep", "n"), ("whole", "sweep", "n"),
        ]  # fmt: skip
        body = [node for _, node in loop.body]
        changing: set[int] = set()
        fixed: dict[int, Expression] = {}
        for node in nodes(body):
            if (node.op == "name" and node.source in ("transition", "before")) or any(
                id(a) in changing for a in node.args
            ):
                changing.add(id(node))
                fixed |= {id(a): a for a in node.args if id(a) not in changing and a.args}
        self.ahead = list(fixed.values())
        self.start = Program([*(node for _, node in loop.start), *self.ahead], outer)
        self.reads = [key for key in keys_of(body) if key[0] == "transition" or key[:2] == ("whole", "transition")]
        held = [("given", id(node)) for node in self.ahead]
        before = [("before", name) for name in self.names]
        self.step = Program(body, [*outer, *held, *self.reads, *before], self.ahead)
        after = [("after", name) for name in self.names]
        self.finish = Program([node for _, node in loop.finish], [*outer, *after])

    def run(self, weights: Sequence[Any], preconditioners: Sequence[Any], sweep: Any, p: Any) -> tuple[Any, ...]:
        n = sweep.n
        outer = [*weights, *preconditioners, *(getattr(p, name) for name in self.parameters), n, n]
        values = self.start.run(outer[:])
        if not self.names:
            return tuple(self.finish.run(outer))
        count = len(self.names)
        current, base = values[:count], outer + values[count:]
        reads, step = self.reads, self.step.run
        for name, value in zip(self.names, current, strict=True):
            setattr(sweep, name, value)
        own = type(sweep) is Sweep  # any other sweep may look at its variables, or set them, between two steps
        for t in sweep:
            if not own:
                current = [getattr(sweep, name) for name in self.names]
            read = [whole(t.index) if key[0] == "whole" else getattr(t, key[1]) for key in reads]
            current = step(base + read + current)
            if not own:
                for name, value in zip(self.names, current, strict=True):
                    setattr(sweep, name, value)
        if own:
            for name, value in zip(self.names, current, strict=True):
                setattr(sweep, name, value)
        else:
            current = [getattr(sweep, name) for name in self.names]
        return tuple(self.finish.run(outer + current))


def _is_exact(node: Expression) -> bool:
    return all(n.op != "name" or (n.source, n.name) in (("sweep", "n"), ("transition", "index")) for n in nodes([node]))

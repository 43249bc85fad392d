"""The traced tree as a formula, factored as the Python says it: delta_j e_j, and sums where the loop adds up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from ...symbolic.tracing.expression import SCALAR, Expression
from .build import Part, bracketed, fraction, indexed, items, number, power, row, summed, transposed
from .formula import Formula
from .nodes import Sign
from .shape import Shape, Sum, terms
from .symbols import Symbols

FOLLOWING: Mapping[Part, str] = {"j": "i", "i": "k", "t": "i"}
"""The letter that an inner sum counts with."""


@dataclass
class _Factors:
    """A product, taken apart: coefficient * scalars * matrices * vectors / below."""

    coefficient: Fraction = Fraction(1)
    scalars: list[Expression] = field(default_factory=list)
    vectors: list[Expression] = field(default_factory=list)
    below: list[Expression] = field(default_factory=list)


class LoopTree:
    """Makes formulas of nodes.

    shape : what the loop's variables are; None for trees without a loop
    layer : the index of preconditioners, and of weights where it is not None
    last  : the last transition of the loop
    """

    def __init__(self, symbols: Symbols, shape: Shape | None = None, layer: Formula | None = None, last: Part = "n"):
        self.symbols, self.layer, self.last = symbols, layer, last
        self.sums: Mapping[str, Sum] = shape.sums if shape else {}
        self.named: dict[int, str] = {id(n): v for v, n in shape.definitions} if shape else {}
        body = dict(shape.loop.body) if shape else {}
        self.copies = {v: body[v] for v in shape.copies} if shape else {}
        self.partial = {id(body[v]): v for v in self.sums}
        self.stop = frozenset((*self.named, *self.partial))

    def formula(self, node: Expression, index: Part = "j") -> Formula:
        """A node at the transition `index`."""
        return self._sum(terms(node, self.stop), index)

    def defined(self, node: Expression, index: Part = "j") -> Formula:
        """What a named node is made of."""
        hidden, self.named = self.named, {k: v for k, v in self.named.items() if k != id(node)}
        stop, self.stop = self.stop, self.stop - {id(node)}
        try:
            return self.formula(node, index)
        finally:
            self.named, self.stop = hidden, stop

    def total(self, name: str, index: Part = "j", last: Part = "") -> Formula:
        """A variable that is a sum, up to `last`: the last transition, where it is left out."""
        added = self.sums[name].terms
        inside = self._sum(added, index)
        return summed(index, bracketed(inside, "big") if len(added) > 1 else inside, "1", last or self.last)

    def _sum(self, parts: Iterable[tuple[int, Expression]], index: Part) -> Formula:
        result: list[Part] = []
        for sign, part in parts:
            factors = self._factors(part)
            negative = (factors.coefficient < 0) != (sign < 0)
            factors.coefficient = abs(factors.coefficient)
            result += ["-"] if negative else ["+"] if result else []
            result.append(self._product(factors, index))
        return row(*result)

    def _factors(self, node: Expression) -> _Factors:
        factors = _Factors()
        self._gather(node, factors, above=True)
        return factors

    def _gather(self, node: Expression, into: _Factors, above: bool) -> None:
        if id(node) in self.stop or node.op in ("name", "add", "sub", "pow", "transpose", "product"):
            if not above:
                into.below.append(node)
            else:
                (into.scalars if node.kind == SCALAR else into.vectors).append(node)
        elif node.op == "number":
            into.coefficient = into.coefficient * node.number if above else into.coefficient / node.number
        elif node.op == "neg":
            into.coefficient = -into.coefficient
            self._gather(node.args[0], into, above)
        elif node.op == "mul" and above:
            for a in node.args:
                self._gather(a, into, above)
        elif node.op == "div" and above:
            self._gather(node.args[0], into, True)
            self._gather(node.args[1], into, False)
        elif not above:
            into.below.append(node)
        elif node.op == "dot":
            into.scalars.append(node)
        else:
            into.vectors.append(node)

    def _product(self, factors: _Factors, index: Part) -> Formula:
        names = [s for s in factors.scalars if not self._wide(s)]
        wide = [s for s in factors.scalars if self._wide(s)]
        order = [*names, *wide, *factors.vectors]
        shown: list[Part] = []
        for k, node in enumerate(order):
            if names.count(node) > 1:  # one symbol several times is a power of it
                if names.index(node) == k:
                    shown.append(power(self._factor(node, index, last=False), str(names.count(node))))
                continue
            shown.append(self._factor(node, index, last=k == len(order) - 1))
        c = factors.coefficient
        if factors.below:
            under = row(*(self._factor(b, index, last=len(factors.below) == 1) for b in factors.below))
            if c.denominator != 1:
                under = row(str(c.denominator), under)
            single = len(order) == 1 and order[0].op == "name" and order[0].kind == SCALAR and c.numerator == 1
            if single or not order:
                return fraction(shown[0] if single else str(c.numerator), under)
            return row(fraction(str(c.numerator), under), *shown)
        if c != 1 or not order:
            shown.insert(0, number(c))
        return row(*shown)

    def _wide(self, node: Expression) -> bool:
        return id(node) not in self.named and node.op in ("dot", "add", "sub")

    def _factor(self, node: Expression, index: Part, last: bool) -> Formula:
        if id(node) in self.named:
            return self.symbols.formula("variable", self.named[id(node)], index)
        if id(node) in self.partial:
            inner = self.total(self.partial[id(node)], FOLLOWING.get(index, "i"), index)
            return inner if last else bracketed(inner, "Big")
        if node.op == "name":
            shown = self._name(node, index)
            return bracketed(shown, "Big") if self._is_total(node) and not last else shown
        if node.op in ("add", "sub"):
            return bracketed(self.formula(node, index))
        if node.op == "pow":
            base = node.args[0]
            low = self._factor(base, index, last=True)
            bare = base.op == "name" or base.op == "number"
            return power(low if bare else bracketed(low), self.formula(node.args[1], index))
        if node.op == "dot":
            return self._dot(node, index) if last else bracketed(self._dot(node, index))
        if node.op == "apply":
            return row(self._matrix(node.args[0]), self._vector(node.args[1], index))
        if node.op in ("transpose", "product"):
            return self._matrix(node)
        return bracketed(self.formula(node, index))  # a number, where one stands below

    def _is_total(self, node: Expression) -> bool:
        """Whether a name is written as a sum."""
        return node.source in ("before", "after") and node.name in self.sums

    def _vector(self, node: Expression, index: Part) -> Formula:
        shown = self.formula(node, index)
        return bracketed(shown) if id(node) not in self.stop and node.op in ("add", "sub", "neg") else shown

    def _dot(self, node: Expression, index: Part) -> Formula:
        left, right = node.args
        if right.op == "name" and right.source == "weight" and not (left.op == "name" and left.source == "weight"):
            left, right = right, left
        return row(transposed(self._vector(left, index)), self._vector(right, index))

    def _matrix(self, node: Expression) -> Formula:
        if node.op == "transpose":
            return transposed(self._matrix(node.args[0]))
        if node.op == "product":
            return row(*map(self._matrix, node.args))
        return self.symbols.formula("preconditioner", node.name, self.symbols.formula("layer", "layer"))

    def _name(self, node: Expression, index: Part) -> Formula:
        match node.source:
            case "transition":
                return row(index) if node.name == "index" else self.symbols.formula("transition", node.name, index)
            case "before":
                before = _back(index)
                if node.name in self.copies:
                    return self._name(self.copies[node.name], before)
                if node.name in self.sums:
                    return self.total(node.name, FOLLOWING.get(index, "i"), before)
                return self.symbols.formula("variable", node.name, before)
            case "after":
                n = self.symbols.formula("sweep", "n") if self.last == "n" else self.last
                if node.name in self.sums:
                    return self.total(node.name, "j", n)
                return self.symbols.formula("variable", node.name, n)
            case "weight":
                w = self.symbols.formula("weight", node.name)
                return indexed(w, self.layer) if self.layer is not None else w
            case "preconditioner":
                return self._matrix(node)
            case _:
                return self.symbols.formula(node.source, node.name)


def _back(index: Part) -> Formula:
    """One step before: j - 1, j - 2."""
    parts = items(index)
    steps = int(parts[2].text) if len(parts) == 3 and isinstance(parts[2], Sign) else 0
    return row(Formula(parts[0]), "-", str(steps + 1))

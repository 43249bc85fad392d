"""The traced tree as LaTeX, factored as the Python says it: delta_j e_j, and sums where the loop adds up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from ...symbolic.tracing.expression import SCALAR, Expression
from .shape import Shape, Sum, terms
from .symbols import Symbols

FOLLOWING = {"j": "i", "i": "k", "t": "i"}
"""The letter that an inner sum counts with."""


@dataclass
class _Factors:
    """A product, taken apart: coefficient * scalars * matrices * vectors / below."""

    coefficient: Fraction = Fraction(1)
    scalars: list[Expression] = field(default_factory=list)
    vectors: list[Expression] = field(default_factory=list)
    below: list[Expression] = field(default_factory=list)


class TreeLatex:
    """Prints nodes.

    shape : what the loop's variables are; None for trees without a loop
    layer : the index of preconditioners, and of weights where it is not empty
    last  : the last transition of the loop
    """

    def __init__(self, symbols: Symbols, shape: Shape | None = None, layer: str = "", last: str = "n"):
        self.symbols, self.layer, self.last = symbols, layer, last
        self.sums: Mapping[str, Sum] = shape.sums if shape else {}
        self.named: dict[int, str] = {id(n): v for v, n in shape.definitions} if shape else {}
        body = dict(shape.loop.body) if shape else {}
        self.copies = {v: body[v] for v in shape.copies} if shape else {}
        self.partial = {id(body[v]): v for v in self.sums}
        self.stop = frozenset((*self.named, *self.partial))

    def latex(self, node: Expression, index: str = "j") -> str:
        """A node at the transition `index`."""
        return self._sum(terms(node, self.stop), index)

    def defined(self, node: Expression, index: str = "j") -> str:
        """What a named node is made of."""
        hidden, self.named = self.named, {k: v for k, v in self.named.items() if k != id(node)}
        stop, self.stop = self.stop, self.stop - {id(node)}
        try:
            return self.latex(node, index)
        finally:
            self.named, self.stop = hidden, stop

    def total(self, name: str, index: str = "j", last: str = "") -> str:
        """A variable that is a sum, up to `last`: the last transition, where it is left out."""
        found = self.sums[name].terms
        inside = self._sum(found, index)
        if len(found) > 1:
            inside = rf"\bigl( {inside} \bigr)"
        return rf"\sum_{{{index}=1}}^{{{last or self.last}}} {inside}"

    def _sum(self, parts: Iterable[tuple[int, Expression]], index: str) -> str:
        result = ""
        for sign, part in parts:
            factors = self._factors(part)
            negative = (factors.coefficient < 0) != (sign < 0)
            factors.coefficient = abs(factors.coefficient)
            shown = self._product(factors, index)
            result += (" - " if negative else " + ") + shown if result else ("-" if negative else "") + shown
        return result

    def _factors(self, node: Expression) -> _Factors:
        found = _Factors()
        self._gather(node, found, above=True)
        return found

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

    def _product(self, factors: _Factors, index: str) -> str:
        names = [s for s in factors.scalars if not self._wide(s)]
        wide = [s for s in factors.scalars if self._wide(s)]
        order = [*names, *wide, *factors.vectors]
        shown: list[str] = []
        for k, node in enumerate(order):
            if names.count(node) > 1:  # one symbol several times is a power of it
                if names.index(node) == k:
                    shown.append(f"{self._factor(node, index, last=False)}^{{{names.count(node)}}}")
                continue
            shown.append(self._factor(node, index, last=k == len(order) - 1))
        c = factors.coefficient
        if factors.below:
            under = " ".join(self._factor(b, index, last=len(factors.below) == 1) for b in factors.below)
            if c.denominator != 1:
                under = f"{c.denominator} {under}"
            single = len(order) == 1 and order[0].op == "name" and order[0].kind == SCALAR and c.numerator == 1
            if single or not order:
                return rf"\frac{{{shown[0] if single else c.numerator}}}{{{under}}}"
            return " ".join([rf"\frac{{{c.numerator}}}{{{under}}}", *shown])
        if c != 1 or not order:
            shown.insert(0, str(c) if c.denominator == 1 else rf"\tfrac{{{c.numerator}}}{{{c.denominator}}}")
        return " ".join(shown)

    def _wide(self, node: Expression) -> bool:
        return id(node) not in self.named and node.op in ("dot", "add", "sub")

    def _factor(self, node: Expression, index: str, last: bool) -> str:
        if id(node) in self.named:
            return self.symbols.at("variable", self.named[id(node)], index)
        if id(node) in self.partial:
            inner = self.total(self.partial[id(node)], FOLLOWING.get(index, "i"), index)
            return inner if last else rf"\Bigl( {inner} \Bigr)"
        if node.op == "name":
            shown = self._name(node, index)
            return rf"\Bigl( {shown} \Bigr)" if shown.startswith(r"\sum") and not last else shown
        if node.op in ("add", "sub"):
            return f"({self.latex(node, index)})"
        if node.op == "pow":
            base = node.args[0]
            low = self._factor(base, index, last=True)
            plain = base.op == "name" or base.op == "number"
            return (
                f"{{{low}}}^{{{self.latex(node.args[1], index)}}}"
                if plain
                else (rf"({low})^{{{self.latex(node.args[1], index)}}}")
            )
        if node.op == "dot":
            shown = self._dot(node, index)
            return shown if last else f"({shown})"
        if node.op == "apply":
            return f"{self._matrix(node.args[0])} {self._vector(node.args[1], index)}"
        if node.op in ("transpose", "product"):
            return self._matrix(node)
        return f"({self.latex(node, index)})"  # a number, where one stands below

    def _vector(self, node: Expression, index: str) -> str:
        if id(node) not in self.stop and node.op in ("add", "sub", "neg"):
            return f"({self.latex(node, index)})"
        return self.latex(node, index)

    def _dot(self, node: Expression, index: str) -> str:
        left, right = node.args
        if right.op == "name" and right.source == "weight" and not (left.op == "name" and left.source == "weight"):
            left, right = right, left
        front = self._vector(left, index)
        plain = (
            left.op == "name"
            and left.source == "weight"
            and not set("^'") & set(self.symbols["weight", left.name].latex)
        )
        return f"{front if plain or front.startswith('(') else f'{{{front}}}'}^{{\\top}} {self._vector(right, index)}"

    def _matrix(self, node: Expression) -> str:
        if node.op == "transpose":
            return f"{{{self._matrix(node.args[0])}}}^{{\\top}}"
        if node.op == "product":
            return " ".join(self._matrix(a) for a in node.args)
        return self.symbols.at("preconditioner", node.name, self.symbols.at("layer", "layer"))

    def _name(self, node: Expression, index: str) -> str:
        match node.source:
            case "transition":
                return index if node.name == "index" else self.symbols.at("transition", node.name, index)
            case "before":
                before = _back(index)
                if node.name in self.copies:
                    return self._name(self.copies[node.name], before)
                if node.name in self.sums:
                    return self.total(node.name, FOLLOWING.get(index, "i"), before)
                return self.symbols.at("variable", node.name, before)
            case "after":
                n = self.symbols.at("sweep", "n") if self.last == "n" else self.last
                return (
                    self.total(node.name, "j", n)
                    if node.name in self.sums
                    else (self.symbols.at("variable", node.name, n))
                )
            case "weight":
                w = self.symbols.at("weight", node.name)
                return f"{w}_{{{self.layer}}}" if self.layer else w
            case "preconditioner":
                return self._matrix(node)
            case _:
                return self.symbols.at(node.source, node.name)


def _back(index: str) -> str:
    """One step before: j - 1, j - 2."""
    letter, _, steps = index.partition("-")
    return f"{letter}-{int(steps or 0) + 1}"

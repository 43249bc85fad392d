"""What the paper form reads of an algorithm: its traced tree, its derivation, and the table of symbols."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Integer, simplify

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.derive import Derivation
from ....symbolic.errors import LayerproofError
from ....symbolic.tracing import Traced
from ....symbolic.tracing.expression import Expression
from ...formula.build import NO_GAP, Part, added, bracketed, call, equation, indexed, listed, power, row
from ...formula.formula import Formula
from ...formula.lines import width
from ...formula.loop_tree import LoopTree
from ...formula.rows import context_entry, query_entry
from ...formula.shape import Shape, shape
from ...formula.symbols import symbols_of
from ...theory.generated.given import Weights, given
from ...theory.generated.parts import traced_of
from ..findings import Findings
from .notation import Notation

WIDE = 12
"""Feature blocks that take more letters get a symbol of their own."""


@dataclass(frozen=True, eq=False)
class Facts(Notation):
    """An algorithm at the settings of a report.

    traced : the expressions of its functions
    """

    findings: Findings
    algorithm: Algorithm
    traced: Traced

    @staticmethod
    def of(findings: Findings, known: Any = None) -> Facts:
        """The facts about an algorithm that has an update."""
        assert findings.case is not None
        algorithm = findings.case.algorithm
        traced = traced_of(algorithm, dict(findings.case.options))
        table = symbols_of(algorithm, traced.update, known, _row_names(algorithm, traced))
        facts = Facts(table, findings, algorithm, traced)
        wide = [b.name for b in algorithm.features if width(facts.block(b.name, "j").tree) > WIDE]
        for k, name in enumerate(wide, 1):
            table.add("block", name, "x" if len(wide) == 1 else _numbered("x", k))
        return facts

    @property
    def derivation(self) -> Derivation | None:
        """The derivation, where the weights were derived."""
        return self.findings.derivation

    @cached_property
    def layer_weights(self) -> Weights | None:
        """The weights in blocks: derived, or those that the algorithm gives where they are the same at every size."""
        if self.algorithm.heads is None:
            return self.derivation
        assert self.findings.case is not None
        try:
            return given(self.algorithm, dict(self.findings.case.options))
        except LayerproofError:
            return None

    @cached_property
    def shape(self) -> Shape | None:
        """The loop, sorted; None where the update is no loop."""
        return shape(self.traced.update) if self.traced.update is not None else None

    @cached_property
    def looped(self) -> LoopTree:
        """Makes the update's formulas, with the layer at weights and preconditioners."""
        return LoopTree(self.symbols, self.shape, self.layer)

    @cached_property
    def still(self) -> LoopTree:
        """Makes those of rows, at weights without an index."""
        return LoopTree(self.symbols)

    def each_weight(self, index: Part | None = None) -> list[Formula]:
        """The weights one by one, of a layer where an index is given."""
        each = [self.fixed("weight", w) for w in self.algorithm.weights]
        return each if index is None else [indexed(w, index) for w in each]

    def weights(self, index: Part | None = None) -> Formula:
        """The weights, in brackets where there are several."""
        each = self.each_weight(index)
        return each[0] if len(each) == 1 else bracketed(listed(each, NO_GAP))

    def prompt(self, index: Part | None = None) -> Formula:
        """The prompt at the weights."""
        return call(self.z, *self.each_weight(index), gap=NO_GAP)

    def row(self, name: str, index: Part) -> Formula:
        """An accumulator row's entry."""
        return self.symbols.formula("row", name, index)

    def block(self, name: str, index: Part) -> Formula:
        """A feature block's entry in a context column, by a symbol of its own where it is long."""
        own = ("block", name) in self.symbols.table
        return self.symbols.formula("block", name, index) if own else self.content(name, index)

    def anything(self, name: str, index: Part) -> Formula:
        """The entry of any row, a feature block's or an accumulator's."""
        features = {b.name for b in self.algorithm.features}
        return self.block(name, index) if name in features else self.row(name, index)

    def content(self, name: str, index: Part) -> Formula:
        """What a feature block holds in a context column."""
        return self.still.formula(next(r for r in self.traced.features if r.name == name).context, index)

    def query_block(self, name: str) -> Formula:
        """A feature block's entry in the query column."""
        return self.still_entry(next(r for r in self.traced.features if r.name == name).query)

    def still_entry(self, expression: Expression | None, index: Part = "j") -> Formula:
        """An entry of the prompt at weights without an index; 0 for None."""
        return row("0") if expression is None else self.still.formula(expression, index)

    def entry(self, row: str, index: Part) -> Formula:
        """What an accumulator row holds in a context column."""
        return self.still_entry(context_entry(self.traced, row), index)

    def in_update(self, row: str) -> bool:
        """Whether the update says what the row holds, by the row's own symbol."""
        expression = context_entry(self.traced, row)
        made = LoopTree(self.symbols, layer=self.layer)
        return expression is not None and equation(self.row(row, "j"), made.formula(expression)) in self.update_lines()

    def update_lines(self) -> list[Formula]:
        """What the update names on its way, each from what it is made of."""
        parts = self.shape.definitions if self.shape is not None else ()
        return [equation(self.symbols.formula("variable", v, "j"), self.looped.defined(node)) for v, node in parts]

    def query_entry(self, row: str) -> Formula:
        """What an accumulator row holds in the query column."""
        return self.still_entry(query_entry(self.traced, row))

    def plain(self, row: str) -> bool:
        """Whether a row's symbol is what it holds: R for the reward."""
        return self.row(row, "j") == self.entry(row, "j")

    @cached_property
    def height(self) -> tuple[int, int]:
        """How many blocks of d feature rows there are, and how many single ones."""
        scalars = sum(b.scalar for b in self.algorithm.features)
        return len(self.algorithm.features) - scalars, scalars

    def size(self, more: int = 0) -> Formula:
        """The number of feature rows, and `more`: 2d + 1."""
        tall, single = self.height
        d = self.fixed("size", "d")
        parts = [d if tall == 1 else row(str(tall), d)] * bool(tall) + [row(str(single + more))] * bool(single + more)
        return added(parts)


def _numbered(letter: str, number: int) -> Formula:
    return power(letter, bracketed(str(number)))


def _row_names(algorithm: Algorithm, traced: Traced) -> dict[str, Formula]:
    """What the update calls what a row holds; y, or y with a number, for the other rows that declare no symbol."""
    bare = symbols_of(algorithm, traced.update)
    defined: dict[Formula, str] = {}
    if traced.update is not None:
        loop = shape(traced.update)
        looped = LoopTree(bare, loop)
        defined = {looped.defined(node): name for name, node in loop.definitions}
    entries = {one.name: context_entry(traced, one.name) for one in algorithm.accumulators}
    known = {r: defined.get(LoopTree(bare).formula(entry)) for r, entry in entries.items() if entry is not None}
    names = {r: Formula(bare["variable", name].shown) for r, name in known.items() if name is not None}
    others = [r.name for r in algorithm.accumulators if r.name not in names and not r.symbol]
    return {**names, **{r: row("y") if len(others) == 1 else _numbered("y", k) for k, r in enumerate(others, 1)}}


def product_form(entries: dict[tuple[str, str], Expr]) -> tuple[dict[str, Expr], dict[str, Expr]] | None:
    """Coefficients c_ab as a_a b_b, the first of the a's one; None where they are no such product."""
    firsts, seconds = list(dict.fromkeys(a for a, _ in entries)), list(dict.fromkeys(b for _, b in entries))
    top = {b: entries.get((firsts[0], b), Integer(0)) for b in seconds}
    pivot = next((b for b in seconds if top[b] != 0), None)
    if pivot is None:
        return None
    left = {a: simplify(entries.get((a, pivot), Integer(0)) / top[pivot]) for a in firsts}
    whole = all(simplify(entries.get((a, b), Integer(0)) - left[a] * top[b]) == 0 for a in firsts for b in seconds)
    return (left, top) if whole else None

"""What the paper form reads of an algorithm: its traced tree, its derivation, and the table of symbols."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Integer, simplify

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.coefficients import INDEX, LENGTH
from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.words import Word
from ....symbolic.errors import LayerproofError
from ....symbolic.tracing import Traced
from ....symbolic.tracing.expression import Expression
from ...formula.build import Part, named, row
from ...formula.formula import Formula
from ...formula.latex import latex
from ...formula.loop_tree import LoopTree
from ...formula.macros import in_macros
from ...formula.reader import readable
from ...formula.rows import context_entry, query_entry
from ...formula.shape import Shape, shape
from ...formula.symbols import Symbols, symbols_of
from ...formula.sympy_tree import SympyTree, function
from ...theory.generated.given import Weights, given
from ...theory.generated.theory_file import traced_of
from ..subject import Subject
from .breaking import breadth


@dataclass(frozen=True, eq=False)
class MacroLatex:
    """The formulas of traced trees as LaTeX in the macros of a paper; arguments as those of `LoopTree`."""

    symbols: Symbols
    shape: Shape | None = None
    layer: bool = False

    @cached_property
    def tree(self) -> LoopTree:
        """What makes the formulas."""
        layer = self.symbols.formula("layer", "layer") if self.layer else None
        return LoopTree(self.symbols, self.shape, layer)

    def latex(self, node: Expression, index: str = "j") -> str:
        """A node at the transition `index`."""
        return _in_macros(self.tree.formula(node, self._index(index)))

    def defined(self, node: Expression) -> str:
        """What a named node is made of."""
        return _in_macros(self.tree.defined(node))

    def total(self, name: str, index: str, last: str) -> str:
        """A variable that is a sum, up to `last`."""
        return _in_macros(self.tree.total(name, self._index(index), self._index(last)))

    def _index(self, index: str) -> Part:
        """An index as a paper writes it: letters, numbers and n, with signs between them."""
        n = self.symbols.at("sweep", "n")
        return row(*(self.symbols.formula("sweep", "n") if x == n else x for x in re.split(r"([+-])", index)))


def scalars(symbols: Symbols) -> Callable[[Expr], str]:
    """SymPy's expressions as LaTeX in the macros of a paper: coefficients, and entries of masks."""
    own = {name: symbols.formula(source, name) for source, name in symbols.table if source == "parameter"}
    layer = symbols.formula("layer", "layer")
    for source, name in symbols.table:
        if source == "preconditioner":
            own[name] = symbols.formula(source, name, layer)
    own |= {LENGTH: symbols.formula("sweep", "n"), INDEX: named("index")}

    def applied(name: str, *arguments: Formula) -> Formula:
        known = ("transition", name) in symbols.table
        return symbols.formula("transition", name, arguments[0]) if known else function(name, *arguments)

    tree = SympyTree(lambda name: own[name] if name in own else named(name), applied)
    return lambda value: _in_macros(tree(value))


def _in_macros(formula: Formula) -> str:
    return latex(in_macros(formula.tree))


@dataclass(frozen=True, eq=False)
class Facts:
    """An algorithm at the settings of a report.

    symbols : the table that every formula is printed with
    traced  : the expressions of its functions
    """

    subject: Subject
    algorithm: Algorithm
    traced: Traced
    symbols: Symbols

    @staticmethod
    def of(subject: Subject, known: Any = None) -> Facts:
        """The facts of a subject that has an update."""
        assert subject.case is not None
        algorithm = subject.case.algorithm
        traced = traced_of(algorithm, dict(subject.case.options))
        table = symbols_of(algorithm, traced.update, readable, known, _row_names(algorithm, traced))
        facts = Facts(subject, algorithm, traced, table)
        wide = [b.name for b in algorithm.features if breadth(facts.block(b.name, "j"), table.macros) > WIDE]
        for k, name in enumerate(wide, 1):
            table.add("block", name, "x" if len(wide) == 1 else f"x^{{({k})}}")
        return facts

    @property
    def derivation(self) -> Derivation | None:
        """The derivation, where the weights were derived."""
        return self.subject.derivation

    @cached_property
    def layer_weights(self) -> Weights | None:
        """The weights in blocks: derived, or those that the algorithm gives where they are the same at every size."""
        if self.algorithm.heads is None:
            return self.derivation
        assert self.subject.case is not None
        try:
            return given(self.algorithm, dict(self.subject.case.options))
        except LayerproofError:
            return None

    @cached_property
    def shape(self) -> Shape | None:
        """The loop, sorted; None where the update is no loop."""
        return shape(self.traced.update) if self.traced.update is not None else None

    @cached_property
    def looped(self) -> MacroLatex:
        """Prints the update, with the layer at weights and preconditioners."""
        return MacroLatex(self.symbols, self.shape, layer=True)

    @cached_property
    def still(self) -> MacroLatex:
        """Prints rows, at weights without an index."""
        return MacroLatex(self.symbols)

    @cached_property
    def scalar(self) -> Callable[[Expr], str]:
        """A coefficient, or an entry of a mask, as LaTeX."""
        return scalars(self.symbols)

    def fixed(self, source: str, name: str) -> str:
        """One of the symbols that every paper has."""
        return self.symbols.at(source, name)

    @property
    def layer(self) -> str:
        """The letter for layers."""
        return self.fixed("layer", "layer")

    def weights(self, index: str = "") -> str:
        """The weights, in brackets where there are several."""
        each = [self.symbols.at("weight", w) + (f"_{{{index}}}" if index else "") for w in self.algorithm.weights]
        return each[0] if len(each) == 1 else f"({', '.join(each)})"

    def prompt(self, index: str = "") -> str:
        """The prompt at the weights."""
        each = self.weights(index).removeprefix("(").removesuffix(")")
        return f"{self.fixed('matrix', 'prompt')}({each})"

    def words(self, text: str) -> str:
        """Our own words with the letters d, n, L, P, Q and M in the symbols of the paper."""
        letters = {"d": ("size", "d"), "n": ("sweep", "n"), "L": ("size", "L"), "P": ("matrix", "value"),
                   "Q": ("matrix", "keyQuery"), "M": ("matrix", "mask")}  # fmt: skip
        for letter, key in letters.items():
            text = text.replace(f"${letter}$", f"${self.fixed(*key)}$").replace(f"${letter} ", f"${self.fixed(*key)} ")
        return text

    def row(self, name: str, index: str) -> str:
        """An accumulator row's entry."""
        return self.symbols.at("row", name, index)

    def block(self, name: str, index: str) -> str:
        """A feature block's entry in a context column, by a symbol of its own where it is long."""
        return (
            self.symbols.at("block", name, index)
            if ("block", name) in self.symbols.table
            else self.content(name, index)
        )

    def anything(self, name: str, index: str) -> str:
        """The entry of any row, a feature block's or an accumulator's."""
        features = {b.name for b in self.algorithm.features}
        return self.block(name, index) if name in features else self.row(name, index)

    def content(self, name: str, index: str) -> str:
        """What a feature block holds in a context column."""
        row = next(r for r in self.traced.features if r.name == name)
        return self.still.latex(row.context, index)

    def query_block(self, name: str) -> str:
        """A feature block's entry in the query column."""
        row = next(r for r in self.traced.features if r.name == name)
        return "0" if row.query is None else self.still.latex(row.query)

    def entry(self, row: str, index: str, layer: bool = False) -> str:
        """What an accumulator row holds in a context column; `layer` for weights with the index of their layer."""
        expression = context_entry(self.traced, row)
        printer = MacroLatex(self.symbols, layer=True) if layer else self.still
        return "0" if expression is None else printer.latex(expression, index)

    def update_lines(self) -> list[str]:
        """What the update names on its way, as it is printed."""
        named = self.shape.definitions if self.shape is not None else ()
        return [f"{self.symbols.at('variable', name, 'j')} = {self.looped.defined(node)}" for name, node in named]

    def query_entry(self, row: str) -> str:
        """What an accumulator row holds in the query column."""
        expression = query_entry(self.traced, row)
        return "0" if expression is None else self.still.latex(expression)

    def plain(self, row: str) -> bool:
        """Whether a row's symbol is what it holds: R for the reward."""
        return self.row(row, "j") == self.entry(row, "j")

    def word(self, word: Word, flipped: bool = False) -> str:
        """A word in preconditioners, or its transpose."""
        letters = [(name, up != flipped) for name, up in (reversed(word) if flipped else word)]
        shown = [
            self.symbols.at("preconditioner", name, self.layer) + (r"^{\top}" if up else "") for name, up in letters
        ]
        return " ".join(shown)

    @cached_property
    def height(self) -> tuple[int, int]:
        """How many blocks of d feature rows there are, and how many single ones."""
        scalars = sum(b.scalar for b in self.algorithm.features)
        return len(self.algorithm.features) - scalars, scalars

    def size(self, more: int = 0) -> str:
        """The number of feature rows, and `more`: 2d + 1."""
        tall, single = self.height
        d = self.fixed("size", "d")
        parts = [d if tall == 1 else f"{tall}{d}"] * bool(tall) + [str(single + more)] * bool(single + more)
        return "+".join(parts) or "0"


WIDE = 12
"""Feature blocks that take more letters get a symbol of their own."""


def _row_names(algorithm: Algorithm, traced: Traced) -> dict[str, str]:
    """What the update calls what a row holds; y, or y with a number, for the other rows that declare no symbol."""
    bare = symbols_of(algorithm, traced.update, readable)
    printer = MacroLatex(bare)
    named_parts: dict[str, str] = {}
    if traced.update is not None:
        loop = shape(traced.update)
        looped = MacroLatex(bare, loop)
        named_parts = {looped.defined(node): name for name, node in loop.definitions}
    names: dict[str, str] = {}
    for one in algorithm.accumulators:
        entry = context_entry(traced, one.name)
        known = None if entry is None else named_parts.get(printer.latex(entry))
        names[one.name] = "" if known is None else bare["variable", known].latex.removesuffix("_{#1}")
    others = [r.name for r in algorithm.accumulators if not names[r.name] and not r.symbol]
    return {**names, **{r: "y" if len(others) == 1 else f"y^{{({k})}}" for k, r in enumerate(others, 1)}}


def combination(facts: Facts, terms: list[tuple[Expr, str]]) -> str:
    """A sum of multiples of formulas."""
    result = ""
    for coefficient, base in terms:
        value = simplify(coefficient) if coefficient.is_Add else coefficient
        if value == 0:
            continue
        sign, value = ("-", -value) if value.could_extract_minus_sign() else ("+", value)
        front = "" if value == 1 and base else facts.scalar(value)
        if value.is_Add and base:
            front = f"({front})"
        shown = f"{front} {base}".strip()
        result += f" {sign} {shown}" if result else ("-" if sign == "-" else "") + shown
    return result or "0"


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


def bracketed(latex: str, terms: int) -> str:
    """A sum in brackets, where it has several terms."""
    return f"({latex})" if terms > 1 else latex


def grid(rows: list[list[str]], kind: str = "pmatrix") -> str:
    """A matrix."""
    body = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"\begin{{{kind}}} {body} \end{{{kind}}}"

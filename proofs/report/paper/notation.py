"""What every formula of a paper form is made with: the table of symbols, and sums and products of what they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sympy import Expr, simplify

from ....symbolic.derivation.coefficients import INDEX, LENGTH
from ....symbolic.derivation.words import Word
from ...formula.build import added, bracketed, is_sum, multiple, named, row, transposed
from ...formula.commands import FANCY
from ...formula.formula import Formula
from ...formula.nodes import Sign
from ...formula.symbols import Symbols
from ...formula.sympy_tree import SympyTree, function
from .model import Text

ONE = row("1")
REALS = Formula(Sign("letter", FANCY["mathbb", "R"]))
LETTERS = {
    "d": ("size", "d"), "n": ("sweep", "n"), "L": ("size", "L"), "P": ("matrix", "value"),
    "Q": ("matrix", "keyQuery"), "M": ("matrix", "mask"),
}  # fmt: skip
"""What our own words call by a letter."""


@dataclass(frozen=True, eq=False)
class Notation:
    """The symbols of a paper, and what is written with them alone."""

    symbols: Symbols

    @cached_property
    def scalar(self) -> SympyTree:
        """A coefficient, or an entry of a mask."""
        s = self.symbols
        own = {name: self.fixed(source, name) for source, name in s.table if source == "parameter"}
        own |= {name: s.formula(source, name, self.layer) for source, name in s.table if source == "preconditioner"}
        own |= {LENGTH: self.n, INDEX: named("index")}

        def applied(name: str, *arguments: Formula) -> Formula:
            known = ("transition", name) in s.table
            return s.formula("transition", name, arguments[0]) if known else function(name, *arguments)

        return SympyTree(lambda name: own[name] if name in own else named(name), applied)

    def fixed(self, source: str, name: str) -> Formula:
        """A symbol without an index."""
        return self.symbols.formula(source, name)

    @property
    def layer(self) -> Formula:
        """The letter for layers."""
        return self.fixed("layer", "layer")

    @property
    def n(self) -> Formula:
        """The letter for the length of the context."""
        return self.fixed("sweep", "n")

    @property
    def query_column(self) -> Formula:
        """The number of the query's column: n + 1."""
        return row(self.n, "+", "1")

    @property
    def z(self) -> Formula:
        """The letter for the prompt."""
        return self.fixed("matrix", "prompt")

    def words(self, text: str) -> Text:
        """Our own words, a letter between dollars as the symbol that the paper has for it."""
        pieces = [(self.letter(p) if k % 2 else p) for k, p in enumerate(text.split("$"))]
        return tuple(p for p in pieces if p != "")

    def letter(self, letter: str) -> Formula:
        """What the paper has for a letter of ours."""
        return self.fixed(*LETTERS[letter]) if letter in LETTERS else named(letter)

    def word(self, word: Word, flipped: bool = False) -> Formula | None:
        """A word in preconditioners, or its transpose; None for the empty one."""
        letters = [(name, up != flipped) for name, up in (reversed(word) if flipped else word)]
        shown = [(self.symbols.formula("preconditioner", name, self.layer), up) for name, up in letters]
        return row(*(transposed(letter) if up else letter for letter, up in shown)) if shown else None


def combination(notation: Notation, terms: Sequence[tuple[Expr, Formula | None]]) -> Formula:
    """A sum of multiples of formulas, None for one."""
    parts = []
    for coefficient, base in terms:
        value = simplify(coefficient) if coefficient.is_Add else coefficient
        if value == 0:
            continue
        minus = value.could_extract_minus_sign()
        size = notation.scalar(-value if minus else value)
        base = None if base == ONE else base
        parts.append(row(*["-"] * minus, multiple(size, base)))
    return added(parts)


def minus_last(terms: Sequence[tuple[Expr, Formula | None]]) -> list[tuple[Expr, Formula | None]]:
    """The terms with those that are negative behind the others: gamma phi' - phi."""
    return sorted(terms, key=lambda term: term[0].could_extract_minus_sign())


def in_brackets(formula: Formula) -> Formula:
    """A sum in brackets; anything else as it is."""
    return bracketed(formula) if is_sum(formula) else formula


def times(*factors: Formula | None) -> Formula:
    """Factors beside one another, sums in brackets and ones left out."""
    shown = [in_brackets(x) for x in factors if x is not None and x != ONE]
    return row(*shown) if shown else ONE

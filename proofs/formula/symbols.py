"""What everything is called: one table from the symbols of a traced tree to macros, declared symbols before our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, count

from ...symbolic.algorithm import Algorithm
from ...symbolic.tracing import Loop
from .build import Part, indexed, named, row
from .formula import Formula, written
from .macros import Macro, macro_name
from .nodes import HOLE, Row, plain
from .reader import UnknownLatex

INDEXED = frozenset({"transition", "variable", "row", "block", "preconditioner"})
"""What carries an index: of a transition, or of a layer."""
FIXED = (
    ("layer", "layer", "ell", "layer"), ("query", "q", "q", "query"), ("sweep", "n", "n", "length"),
    ("size", "d", "d", "dimension"), ("size", "L", "L", "depth"), ("matrix", "prompt", "Z", "prompt"),
    ("matrix", "mask", "M", "mask"), ("matrix", "value", "P", "value"), ("matrix", "keyQuery", "Q", "keyQuery"),
)  # fmt: skip

TOKEN = "{j}"
"""In a declared symbol where the token stands, for one that is more than a letter with an index: 1[{j} = l]."""


@dataclass
class Symbols:
    """The symbols of one document.

    table  : (source, name) -> macro; a source is one of the tree's, or "variable" for what the loop names, "row" for
             accumulator rows, "block" for feature rows with a symbol of their own, "matrix", "size", "layer"
    macros : every macro by its name
    of     : whose symbols they are, for the name of a macro where another document has taken the plain one
    """

    table: dict[tuple[str, str], Macro] = field(default_factory=dict)
    macros: dict[str, Macro] = field(default_factory=dict)
    of: str = ""

    def __getitem__(self, key: tuple[str, str]) -> Macro:
        return self.table[key]

    def formula(self, source: str, name: str, index: Part | None = None) -> Formula:
        """A symbol in a formula."""
        return self.table[source, name].at(index)

    def add(self, source: str, name: str, shown: Part, word: str = "") -> None:
        """Name a symbol; two that look the same are one macro, and one of a name that is taken gets another.

        shown : with a hole where the index stands, or without one where it stands below
        """
        whole = Formula(plain(row(shown).tree))
        if HOLE.text not in whole.latex:
            if "^" in whole.latex:  # a formula may put a superscript of its own on it
                whole = Formula(Row((whole.tree,)))
            whole = indexed(whole, Formula(HOLE)) if source in INDEXED else whole
        known = next((m for m in self.macros.values() if m.shown == whole.tree), None)
        if known is None:
            wanted = self._free(word or name)
            known = self.macros[wanted] = Macro(wanted, whole.tree)
        self.table[source, name] = known

    def _free(self, word: str) -> str:
        """The name of a macro that is not taken: the word's, else with whose it is before it, else numbered."""
        beside = f"{self.of} {word}"
        names = chain((word, beside), (f"{beside}{number}" for number in count(2)))
        return next(name for name in map(macro_name, names) if name not in self.macros)


def declared(latex: str, indexed: bool) -> Formula | None:
    """What a file declares for a symbol, with a hole where the token stands; None where that is no formula of ours.

    >>> declared("1[{j} = 2]", True), declared(r"\\input{x}", True)
    (Formula('1[#1 = 2]', '1[#1 = 2]'), None)
    """
    if HOLE.text in latex:
        return None
    try:
        if TOKEN in latex and indexed:
            return written(latex.replace(TOKEN, HOLE.text), hole=True)
        written(f"{latex}_{{j}}")
        return written(latex)
    except UnknownLatex:
        return None


def symbols_of(
    algorithm: Algorithm,
    loop: Loop | None,
    known: Mapping[str, Macro] | None = None,
    rows: Mapping[str, Formula] | None = None,
) -> Symbols:
    """The table of an algorithm.

    known : macros of other documents that stand beside this one
    rows  : what rows are called that declare nothing, where that is known
    """
    rows = rows or {}
    table = Symbols(macros=dict(known or {}), of=algorithm.name)

    def add(source: str, name: str, own: str = "", otherwise: Part | None = None) -> None:
        latex = own or algorithm.symbols.get(name, "")
        shown = declared(latex, source in INDEXED) if latex else None
        table.add(source, name, shown or otherwise or named(name))

    for source, name, letter, word in FIXED:
        table.add(source, name, letter, word)
    for w in algorithm.weights:
        add("weight", w)
    for c in algorithm.preconditioners:
        add("preconditioner", c)
    for name in algorithm.parameters:
        add("parameter", name)
    for name in ("phi", "phi_next", "reward", *(n for n, _ in algorithm.read)):
        add("transition", name)
    for one in algorithm.accumulators:
        add("row", one.name, one.symbol, one.name if len(one.name) == 1 else rows.get(one.name, "y"))
    if loop is not None:
        for name in dict.fromkeys([*(n for n, _ in loop.body), *(n for n, _ in loop.lets)]):
            add("variable", name)
    return table

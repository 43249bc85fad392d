"""What everything is called: one table from the symbols of a traced tree to macros, declared symbols before our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ...symbolic.algorithm import Algorithm
from ...symbolic.tracing import Loop
from .build import Part, named, row
from .formula import Formula, written
from .macros import Macro, macro_name
from .nodes import Symbol

INDEXED = frozenset({"transition", "variable", "row", "block", "preconditioner"})
"""What carries an index: of a transition, or of a layer."""
FIXED = (
    ("layer", "layer", r"\ell", "layer"), ("query", "q", "q", "query"), ("sweep", "n", "n", "length"),
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
    """

    table: dict[tuple[str, str], Macro] = field(default_factory=dict)
    macros: dict[str, Macro] = field(default_factory=dict)

    def __getitem__(self, key: tuple[str, str]) -> Macro:
        return self.table[key]

    def at(self, source: str, name: str, index: str = "") -> str:
        """A symbol as a formula writes it."""
        return self.table[source, name].at(index)

    def formula(self, source: str, name: str, index: Part | None = None) -> Formula:
        """A symbol in a formula."""
        macro, at = self.table[source, name], None if index is None else row(index)
        shown = written(macro.latex if at is None else macro.latex.replace("#1", at.latex))
        return Formula(Symbol(macro.name, None if at is None else at.tree, shown.tree))

    def add(self, source: str, name: str, latex: str, word: str = "") -> None:
        """Name a symbol; two that look the same are one macro, and one of a name that is taken gets another."""
        indexed = source in INDEXED
        raised = f"{{{latex}}}" if "^" in latex else latex  # a formula may put a superscript of its own on it
        whole = latex.replace(TOKEN, "#1") if TOKEN in latex else f"{raised}_{{#1}}" if indexed else raised
        known = next((m for m in self.macros.values() if m.latex == whole and m.indexed == indexed), None)
        if known is None:
            wanted = macro_name(word or name)
            while wanted in self.macros:
                wanted += "Own"
            known = self.macros[wanted] = Macro(wanted, whole, indexed)
        self.table[source, name] = known


def symbols_of(
    algorithm: Algorithm,
    loop: Loop | None,
    allowed: Callable[[str], bool],
    known: Mapping[str, Macro] | None = None,
    rows: Mapping[str, str] | None = None,
) -> Symbols:
    """The table of an algorithm.

    allowed : whether LaTeX that a file declares may be set; what may not is replaced by the name
    known   : macros of other documents that stand beside this one
    rows    : what rows are called that declare nothing, where that is known
    """
    rows = rows or {}
    table = Symbols(macros=dict(known or {}))

    def called(name: str, declared: str = "", otherwise: str = "") -> str:
        latex = declared or algorithm.symbols.get(name, "")
        whole = latex.replace(TOKEN, "j") if TOKEN in latex else f"{latex}_{{j}}"
        return latex if latex and allowed(whole) and "#" not in latex else otherwise or named(name).latex

    for source, name, latex, word in FIXED:
        table.add(source, name, latex, word)
    for w in algorithm.weights:
        table.add("weight", w, called(w))
    for c in algorithm.preconditioners:
        table.add("preconditioner", c, called(c))
    for name in algorithm.parameters:
        table.add("parameter", name, called(name))
    for name in ("phi", "phi_next", "reward", *(n for n, _ in algorithm.read)):
        table.add("transition", name, called(name))
    for one in algorithm.accumulators:
        otherwise = one.name if len(one.name) == 1 else rows.get(one.name, "y")
        table.add("row", one.name, called(one.name, one.symbol, otherwise))
    if loop is not None:
        for name in dict.fromkeys([*(n for n, _ in loop.body), *(n for n, _ in loop.lets)]):
            table.add("variable", name, called(name))
    return table

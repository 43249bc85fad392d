"""The derivation of an algorithm that attends by patterns: its update, prompt, layer and heads."""

from __future__ import annotations

from collections.abc import Sequence

from ....numeric.files.pattern_file import pattern_tensors
from ....symbolic.patterns.construction import PatternConstruction
from ....symbolic.patterns.heads import PatternForm
from ....symbolic.patterns.record import PatternAlgorithm
from ....symbolic.strict_json import rational_text
from ...formula.formula import Formula
from ..assemble import cell, plain, prose
from ..model import Block, Cell, Code, Display, Section, Table
from ..names import meaning
from ..pattern_formulas import head_matrices, row_symbols
from .matrices import shown_matrix
from .update import docstring

PLACES = {"context": "a token of the context", "query": "the query", "parameter": "the state's own column"}
"""The families of columns in words."""


def pattern_sections(
    algorithm: PatternAlgorithm, form: PatternForm | None, update: Sequence[Formula], layer: Sequence[Formula]
) -> tuple[Section, ...]:
    """Update, prompt and, where there is one, layer.

    update, layer : as `stated` and `layer_formulas` make them
    """
    sections = (
        Section("update", "The update", tuple(_update(algorithm, update))),
        Section("prompt", "The prompt", (_rows(algorithm, form),)),
    )
    return sections if form is None else (*sections, Section("layer", "The layer", tuple(_layer(form, layer))))


def _update(algorithm: PatternAlgorithm, update: Sequence[Formula]) -> list[Block]:
    words = docstring(algorithm)
    blocks: list[Block] = [plain(f"Source: {algorithm.source}.")]
    blocks += [prose("Token $t$ gets" if not algorithm.column else "The weights become")] if update else []
    blocks += [Display(x) for x in update] or ([plain(words)] if words else [])
    return blocks + [plain(f"How it differs from its source: {algorithm.differs}")] * bool(algorithm.differs)


def _rows(algorithm: PatternAlgorithm, form: PatternForm | None) -> Table:
    symbols = row_symbols(algorithm)
    held = frozenset() if form is None else form.held
    rows = [
        (Cell((Code(r.name),)), cell(symbols[r.name]), cell("1" if r.scalar else "d"),
         cell(*([meaning(r.meaning)] if r.meaning else [])),
         cell("changed by layers" if r.name in held else "stays as it is"))
        for r in algorithm.rows
    ]  # fmt: skip
    column = "column of token t" if not algorithm.column else "column of token j, or of w"
    return Table(("row block", "symbol", "rows", column, "role"), tuple(rows), cards=True)


def _layer(form: PatternForm, layer: Sequence[Formula]) -> list[Block]:
    given = form.algorithm.layer is not None
    how = "given, and checked against the update" if given else (
        "derived from the update: what a token of the context adds to a token, by layer and by update, is a linear "
        "system"
    )  # fmt: skip
    blocks: list[Block] = [plain(f"The layer is {how}."), *map(Display, layer), *head_matrices(form)]
    if form.free:
        places = [f"from {PLACES[key]} into {PLACES[own]}" for key, own in form.free]
        blocks.append(plain(f"No prompt sees entries of the mask {' or '.join(places)}."))
    if form.least and not given:
        several = f"{form.least} head" + "s" * (form.least > 1)
        blocks.append(plain(f"Under one mask no fewer than {several} will do: the rank of the solution."))
    return blocks


def pattern_matrices(construction: PatternConstruction) -> Section:
    """The exact matrices at the sizes asked for, by the names that a file of weights has for them."""
    c, rows = construction, construction.row_names()
    columns = (*(str(j + 1) for j in range(c.n)), "w" if c.last == "parameter" else c.last)
    sizes = ", ".join([f"d = {c.d}, n = {c.n}", *(f"{name} = {rational_text(x)}" for name, x in c.parameters.items())])
    shown = [
        shown_matrix(name, x, columns if name == "mask" else rows) for name, x in pattern_tensors(construction).items()
    ]
    return Section("matrices", "Matrices, exact", (plain(f"{sizes}."), *shown))

"""Section "weights": the heads as block matrices, and every entry at a small size."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from sympy import Rational, Symbol

from ....symbolic.arithmetics.arithmetic import Arithmetic
from ....symbolic.attention import TokenwiseHead
from ....symbolic.construction import Construction, instantiate
from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.form import Form
from ....symbolic.prompt import Layout
from ...formula.build import indexed, listed, named
from ...formula.sympy_tree import expression
from ..assemble import cell, matrix, prose
from ..derivation.export_text import PRODUCT
from ..derivation.heads import head_matrices
from ..findings import Findings
from ..model import Block, Folded, Matrix, Paragraph, Section, Table
from ..names import mask_symbol
from ..notation import numbers

NAME, TITLE, ORDER = "weights", "The weights", 50
D, N = 2, 3
LEGENDS = {
    "W": ("the identity on the rows that layers change",),
    "P": ("reads the column's row, writes the row's", "the same, negated"),
    "Q": ("features that meet", "the same, negated"),
}
GIVEN = ("positive", "negative")
WRITTEN = ("no minus in front", "a minus in front")
"""Of blocks in symbols: beta - 1 may be of either sign."""
SYMBOLIC = Arithmetic(
    "SymPy expressions",
    number=lambda x: Rational(x.numerator, x.denominator),
    vector=list,
    matrix=lambda rows: [list(row) for row in rows],
    entries=list,
    at=lambda m, i, j: m[i][j],
)


def build(findings: Findings) -> Section | None:
    """Every head's W, P and Q in blocks, and entry by entry at d = 2, n = 3."""
    if findings.derivation is not None:
        one = findings.settings.looped
        return Section(NAME, TITLE, (*_in_blocks(findings.derivation, one), *_entries(findings.derivation)))
    if findings.form is not None and findings.example is not None:
        intro = prose(f"The heads as given: blocks, so they are known at every size. {PRODUCT}")
        numbers_ = Folded("In numbers", _given(findings.example.construction), "weights-numbers")
        return Section(NAME, TITLE, (intro, *_in_blocks(findings.form, findings.settings.looped, given=True), numbers_))
    if findings.example is not None:
        return Section(NAME, TITLE, _given(findings.example.construction))
    return None


def _in_blocks(form: Form, looped: bool, given: bool = False) -> list[Block]:
    sizes = [
        *("1" if b.scalar else "d" for b in form.algorithm.features),
        *("1" for _ in form.algorithm.accumulators),
    ]
    rows = []
    result: list[Block] = []
    for number, head in enumerate(form.heads, 1):
        mask = mask_symbol(form.mask_names[head.mask])
        if isinstance(head, SymbolicHead):
            read, written = {read for _, read in head.U}, {written for written, _ in head.U}
            keys, queries = {r for r, _, _ in head.E}, {s for _, _, s in head.E}
        else:
            read, written, keys, queries = {head.row}, set(head.U), {head.row}, set(head.E)
        rows.append((cell(str(number)), cell(mask), *(cell(_list(x)) for x in (read, written, keys, queries))))
        result.append(Paragraph((f"Head {number}, with mask ", mask, ":")))
        for shown in head_matrices(form, head):
            letter = shown.name.text
            numbered = replace(shown, name=indexed(letter, str(number)))
            # what blocks of a user's heads are for, only they know
            result.append(matrix(numbered, WRITTEN if given else LEGENDS[letter], sizes))
    overview = Table(("head", "mask", "reads row", "writes row", "compares rows", "with rows"), tuple(rows),
                     "What each head reads and writes.")  # fmt: skip
    letters = form.algorithm.preconditioners
    steps = listed(map(named, letters))
    which = " may differ between layers, and nothing else; in the runs of this report they do not (looped)."
    which = which if looped else " may differ between layers, as in the runs of this report, and nothing else does."
    intro = prose("Blocks are named by the rows of the prompt. The "
                 f"preconditioner{'s' * (len(letters) > 1)} ", steps, which)  # fmt: skip
    if not letters:
        intro = prose(
            "Blocks are named by the rows of the prompt. There is no preconditioner: all layers are the same."
        )
    return [intro, overview, *result]


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _entries(derivation: Derivation) -> list[Block]:
    """The same matrices at d = 2, n = 3, every entry in the symbols of C and the parameters."""
    algorithm = derivation.algorithm
    layout = Layout.of(algorithm, D, N)
    step: tuple[Any, ...] = tuple(
        Symbol(name) if name in algorithm.scalar_preconditioners
        else [[Symbol(f"{name}_{i + 1}{j + 1}") for j in range(D)] for i in range(D)]
        for name in algorithm.preconditioners
    )  # fmt: skip
    values: dict[str, Any] = {name: Symbol(name) for name in algorithm.parameters}
    values |= {name: lambda j, name=name: Symbol(f"{name}_{j}") for name in algorithm.selections}
    (heads,) = instantiate(derivation, SYMBOLIC, layout, [step], values)
    rows, columns = layout.row_names(), (*(str(j + 1) for j in range(N)), "query")
    p, K = layout.p, len(layout.accumulators)
    shown: list[Block] = []
    seen: list[str] = []
    for number, (head, symbolic) in enumerate(zip(heads, derivation.heads, strict=True), 1):
        if isinstance(head, TokenwiseHead):
            U = [[0] * (p + K)] * p + [list(row) + [0] * K for row in head.U]
            E = [[0] * p + list(row) for row in head.E] + [[0] * (p + K)] * K
        else:
            U = [[0] * (p + K)] * p + [[0] * p + list(row) for row in head.U]
            E = [list(row) + [0] * K for row in head.E] + [[0] * (p + K)] * K
        shown.append(_matrix(f"P_{number}", rows, rows, U, LEGENDS["P"]))
        shown.append(_matrix(f"Q_{number}", rows, rows, E, LEGENDS["Q"]))
        name = derivation.mask_names[symbolic.mask]
        if name not in seen:
            seen.append(name)
            shown.append(_matrix(name[0] + "_" + name[1:], columns, columns, head.M, ()))
    intro = prose(f"The same at $d = {D}$, $n = {N}$, entry by entry; $W_h$ is the identity on the accumulator rows.")
    return [Folded(f"Entry by entry at d = {D}, n = {N}", (intro, *shown), "weights-entries")]


def _matrix(
    name: str, rows: tuple[str, ...], columns: tuple[str, ...], entries: Any, legend: tuple[str, ...]
) -> Matrix:
    letter, _, index = name.partition("_")
    filled = tuple(tuple(expression(x) for x in row) for row in entries)
    return matrix(Matrix(indexed(letter, index), rows, columns, filled), legend)


def _given(weights: Construction) -> tuple[Block, ...]:
    """Given heads in numbers, those of the worked example's layers: all that is known of heads that are no blocks."""
    layout = weights.layout
    rows, columns = layout.row_names(), (*(str(j + 1) for j in range(layout.n)), "query")
    values = ", ".join(f"{name} = {value}" for name, value in weights.parameters.items())
    result: list[Block] = [
        prose(f"The heads as given, in numbers: $d = {layout.d}$, $n = {layout.n}$, layer 1 of the worked example."),
        Paragraph((f"Parameters: {values or 'none'}.",)),
    ]
    for h, head in enumerate(weights.layers[0], 1):
        for letter, labels in (("W", rows), ("P", rows), ("Q", rows), ("M", columns)):
            entries: list[list[Fraction]] = getattr(head, letter).fractions()
            shown = numbers(indexed(letter, str(h)), labels, labels, entries)
            legend = GIVEN if letter in LEGENDS else ()  # what blocks of a user's heads are for, only they know
            result.append(matrix(shown, legend))
    return tuple(result)

"""The worked example on the page of an algorithm that attends by patterns: every layer, and the textbook's iterate."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ...symbolic.strict_json import rational_text
from ..formula.build import call, number, row
from ..formula.formula import written
from ..verdict import Verdict
from .assemble import cell, prose
from .document.formula import Formula
from .example import D, L, N, Rows
from .model import Block, Cell, Matrix, Paragraph, Section, Steps, Table
from .notation import at, numbers, vector
from .pattern_example import PatternExample, PatternHeadStep
from .sections.worked_example import (
    disagreement,
    parameters_line,
    step_matrix,
    step_title,
    transitions,
)

ZERO_ROWS = "rows that are not shown are zero"


def worked_section(found: PatternExample, last: str) -> Section:
    """The section; `last` is what the last column is called."""
    columns = (*(str(j + 1) for j in range(N)), last)
    held = sorted(found.held)
    blocks: list[Block] = [
        *disagreement(found.mismatch),
        prose(f"At $d = {D}$, $n = {N}$, $L = {L}$, in exact numbers, from states that are not zero, with parameters "
              "of its own, chosen so that the numbers stay small. The transitions are"),
        transitions(found.context), Paragraph(parameters_line(found.parameters)),
        *_pattern(found, columns),
        prose("The prompt, by the table of its rows:"),
        _whole(found, 0, columns, found.start),
        Steps(tuple((step_title("Z", k), _layer(found, k, columns)) for k in range(L))),
        prose("The textbook loop, which has never seen a matrix of a layer, gives on the same tokens these states:"),
        Table(("iterate", *(columns if len(found.states[0]) > 1 else (last,))), tuple(
            (cell(str(k)), *(cell(_value(x)) for x in states)) for k, states in enumerate(found.states)
        )),
        *(numbers(call("Y", str(k + 1)), [found.rows[i] for i in held], columns, [wanted[i] for i in held],
                  caption=f"what the rows that layers change must hold at iterate {k + 1}, {_as_does(found, k)}")
          for k, wanted in enumerate(found.wanted)),
        Table(("layer", "every entry equal to the iterate's"), tuple(
            (cell(str(k + 1)), Cell((), Verdict.HOLDS if equal else Verdict.REFUTED))
            for k, equal in enumerate(agreement(found))
        )),
    ]  # fmt: skip
    return Section("worked-example", "A worked example", tuple(blocks))


def agreement(found: PatternExample) -> list[bool]:
    """For each layer whether every entry of the prompt, frozen rows too, is the iterate's."""
    return [step.after == wanted for step, wanted in zip(found.layers, found.wanted, strict=True)]


def _as_does(found: PatternExample, k: int) -> str:
    return f"as Z_{k + 1} above does" if agreement(found)[k] else f"and Z_{k + 1} above does not"


def _value(value: Any) -> Formula:
    return vector(value) if isinstance(value, list) else number(value)


def _pattern(found: PatternExample, columns: Sequence[str]) -> list[Block]:
    if found.K is None:
        return []
    said = f"The pattern is the kernel's, {found.kernel}, of the features:"
    if found.opaque:
        said = (f"At rational scores the kernel, {found.kernel}, is no rational number. As in the exact evidence, a "
                "matrix of random rationals stands for the pattern, the same for layers and update:")  # fmt: skip
    return [prose(said), numbers(row("K"), columns, columns, found.K)]


def _whole(found: PatternExample, k: int, columns: Sequence[str], entries: Rows) -> Matrix:
    """A state of the prompt, the rows that layers change in another colour."""
    groups = tuple(tuple(int(i in found.held) for _ in columns) for i in range(len(found.rows)))
    legend = ("rows that stay", "rows that layers change")
    return numbers(at("Z", k), found.rows, columns, entries, groups=groups, legend=legend)


def _layer(found: PatternExample, k: int, columns: Sequence[str]) -> tuple[Block, ...]:
    step, C = found.layers[k], found.steps[k]
    result: list[Block] = [] if C is None else [step_matrix("C", k, C)]
    for h, head in enumerate(step.heads, 1):
        result += _head(found, head, h, k, columns, len(step.heads))
    changed = [i for i, line in enumerate(step.change) if any(line)]
    times = "" if found.scale == 1 else f", times {found.scale},"
    outputs = "The output" if len(step.heads) == 1 else "The heads' outputs, added"
    result.append(prose(f"{outputs}{times} is the change of the prompt{', before the shift of rows' * found.shifted}:"))
    result += _shown(row(written(r"\Delta"), at("Z", k)), found, changed, columns, step.change)
    result.append(_whole(found, k + 1, columns, step.after))
    return tuple(result)


def _head(
    found: PatternExample, head: PatternHeadStep, h: int, k: int, columns: Sequence[str], count: int
) -> list[Block]:  # fmt: skip
    V, Q, A = (at(letter, h) if count > 1 else row(letter) for letter in "VQA")
    lead = f"Head {h}: the" if count > 1 else "The"
    scores = "" if head.Q is None else "the key-query form, "
    result: list[Block] = [
        prose(f"{lead} values, {scores}the attention pattern under its mask (key down, query across), and what the "
              "head adds:"),
        numbers(V, found.rows, found.rows, head.V),
    ]  # fmt: skip
    if head.Q is not None:
        result.append(numbers(Q, found.rows, found.rows, head.Q))
    result.append(numbers(A, columns, columns, head.pattern))
    written = [i for i, line in enumerate(head.output) if any(line)]
    return [*result, *_shown(row(V, at("Z", k), A), found, written, columns, head.output)]


def _shown(
    name: Formula, found: PatternExample, rows: Sequence[int], columns: Sequence[str], entries: Rows
) -> list[Block]:  # fmt: skip
    """The rows of a matrix that are not zero."""
    if not rows:
        return [prose(name, " is zero in every entry.")]
    return [numbers(name, [found.rows[i] for i in rows], columns, [entries[i] for i in rows], caption=ZERO_ROWS)]


def data(found: PatternExample) -> dict[str, Any]:
    """The example's exact numbers as text."""

    def texts(value: Any) -> Any:
        return rational_text(value) if isinstance(value, Fraction) else [texts(x) for x in value]

    return {
        "rows": list(found.rows),
        "Z": [texts(Z) for Z in (found.start, *(step.after for step in found.layers))],
        "pattern": None if found.K is None else texts(found.K),
        "states": [texts(states) for states in found.states],
        "agree": found.mismatch is None and all(agreement(found)),
    }

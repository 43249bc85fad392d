"""The worked example on the page of an algorithm that attends by patterns: every layer, and the textbook's iterate."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ...symbolic.strict_json import rational_text
from ..formula.build import call, number, row
from ..formula.formula import Formula, written
from ..verdict import Verdict
from .assemble import cell, prose
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


def worked_section(example: PatternExample, last: str) -> Section:
    """The section; `last` is what the last column is called."""
    columns = (*(str(j + 1) for j in range(N)), last)
    held = sorted(example.held)
    blocks: list[Block] = [
        *disagreement(example.mismatch),
        prose(f"At $d = {D}$, $n = {N}$, $L = {L}$, in exact numbers, from states that are not zero, with parameters "
              "of its own, chosen so that the numbers stay small. The transitions are"),
        transitions(example.context), Paragraph(parameters_line(example.parameters)),
        *_pattern(example, columns),
        prose("The prompt, by the table of its rows:"),
        _whole(example, 0, columns, example.start),
        Steps(tuple((step_title("Z", k), _layer(example, k, columns)) for k in range(L))),
        prose("The textbook loop, which has never seen a matrix of a layer, gives on the same tokens these states:"),
        Table(("iterate", *(columns if len(example.states[0]) > 1 else (last,))), tuple(
            (cell(str(k)), *(cell(_value(x)) for x in states)) for k, states in enumerate(example.states)
        )),
        *(numbers(call("Y", str(k + 1)), [example.rows[i] for i in held], columns, [wanted[i] for i in held],
                  caption=f"what the rows that layers change must hold at iterate {k + 1}, {_as_does(example, k)}")
          for k, wanted in enumerate(example.wanted)),
        Table(("layer", "every entry equal to the iterate's"), tuple(
            (cell(str(k + 1)), Cell((), Verdict.HOLDS if equal else Verdict.REFUTED))
            for k, equal in enumerate(agreement(example))
        )),
    ]  # fmt: skip
    return Section("worked-example", "A worked example", tuple(blocks))


def agreement(example: PatternExample) -> list[bool]:
    """For each layer whether every entry of the prompt, frozen rows too, is the iterate's."""
    return [step.after == wanted for step, wanted in zip(example.layers, example.wanted, strict=True)]


def _as_does(example: PatternExample, k: int) -> str:
    return f"as Z_{k + 1} above does" if agreement(example)[k] else f"and Z_{k + 1} above does not"


def _value(value: Any) -> Formula:
    return vector(value) if isinstance(value, list) else number(value)


def _pattern(example: PatternExample, columns: Sequence[str]) -> list[Block]:
    if example.K is None:
        return []
    intro = f"The pattern is the kernel's, {example.kernel}, of the features:"
    if example.opaque:
        intro = (f"At rational scores the kernel, {example.kernel}, is no rational number. As in the exact evidence, a "
                "matrix of random rationals stands for the pattern, the same for layers and update:")  # fmt: skip
    return [prose(intro), numbers(row("K"), columns, columns, example.K)]


def _whole(example: PatternExample, k: int, columns: Sequence[str], entries: Rows) -> Matrix:
    """A state of the prompt, the rows that layers change in another colour."""
    groups = tuple(tuple(int(i in example.held) for _ in columns) for i in range(len(example.rows)))
    legend = ("rows that stay", "rows that layers change")
    return numbers(at("Z", k), example.rows, columns, entries, groups=groups, legend=legend)


def _layer(example: PatternExample, k: int, columns: Sequence[str]) -> tuple[Block, ...]:
    step, C = example.layers[k], example.steps[k]
    result: list[Block] = [] if C is None else [step_matrix("C", k, C)]
    for h, head in enumerate(step.heads, 1):
        result += _head(example, head, h, k, columns, len(step.heads))
    changed = [i for i, line in enumerate(step.change) if any(line)]
    times = "" if example.scale == 1 else f", times {example.scale},"
    outputs = "The output" if len(step.heads) == 1 else "The heads' outputs, added"
    result.append(
        prose(f"{outputs}{times} is the change of the prompt{', before the shift of rows' * example.shifted}:")
    )
    result += _shown(row(written(r"\Delta"), at("Z", k)), example, changed, columns, step.change)
    result.append(_whole(example, k + 1, columns, step.after))
    return tuple(result)


def _head(
    example: PatternExample, head: PatternHeadStep, h: int, k: int, columns: Sequence[str], count: int
) -> list[Block]:  # fmt: skip
    V, Q, A = (at(letter, h) if count > 1 else row(letter) for letter in "VQA")
    lead = f"Head {h}: the" if count > 1 else "The"
    scores = "" if head.Q is None else "the key-query form, "
    result: list[Block] = [
        prose(f"{lead} values, {scores}the attention pattern under its mask (key down, query across), and what the "
              "head adds:"),
        numbers(V, example.rows, example.rows, head.V),
    ]  # fmt: skip
    if head.Q is not None:
        result.append(numbers(Q, example.rows, example.rows, head.Q))
    result.append(numbers(A, columns, columns, head.pattern))
    written = [i for i, line in enumerate(head.output) if any(line)]
    return [*result, *_shown(row(V, at("Z", k), A), example, written, columns, head.output)]


def _shown(
    name: Formula, example: PatternExample, rows: Sequence[int], columns: Sequence[str], entries: Rows
) -> list[Block]:  # fmt: skip
    """The rows of a matrix that are not zero."""
    if not rows:
        return [prose(name, " is zero in every entry.")]
    return [numbers(name, [example.rows[i] for i in rows], columns, [entries[i] for i in rows], caption=ZERO_ROWS)]


def data(example: PatternExample) -> dict[str, Any]:
    """The example's exact numbers as text."""

    def texts(value: Any) -> Any:
        return rational_text(value) if isinstance(value, Fraction) else [texts(x) for x in value]

    return {
        "rows": list(example.rows),
        "Z": [texts(Z) for Z in (example.start, *(step.after for step in example.layers))],
        "pattern": None if example.K is None else texts(example.K),
        "states": [texts(states) for states in example.states],
        "agree": example.mismatch is None and all(agreement(example)),
    }

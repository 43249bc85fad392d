"""The worked example on the page of an algorithm that attends by patterns: every layer, and the textbook's iterate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..formula.build import call, row
from ..verdict import Verdict
from .assemble import cell, prose
from .example import D, L, N, Rows
from .model import Block, Cell, Matrix, Paragraph, Section, Steps, Table
from .notation import at, numbers
from .pattern_example import PatternExample, PatternHeadStep
from .sections.worked_example import (
    as_does,
    disagreement,
    exact_texts,
    nonzero,
    parameters_line,
    step_matrix,
    step_title,
    transitions,
    value_formula,
    whole,
)


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
            (cell(str(k)), *(cell(value_formula(x)) for x in states)) for k, states in enumerate(example.states)
        )),
        *(numbers(call("Y", str(k + 1)), [example.rows[i] for i in held], columns, [wanted[i] for i in held],
                  caption=f"what the rows that layers change must hold at iterate {k + 1}, {as_does(k + 1, same)}")
          for k, (wanted, same) in enumerate(zip(example.wanted, agreement(example), strict=True))),
        Table(("layer", "every entry equal to the iterate's"), tuple(
            (cell(str(k + 1)), Cell((), Verdict.HOLDS if equal else Verdict.REFUTED))
            for k, equal in enumerate(agreement(example))
        )),
    ]  # fmt: skip
    return Section("worked-example", "A worked example", tuple(blocks))


def agreement(example: PatternExample) -> list[bool]:
    """For each layer whether every entry of the prompt, frozen rows too, is the iterate's."""
    return [step.after == wanted for step, wanted in zip(example.layers, example.wanted, strict=True)]


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
    return whole(k, example.rows, columns, entries, example.held, "rows that stay")


def _layer(example: PatternExample, k: int, columns: Sequence[str]) -> tuple[Block, ...]:
    step, C = example.layers[k], example.steps[k]
    result: list[Block] = [] if C is None else [step_matrix("C", k, C)]
    for h, head in enumerate(step.heads, 1):
        result += _head(example, head, h, k, columns, len(step.heads))
    times = "" if example.scale == 1 else f", times {example.scale},"
    outputs = "The output" if len(step.heads) == 1 else "The heads' outputs, added"
    result.append(
        prose(f"{outputs}{times} is the change of the prompt{', before the shift of rows' * example.shifted}:")
    )
    result.append(nonzero(row("Delta", at("Z", k)), example.rows, columns, step.change))
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
    return [*result, nonzero(row(V, at("Z", k), A), example.rows, columns, head.output)]


def data(example: PatternExample) -> dict[str, Any]:
    """The example's exact numbers as text."""

    return {
        "rows": list(example.rows),
        "Z": exact_texts([example.start, *(step.after for step in example.layers)]),
        "pattern": None if example.K is None else exact_texts(example.K),
        "states": exact_texts(example.states),
        "agree": example.mismatch is None and all(agreement(example)),
    }

"""Section "prompt": the rows of Z as a picture and as a table."""

from __future__ import annotations

from typing import Any

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.state import SymbolicState
from ...formula.build import indexed, listed
from ...formula.formula import Formula
from ..assemble import cell, prose
from ..findings import Findings
from ..model import Block, Cell, Code, Picture, Section, Table
from ..names import Names, declared_formula
from ..notation import block_symbols, numbers, row_symbols
from ..picture_letters import letters
from ..picture_prompt import Row, prompt_picture

NAME, TITLE, ORDER = "prompt", "The prompt", 30


def build(findings: Findings) -> Section | None:
    """The picture of Z_0, and what each row holds; None where its rows do not run on symbols."""
    if findings.own is not None:
        return _own(findings)
    algorithm, state = findings.algorithm, findings.state
    assert algorithm is not None
    if state is None:
        return None
    svg, alt = prompt_picture(_rows(algorithm, state), f"The prompt of {algorithm.title}")
    caption = "Rows, context columns and query column of the prompt. Layers read every row and change the marked ones."
    blocks: list[Block] = [
        prose(
            "A column for each transition and one for the query. The table says what each row holds when the weights "
            "are ", _weights(algorithm), "; the picture is the prompt itself, with zero weights as in the papers."
        ),
        Picture(svg, alt, caption, _data(algorithm, state)),
        _table(algorithm, state),
    ]  # fmt: skip
    return Section(NAME, TITLE, tuple(blocks))


def _weights(algorithm: Algorithm) -> Formula:
    return listed([declared_formula(algorithm, w) for w in algorithm.weights])


def _columns(state: SymbolicState, weights: Any) -> list[tuple[list[Any], list[Any]]]:
    """For columns 1, 2, n and the query: the feature blocks and the accumulator rows."""
    algorithm = state.algorithm
    tokens = [algorithm.context_token(state.transition(at), state.p) for at in ("1", "2", "n", "j")]
    tokens.append(algorithm.query_token(state.query(), state.algebra.number(0)))
    return [
        ([getattr(t, b.name) for b in algorithm.features], algorithm.column_values(weights, t, state.p)) for t in tokens
    ]


def _rows(algorithm: Algorithm, state: SymbolicState) -> list[Row]:
    """The rows at zero weights, as short texts."""
    names = Names.for_state(state)
    zero = tuple(0 * w for w in state.weights)
    first, second, last, _, query = _columns(state, zero)
    rows, symbols = [], row_symbols(state)
    features = [(b.name, not b.scalar) for b in algorithm.features]
    for part, blocks in enumerate((features, [(r.name, False) for r in algorithm.accumulators])):
        for k, (name, tall) in enumerate(blocks):
            shown = [letters(names.value(column[part][k]).text) for column in (first, second, last, query)]
            if tall and name in algorithm.symbols:
                at = [letters(indexed(symbols[name], j).text) for j in ("1", "2", "n")]
                shown = [*(x.replace("(", "").replace(")", "") for x in at), shown[3]]
            rows.append(
                Row(name, (shown[0], shown[1], shown[2], shown[3]), tall, part == 1, letters(symbols[name].text))
            )
    return rows


def _data(algorithm: Algorithm, state: SymbolicState) -> Table:
    """The picture's cells."""
    rows = tuple(tuple(Cell((text,)) for text in (row.name, *row.cells)) for row in _rows(algorithm, state))
    return Table(("row", "column 1", "column 2", "column n", "query"), rows)


def _table(algorithm: Algorithm, state: SymbolicState) -> Table:
    names, symbols = Names.for_state(state), block_symbols(state)
    *_, generic, query = _columns(state, state.weights)
    rows = []
    for k, block in enumerate(algorithm.features):
        size = "1" if block.scalar else "d"
        rows.append((cell(Code(block.name)), cell(symbols[block.name]), cell(size), cell(names.value(generic[0][k])),
                     cell(names.value(query[0][k])), cell("stays as it is")))  # fmt: skip
    for k, row in enumerate(algorithm.accumulators):
        called = cell(names.rows[row.name]) if row.symbol else cell()
        rows.append((cell(Code(row.name)), called, cell("1"), cell(names.value(generic[1][k])),
                     cell(names.value(query[1][k])), cell("changed by layers")))  # fmt: skip
    return Table(("row block", "symbol", "rows", "context column j", "query column", "role"), tuple(rows), cards=True)


def _own(findings: Findings) -> Section:
    example = findings.own_example
    assert example is not None
    shown = numbers(indexed("Z", "0"), example.rows, example.columns, example.start)
    intro = prose("The prompt is the construction's own; here it is at $d = 2$, $n = 3$ for the worked example's data.")
    return Section(NAME, TITLE, (intro, shown))

"""The prompt as a matrix, and what its rows hold when the weights are w."""

from __future__ import annotations

from ...formula.rows import context_entry, query_entry, without_weights
from .facts import Facts, grid
from .model import Block, Display, Ref, paragraph


def prompt_blocks(facts: Facts) -> list[Block]:
    """What a column holds, and the prompt at zero weights."""
    a, s = facts.algorithm, facts.symbols
    n, q = s.at("sweep", "n"), s.at("query", "q")
    z, w = s.at("matrix", "prompt"), facts.weights()
    named = [b.name for b in a.features if ("block", b.name) in s.table]
    rows = [r.name for r in a.accumulators]
    defined = [r for r in rows if not facts.plain(r)]
    known = facts.update_lines()
    again = [r for r in defined if f"{facts.row(r, 'j')} = {facts.entry(r, 'j', layer=True)}" in known]
    shown = [f"{facts.row(r, 'j')} = {facts.entry(r, 'j')}" for r in defined if r not in again]
    shown = [*(f"{facts.block(b, 'j')} = {facts.content(b, 'j')}" for b in named), *shown]
    generic = _column([*(facts.block(b.name, "j") for b in a.features), *(facts.row(r, "j") for r in rows)])
    query = _column([*(facts.query_block(b.name) for b in a.features), *(facts.query_entry(r) for r in rows)])
    height = f"({facts.size(len(rows))}) \\times ({n}+1)"
    blocks: list[Block] = [
        paragraph(f"For weights ${w}$ let ${facts.prompt()} \\in \\mathbb{{R}}^{{{height}}}$ have the columns, for "
             f"$j \\le {n}$,",
             heading="The prompt."),
        Display((rf"{z}_{{j}} = {generic}, \quad {z}_{{{n}+1}} = {query}",), "prompt"),
    ]  # fmt: skip
    old = f"${', '.join(facts.row(r, 'j') for r in again)}$ as in "
    if shown:
        more = (" and ", old, Ref("update")) if again else ()
        blocks += [
            paragraph("with, at these weights", *more, ","),
            Display((*(f"{x}," for x in shown[:-1]), f"{shown[-1]}.")),
        ]
    elif again:
        blocks.append(paragraph("with ", old, Ref("update"), f", at the weights ${w}$."))
    start = _start(facts, rows)
    layers = paragraph(f"The features ${q}$ are those of the state whose value is asked for. The transformer's prompt "
                       f"is ${z}_0 = {facts.prompt('0')}$; at zero weights it is the data alone,")  # fmt: skip
    return [*blocks, layers, Display((f"{z}_0 = {start}.",))]


def _column(entries: list[str]) -> str:
    return grid([[entry] for entry in entries])


def _start(facts: Facts, rows: list[str]) -> str:
    """Z_0 at zero weights, with the first column, the last and the query's."""
    n = facts.symbols.at("sweep", "n")
    lines = [
        [facts.block(b.name, "1"), r"\cdots", facts.block(b.name, n), facts.query_block(b.name)]
        for b in facts.algorithm.features
    ]
    for r in rows:
        entry = without_weights(context_entry(facts.traced, r))
        last = without_weights(query_entry(facts.traced, r))
        each = [("0" if entry is None else facts.still.latex(entry, at)) for at in ("1", n)]
        lines.append([each[0], r"\cdots", each[1], "0" if last is None else facts.still.latex(last)])
    return grid(lines)

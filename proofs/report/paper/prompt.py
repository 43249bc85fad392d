"""The prompt as a matrix, and what its rows hold when the weights are w."""

from __future__ import annotations

from ...formula.build import NO_GAP, QUAD, bracketed, equation, indexed, listed, matrix, power, row
from ...formula.formula import Formula
from ...formula.rows import context_entry, query_entry, without_weights
from .facts import Facts
from .model import Block, Ref, display, paragraph
from .notation import REALS


def prompt_blocks(facts: Facts) -> list[Block]:
    """What a column holds, and the prompt at zero weights."""
    a, z, n, w = facts.algorithm, facts.z, facts.n, facts.weights()
    named = [b.name for b in a.features if ("block", b.name) in facts.symbols.table]
    rows = [r.name for r in a.accumulators]
    defined = [r for r in rows if not facts.plain(r)]
    again = [r for r in defined if facts.in_update(r)]
    shown = [equation(facts.block(b, "j"), facts.content(b, "j")) for b in named]
    shown += [equation(facts.row(r, "j"), facts.entry(r, "j")) for r in defined if r not in again]
    context = [*(facts.block(b.name, "j") for b in a.features), *(facts.row(r, "j") for r in rows)]
    query = [*(facts.query_block(b.name) for b in a.features), *(facts.query_entry(r) for r in rows)]
    columns = (indexed(z, "j"), context), (indexed(z, n, "+", "1"), query)
    height = row(bracketed(facts.size(len(rows))), "times", bracketed(facts.query_column))
    blocks: list[Block] = [
        paragraph("For weights ", w, " let ", row(facts.prompt(), "in", power(REALS, height)),
                  " have the columns, for ", row("j", "<=", n), ",", heading="The prompt."),
        display([listed([equation(x, matrix([[e] for e in entries])) for x, entries in columns], QUAD)], "prompt", ""),
    ]  # fmt: skip
    old = (listed([facts.row(r, "j") for r in again], NO_GAP), " as in ", Ref("update"))
    if shown:
        more = (" and ", *old) if again else ()
        blocks += [paragraph("with, at these weights", more, ","), display(shown)]
    elif again:
        blocks.append(paragraph("with ", old, ", at the weights ", w, "."))
    layers = paragraph("The features ", facts.fixed("query", "q"), " are those of the state whose value is asked for. "
                       "The transformer's prompt is ", equation(indexed(z, "0"), facts.prompt("0")),
                       "; at zero weights it is the data alone,")  # fmt: skip
    return [*blocks, layers, display([equation(indexed(z, "0"), _start(facts, rows))])]


def _start(facts: Facts, rows: list[str]) -> Formula:
    """Z_0 at zero weights, with the first column, the last and the query's."""
    lines = [[*(facts.block(b.name, at) for at in ("1", facts.n)), facts.query_block(b.name)]
             for b in facts.algorithm.features]  # fmt: skip
    for r in rows:
        context, query = (without_weights(f(facts.traced, r)) for f in (context_entry, query_entry))
        lines.append([*(facts.still_entry(context, at) for at in ("1", facts.n)), facts.still_entry(query)])
    return matrix([[first, "cdots", *others] for first, *others in lines])

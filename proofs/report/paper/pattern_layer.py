"""The layer of an algorithm that attends by patterns as a paper has it: pattern, mask, weights and shift."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr

from ....symbolic.patterns.heads import PatternForm, PatternHead
from ...formula.build import (
    QUAD,
    Part,
    bracketed,
    call,
    cases,
    equation,
    fraction,
    indexed,
    listed,
    row,
    summed,
    transposed,
    words,
)
from ...formula.formula import Formula
from ..pattern_formulas import last_key
from .model import Block, display, paragraph
from .notation import combination
from .patterned import Patterned, numbered


def layer_blocks(facts: Patterned, form: PatternForm) -> list[Block]:
    """The layer, its weights and its shift."""
    z, layer, n = facts.z, facts.layer, facts.n
    A, M, K, shift = (facts.fixed("matrix", x) for x in ("pattern", "mask", "weight", "shift"))
    now, several = indexed(z, layer), len(form.heads) > 1
    h: list[Part] = ["h"] if several else []
    A = indexed(A, *h) if several else A
    heads = row(facts.of_head("value", h), now, A)
    inside = row(now, "+", *scale(facts, form), summed("h", heads) if several else heads)
    pattern = K if facts.algorithm.kernels else bracketed(meets(facts, now, h, now), "big")
    step = equation(indexed(z, layer, "+", "1"), call(shift, inside, size="big") if form.shift else inside)
    where = row("j", "<=", last_key(form.sees, n))
    mask = equation(indexed(M, "j", "t"), cases([("1", where), ("0", words("else"))]))
    lines = [listed([step, equation(A, row(M, "circ", pattern))], QUAD), mask]
    blocks: list[Block] = [
        paragraph("Layer ", layer, " attends by the pattern ", A, ", where ", row("circ"), " multiplies entry by "
                  "entry,", heading="The layer."),
        display(lines, "layer", ","),
        paragraph("whose weights are, block by block and zero where no block is named,"),
        display([x for head, number in numbered(form) for x in _blocks(facts, head, number)], "weights"),
    ]  # fmt: skip
    given = facts.algorithm.layer
    if given is not None and (given.kernel or given.mask_first):
        first = ", with the mask before it" if given.mask_first else ""
        blocks.append(paragraph("Here ", K, f" is {given.kernel or 'the kernel of the update'}{first}."))
    if not form.shift:
        return blocks
    beside = row("t", "-" if form.previous else "+", "1")
    reads: dict[str, list[tuple[Expr, Formula | None]]] = {}
    for (to, read), c in form.shift.items():
        reads.setdefault(to, []).append((c, facts.named(read, beside)))
    moves = [row(facts.named(to, "t"), "<-", combination(facts, terms)) for to, terms in reads.items()]
    return [
        *blocks,
        paragraph("The shift ", shift, " sets, in every column ", row("t"), ", from what the heads left,"),
        display(moves, "shift", ","),
        paragraph("leaves the other rows as they are, and takes what stands outside of the prompt for zero."),
    ]


def scale(facts: Patterned, form: PatternForm) -> list[Formula]:
    """The factor of what the heads add: one over n, or none."""
    return [fraction("1", facts.n, "tfrac")] * form.by_length


def _blocks(facts: Patterned, head: PatternHead, number: Sequence[Part]) -> list[Formula]:
    """V of a head, and Q where its scores are linear, each by the rows that it joins."""
    matrices = [(facts.of_head("value", number), head.V)]
    matrices += [] if head.Q is None else [(facts.of_head("keyQuery", number), head.Q)]
    scalar = {one.name for one in facts.algorithm.rows if one.scalar}
    lines = []
    for letter, blocks in matrices:
        for (to, read), by_word in blocks.items():
            one = None if read in scalar else row("I")
            value = combination(facts, [(c, facts.word(word) or one) for word, c in by_word.items()])
            lines.append(equation(call(letter, facts.named(to), facts.named(read), brackets="[]"), value))
    return lines


def meets(facts: Patterned, key: Formula, number: Sequence[Part], query: Formula) -> Formula:
    """z_j^T Q z_t of a head."""
    return row(transposed(key), facts.of_head("keyQuery", number), query)

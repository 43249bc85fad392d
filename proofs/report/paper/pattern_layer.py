"""The layer of an algorithm that attends by patterns as a paper has it: pattern, mask, weights and shift."""

from __future__ import annotations

from collections.abc import Sequence

from ....symbolic.patterns.heads import PatternForm, PatternHead
from ...formula.build import (
    QUAD,
    Part,
    call,
    cases,
    equation,
    fraction,
    indexed,
    listed,
    row,
    words,
)
from ...formula.formula import Formula
from ..pattern_layer import LayerSymbols, last_key, layer_equations, moves
from .model import Block, display, paragraph
from .notation import combination
from .patterned import Patterned, numbered


def layer_blocks(facts: Patterned, form: PatternForm) -> list[Block]:
    """The layer, its weights and its shift."""
    fixed, layer = facts.fixed, facts.layer
    M, K, shift = (fixed("matrix", x) for x in ("mask", "weight", "shift"))
    V, Q, A = (fixed("matrix", x) for x in ("value", "keyQuery", "pattern"))
    symbols = LayerSymbols(facts.z, layer, V, Q, A, M, K, shift, over_n(facts))
    where = row("j", "<=", last_key(form.sees, facts.n))
    mask = equation(indexed(M, "j", "t"), cases([("1", where), ("0", words("else"))]))
    lines = [listed(layer_equations(form, symbols), QUAD), mask]
    blocks: list[Block] = [
        paragraph("Layer ", layer, " attends by the pattern ", symbols.pattern(form), ", where ", row("circ"),
                  " multiplies entry by entry,", heading="The layer."),
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
    lines = [row(to, "<-", combination(facts, terms)) for to, terms in moves(form, facts.named)]
    return [
        *blocks,
        paragraph("The shift ", shift, " sets, in every column ", row("t"), ", from what the heads left,"),
        display(lines, "shift", ","),
        paragraph("leaves the other rows as they are, and takes what stands outside of the prompt for zero."),
    ]


def over_n(facts: Patterned) -> Formula:
    """The factor of what the heads add, where there is one."""
    return fraction("1", facts.n, "tfrac")


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

"""The layer's weights as block matrices, and its masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import Expr, Symbol

from ....symbolic.derivation.coefficients import INDEX
from ....symbolic.derivation.form import AnyHead
from ...formula.build import (
    NO_GAP,
    QUAD,
    Part,
    bracketed,
    call,
    cases,
    equation,
    fraction,
    indexed,
    matrix,
    row,
    summed,
    transposed,
    words,
)
from ...formula.formula import Formula
from ...formula.lines import width
from ...formula.nodes import Sign
from ...theory.generated.given import GivenWeights, Weights
from ...theory.generated.heads import cells
from .facts import Facts
from .latex import LINE
from .model import Block, Display, display, paragraph
from .notation import combination

POSITION = Symbol(INDEX)


def weight_blocks(facts: Facts, weights: Weights) -> list[Block]:
    """The layer, then P, Q and M of every head."""
    z, n, layer = facts.z, facts.n, facts.layer
    P = facts.fixed("matrix", "value")
    count = len(weights.heads)
    now = indexed(z, layer)
    mask = mask_of(facts, None if count == 1 else bracketed("h"))
    pattern = bracketed(row(transposed(now), key_query(facts, None if count == 1 else "h"), now), "big")
    heads = row(P if count == 1 else indexed(P, "h"), now, mask, pattern)
    step = row(fraction("1", n, "tfrac"), heads if count == 1 else summed("h", heads))
    several = len(facts.algorithm.accumulators)
    blocks: list[Block] = [
        paragraph("Layer ", layer, " is linear attention with ", "one head" if count == 1 else f"{_count(count)} heads",
                  ",", heading="The weights."),
        display([equation(indexed(z, layer, "+", "1"), row(now, "+", step))], "layer", ","),
        paragraph("whose weights are, in blocks of ", facts.size(), " feature rows and ",
                  "the last row" if several == 1 else f"the last {several} rows", ","),
    ]  # fmt: skip
    heads_shown = [
        _head(facts, weights, head, None if count == 1 else str(k)) for k, head in enumerate(weights.heads, 1)
    ]
    lines = [line for each, _ in heads_shown for line in each]
    blocks.append(Display((*lines[:-1], row(lines[-1], ",")), "weights"))
    if any(by_block for _, by_block in heads_shown):
        blocks.append(paragraph("where what is not named is zero,"))
    if isinstance(weights, GivenWeights) and weights.factors:
        blocks.append(paragraph("where ", P, " stands for ", row("W", P), ", with the ", row("W"), " that is given,"))
    masks = [_mask(facts, weights, k) for k in range(len(weights.masks))]
    plain = (", which is all that ", mask_at(facts, 0), " does")
    after = paragraph("Row and column ", facts.query_column, " of ", "every mask" if len(masks) > 1 else "the mask",
                      " are zero: the query is neither key nor value",
                      *(plain if any(m.is_context_mask for m in weights.masks) else ()), ".")  # fmt: skip
    return [*blocks, paragraph("and with the mask" + "s" * (len(masks) > 1)), display(masks, "mask"), after]


def _count(number: int) -> str:
    return {2: "two", 3: "three", 4: "four", 5: "five"}.get(number, str(number))


def key_query(facts: Facts, head: Part | None) -> Formula:
    """Q of a layer, and of a head where there are several."""
    Q, layer = facts.fixed("matrix", "keyQuery"), facts.layer
    return indexed(Q, layer) if head is None else indexed(Q, layer, ",", head)


def mask_of(facts: Facts, index: Part | None) -> Formula:
    """A mask's symbol: M where there is one, else M with an index."""
    M, weights = facts.fixed("matrix", "mask"), facts.layer_weights
    assert weights is not None
    return M if index is None or len(weights.masks) == 1 else indexed(M, index)


def mask_at(facts: Facts, position: int) -> Formula:
    """The symbol of the mask at a position among the layer's."""
    weights = facts.layer_weights
    assert weights is not None
    return mask_of(facts, weights.mask_names[position][1:])


def _head(facts: Facts, weights: Weights, head: AnyHead, number: str | None) -> tuple[list[Formula], bool]:
    """P and Q of a head, and whether one of them is written block by block."""
    rows = [r.name for r in facts.algorithm.accumulators]
    names = [b.name for b in facts.algorithm.features]
    P, Q = facts.fixed("matrix", "value"), key_query(facts, number)
    P = P if number is None else indexed(P, number)
    own: list[Part] = []
    if number and len(weights.masks) > 1:
        own = [",", QUAD, equation(mask_of(facts, bracketed(number)), mask_at(facts, head.mask))]
    U, E = cells(head)
    values = {key: [(c.expr(), None)] for key, c in U.items()}
    blocks: dict[tuple[str, str], list[tuple[Expr, Formula | None]]] = {}
    for (r, word, c), coefficient in E.items():
        blocks.setdefault((r, c), []).append((coefficient.expr(), facts.word(word)))
    if not (all(read in rows for _, read in U) and all(c in names for _, c in blocks)):
        first, *more = _by_block(facts, P, values)
        return [row(first, *own), *more, *_by_block(facts, Q, blocks)], True
    inner = [[combination(facts, values.get((a, b), [])) for b in rows] for a in rows]
    shown = inner[0][0] if len(rows) == 1 else bracketed(matrix(inner, "smallmatrix"), "big")
    first = equation(P, diagonal(indexed("0", facts.size()), shown))
    entries = [[combination(facts, blocks.get((r, c), [])) for c in names] + ["0"] for r in names]
    whole = equation(Q, matrix([*entries, ["0"] * (len(names) + 1)]))
    fits = width(whole.tree) <= LINE
    return [row(first, *own), *([whole] if fits else _by_block(facts, Q, blocks))], not fits


def diagonal(*blocks: Part) -> Formula:
    """A matrix with these blocks on its diagonal."""
    return call(Formula(Sign("function", "diag")), *blocks, gap=NO_GAP)


def _by_block(
    facts: Facts, name: Formula, blocks: Mapping[tuple[str, str], Sequence[tuple[Expr, Formula | None]]]
) -> list[Formula]:
    """A matrix block by block, named by what stands in its rows and columns."""
    return [
        equation(call(name, facts.anything(r, "j"), facts.anything(c, "t"), brackets="[]"), combination(facts, terms))
        for (r, c), terms in blocks.items()
    ]


def _mask(facts: Facts, weights: Weights, position: int) -> Formula:
    mask, n = weights.masks[position], facts.n
    name = mask_at(facts, position)
    if mask.is_context_mask:
        return equation(name, diagonal(indexed("I", n), "0"))
    pieces = [("i = j", mask.diagonal_entry()), ("j < i", mask.lower_entry()), ("i < j", mask.upper_entry())]
    apart = [t for t in (*mask.lower, *mask.upper) if not t.decay]
    if len(apart) == len((*mask.lower, *mask.upper)):  # each stands on one line beside the diagonal
        pieces = pieces[:1]
        for side, (later, earlier) in ((mask.lower, ("i", "j")), (mask.upper, ("j", "i"))):
            for t in side:
                entered = 1 if t.enters is None else t.enters.expr().subs(POSITION, Symbol(earlier))
                value = t.coefficient.expr().subs(POSITION, Symbol(later)) * entered
                pieces.append((f"{later} = {earlier} + {t.delay + 1}", value))
    named = [(facts.scalar(entry), row(*where.split(), "<=", n)) for where, entry in pieces if entry != 0]
    return equation(entry_of(facts, position), cases([*named, ("0", words("else"))]))


def entry_of(facts: Facts, position: int) -> Formula:
    """An entry of a mask: M_ij, or (M_1)_ij."""
    name = mask_at(facts, position)
    return indexed(name if name == facts.fixed("matrix", "mask") else bracketed(name), "i", "j")

"""Pictures of a page's heads, drawn from the worked example's exact numbers: roles of rows, patterns, heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ...symbolic.arithmetics.rational import RationalMatrix
from ..formula.build import number, row
from ..formula.formula import Formula
from . import notation
from .assemble import commas
from .example import HeadStep
from .findings import Findings
from .layer_forms import PATTERN
from .model import Cell, Picture, Sentence, Span, Table, text_of
from .picture_heat import Panel, heat_picture
from .picture_layer import (
    Block,
    example_blocks,
    head_picture,
    layer_sketch,
    own_blocks,
    pattern,
    roles,
    short,
    token_labels,
)

LONG = 20
"""Rows of more are not drawn entry by entry."""


def layer_pictures(findings: Findings) -> list[Picture]:
    """One picture a head of the worked example's first layer; none where there is no example."""
    first = _first_layer(findings)
    if first is None:
        return []
    named, blocks, tokens, heads = first
    drawn = [_head(blocks, head, h, tokens, named, len(heads)) for h, head in enumerate(heads, 1)]
    return [x for x in drawn if x is not None]


def sketch(findings: Findings, id: str) -> Cell:
    """The layer in little, and in words for formats that draw nothing in a table."""
    first = _first_layer(findings)
    if first is None or not first[3]:
        return Cell(("–",))
    named, blocks, _, heads = first
    words: list[Span] = []
    for h, head in enumerate(heads, 1):
        used = roles(blocks, head)
        words += ["; "] * bool(words) + [f"head {h}: "] * (len(heads) > 1)
        words += ["compares ", *_rows(used["k"], named), " with ", *_rows(used["q"], named),
                  *([", adds ", *_rows(used["v"], named), " to ", *_rows(used["+"], named)] if used["+"] else
                    [", adds nothing in this layer"])]  # fmt: skip
    return Cell(tuple(words), drawing=layer_sketch(blocks, heads, "A layer", text_of(words), id))


def _first_layer(
    findings: Findings,
) -> tuple[dict[str, Formula], list[Block], list[str], Sequence[HeadStep]] | None:
    """Symbols, blocks, tokens and heads of the worked example's first layer; None where there is no example."""
    algorithm, state = findings.algorithm, findings.state
    if algorithm is not None and state is not None and findings.example is not None:
        run = findings.example
        named = notation.row_symbols(state)
        blocks = example_blocks(run, {name: f.text for name, f in named.items()})
        tokens = [*(str(j + 1) for j in range(run.context.n)), "query"]
        return named, blocks, tokens, run.layers[0].heads
    own = findings.own_example
    return None if own is None else ({}, own_blocks(own), list(own.columns), own.layers[0].heads)


def _rows(blocks: Sequence[Block], named: dict[str, Formula]) -> list[str | Formula]:
    return commas(named.get(block.name, block.name) for block in blocks) or ["nothing"]


def row_names(findings: Findings) -> dict[str, Formula]:
    """What a paper calls each row that a program calls td_error, of any page."""
    return {"phi": row("phi")} if findings.state is None else notation.row_names(findings.state)


def _head(
    blocks: Sequence[Block], head: HeadStep, h: int, tokens: Sequence[str], named: dict[str, Formula], count: int
) -> Picture | None:  # fmt: skip
    which = f"Head {h}" if count > 1 else "The head"
    drawn = head_picture(blocks, head, tokens, f"{which} of a layer", f"layer-head-{h}")
    if drawn is None:
        return None
    used, entries = roles(blocks, head), pattern(head)

    def rows(sign: str) -> list[str | Formula]:
        return _rows(used[sign], named)

    signs = "blue where positive." if any(map(any, entries)) else "every entry of which is zero."
    adds = [
        ", and adds to ", *rows("+"), " of that token ", *rows("v"), " of the tokens, times the column of the pattern ",
        PATTERN, f": here that of layer 1 of the worked example, {signs}",
    ] if used["+"] else ["; in layer 1 of the worked example it adds nothing."]  # fmt: skip
    caption = Sentence([
        f"{which} compares ", *rows("k"), " of the tokens with ", *rows("q"), " of the token that it writes", *adds
    ])  # fmt: skip
    return Picture(drawn[0], drawn[1], caption, _numbers(entries, tokens))


def _numbers(entries: Sequence[Sequence[Fraction]], tokens: Sequence[str]) -> Table:
    rows = tuple(
        (Cell((name,)), *(Cell((number(x),)) for x in line)) for name, line in zip(tokens, entries, strict=True)
    )
    return Table(("from token", *(f"into {name}" for name in tokens)), rows)


def row_labels(findings: Findings) -> list[str]:
    """What a picture calls each row of the worked example's prompt: φ1, φ2, γφ′1, δ."""
    if findings.example is None or findings.algorithm is None or findings.state is None:
        return [] if findings.own_example is None else [x.label for x in own_blocks(findings.own_example)]
    symbols = notation.row_symbols(findings.state)
    result = []
    for block in example_blocks(findings.example, {name: f.text for name, f in symbols.items()}):
        several = len(block.rows) > 1
        result += [short(block.label, str(k)) if several else block.label for k in range(1, len(block.rows) + 1)]
    return result


def head_heat(
    head: HeadStep, h: int, layer: int, rows: Sequence[str], columns: Sequence[str], count: int
) -> Picture | None:
    """One head of one layer of the worked example as heat maps: the weights W P and Q, the mask, and the pattern.

    rows : what a picture calls the rows of Z, see `row_labels`
    """
    if max(len(rows), len(columns)) > LONG:
        return None
    U = (RationalMatrix.of(head.W) @ RationalMatrix.of(head.P)).fractions()
    named, tokens = list(rows), token_labels(columns)
    attention = pattern(head)
    panels = [
        Panel("W P", named, named, U), Panel("Q", named, named, head.Q),
        Panel("M", tokens, tokens, head.mask), Panel("M (Zᵀ Q Z)", tokens, tokens, attention),
    ]  # fmt: skip
    which = f"Head {h} in layer {layer + 1}" if count > 1 else f"The head in layer {layer + 1}"
    svg, alt = heat_picture(panels, which, f"heat-{layer + 1}-{h}")
    caption = Sentence([
        f"{which}: what its weights ", row("W", "P"), " and ", row("Q"), " join, rows by rows, and "
        "which tokens, down, come into which columns, across, by the mask ", row("M"), " and by the pattern ",
        PATTERN, ". A stronger colour is a larger entry.",
    ])  # fmt: skip
    return Picture(svg, alt, caption, _numbers(attention, list(columns)))

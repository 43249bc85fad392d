"""One head of a layer as a picture: the rows that it compares, reads and writes, and its attention pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...symbolic.arithmetics.rational import RationalMatrix
from .example import Example, HeadStep, OwnExample
from .picture_heat import heat_cells
from .picture_letters import letters
from .svg import box, picture, rect, text

PICTURE_WIDTH = 300.0
LONGEST = 6
"""Letters of a label: a box, and what stands beside a heat map, has room for no more."""
BOX, PILL, ROW, TOP = 56.0, 18.0, 30.0, 36.0
GRID_LEFT, GRID = 172.0, 124.0
MOST = 12
"""Rows that are drawn; a prompt of more blocks has no such picture."""
ROLES = (("k", 0, "keys"), ("q", 2, "queries"), ("v", 3, "values"), ("+", 1, "added to"))
"""The sign of what a head does with a row, its colour, and what it means."""


@dataclass(frozen=True)
class Block:
    """Rows of the prompt that bear one name: the name, what a picture calls it, and where they are."""

    name: str
    label: str
    rows: range


def example_blocks(example: Example, symbols: dict[str, str]) -> list[Block]:
    """The blocks of an algorithm's prompt; `symbols` says what a paper calls them."""
    layout = example.construction.layout
    names = (*(name for name, _ in layout.features), *layout.accumulators)
    return [Block(name, short(symbols.get(name, name)), layout.rows(name)) for name in names]


def own_blocks(example: OwnExample) -> list[Block]:
    """The rows of a construction of a user's own, each a block; phi[1] is called φ1, as on an algorithm's page."""
    result = []
    for k, name in enumerate(example.rows):
        indexed = re.fullmatch(r"(.+)\[(\d+)\]", name)
        result.append(Block(name, short(*indexed.groups()) if indexed else short(name), range(k, k + 1)))
    return result


def short(name: str, index: str = "") -> str:
    """A name in letters with its index, which stays whole, in at most `LONGEST` letters.

    >>> short("td_error"), short("gamma_phi_next", "12"), short("phi", "1")
    ('td_er…', 'gam…12', 'φ1')
    """
    shown, room = letters(name), LONGEST - len(index)
    if len(shown) - shown.count("\u0304") > room:  # a bar stands above its letter
        whole = _whole(name, room - 1)
        shown = f"{whole or shown[: room - 1]}…"
    return f"{shown}{index}"


def _whole(name: str, room: int) -> str:
    """As many symbols of a product or a sum as there is room for, none of them cut; of the first at least its letter.

    >>> _whole("pi_left gamma phi_left", 5), _whole("gamma phi'_1 phi'_2", 5), _whole("td_error", 5)
    ('π', 'γφ′₁', '')
    """
    first, *rest = name.split(" ")
    if not rest:
        return ""
    shown = letters(first)
    if len(shown) > room:
        return letters(first.partition("_")[0])[:room]
    for symbol in rest:
        if len(shown + letters(symbol)) > room:
            break
        shown += letters(symbol)
    return shown


def roles(blocks: Sequence[Block], head: HeadStep) -> dict[str, list[Block]]:
    """For each sign of `ROLES` the blocks that the weights of the head use so."""
    U = (RationalMatrix.of(head.W) @ RationalMatrix.of(head.P)).fractions()

    def row(matrix: Sequence[Sequence[Fraction]], block: Block) -> bool:
        return any(x for i in block.rows for x in matrix[i])

    def column(matrix: Sequence[Sequence[Fraction]], block: Block) -> bool:
        return any(line[j] for j in block.rows for line in matrix)

    return {
        "k": [b for b in blocks if row(head.Q, b)],
        "q": [b for b in blocks if column(head.Q, b)],
        "v": [b for b in blocks if column(U, b)],
        "+": [b for b in blocks if row(U, b)],
    }


def pattern(head: HeadStep) -> list[list[Fraction]]:
    """M (Z^T Q Z): with which weight each token's value comes into each column."""
    weights: list[list[Fraction]] = (RationalMatrix.of(head.mask) @ RationalMatrix.of(head.scores)).fractions()
    return weights


def token_labels(names: Sequence[str]) -> list[str]:
    """What a picture calls tokens: a long name by its first letter."""
    return [name if len(name) < 4 else name[:1] for name in names]


def head_picture(
    blocks: Sequence[Block], head: HeadStep, tokens: Sequence[str], title: str, id: str
) -> tuple[str, str] | None:
    """The picture as SVG, and what it shows in words; None where the prompt has too many rows to be drawn."""
    if len(blocks) > MOST:
        return None
    beside = "the attention pattern of the worked example's first layer"
    return drawn_head(blocks, roles(blocks, head), pattern(head), tokens, title, beside, id)


def drawn_head(
    blocks: Sequence[Block], used: dict[str, list[Block]], entries: Sequence[Sequence[Fraction]],
    tokens: Sequence[str], title: str, beside: str, id: str,
) -> tuple[str, str]:  # fmt: skip
    """The picture of a head by what it does with the rows, and by the entries of its pattern."""
    parts = []
    for k, block in enumerate(blocks):
        y = TOP + k * ROW
        written = block in used["+"]
        parts += [rect(4, y, BOX, ROW - 5, rx=3, stroke_width=1.2, **box(int(written))),
                  text(4 + BOX / 2, y + 17, block.label, "middle")]  # fmt: skip
        mine = [(sign, colour) for sign, colour, _ in ROLES if block in used[sign]]
        for place, (sign, colour) in enumerate(mine):
            parts += _pill(10 + BOX + place * (PILL + 1), y + 4, sign, colour)
    shown = token_labels(tokens)
    parts += heat_cells(entries, shown, shown, GRID_LEFT, TOP, GRID)
    middle = TOP + GRID / 2
    parts += [
        text(GRID_LEFT + GRID / 2, 13, "into token", "middle", "muted"),
        text(150, middle, "from token", "middle", "muted", transform=f"rotate(-90 150 {middle:g})"),
        text(4, 26, "rows of Z", "start", "muted"),
    ]
    last = TOP + max(len(blocks) * ROW, GRID + 4) + 8
    x = 4.0
    for sign, colour, meaning in ROLES:
        parts += [*_pill(x, last, sign, colour), text(x + PILL + 3, last + 13, meaning, colour="muted")]
        x += PILL + 9 + 7.2 * len(meaning)
    described = "; ".join(f"{meaning} {', '.join(b.name for b in used[sign]) or 'none'}" for sign, _, meaning in ROLES)
    words = f"{title}: {described}. Beside it {beside}."
    return picture(last + 22, title, words, parts, id, PICTURE_WIDTH), words


SKETCHED = 2
"""Heads whose patterns a sketch draws; of more it says how many."""
SKETCH_ROW, SKETCH_BOX, SKETCH_GRID = 20.0, 46.0, 64.0


def layer_sketch(blocks: Sequence[Block], heads: Sequence[HeadStep], title: str, words: str, id: str) -> str:
    """A layer in little, for a table: its rows with what the heads do with each, and the attention patterns."""
    used = [roles(blocks, head) for head in heads]
    return drawn_sketch(blocks, used, [pattern(head) for head in heads], title, words, id)


def drawn_sketch(
    blocks: Sequence[Block], used: Sequence[dict[str, list[Block]]], patterns: Sequence[Sequence[Sequence[Fraction]]],
    title: str, words: str, id: str,
) -> str:  # fmt: skip
    """As `layer_sketch`, by what each head does with the rows and the entries of its pattern."""
    shown, parts = list(blocks)[:MOST], []
    for k, block in enumerate(shown):
        y = 1 + k * SKETCH_ROW
        signs = " ".join(sign for sign, _, _ in ROLES if any(block in roles_of_head[sign] for roles_of_head in used))
        written = any(block in roles_of_head["+"] for roles_of_head in used)
        parts += [rect(1, y, SKETCH_BOX, SKETCH_ROW - 3, rx=2, stroke_width=1, **box(int(written))),
                  text(1 + SKETCH_BOX / 2, y + 12.5, block.label, "middle"),
                  text(SKETCH_BOX + 6, y + 12.5, signs, colour="muted")]  # fmt: skip
    left = SKETCH_BOX + 44
    for k, entries in enumerate(patterns[:SKETCHED]):
        blank = [""] * len(entries)
        parts += heat_cells(entries, blank, blank, left + k * (SKETCH_GRID + 8), 2, SKETCH_GRID)
    right = left + min(len(patterns), SKETCHED) * (SKETCH_GRID + 8)
    height = max(len(shown) * SKETCH_ROW, SKETCH_GRID + 3)
    if len(patterns) > SKETCHED:
        parts.append(text(left, SKETCH_GRID + 18, f"and {len(patterns) - SKETCHED} more"))
        height = max(height, SKETCH_GRID + 24)
    return picture(height + 1, title, words, parts, id, right)


def _pill(x: float, y: float, sign: str, colour: int) -> list[str]:
    return [rect(x, y, PILL - 1, PILL - 1, rx=8, stroke_width=1.2, **box(colour)),
            text(x + (PILL - 1) / 2, y + 13, sign, "middle")]  # fmt: skip

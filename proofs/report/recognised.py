"""What `identify` says of networks, as blocks of a page: a table of them, and one's weights block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ...symbolic.exact import nearest
from .assemble import cell
from .model import Picture, Table
from .picture_blocks import NO_SYMBOLS, blocks_picture, shown_blocks


def networks_table(networks: Sequence[Mapping[str, Any]]) -> Table:
    """A line a network: its verdict, both distances where there are two, and the discount that its weights show."""
    rows = []
    for x in networks:
        best = x["catalogue"][0] if x["catalogue"] else None
        kappa = None if best is None else best["discount_factor"]
        function = x.get("function")
        share = None if function is None else function["layers"][-1]["explained"]
        rows.append((
            cell(x["name"]), cell(x["match"]), cell("–" if best is None else best["algorithm"]),
            cell("–" if best is None else f"{best['distance']:.3f}"),
            cell("–" if kappa is None else f"{factor(kappa):.3f}"),
            cell("–" if share is None else f"{share:.1%}"),
        ))  # fmt: skip
    heads = ("network", "match", "nearest", "distance of weights", "discount / gamma", "outputs explained")
    caption = (
        "Distance: |T - algorithm's T| / |T| of the interaction tensors, from 0 to 1; beyond one layer an upper bound. "
        "Outputs explained: by the algorithm with the weights' own parameters, a dash where nothing was run."
    )
    return Table(heads, tuple(rows), caption)


def factor(text: str) -> float:
    """A rational's text as a float."""
    top, _, bottom = text.partition("/")
    return nearest(Fraction(int(top, 0), int(bottom or "1", 0)))


def residual_picture(
    blocks: Sequence[Mapping[str, Any]], algorithm: str, id: str, symbols: Mapping[str, str] = NO_SYMBOLS
) -> Picture:
    """The weights block by block beside an algorithm, with the numbers; `symbols` as of `blocks_picture`."""
    svg, words = blocks_picture(blocks, algorithm, id, symbols)
    rows = tuple((cell(name), cell(f"{a:.2%}"), cell(f"{b:.2%}")) for name, a, b in shown_blocks(blocks, symbols))
    caption = (
        "Which rows a layer writes, from which value, by which scalar product of key and query, as shares of its "
        "squared norm; phi' are the rows of the successors."
    )
    return Picture(svg, words, caption, Table(("block", "in the weights", f"left beside {algorithm}"), rows))

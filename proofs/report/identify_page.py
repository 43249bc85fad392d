"""The page of `identify`: each network's verdict, rule, catalogue and function, and its weights block by block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..identify.answer import Identification, Identified
from ..identify.table import function_lines
from .assemble import cell, plain
from .model import Block, Folded, Listing, Report, Table
from .recognised import factor, networks_table, residual_picture
from .writers.checked import check
from .writers.html import write


def identify_page(identification: Identification) -> bytes:
    """The page as one HTML file."""
    report = Report("Which algorithm these networks run", tuple(_blocks(identification)), ())
    check(report)
    return write(report)["index.html"]


def _blocks(identification: Identification) -> list[Block]:
    if len(identification.networks) == 1:
        return _network(identification.networks[0], 1)
    counts = identification.document()["counts"]
    blocks: list[Block] = [
        plain(
            f"{len(identification.networks)} networks: " + ", ".join(f"{k} {name}" for name, k in counts.items()) + "."
        ),
        networks_table([x.document() for x in identification.networks]),
    ]
    for number, x in enumerate(identification.networks, 1):
        blocks.append(Folded(f"{x.name}: {x.verdict()}", tuple(_network(x, number))))
    return blocks


def _network(x: Identified, number: int) -> list[Block]:
    network = x.recognition.network
    kind = "looped" if network.looped else "each with weights of its own"
    blocks: list[Block] = [
        plain(f"{x.verdict()[:1].upper()}{x.verdict()[1:]}."),
        plain(f"Prompt {network.prompt.name}: d = {network.layout.d}, n = {network.layout.n}; L = {network.depth}, "
              f"{kind}."),
        Listing("\n".join(x.update()), "text"),
        _catalogue(x.document()),
    ]  # fmt: skip
    best = x.recognition.best
    if best is not None and x.blocks():
        blocks.append(residual_picture(x.blocks(), best.name, f"blocks-{number}"))
    outside = ", ".join(f"{value:.2%}" for value in x.document()["outside_commutant"])
    blocks.append(
        plain(f"Outside the commutant of signed permutations: {outside} of the squared norm, layer by layer.")
    )
    if x.function is not None:
        blocks.append(Listing("\n".join(function_lines(x.function)), "text"))
    return blocks + [plain(f"{note[:1].upper()}{note[1:]}.") for note in x.notes]


def _catalogue(document: Mapping[str, Any]) -> Table:
    rows = tuple(
        (cell(c["algorithm"]), cell("equal" if c["exact"] else f"{c['distance']:.3f}"),
         cell("–" if c["discount_factor"] is None else f"{factor(c['discount_factor']):.4g}"),
         cell(", ".join(f"{s:.1%}" for s in c["shares"])))
        for c in document["catalogue"]
    )  # fmt: skip
    caption = "The catalogue, nearest first."
    return Table(("algorithm", "distance of weights", "discount / gamma", "share of each layer"), rows, caption)

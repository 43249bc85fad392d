"""Section "identify": the rule read back off this page's weights, and what networks trained in this prompt run."""

from __future__ import annotations

from dataclasses import replace

from ....symbolic.errors import LayerproofError
from ....symbolic.recognition.prompts import prompt_of_rows
from ...identify.ask import identify
from ...identify.question import Question
from ...verdict import Verdict
from ..assemble import plain, prose
from ..findings import Findings
from ..layer_pictures import row_names
from ..model import Block, Listing, Note, Section
from ..recognised import networks_table, residual_picture
from .training import recorded

NAME, TITLE, ORDER = "identify", "Which algorithm weights run", 127

FIRST = 6
"""Layers that are read: what the others have is of the same kind, and reading takes time by the layer."""
SHOWN = 12
"""Lines of the rule and its matrices."""


def build(findings: Findings) -> Section | None:
    """What `identify` reads off the weights of this page and, where a run is on record, off trained ones."""
    construction = findings.construction
    if findings.algorithm is None or construction is None:
        return None
    if prompt_of_rows(construction.layout.features, construction.layout.accumulators) is None:
        return None
    return Section(NAME, TITLE, (*_own(findings), *_trained(findings, findings.algorithm.name)))


def _own(findings: Findings) -> list[Block]:
    findings.progress(f"{findings.item.name}: its rule read off its weights")
    whole = findings.construction
    assert whole is not None  # as `build` saw
    few = not whole.looped and whole.depth > FIRST
    read = replace(whole, layers=whole.layers[:FIRST], steps=whole.steps[:FIRST], depth=FIRST) if few else whole
    try:
        identification = identify(read, Question(function=False))
    except LayerproofError as error:
        return [Note(Verdict.NOT_RUN, "Not read", (plain(f"{error}."),))]
    (x,) = identification.networks
    lines = x.update()
    more = [f"  and {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
    which = f"The first {FIRST} layers" if few else "The weights"
    return [
        prose("`layerproof identify` reads the update off weights alone: off the interaction tensor of each layer, "
              "which no scale between P and Q and no mixture of heads changes."),
        plain(f"{which} of this page: {x.verdict()}."),
        Listing("\n".join([*lines[:SHOWN], *more]), "text"),
    ]  # fmt: skip


def _trained(findings: Findings, name: str) -> list[Block]:
    run = recorded(name)
    networks = None if run is None else run.get("identify")
    if run is None or not networks:
        return []
    near = [x for x in networks if x["algorithm"] == name]
    summary = (
        f"Of the {len(networks)} trained networks on record {len(near)} are called {name}: more than half of every "
        "layer is. A distance of weights is no distance of functions, in either direction."
    )
    blocks: list[Block] = [plain(summary), networks_table(networks)]
    if near:
        typical = sorted(near, key=lambda x: x["catalogue"][0]["distance"])[len(near) // 2]
        blocks.append(plain(f"{typical['name']}, the median of those, block by block:"))
        symbols = {row: symbol.text for row, symbol in row_names(findings).items()}
        blocks.append(residual_picture(typical["blocks"], name, "trained-blocks", symbols))
    return blocks

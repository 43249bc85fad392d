"""What is unique and what is free in the weights."""

from __future__ import annotations

from ....symbolic.derivation.derive import SOLVED_AT, Derivation
from ....symbolic.identity.uniqueness import rank_at
from ...formula.build import listed
from ..assemble import prose
from ..layer_forms import FORM
from ..model import Block, Section
from ..names import mask_symbol

MIXED = " may be mixed by any invertible matrix."


def freedom_section(derivation: Derivation) -> Section:
    """What is unique and what is free."""
    two, one = rank_at(derivation, 2), rank_at(derivation, 1)
    last = derivation.tensors[-1]
    every = r"$d \ge 2$"
    named = " and those named below" if last.undetermined else ""
    unique = (
        f"Unique: the interaction tensor $T$, for every {every} at $n = {', '.join(map(str, SOLVED_AT))}$, up to "
        f"entries that no prompt sees{named}. At $d = 2$ and $n = {two.n}$ random prompts put {two.rank} independent "
        f"conditions on the {two.visible} unknowns that they can see, as many as symbolic $d$ does; prompts in the "
        f"span of two axes carry that to every {every}."
        if two.as_symbolic
        else f"Open: prompts of dimension 2 determine {two.rank} unknowns, symbolic $d$ determines {two.symbolic}."
    )
    at_one = (
        f"At $d = 1$ they put {one.rank} conditions, as many as symbolic $d$ does."
        if one.as_symbolic
        else f"At $d = 1$ they put {one.rank} conditions only: $T$ is not unique there."
    )
    blocks: list[Block] = [prose(unique), prose(at_one)]
    if last.undetermined:
        blocks.append(
            prose(
                f"Chosen: at $n = {last.n}$, {len(last.undetermined)} unknowns occur but are not forced; they are "
                "chosen so that their slice shares a mask with the others, which saves a head."
            )
        )
    masks = [h.mask for h in derivation.heads]
    shared = [derivation.mask_names[m] for m in dict.fromkeys(masks) if masks.count(m) > 1]
    forms = [tuple(sorted((k, str(c.expr())) for k, c in h.E.items())) for h in derivation.heads]
    blocks.append(
        prose(
            "Free: the scales of each head ($U$, $M$ and $E$ enter through their product); $W$ and $P$, which enter "
            "through $W P$ only."
        )
    )
    if shared:
        blocks.append(prose("Free: the heads that share the mask ", listed(map(mask_symbol, shared)), MIXED))
    if len(set(forms)) < len(forms):
        blocks.append(prose("Free: the heads that share one key-query form $Q$", MIXED))
    blocks.append(
        prose(
            "Criterion: the whole of $Z$, every row and column, after one layer from any reachable state (any "
            "weights), within the family ",
            FORM,
            ", which leaves feature rows as they are; $L$ layers follow by "
            "induction. Weights that are only asked to be right in the bottom row, or at the query, have further "
            "freedom.",
        )
    )
    return Section("freedom", "What is unique and what is free", tuple(blocks))

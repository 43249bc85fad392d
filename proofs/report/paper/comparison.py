"""The counterpart in the paper, and how it differs: found by comparing numbers, see `published`."""

from __future__ import annotations

from ....symbolic.derivation.derive import Derivation
from ..published import Comparison, comparison
from .facts import Facts
from .model import Block, Cite, Environment, said
from .update import title


def comparison_blocks(facts: Facts, found: Derivation) -> list[Block]:
    """A remark; none for an algorithm that the paper does not have."""
    compared = comparison(found)
    if compared is None:
        return []
    front = ("The counterpart in ", Cite(("wang2025transformers",)), ", ", *title(compared.where), ", ")
    return [
        Environment("remark", (said(*front, facts.words(told(compared))),), ("The published weights",), "published")
    ]


def told(found: Comparison) -> str:
    """The comparison in words."""
    if found.equal:
        return "has the same $P$, $Q$, $M$ and read-out, entry by entry."
    parts = []
    for k, head in enumerate(found.heads, 1):
        for name, relation in head.items():
            if relation != "equal":
                sign = "the opposite sign" if relation == "opposite" else "other entries"
                matrix = "the product of $W$ and $P$" if name == "W P" else f"${name}$"
                parts.append(f"{matrix} of its head {k} has {sign}")
    if found.readout != "equal":
        parts.append("its read-out has the opposite sign")
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    end = (
        "everything else is equal. Together these signs change no prediction: the rows that layers change are minus "
        "ours."
        if found.same
        else "the predictions of the two differ."
    )
    return f"differs in this: {listed}; {end}"

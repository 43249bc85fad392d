"""The counterpart in the paper, and how it differs: found by comparing numbers, see `published`."""

from __future__ import annotations

from ....symbolic.derivation.derive import Derivation
from ..published import comparison, told
from .facts import Facts
from .model import Block, Cite, Environment, paragraph
from .update import title


def comparison_blocks(facts: Facts, derivation: Derivation) -> list[Block]:
    """A remark; none for an algorithm that the paper does not have."""
    compared = comparison(derivation)
    if compared is None:
        return []
    front = ("The counterpart in ", Cite(("wang2025transformers",)), ", ", *title(compared.where), ", ")
    return [
        Environment(
            "remark", (paragraph(*front, facts.words(told(compared))),), ("The published weights",), "published"
        )
    ]

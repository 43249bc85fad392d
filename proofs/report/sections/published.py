"""Section "published": the weights that the talk's paper prints beside the derived ones, compared as numbers."""

from __future__ import annotations

from ...formula.build import row
from ..assemble import cell, plain, prose, sentence
from ..findings import Findings
from ..model import Block, Folded, Section, Table
from ..notation import numbers
from ..published import Comparison, D, N, comparison, told

NAME, TITLE, ORDER = "published", "Beside the weights of the paper", 55
SIGNS = {"equal": "equal, entry by entry", "opposite": "equal but for the sign", "different": "different"}


def build(findings: Findings) -> Section | None:
    """A row a matrix; None for an algorithm that the paper does not have."""
    compared = comparison(findings.derivation) if findings.derivation is not None else None
    if compared is None:
        return None
    rows = [
        (cell(f"head {h}"), cell(row(*name.split())), cell(SIGNS[relation]))
        for h, head in enumerate(compared.heads, 1) for name, relation in head.items()
    ]  # fmt: skip
    rows.append((cell("read-out"), cell("its sign"), cell(SIGNS[compared.readout])))
    words = sentence(f"what the paper prints {told(compared)}")
    blocks: list[Block] = [
        plain(f"Wang, Blaser, Daneshmand, Zhang 2025 print these weights in {compared.where}. Both were put in numbers "
              f"at d = {D}, n = {N}, with one step matrix that is not symmetric, and compared; W and P as their "
              "product, which is all that a layer sees."),
        Table(("of the paper", "matrix", "beside the derived one"), tuple(rows)),
        prose(words),
        Folded("The matrices that were compared", tuple(_matrices(compared)), "published-matrices"),
    ]  # fmt: skip
    return Section(NAME, TITLE, tuple(blocks))


def _matrices(compared: Comparison) -> list[Block]:
    rows = compared.layout.row_names()
    tokens = (*(str(j + 1) for j in range(N)), "query")
    result: list[Block] = []
    for h, pair in enumerate(compared.pairs, 1):
        for name, (theirs, ours) in pair.items():
            labels = tokens if name == "M" else rows
            both = [("in the paper and here", theirs)]
            for where, entries in both if theirs == ours else [("in the paper", theirs), ("here", ours)]:
                result.append(numbers(row(*name.split()), labels, labels, entries, caption=f"Head {h}, {where}."))
    return result

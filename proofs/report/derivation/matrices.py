"""The exact matrices of a construction."""

from __future__ import annotations

from collections.abc import Sequence

from ....symbolic.arithmetics.rational import RationalMatrix
from ....symbolic.construction import Construction
from ...formula.build import words
from ..assemble import plain
from ..model import Block, Section
from ..notation import numbers

SHOWN = 12
"""Matrices with more rows than this are described and not printed; JSON has them whole."""


def weight_sections(construction: Construction) -> list[Section]:
    """One section a stored layer, after one with the sizes and the masks."""
    layout = construction.layout
    names = layout.row_names()
    columns = (*(str(j + 1) for j in range(layout.n)), "query")
    parameters = ", ".join(f"{name} = {value}" for name, value in construction.parameters.items())
    several = construction.depth > 1
    depth = f"{construction.depth} layer{'s' * several}"
    if several:
        depth += ", looped" if construction.looped else ", each with its own preconditioner"
    first = [plain(f"d = {layout.d}, n = {layout.n}, {depth}" + (f"; {parameters}" if parameters else "") + ".")]
    masks: dict[int, str] = {}
    shown: list[Block] = []
    for head in (head for heads in construction.layers for head in heads):
        if id(head.M) not in masks:
            masks[id(head.M)] = f"mask {len(masks) + 1}"
            shown.append(shown_matrix(masks[id(head.M)], head.M, columns))
    result = [Section("matrices", "Matrices, exact", (*first, *shown))]
    for layer, heads in enumerate(construction.layers, 1):
        blocks: list[Block] = []
        for h, head in enumerate(heads, 1):
            blocks.append(plain(f"head {h}, {masks[id(head.M)]}:"))
            blocks += [shown_matrix(letter, getattr(head, letter), names) for letter in "WPQ"]
        title = "Every layer" if construction.looped else f"Layer {layer}"
        result.append(Section(f"layer-{layer}", title, tuple(blocks)))
    return result


def shown_matrix(name: str, matrix: RationalMatrix, labels: Sequence[str]) -> Block:
    """A square matrix by the names of its rows, or that it is too large."""
    size = matrix.shape[0]
    if size > SHOWN:
        return plain(f"{name} is {size} x {size}: too large to print here, see --format json.")
    return numbers(words(name), labels, labels, matrix.fractions())

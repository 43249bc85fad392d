"""The exact matrices of a construction as document sections."""

from __future__ import annotations

from typing import Any

from ....symbolic.arithmetics.rational import RationalMatrix
from ....symbolic.construction import Construction
from ...formula.build import number, words
from .parts import Section, Table

SHOWN = 12
"""Matrices with more rows than this are described and not printed; JSON has them whole."""


def weight_sections(construction: Construction) -> list[Section]:
    """One section a stored layer, after one with the sizes and the masks."""
    layout = construction.layout
    names = layout.row_names()
    columns = tuple([str(j + 1) for j in range(layout.n)] + ["query"])
    parameters = ", ".join(f"{name} = {value}" for name, value in construction.parameters.items())
    several = construction.depth > 1
    depth = f"{construction.depth} layer{'s' * several}"
    if several:
        depth += ", looped" if construction.looped else ", each with its own preconditioner"
    first: list[Any] = [f"d = {layout.d}, n = {layout.n}, {depth}" + (f"; {parameters}" if parameters else "") + "."]
    masks: dict[int, str] = {}
    for heads in construction.layers:
        for head in heads:
            if id(head.M) not in masks:
                masks[id(head.M)] = f"mask {len(masks) + 1}"
                first += _matrix(masks[id(head.M)], head.M, columns)
    result = [Section("Matrices, exact", tuple(first))]
    for layer, heads in enumerate(construction.layers, 1):
        parts: list[Any] = []
        for h, head in enumerate(heads):
            parts.append(f"head {h + 1}, {masks[id(head.M)]}:")
            for name in ("W", "P", "Q"):
                parts += _matrix(name, getattr(head, name), names)
        title = "Every layer" if construction.looped else f"Layer {layer}"
        result.append(Section(title, tuple(parts)))
    return result


def _matrix(name: str, matrix: RationalMatrix, labels: tuple[str, ...]) -> list[Any]:
    size = matrix.shape[0]
    if size > SHOWN:
        return [f"{name} is {size} x {size}: too large to print here, see --format json."]
    entries = tuple(tuple(number(x) for x in row) for row in matrix.fractions())
    return [Table(words(name), labels, labels, entries)]

"""Pictures of a run: curves with their bands over seeds, and the weights as maps of colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..report.picture_bands import Band, bands_picture
from ..report.svg import FONT, WIDTH, element, number, picture, text

SHADES = 10
"""Steps of colour between zero and the largest entry."""
LOW, HIGH = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)
"""Blue for negative entries, orange for positive ones, which every eye tells apart; zero is white."""


def colour(share: float) -> str:
    """The colour of an entry, from -1 to 1."""
    strength = min(1.0, round(abs(share) * SHADES) / SHADES)
    end = HIGH if share > 0 else LOW
    return "#" + "".join(f"{round(255 + (e - 255) * strength):02x}" for e in end)


def matrix_map(matrix: Sequence[Sequence[float]], x: float, y: float, side: float, largest: float) -> str:
    """A matrix as squares of colour: one path a colour, so that thirty of them are small."""
    cell = side / len(matrix)
    paths: dict[str, list[str]] = {}
    for i, row in enumerate(matrix):
        for j, value in enumerate(row):
            shade = colour(value / largest if largest else 0.0)
            if shade != "#ffffff":
                at = f"M{number(x + j * cell)} {number(y + i * cell)}"
                paths.setdefault(shade, []).append(f"{at}h{number(cell)}v{number(cell)}h{number(-cell)}z")
    frame = element("rect", x=x, y=y, width=side, height=side, fill="#ffffff", stroke="#8c959f", stroke_width=0.5)
    return frame + "".join(element("path", d="".join(d), fill=shade) for shade, d in sorted(paths.items()))


def maps_picture(
    matrices: Mapping[str, Mapping[str, Sequence[Sequence[float]]]], title: str, id: str, columns: int, side: float
) -> tuple[str, str]:
    """Small pictures of several networks' matrices: {caption: {matrix's name: rows}}; each matrix has its own scale."""
    per = max((len(network) for network in matrices.values()), default=1)
    wide, high = per * (side + 6) + 10, side + FONT + 12
    across = max(1, min(columns, int(WIDTH // wide)))
    parts = []
    for k, (caption, network) in enumerate(matrices.items()):
        x, y = 4 + (k % across) * wide, 4 + (k // across) * high
        parts.append(text(x, y + FONT - 3, caption, font_size=10))
        for j, matrix in enumerate(network.values()):
            largest = max((abs(v) for row in matrix for v in row), default=1.0)
            parts.append(matrix_map(matrix, x + j * (side + 6), y + FONT + 1, side, largest))
    rows = -(-len(matrices) // across)
    names = ", ".join(next(iter(matrices.values())))
    words = f"{title}: {names} of each, blue below zero, orange above, each matrix scaled by its largest entry."
    return picture(rows * high + 8, title, words, parts, id, max(WIDTH, across * wide)), words


def curve_of(document: Mapping[str, Any], name: str, shown: str | None = None) -> Band:
    """A measure's mean over seeds with the band of its quartiles."""
    curve = document["curves"][name]
    return Band(shown or name, curve["mean"], curve["low"], curve["high"])


def emergence(document: Mapping[str, Any]) -> tuple[str, str]:
    """The one picture of a run: how much of the weights is the algorithm's, and how alike the values are."""
    names = [name for name in document["curves"] if name.startswith(("share", "implicit weight similarity"))]
    bands = [curve_of(document, name, name.replace("share", "share of the weights that is the algorithm's"))
             for name in names]  # fmt: skip
    return bands_picture(document["processes"], bands, "What emerges in training", "emergence", (-0.2, 1.0))

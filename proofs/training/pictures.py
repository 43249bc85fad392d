"""Pictures of a run: curves with their bands over seeds, and the weights as maps of colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from ..report.svg import FONT, WIDTH, element, line, number, picture, polyline, ruled, series, text

LEFT, RIGHT, TOP, HEIGHT = 46.0, 12.0, 16.0, 190.0
SHADES = 10
"""Steps of colour between zero and the largest entry."""
LOW, HIGH = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)
"""Blue for negative entries, orange for positive ones, which every eye tells apart; zero is white."""
Points = Sequence[float | None]


@dataclass(frozen=True)
class Band:
    """A curve over the processes with a band around it; None where there is no value."""

    name: str
    middle: Points
    low: Points
    high: Points


def bands_picture(
    processes: Sequence[int], bands: Sequence[Band], title: str, id: str, bounds: tuple[float, float] | None = None
) -> tuple[str, str]:
    """The picture as SVG, and what it shows in words.  bounds : of the vertical axis; those of the values if None."""
    values = [v for b in bands for row in (b.middle, b.low, b.high) for v in row if v is not None]
    low, high = bounds or _round(min(values, default=0.0), max(values, default=1.0))
    last = max(processes[-1], 1)

    def x(process: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * process / last

    def y(value: float) -> float:
        return TOP + HEIGHT * (1 - (min(max(value, low), high) - low) / (high - low))

    parts = []
    for tick in _ticks(low, high):
        parts.append(line(LEFT, y(tick), WIDTH - RIGHT, y(tick), stroke_width=0.8, **ruled("grid")))
        parts.append(text(LEFT - 6, y(tick) + 4, number(tick), "end", "muted"))
    for tick in _ticks(0, last):
        parts.append(text(x(tick), TOP + HEIGHT + 17, number(tick), "middle", "muted"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, TOP + HEIGHT + 36, "processes", "middle", "muted"))
    top = TOP + HEIGHT + 58
    for k, band in enumerate(bands):
        there = [(x(p), y(b), y(c)) for p, b, c in zip(processes, band.low, band.high, strict=True)
                 if b is not None and c is not None]  # fmt: skip
        if len(there) > 1:
            outline = [f"{number(a)},{number(c)}" for a, _, c in there]
            outline += [f"{number(a)},{number(b)}" for a, b, _ in reversed(there)]
            paint = {"class_": f"solid-{k % 8}", "fill": series(k)["stroke"]}
            parts.append(element("polygon", points=" ".join(outline), opacity=0.18, **paint))
        curve = [(x(p), y(v)) for p, v in zip(processes, band.middle, strict=True) if v is not None]
        parts.append(polyline(curve, stroke_width=2.0, **series(k)))
        at = top + k * (FONT + 7)
        parts.append(line(LEFT, at - 4, LEFT + 30, at - 4, stroke_width=2.0, **series(k)))
        parts.append(text(LEFT + 38, at, band.name))
    words = f"{title}. " + " ".join(_words(b) for b in bands)
    return picture(top + len(bands) * (FONT + 7) - 6, title, words, parts, id), words


def _words(band: Band) -> str:
    known = [v for v in band.middle if v is not None]
    return f"{band.name}: from {known[0]:.2g} to {known[-1]:.2g}." if known else f"{band.name}: no values."


def _round(low: float, high: float) -> tuple[float, float]:
    """Round bounds around a range."""
    spread = max(high - low, 1e-9)
    step = 10.0 ** floor(log10(spread))
    return floor(low / step) * step, ceil(high / step) * step


def _ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers from low to high."""
    spread = max(high - low, 1e-9)
    step = 10.0 ** floor(log10(spread))
    step *= next(f for f in (0.2, 0.5, 1.0, 2.0) if spread / (step * f) <= 6)
    first = ceil(low / step - 1e-9)
    return [k * step for k in range(first, floor(high / step + 1e-9) + 1)]


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
    per = max((len(found) for found in matrices.values()), default=1)
    wide, high = per * (side + 6) + 10, side + FONT + 12
    across = max(1, min(columns, int(WIDTH // wide)))
    parts = []
    for k, (caption, found) in enumerate(matrices.items()):
        x, y = 4 + (k % across) * wide, 4 + (k // across) * high
        parts.append(text(x, y + FONT - 3, caption, font_size=10))
        for j, matrix in enumerate(found.values()):
            largest = max((abs(v) for row in matrix for v in row), default=1.0)
            parts.append(matrix_map(matrix, x + j * (side + 6), y + FONT + 1, side, largest))
    rows = -(-len(matrices) // across)
    names = ", ".join(next(iter(matrices.values())))
    words = f"{title}: {names} of each, blue below zero, orange above, each matrix scaled by its largest entry."
    return picture(rows * high + 8, title, words, parts, id, max(WIDTH, across * wide)), words


def curve_of(document: Mapping[str, Any], name: str, shown: str | None = None) -> Band:
    """A measure's mean over seeds with the band of its quartiles."""
    found = document["curves"][name]
    return Band(shown or name, found["mean"], found["low"], found["high"])


def emergence(document: Mapping[str, Any]) -> tuple[str, str]:
    """The one picture of a run: how much of the weights is the algorithm's, and how alike the values are."""
    names = [name for name in document["curves"] if name.startswith(("share", "implicit weight similarity"))]
    bands = [curve_of(document, name, name.replace("share", "share of the weights that is the algorithm's"))
             for name in names]  # fmt: skip
    return bands_picture(document["processes"], bands, "What emerges in training", "emergence", (-0.2, 1.0))

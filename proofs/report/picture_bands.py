"""Curves with bands around them on a linear scale: what many runs of one thing came to on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from .picture_letters import line_of_letters
from .svg import FONT, WIDTH, element, line, number, picture, polyline, ruled, series, text

LEFT, RIGHT, TOP, HEIGHT = 46.0, 20.0, 26.0, 190.0
Points = Sequence[float | None]


@dataclass(frozen=True)
class Band:
    """A curve over what is seen with a band around it; None where there is no value.

    beside : a dashed curve in the same colour; none where empty
    """

    name: str
    middle: Points
    low: Points
    high: Points
    beside: Points = ()


def bands_picture(
    seen: Sequence[float], bands: Sequence[Band], title: str, id: str, bounds: tuple[float, float] | None = None,
    axes: tuple[str, str] = ("processes seen", "mean over seeds"),
) -> tuple[str, str]:  # fmt: skip
    """The picture as SVG, and what it shows in words.

    bounds : of the vertical axis; those of the values if None
    axes   : what runs to the right, which starts at 0, and what upwards
    """
    values = [v for b in bands for row in (b.middle, b.low, b.high, b.beside) for v in row if v is not None]
    low, high = bounds or _round(min(values, default=0.0), max(values, default=1.0))
    high = high if high > low else low + 1
    last = seen[-1] or 1

    def x(there: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * there / last

    def y(value: float) -> float:
        return TOP + HEIGHT * (1 - (min(max(value, low), high) - low) / (high - low))

    parts = [text(4, 13, line_of_letters(axes[1]), colour="muted")]
    for tick in _ticks(low, high):
        parts.append(line(LEFT, y(tick), WIDTH - RIGHT, y(tick), stroke_width=0.8, **ruled("grid")))
        parts.append(text(LEFT - 6, y(tick) + 4, number(tick), "end", "muted"))
    for tick in _ticks(0, last):
        parts.append(text(x(tick), TOP + HEIGHT + 17, number(tick), "middle", "muted"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, TOP + HEIGHT + 36, line_of_letters(axes[0]), "middle", "muted"))
    top = TOP + HEIGHT + 58
    for k, band in enumerate(bands):
        there = [(x(p), y(b), y(c)) for p, b, c in zip(seen, band.low, band.high, strict=True)
                 if b is not None and c is not None]  # fmt: skip
        if len(there) > 1:
            outline = [f"{number(a)},{number(c)}" for a, _, c in there]
            outline += [f"{number(a)},{number(b)}" for a, b, _ in reversed(there)]
            paint = {"class_": f"solid-{k % 8}", "fill": series(k)["stroke"]}
            parts.append(element("polygon", points=" ".join(outline), opacity=0.18, **paint))
        curve = [(x(p), y(v)) for p, v in zip(seen, band.middle, strict=True) if v is not None]
        parts.append(polyline(curve, stroke_width=2.0, **series(k)))
        if band.beside:
            dashed = [(x(p), y(v)) for p, v in zip(seen, band.beside, strict=True) if v is not None]
            parts.append(polyline(dashed, stroke_width=1.4, stroke_dasharray="5 4", **series(k)))
        at = top + k * (FONT + 7)
        parts.append(line(LEFT, at - 4, LEFT + 30, at - 4, stroke_width=2.0, **series(k)))
        parts.append(text(LEFT + 38, at, band.name))
    words = f"{title}. " + " ".join(_words(b) for b in bands)
    return picture(top + len(bands) * (FONT + 7) - 6, title, words, parts, id), words


def _words(band: Band) -> str:
    known = [v for v in band.middle if v is not None]
    if not known:
        return f"{band.name}: no values."
    ends = [v for v in band.beside if v is not None][-1:]
    return f"{band.name}: from {known[0]:.2g} to {known[-1]:.2g}{''.join(f', dashed to {v:.2g}' for v in ends)}."


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

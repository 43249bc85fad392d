"""Charts with two logarithmic axes as SVG text: a few series of points, and straight or bent lines beside them.

Colours are Okabe and Ito's, which colour-blind readers tell apart; every series has a marker of its own as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from pathlib import Path

Point = tuple[float, float]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")
MARKERS = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z",
    "M-4,-4h8v8h-8z",
    "M0,-5l5,9h-10z",
    "M0,-5l5,5l-5,5l-5,-5z",
    "M-1.5,-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
)
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, ENTRY = 400, 250, 64, 40, 62, 18


@dataclass(frozen=True)
class Series:
    """Measured points, and a line to read them against: a fit, or a ceiling. Either may be empty."""

    label: str
    points: Sequence[Point]
    line: Sequence[Point] = ()


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    x: str
    y: str
    series: Sequence[Series]


class _Axis:
    """A logarithmic scale from the data to the drawing."""

    def __init__(self, values: Sequence[float], start: float, end: float):
        low, high = log10(min(values)), log10(max(values))
        room = max(0.06 * (high - low), 0.05)
        self.low, self.high, self.start, self.end = low - room, high + room, start, end

    def at(self, value: float) -> float:
        return self.start + (log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """1, 2 and 5 times powers of ten; powers of ten alone, or every so many, where that is enough."""
        exponents = range(floor(self.low), ceil(self.high) + 1)
        steps = (1,) if self.high - self.low > 2.5 else (1, 2, 5)
        values = [s * 10.0**e for e in exponents for s in steps if self.low <= log10(s) + e <= self.high]
        return values[:: max(1, len(values) // 6)]


def _text(x: float, y: float, text: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _panel(panel: Panel, left: float) -> list[str]:
    every = [p for s in panel.series for p in (*s.points, *s.line)]
    x = _Axis([a for a, _ in every], left + LEFT, left + WIDTH - 16)
    y = _Axis([b for _, b in every], TOP + HEIGHT, TOP)
    out = [_text((x.start + x.end) / 2, TOP - 14, panel.title, more=' font-weight="bold"')]
    for value in x.ticks():
        out.append(f'<path d="M{x.at(value):.1f},{y.start}V{y.end}" stroke="#ddd"/>')
        out.append(_text(x.at(value), y.start + 16, f"{value:g}"))
    for value in y.ticks():
        out.append(f'<path d="M{x.start},{y.at(value):.1f}H{x.end}" stroke="#ddd"/>')
        out.append(_text(x.start - 6, y.at(value) + 4, f"{value:g}", "end"))
    out.append(f'<path d="M{x.start},{y.end}V{y.start}H{x.end}" stroke="#333" fill="none"/>')
    out.append(_text((x.start + x.end) / 2, y.start + 36, panel.x))
    middle = (y.start + y.end) / 2
    out.append(_text(left + 14, middle, panel.y, more=f' transform="rotate(-90 {left + 14} {middle})"'))
    for k, series in enumerate(panel.series):
        colour, mark = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        if series.line:
            path = "L".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in series.line)
            out.append(f'<path d="M{path}" stroke="{colour}" stroke-width="1.5" fill="none" stroke-dasharray="6 3"/>')
        for a, b in series.points:
            out.append(f'<path d="{mark}" fill="{colour}" transform="translate({x.at(a):.1f},{y.at(b):.1f})"/>')
        below = TOP + HEIGHT + BOTTOM + ENTRY * k
        out.append(f'<path d="{mark}" fill="{colour}" transform="translate({x.start + 4:.1f},{below - 4})"/>')
        out.append(_text(x.start + 16, below, series.label, "start"))
    return out


def figure(panels: Sequence[Panel]) -> str:
    """The panels side by side, each with its legend below it, as an SVG document."""
    width, height = WIDTH * len(panels), TOP + HEIGHT + BOTTOM + ENTRY * max(len(p.series) for p in panels)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12" fill="#111">\n<rect width="100%" height="100%" fill="white"/>'
    )
    body = [line for k, panel in enumerate(panels) for line in _panel(panel, WIDTH * k)]
    return "\n".join([head, *body, "</svg>"]) + "\n"


def write(path: Path, text: str) -> None:
    """The text into a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)

"""Curves over the layers on a logarithmic scale: errors with their bounds, distances to a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, log10

from .picture_letters import line_of_letters, power_of_ten
from .svg import FONT, WIDTH, element, line, picture, polyline, ruled, series, solid, text

LEFT, RIGHT, TOP, HEIGHT = 52.0, 10.0, 30.0, 220.0
DASHES = ("none", "7 4", "2 4", "9 3 2 3")


@dataclass(frozen=True)
class Curve:
    """One curve: a value for each layer; None where there is none, zero is drawn at the bottom edge.

    What is beyond the range of floats is not drawn: the curve is cut there, and the words say from which layer on.
    """

    name: str
    values: tuple[float | None, ...]


def curves_picture(
    layers: Sequence[int], curves: Sequence[Curve], title: str, axes: tuple[str, str], id: str
) -> tuple[str, str]:
    """The picture as SVG, and what it shows in words; `axes` says what runs to the right and what upwards."""
    given = curves
    curves = [Curve(c.name, tuple(None if v == inf else v for v in c.values)) for c in given]
    positive = [v for c in curves for v in c.values if v is not None and v > 0]
    if not positive:
        positive = [1.0]
    low, high = floor(log10(min(positive))), ceil(log10(max(positive)))
    high = high if high > low else low + 1
    first, last = min(layers), max(max(layers), min(layers) + 1)

    def x(layer: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (layer - first) / (last - first)

    def y(value: float) -> float:
        return TOP + HEIGHT * (1 - ((log10(value) - low) / (high - low) if value > 0 else 0.0))

    parts = _axes(low, high, first, last, x)
    for k, curve in enumerate(curves):
        look = {"stroke_width": 2.2, "stroke_dasharray": DASHES[k % len(DASHES)], **series(k)}
        for run in _runs(layers, curve.values):
            points = [(x(layer), y(value)) for layer, value in run]
            if len(points) > 1:
                parts.append(polyline(points, **look))
            else:
                parts.append(_dot(points[0], k))
        for layer, value in zip(layers, curve.values, strict=True):
            if value is not None and not value:
                parts.append(_dot((x(layer), y(value)), k))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, TOP + HEIGHT + 36, line_of_letters(axes[0]), "middle", "muted"))
    parts.append(text(4, 14, line_of_letters(axes[1]), "start", "muted"))
    top = TOP + HEIGHT + 60
    for k, curve in enumerate(curves):
        at = top + k * (FONT + 9)
        parts.append(
            line(
                LEFT,
                at - 4,
                LEFT + 34,
                at - 4,
                stroke_width=2.2,
                stroke_dasharray=DASHES[k % len(DASHES)],
                **series(k),
            )
        )
        parts.append(text(LEFT + 42, at, curve.name))
    described = " ".join(_words(curve, layers) for curve in given)
    words = f"{title}. Logarithmic scale, layers {first} to {last}. {described}"
    return picture(top + len(curves) * (FONT + 9) - 8, title, words, parts, id), words


def _axes(low: int, high: int, first: int, last: int, x: Callable[[float], float]) -> list[str]:
    parts = []
    step = max(1, ceil((high - low) / 6))
    for power in range(low, high + 1, step):
        at = TOP + HEIGHT * (1 - (power - low) / (high - low))
        parts.append(line(LEFT, at, WIDTH - RIGHT, at, stroke_width=0.8, **ruled("grid")))
        parts.append(text(LEFT - 6, at + 4, power_of_ten(power), "end", "muted"))
    ticks = max(1, ceil((last - first) / 5))
    for layer in range(first, last + 1, ticks):
        parts.append(text(x(layer), TOP + HEIGHT + 17, str(layer), "middle", "muted"))
    parts.append(line(LEFT, TOP + HEIGHT, WIDTH - RIGHT, TOP + HEIGHT, stroke_width=1.0, **ruled("ink")))
    return parts


def _dot(point: tuple[float, float], k: int) -> str:
    return element("circle", cx=float(point[0]), cy=float(point[1]), r=3, **solid(k))


def _runs(layers: Sequence[int], values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The stretches on which there are positive values."""
    runs: list[list[tuple[int, float]]] = [[]]
    for layer, value in zip(layers, values, strict=True):
        if value is None or value <= 0:
            runs.append([])
        else:
            runs[-1].append((layer, value))
    return [run for run in runs if run]


def _words(curve: Curve, layers: Sequence[int]) -> str:
    there = [(layer, v) for layer, v in zip(layers, curve.values, strict=True) if v is not None]
    if not there:
        return f"{curve.name}: no values."
    beyond = [layer for layer, v in there if v == inf]
    there = [(layer, v) for layer, v in there if v != inf]
    left = f", beyond the range of floats from layer {beyond[0]} on" if beyond else ""
    if not there:
        return f"{curve.name}: no values{left}."
    (a, first), (b, last) = there[0], there[-1]
    most = max(v for _, v in there)
    return f"{curve.name}: {first:.2g} at layer {a}, {last:.2g} at layer {b}, at most {most:.2g}{left}."

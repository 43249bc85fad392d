"""The picture of a sweep: a mark a point, its verdict in shape and colour, and how near floats came to their bound.

SVG written by hand: the same records give the same bytes.  The colours are Okabe and Ito's, told apart by every eye;
the shapes say the same without them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from ...numeric.files.placing import place_file
from ...symbolic.errors import ArgumentError, LayerproofError
from ..terminal.targets import check_file
from ..verdict import Verdict
from .summary import Record, described, groups_of, reason, rows

MARK = "<!-- layerproof sweep -->"
STEP, ACROSS, LABEL, SCALE, MARGIN, LETTER = 14, 40, 7.2, 260, 16, 12
LEAST = 1e-12
"""The least error / bound that is drawn: below it is no rounding, but at most the width of what encloses it exactly."""
COLOURS = {
    Verdict.HOLDS: "#0072B2",
    Verdict.REFUTED: "#D55E00",
    Verdict.UNDECIDED: "#E69F00",
    Verdict.NOT_RUN: "#707070",
}
MEANING = {
    Verdict.HOLDS: "disc", Verdict.REFUTED: "cross", Verdict.UNDECIDED: "triangle", Verdict.NOT_RUN: "empty square",
}  # fmt: skip


def check_picture(path: Path) -> None:
    """Raise `ArgumentError` when a picture must not be written there: another file, no folder or no .svg."""
    check_file("picture", path, ".svg")
    if path.exists() and (not path.is_file() or MARK not in path.read_text(encoding="utf-8", errors="replace")[:1000]):
        raise ArgumentError(f"{path}: is there already and is no picture of a sweep, so it is not overwritten")


def write_picture(records: Sequence[Record], path: Path) -> None:
    """Write the picture; the file appears whole or not at all."""
    try:
        place_file(path, svg(records))
    except OSError as error:
        raise LayerproofError(f"{path}: cannot be written: {error.strerror}") from None


def svg(records: Sequence[Record]) -> str:
    """The picture as SVG: a line a row of the table, a mark a point, at the right error / bound on a log scale."""
    axes = groups_of(records)
    labels = [", ".join(v for v in row.values.values() if v) for row in rows(records, axes)]
    groups: dict[str, list[Record]] = {}
    for record in records:
        key = str([str(record["specification"].get(axis, "")) for axis in axes])
        groups.setdefault(key, []).append(record)
    left = MARGIN + LABEL * max(map(len, labels)) + MARGIN
    across = min(ACROSS, max(map(len, groups.values())))
    right = left + STEP * across + 2 * MARGIN
    lowest = _lowest(records)
    top = MARGIN + 2 * STEP
    body: list[str] = []
    y = float(top)
    for label, group in zip(labels, groups.values(), strict=True):
        body.append(_text(MARGIN, y + 4, label))
        for k, record in enumerate(group):
            x = left + STEP * (k % across)
            body.append(_mark(record, x + STEP / 2, y + STEP * (k // across)))
            if lowest is not None and _drawn(record):
                body.append(_mark(record, right + _place(record["ratio"], lowest), y, small=True))
        y += STEP * ((len(group) - 1) // across + 1) + STEP / 2
    if lowest is not None:
        body += _scale(right, top, y, lowest)
    y += STEP
    for verdict in Verdict:
        number = sum(r["verdict"] == verdict for r in records)
        body.append(shape(verdict, MARGIN + 5, y))
        body.append(_text(MARGIN + 16, y + 4, f"{verdict.value} ({MEANING[verdict]}): {number} of {len(records)}"))
        y += STEP + 4
    width = max(right + (SCALE + 3 * MARGIN if lowest is not None else 0), 420)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y:.0f}" '
        f'viewBox="0 0 {width:.0f} {y:.0f}" role="img" font-family="sans-serif" font-size="{LETTER}">',
        MARK,
        f"<title>A sweep of {len(records)} points</title>",
        f'<rect width="{width:.0f}" height="{y:.0f}" fill="#ffffff"/>',
        *body,
        "</svg>\n",
    ])  # fmt: skip


def shape(verdict: Verdict, x: float, y: float, r: float = 4.5) -> str:
    """The mark of a verdict, centred at (x, y)."""
    colour = COLOURS[verdict]
    if verdict is Verdict.HOLDS:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{colour}"/>'
    if verdict is Verdict.REFUTED:
        a, b, c, d = x - r, y - r, x + r, y + r
        lines = f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}M{a:.1f} {d:.1f}L{c:.1f} {b:.1f}"
        return f'<path d="{lines}" stroke="{colour}" stroke-width="2.5"/>'
    if verdict is Verdict.UNDECIDED:
        return f'<path d="M{x:.1f} {y - r:.1f}L{x + r:.1f} {y + r:.1f}L{x - r:.1f} {y + r:.1f}Z" fill="{colour}"/>'
    side = 2 * r - 1.5
    return (
        f'<rect x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}" fill="none" '
        f'stroke="{colour}" stroke-width="1.5"/>'
    )


def _mark(record: Record, x: float, y: float, small: bool = False) -> str:
    verdict = Verdict(record["verdict"])
    title = f"{verdict.value}: {described(record['specification'])}"
    if record["ratio"] is not None:
        title += f"; error/bound {record['ratio']:.2g}"
    if verdict is not Verdict.HOLDS:
        title += f"; {reason(record)[:200]}"
    return f"<g><title>{_safe(title)}</title>{shape(verdict, x, y, 3.0 if small else 4.5)}</g>"


def _drawn(record: Record) -> bool:
    return record["ratio"] is not None and record["ratio"] >= LEAST


def _lowest(records: Sequence[Record]) -> int | None:
    """The power of ten that the scale begins at; None where no point has a ratio that is drawn."""
    ratios = [record["ratio"] for record in records if _drawn(record)]
    return min(-1, math.floor(math.log10(min(ratios)))) if ratios else None


def _place(ratio: float, lowest: int) -> float:
    """Where a ratio lies: 10^lowest at the left, 10 at the right; beyond that at the right."""
    return SCALE * min(1.0, (math.log10(ratio) - lowest) / (1 - lowest))


def _scale(right: float, top: float, bottom: float, lowest: int) -> list[str]:
    lines = [_text(right, MARGIN, "error / bound of floats, refuted beyond 1")]
    for power in range(lowest, 2, max(1, (1 - lowest) // 5)):
        x = right + _place(10.0**power, lowest)
        lines.append(f'<path d="M{x:.1f} {top - 8}V{bottom:.1f}" stroke="#cccccc" stroke-width="0.5"/>')
        lines.append(_text(x - 8, top - 10, "1" if power == 0 else f"1e{power}"))
    x = right + _place(1.0, lowest)
    lines.append(f'<path d="M{x:.1f} {top - 8}V{bottom:.1f}" stroke="#000000" stroke-width="1.5"/>')
    return lines


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{_safe(text)}</text>'


def _safe(text: Any) -> str:
    return escape("".join(c if c.isprintable() else "\ufffd" for c in str(text)))

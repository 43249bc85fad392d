"""The picture: the iterates' distance from the limit, inside the certified envelope."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ...numeric.files.placing import place_file
from ...symbolic.convergence.rationals import fraction
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.exact import nearest
from ..report.picture_curves import Curve, curves_picture
from .answer import Answer
from .result import Convergence

ITERATES, ENVELOPE = "distance to the limit", "certified envelope"
TITLE, AXES = "Iterates inside their certified envelope", ("layer", "|v_l(q) - v*(q)|")


def distances(answer: Answer) -> list[tuple[Fraction, Fraction]]:
    """|v_l(q) - v*(q)| and the envelope for each layer that was run; nothing where the prediction has no limit."""
    if answer.fate is None or answer.fate.value is None or answer.rate is None:
        return []
    star, bounds = fraction(answer.fate.value), map(answer.bound, range(len(answer.values)))
    return [(abs(v - star), b) for v, b in zip(answer.values, bounds, strict=True) if b is not None]


def outside(answer: Answer) -> int | None:
    """The first layer whose iterate is outside the envelope, exactly; None where none is."""
    return next((layer for layer, (distance, bound) in enumerate(distances(answer)) if distance > bound), None)


def envelope_picture(answer: Answer) -> tuple[str, str] | None:
    """The picture as SVG, and what it shows in words; None where there is nothing to draw."""
    drawn = distances(answer)
    if not drawn:
        return None
    curves = [
        Curve(ITERATES, tuple(nearest(x) for x, _ in drawn)), Curve(ENVELOPE, tuple(nearest(b) for _, b in drawn)),
    ]  # fmt: skip
    return curves_picture(list(range(len(drawn))), curves, TITLE, AXES, "envelope")


def write_picture(result: Convergence, path: Path) -> None:
    """Draw the picture into a file; `ArgumentError` when there is nothing to draw."""
    drawn = None if result.decided is None else envelope_picture(result.decided)
    if drawn is None:
        raise ArgumentError("picture is asked for, but the prediction has no certified limit: nothing to draw")
    try:
        place_file(path, drawn[0])
    except OSError as error:
        raise ContentError(f"{path}: cannot be written: {error.strerror}") from None

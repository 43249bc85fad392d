"""The picture: the iterates' distance from the limit, inside the certified envelope."""

from __future__ import annotations

from pathlib import Path

from ...numeric.files.placing import place_file
from ...symbolic.convergence.rationals import fraction
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.exact import nearest
from ..report.picture_curves import Curve, curves_picture
from .answer import Answer
from .result import Convergence

ITERATES, ENVELOPE = "distance of the prediction from its limit", "certified envelope"


def curves(found: Answer) -> tuple[Curve, ...]:
    """|v_l(q) - v*(q)| and the envelope, for each layer that was run; nothing where the prediction has no limit."""
    if found.fate is None or found.fate.value is None or found.rate is None:
        return ()
    star = fraction(found.fate.value)
    bounds = [found.bound(layer) for layer in range(len(found.values))]
    return (
        Curve(ITERATES, tuple(nearest(abs(v - star)) for v in found.values)),
        Curve(ENVELOPE, tuple(None if b is None else nearest(b) for b in bounds)),
    )


def write_picture(result: Convergence, path: Path) -> None:
    """Draw the picture into a file; `ArgumentError` when there is nothing to draw."""
    drawn = () if result.found is None else curves(result.found)
    if not drawn:
        raise ArgumentError("picture is asked for, but the prediction has no certified limit: nothing to draw")
    svg, _ = curves_picture(
        list(range(len(drawn[0].values))), list(drawn), "Iterates inside their certified envelope", "layer", "envelope"
    )
    try:
        place_file(path, svg)
    except OSError as error:
        raise ContentError(f"{path}: cannot be written: {error.strerror}") from None

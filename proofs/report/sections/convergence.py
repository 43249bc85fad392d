"""Section "convergence": how far the iterates of one prompt are from their limit, layer by layer."""

from __future__ import annotations

from ....symbolic.identity.limit import Limit, root_text
from ....symbolic.strict_json import rational_text
from ..assemble import plain, prose
from ..document.formula import Formula
from ..limit_run import limit_run
from ..model import Block, Cell, Display, Note, Picture, Section, Table
from ..picture_curves import Curve, curves_picture
from ..subject import Subject

NAME, TITLE, ORDER = "convergence", "Where the iterates go", 110
FIXED = Formula("w* = F_l(w*) for every layer l", r"w^{*} = F_{\ell}(w^{*}) \quad\text{for every layer } \ell")


def build(subject: Subject) -> Section | None:
    """The exact distances |w_l - w*| on one prompt, or why there is no w*."""
    if subject.case is None or subject.construction is None:
        return None
    subject.progress(f"{subject.item.name}: the iterates' limit")
    found, kind = limit_run(subject.case)
    s = subject.settings
    which = "the given prompt" if kind == "given" else f"one trajectory of {s.process} (seed {s.seed})"
    form = (
        "one preconditioner for all layers"
        if subject.construction.looped
        else "a preconditioner of its own for each layer"
    )
    values = "".join(f", {name} = {rational_text(value)}" for name, value in sorted(subject.case.parameters.items()))
    said = plain(
        f"On {which}, d = {s.features}, n = {s.context}, L = {s.layers}{values}, with {form}, from zero weights:"
    )
    if found.reason:
        note = Note(None, "No single limit on this prompt", (plain(f"{found.reason[:1].upper()}{found.reason[1:]}."),))
        return Section(NAME, TITLE, (said, note))
    blocks: list[Block] = [
        said,
        prose("The update is affine in its weights, so a limit must solve the linear system"),
        Display(FIXED, "fixed-point"),
        prose("It was solved over the rationals, here it has exactly one solution, and the solution was put into every "
              "layer's update. The distances are exact and rounded only to be drawn."),
        _picture(found),
        _what_it_says(found),
    ]  # fmt: skip
    return Section(NAME, TITLE, tuple(blocks))


def _picture(found: Limit) -> Picture:
    distances = found.distances
    layers = range(len(distances))
    svg, alt = curves_picture(
        list(layers), [Curve("distance from the limit point", tuple(distances))],
        "Distance of the iterates from their limit point by layer", "layer", "convergence-curve",
    )  # fmt: skip
    rows = tuple((Cell((str(k),)), Cell((root_text(x, 6),))) for k, x in enumerate(found.squares))
    return Picture(svg, alt, "Distance of the iterate w_l from w*, Euclidean, over all weights.",
                   Table(("layer", "|w_l - w*|"), rows))  # fmt: skip


def _what_it_says(found: Limit) -> Block:
    first, last = found.squares[0], found.squares[-1]
    if not last:
        words = "The iterates reach the limit point exactly."
    else:
        ratio = f"{root_text(last / first, 3)} times" if first else "infinitely many times"
        trend = "closer to" if last < first else "no closer to"
        words = (
            f"After {len(found.squares) - 1} layers the iterate is {trend} the limit point: {ratio} the "
            "distance at the start."
        )
    observed = plain(
        f"{words} This is an observation on one prompt and no theorem: batch TD need not converge, on-policy data "
        "included."
    )
    return Note(None, "Observed", (observed,))

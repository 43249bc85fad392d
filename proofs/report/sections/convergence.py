"""Section "convergence": what becomes of endless layers on one prompt, and how far those of the run come."""

from __future__ import annotations

from ....symbolic.identity.limit import Limit, root_text
from ....symbolic.strict_json import rational_text
from ...case import Case
from ...convergence.result import Convergence
from ...formula.build import QUAD, call, indexed, power, row, words
from ..assemble import heading, plain, prose
from ..decided import blocks as decided
from ..findings import Findings
from ..limit_run import limit_run
from ..model import Block, Cell, Display, Note, Picture, Section, Table
from ..picture_curves import Curve, curves_picture

NAME, TITLE, ORDER = "convergence", "Where the iterates go", 110
LIMIT = power("w", "*")
FIXED = row(LIMIT, "=", call(indexed("F", "ell"), LIMIT), QUAD, words("for every layer "), "ell")


def build(findings: Findings) -> Section | None:
    """What becomes of endless layers on one prompt, and how far those of this run come."""
    decision = findings.convergence
    if decision is None:
        return None
    blocks: list[Block] = [*_asked(findings, decision), *decided(decision)]
    if findings.case is not None and findings.construction is not None:
        blocks += _of_this_run(findings, findings.case, findings.construction.looped)
    return Section(NAME, TITLE, tuple(blocks))


def _prompt(findings: Findings) -> str:
    s = findings.settings
    which = "the given prompt" if s.prompt is not None else f"one trajectory of {s.process} (seed {s.seed})"
    known = {} if findings.case is None else findings.case.parameters
    values = "".join(f", {name} = {rational_text(value)}" for name, value in sorted(known.items()))
    return f"{which}, d = {s.features}, n = {s.context}{values}"


def _asked(findings: Findings, decision: Convergence | str) -> list[Block]:
    if isinstance(decision, str):
        return []
    looped = findings.construction is not None and findings.construction.looped
    steps = "with this run's preconditioners" if looped else "with C = I"
    run = None if decision.decided is None else decision.decided.run
    if findings.own is not None:
        steps = "of this construction" if run is None else f"({run.note})"
    form = ": each is w -> T w + c" if run is not None and not run.doubling else ""
    return [
        plain(
            f"Endless layers {steps}, on {_prompt(findings)}, from zero weights{form}. What becomes of them is decided "
            "over the rationals, for this prompt and no other."
        )
    ]


def _of_this_run(findings: Findings, case: Case, looped: bool) -> list[Block]:
    """The exact distances |w_l - w*| of the layers that verify ran, or why there is no w*."""
    findings.progress(f"{findings.item.name}: the iterates' limit")
    limit, _ = limit_run(case)
    form = "one preconditioner for all" if looped else "a preconditioner of its own for each"
    intro = plain(f"The {case.settings.layers} layers of this run, with {form}, on the same prompt:")
    if limit.reason:
        note = Note(None, "No single limit on this prompt", (plain(f"{limit.reason[:1].upper()}{limit.reason[1:]}."),))
        return [intro, note]
    return [
        intro,
        prose("The update is affine in its weights, so a limit must solve the linear system"),
        Display(FIXED, "fixed-point"),
        prose("It was solved over the rationals, here it has exactly one solution, and the solution was put into every "
              "layer's update. The distances are exact and rounded only to be drawn."),
        _picture(limit),
        _what_it_says(limit),
    ]  # fmt: skip


def _picture(limit: Limit) -> Picture:
    distances = limit.distances
    layers = range(len(distances))
    svg, alt = curves_picture(
        list(layers), [Curve("distance from the limit point", tuple(distances))],
        "Distance of the iterates from their limit point by layer", ("layer", "|w_l - w*|"), "convergence-curve",
    )  # fmt: skip
    rows = tuple((Cell((str(k),)), Cell((root_text(x, 6),))) for k, x in enumerate(limit.squares))
    caption = heading(r"Distance of the iterate $w_{\ell}$ from $w^{*}$, Euclidean, over all weights.")
    return Picture(svg, alt, caption,
                   Table(("layer", "|w_l - w*|"), rows))  # fmt: skip


def _what_it_says(limit: Limit) -> Block:
    first, last = limit.squares[0], limit.squares[-1]
    if not last:
        words = "The iterates reach the limit point exactly."
    else:
        ratio = f"{root_text(last / first, 3)} times" if first else "infinitely many times"
        trend = "closer to" if last < first else "no closer to"
        words = (
            f"After {len(limit.squares) - 1} layers the iterate is {trend} the limit point: {ratio} the "
            "distance at the start."
        )
    observed = plain(
        f"{words} This is an observation on one prompt and no theorem: batch TD need not converge, on-policy data "
        "included."
    )
    return Note(None, "Observed", (observed,))

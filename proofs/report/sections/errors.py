"""Section "errors": the float run's error at every layer beside its proven bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...evidence.floats import EVERY_RUN
from ...verdict import Claim, Verdict
from ..assemble import alarm, plain, prose, sentence
from ..findings import Findings
from ..model import Block, Cell, Note, Picture, Section, Table
from ..picture_curves import Curve, curves_picture

NAME, TITLE, ORDER = "errors", "Rounding errors, layer by layer", 100
CURVES = (
    ("one_step_error", "one layer's error"),
    ("one_step_bound", "proven bound on one layer's error"),
    ("error", "distance of the run from exact layers"),
    ("a_priori_bound", "a-priori bound on it, for every run"),
)

PARTS = ("lowering", "arithmetic")


def build(findings: Findings) -> Section | None:
    """The curves of the float claim; that it was not run where it was not."""
    claims = findings.of_kind("float")
    if not claims:
        return None
    claim = claims[0]
    if claim.verdict is Verdict.NOT_RUN:
        why = plain(f"The layers were not run in torch for this report: {claim.reason}.")
        return Section(NAME, TITLE, (Note(Verdict.NOT_RUN, "Not run", (why,)),))
    blocks: list[Block] = [alarm(c) for c in claims if c.verdict is not Verdict.HOLDS]
    blocks += [plain(sentence(c.claim) + " " + sentence(c.reason)) for c in claims if c.verdict is Verdict.HOLDS]
    curves = claim.details.get("curves")
    if not curves or not any(curves.get(key) for key, _ in CURVES):
        note = prose("This run recorded no error for each layer apart, so there is no curve to draw.")
        return Section(NAME, TITLE, (*blocks, Note(Verdict.NOT_RUN, "Error curves: not run", (note,))))
    blocks.append(_picture(claim, curves))
    blocks.append(prose("One layer's error is that of its output against the exact layer of the floats that came in; "
                        "its bound holds for any order of summation. The distance is between the whole run and exact "
                        "layers that started from the same floats."))  # fmt: skip
    if curves.get("a_priori_bound") and any(c.strength == EVERY_RUN for c in claims):
        blocks.append(prose("Its bound was known before anything ran, and is for every run in this format, in whatever "
                            "order it sums; that the bound grows says nothing of this run's error."))  # fmt: skip
    else:
        blocks.append(prose("That distance is measured and is held to no bound."))
    blocks += _told_apart(claim)
    return Section(NAME, TITLE, tuple(blocks))


def _told_apart(claim: Claim) -> list[Block]:
    """What rounding the weights and the prompt does, apart from what arithmetic in floats does."""
    split = claim.details.get("split")
    if not split or not all(isinstance(x, float) for key in PARTS for x in split[key]):
        return []
    lowering, arithmetic = (max(split[key]) for key in PARTS)
    dtype, count = claim.details.get("dtype", "floats"), split["prompts"]
    which = "one prompt" if count == 1 else f"{count} prompts"
    causes = (
        f"Two causes were told apart over Q, on {which} and at every layer. Lowering, which rounds the exact weights "
        f"and prompt to {dtype}, moves what exact layers give by at most {lowering:.1e}. Arithmetic in {dtype} moves "
        f"what the lowered layers give by at most {arithmetic:.1e}."
    )
    return [plain(causes)]


def _picture(claim: Claim, errors: Any) -> Picture:
    # the prompt itself, state 0, is where every run starts: it has no error to draw
    layers = list(range(1, max(len(errors.get(key) or ()) for key, _ in CURVES)))
    curves = [Curve(words, _values(errors.get(key), len(layers))) for key, words in CURVES if errors.get(key)]
    title = f"Rounding errors by layer ({claim.details.get('dtype', 'float')})"
    svg, alt = curves_picture(layers, curves, title, ("layer", "absolute error"), "error-curves")
    rows = tuple(
        (Cell((str(layer),)), *(Cell((_number(c.values[k]),)) for c in curves)) for k, layer in enumerate(layers)
    )
    data = Table(("layer", *(c.name for c in curves)), rows)
    return Picture(svg, alt, "The largest absolute value over all prompts, rows and columns, at each layer.", data)


def _values(values: Sequence[float | None] | None, count: int) -> tuple[float | None, ...]:
    given = list(values or [])[-count:]  # one entry a layer, or one a state
    return tuple([None] * (count - len(given)) + given)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"

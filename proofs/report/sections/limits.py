"""Section "limits": what is not claimed, and what is known instead."""

from __future__ import annotations

from ....symbolic.derivation.derive import SOLVED_AT
from ...verdict import PROVED, Verdict
from ..assemble import cell, prose
from ..findings import Findings
from ..layer_forms import FORM
from ..model import Cell, Section, Span, Table

NAME, TITLE, ORDER = "limits", "What is not claimed", 140


def build(findings: Findings) -> Section | None:
    """What a reader must not take from this page."""
    s = findings.settings
    rows: list[tuple[str, *tuple[str | tuple[Span, ...], ...]]] = []
    if findings.derivation is not None:
        at = ", ".join(map(str, SOLVED_AT))
        rows.append(("that these weights are the only ones",
                     rf"the interaction tensor is forced at $n = {at}$ for $d \ge 2$, within ", FORM, " and for the "
                     "whole prompt; heads are one factorisation of it"))  # fmt: skip
        if findings.derivation.head_lower_bound < len(findings.derivation.heads):
            rows.append(
                ("that no layer has fewer heads", f"at least {findings.derivation.head_lower_bound} are needed")
            )
    if not any(c.asked and c.verdict is Verdict.HOLDS for c in findings.of_kind(PROVED)):
        rows.append(("that a proof assistant has checked this report's claim for all sizes",
                     "the prover did not run for it, or has no theorem about it"))  # fmt: skip
    if any(c.verdict is Verdict.HOLDS for c in findings.of_kind("identity-exact")):
        rows.append(
            (
                "that exact runs prove other prompts or sizes",
                f"they are exact on the prompts of this run, d = {s.features}, n = {s.context}, L = {s.layers}",
            )
        )
    if any(c.verdict is Verdict.HOLDS for c in findings.of_kind("float")):
        rows.append(("that floats give the exact numbers, or that another device or dtype does",
                     "each layer of this run was within its proven bound; a bound on every run is for these prompts, "
                     "this format and this depth"))  # fmt: skip
    rows += [
        ("that the iteration converges on other prompts, or with other preconditioners",
         "the section on where the iterates go is about one prompt" if findings.convergence is not None else
         "nothing about it is on this page"),
        ("that training finds these weights",
         "at most which sets of weights the expected update keeps" if findings.invariance is not None else
         "nothing about training was asked for in this report"),
        ("anything about softmax attention, feed-forward layers, normalisation or positional encodings",
         "the layer is linear attention with the masks shown"),
    ]  # fmt: skip
    table = Table(("not claimed", "what is known instead"), tuple((cell(a), Cell(prose(*b).spans)) for a, *b in rows))
    return Section(NAME, TITLE, (table,))

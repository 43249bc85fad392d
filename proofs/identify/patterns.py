"""Which algorithm layers that attend by patterns run: read off their numbers, and run beside the textbook's update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...numeric.recognition.verdict import APPROXIMATE, EXACT, NONE, SHARE
from ...symbolic.errors import ArgumentError
from ...symbolic.exact import nearest
from ...symbolic.pattern_algorithms import pattern_catalogue
from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.patterns.fit import PatternFit, fitted, unlike
from ...symbolic.patterns.given import pattern_form
from ...symbolic.strict_json import rational_text
from ..patterns.weights import first_difference
from .answer import SCHEMA, Identification
from .question import Question
from .words import matrix_text, number

PROMPTS = 2
ONLY_LINEAR = "is for linear attention, and these layers attend by a pattern: leave it out"


@dataclass(frozen=True, eq=False, repr=False)
class PatternIdentification(Identification):
    """The answer about layers that attend by patterns; its `networks` are none, which are of linear attention.

    fits       the algorithms of the catalogue that they are comparable with, nearest first
    unlike     why they are not comparable with the others, by name
    difference where layers that are an algorithm's number by number differ from its update all the same; empty: nowhere
    """

    construction: PatternConstruction | None = None
    fits: tuple[PatternFit, ...] = ()
    unlike: Mapping[str, str] = field(default_factory=dict)
    difference: str = ""

    @property
    def match(self) -> str:
        """exact, approximate or none."""
        if not self.fits or self.difference:
            return NONE
        best = self.fits[0]
        near = all(share > SHARE for share in best.shares)
        return EXACT if best.exact else APPROXIMATE if near else NONE

    @property
    def algorithm(self) -> str | None:
        """The algorithm's name; None where it is none of the catalogue's."""
        return self.fits[0].algorithm.name if self.match != NONE else None

    @property
    def rule(self) -> Any:
        """Rules are read off linear attention alone."""
        raise AttributeError(f"rule {ONLY_LINEAR}")

    def __repr__(self) -> str:
        return f"<identified: {self.match} {self.algorithm or ''}".rstrip() + ">"

    def lines(self) -> list[str]:
        """The answer as text."""
        c = self.construction
        assert c is not None  # which `identify_patterns` gives
        text = [f"{self.match}  {self._verdict()}"]
        mask = ", applied before the kernel" if c.mask_first else ""
        what = f"K is the {c.kernel} of the rows {c.scored}" if c.kernel else "linear scores"
        text.append(f"  {what}; keys: {c.keys}{mask}; d = {c.d}, n = {c.n}, L = {c.depth}{', looped' * c.looped}")
        for fit in self.fits:
            shares = ", ".join(f"{nearest(x):.3g}" for x in fit.shares)
            text.append(f"  {fit.algorithm.name}: {'equal' if fit.exact else f'share of each layer {shares}'}")
            text += [f"    {name} = {number(x)}" for name, x in fit.parameters.items()]
            text += [
                f"    C of {'every layer' if c.looped else f'layer {k}'} = {matrix_text(C)}"
                for k, C in enumerate(fit.construction.steps, 1)
                if C is not None
            ]
        text += [f"  {name}: {why}" for name, why in self.unlike.items()]
        return text

    def _verdict(self) -> str:
        if self.difference:
            return f"none of these: {self.difference} is not what the update gives"
        if not self.fits:
            return "none of these: no algorithm of the catalogue has this prompt, mask and shift; nothing else is known"
        name = self.fits[0].algorithm.name
        if self.match == EXACT:
            pattern = "for every pattern K" if self.construction and self.construction.kernel else "on every prompt"
            return f"exactly {name}, {pattern}; the update gave the same on {PROMPTS} prompts over Q"
        near = ", ".join(f"{nearest(x):.3g}" for x in self.fits[0].shares)
        return (
            f"approximately {name}" if self.match == APPROXIMATE else f"none of these; {name} is {near} of the layers"
        )

    def document(self) -> dict[str, Any]:
        """The answer as plain data."""
        c = self.construction
        assert c is not None  # which `identify_patterns` gives
        return {
            "command": "identify", "schema": SCHEMA, "settings": dict(self.settings), "algorithm": self.algorithm,
            "match": self.match, "verdict": self._verdict(),
            "pattern": {
                "kernel": c.kernel or None, "scored": c.scored or None, "keys": c.keys, "mask_first": c.mask_first,
            },
            "catalogue": [
                {
                    "algorithm": fit.algorithm.name, "exact": fit.exact,
                    "parameters": {name: rational_text(x) for name, x in fit.parameters.items()},
                    "preconditioners": [
                        None if C is None else [[rational_text(x) for x in row] for row in C]
                        for C in fit.construction.steps
                    ],
                    "shares": [nearest(x) for x in fit.shares],
                }
                for fit in self.fits
            ],
            "not_comparable": dict(self.unlike),
        }  # fmt: skip


def identify_patterns(c: PatternConstruction, question: Question, output: Path | None) -> PatternIdentification:
    """The answer; `ArgumentError` for what is asked of linear attention alone, or of other sizes than the weights'."""
    how = question.reading
    asked: Sequence[tuple[str, Any]] = (
        ("output", output), ("layout", how.layout), ("transposed", how.transposed), ("prompts", question.prompts),
        ("process", question.process),
    )  # fmt: skip
    for name, value in asked:
        if value:
            raise ArgumentError(f"{name} {ONLY_LINEAR}")
    for name, value, own in (("d", how.features, c.d), ("n", how.context, c.n), ("layers", how.layers, c.depth)):
        if value is not None and value != own:
            raise ArgumentError(f"{name} is {value}, but the weights have {own}: leave it out")
    forms = {name: pattern_form(algorithm) for name, algorithm in pattern_catalogue().items()}
    why = {name: unlike(c, form) for name, form in forms.items()}
    fits = [fit for name, form in forms.items() if not why[name] and (fit := fitted(c, form)) is not None]
    fits.sort(key=lambda fit: -min(fit.shares))
    differing = {name: text for name, text in why.items() if text}
    difference = ""
    if fits and fits[0].exact:
        best, steps = fits[0], fits[0].construction.steps
        witness = first_difference(c, best.algorithm, best.parameters, steps, PROMPTS, question.seed)
        if witness is not None:
            difference = f"layer {witness.mismatch.layer}, row {witness.mismatch.row}"
    return PatternIdentification(question.document(), (), "", c, tuple(fits), differing, difference)

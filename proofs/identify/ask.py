"""Ask which algorithm networks run."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ...numeric.recognition.reading import Found, read
from ...numeric.recognition.verdict import APPROXIMATE, Recognition, Shared, recognise
from ...symbolic.recognition.rebuild import rebuilt
from ...symbolic.recognition.rule import Rule, rule
from ..case import Progress, silent
from .answer import Identification, Identified
from .question import GAMMA, Question


def identify(weights: Any, question: Question | None = None, progress: Progress = silent) -> Identification:
    """The answers about the networks in `weights`; see `lp.identify`."""
    question = question or Question()
    found = read(weights, question.reading)
    shared = Shared()
    answers = []
    for k, one in enumerate(found):
        progress(f"identify: {k + 1} of {len(found)} networks")
        answers.append(_answer(one, question, shared))
    return Identification(question.document(), tuple(answers))


def _answer(found: Found, question: Question, shared: Shared) -> Identified:
    gamma = question.gamma if question.gamma is not None else found.gamma if found.gamma is not None else GAMMA
    recognition = recognise(found.network, gamma, shared=shared)
    return Identified(
        recognition, gamma, rule(found.network), _fitted(recognition), (*found.notes, *_notes(recognition, gamma))
    )


def _fitted(recognition: Recognition) -> Rule | None:
    """The update of the nearest algorithm with its fitted parameters, where the match is approximate."""
    if recognition.match != APPROXIMATE:
        return None
    found = rule(rebuilt(recognition.network, recognition.candidates[0].fitted))
    return found if isinstance(found, Rule) else None


def _notes(recognition: Recognition, gamma: Fraction) -> list[str]:
    network, best = recognition.network, recognition.best
    notes = []
    if not network.masked:
        notes.append("no masks are given: the published one, which leaves the query out, is meant")
    if best is not None and recognition.algorithm is not None:
        kappa = best.fitted.kappa
        if kappa is not None and kappa == gamma != 1:
            notes.append(
                "its discount is gamma^2: the prompt holds gamma phi' already, and the weights fold gamma in again"
            )
        elif kappa is None and best.fitted.family.discounted:
            notes.append("no entry that a prediction shows tells the discount")
    return notes

"""Ask which algorithm networks run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from ...numeric.recognition.function import drawn, function
from ...numeric.recognition.limits import check_function
from ...numeric.recognition.patterns import patterns_in
from ...numeric.recognition.read_network import ReadNetwork
from ...numeric.recognition.reading import read
from ...numeric.recognition.verdict import APPROXIMATE, EXACT, INDISTINGUISHABLE, Law, Recognition, Shared, recognise
from ...numeric.recognition.worst import worst_case
from ...symbolic.algorithms import catalogue
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.pattern_algorithms import pattern_catalogue
from ...symbolic.prompt import Context, Layout
from ...symbolic.recognition.network import Network
from ...symbolic.recognition.rebuild import rebuilt
from ...symbolic.recognition.rule import NetworkRule, rule
from ...symbolic.recognition.shear import unsheared
from ..case import Progress, silent
from .answer import Identification, Identified
from .decompile import write_rule
from .patterns import identify_patterns
from .question import GAMMA, PROCESS, Question

SHEAR = (
    "the first layer writes feature rows that only the query brings on, and the second takes them back (a shear): what "
    "is said is of the same prediction without them"
)


def identify(
    weights: Any, question: Question | None = None, output: Path | None = None, progress: Progress = silent
) -> Identification:
    """The answers about the networks in `weights`; see `lp.identify`.

    output : where the rule of a single network is written, as a file for `verify`
    """
    question = question or Question()
    _check_no_algorithm(weights)
    attending = patterns_in(weights)
    if attending is not None:
        return identify_patterns(attending, question, output)
    networks = read(weights, question.reading)
    for one in networks:
        _check_prompts(one.network.layout, question.prompts or ())
        if question.function:
            check_function(one.network)
    shared = Shared()
    answers = []
    for k, one in enumerate(networks):
        place = f"network {k + 1} of {len(networks)}"
        progress(f"{place}: the rule")
        answers.append(_answer(one, question, shared, partial(_told, progress, place)))
    written = ""
    if output is not None:
        if len(answers) != 1:
            raise ArgumentError(f"output is given, but {len(answers)} networks were read: name one of them")
        written = write_rule(output, answers[0].recognition.network, answers[0].rule)
        if answers[0].resolution is not None:
            written += " (the network as it was read off a module's calls, to rounding)"
    return Identification(question.document(), tuple(answers), written)


def _check_no_algorithm(weights: Any) -> None:
    """Raise where an algorithm stands in place of its weights."""
    if not isinstance(weights, (str, os.PathLike)):
        return
    given = os.fspath(weights)
    name, there = str(given), Path(given).exists()
    if not there and (name in catalogue() or name in pattern_catalogue()):
        raise ArgumentError(
            f"weights is {name}, an algorithm, wanted a file or folder of weights: layerproof export {name} -o FOLDER "
            f"writes some, and layerproof derive {name} shows its heads"
        )
    if there and name.endswith(".py"):
        raise ContentError(
            f"{name}: is a Python file, wanted a file or folder of weights: .safetensors, .npz or weights.json; "
            f"layerproof verify {name} checks an algorithm of your own"
        )


def _check_prompts(layout: Layout, prompts: Sequence[Context]) -> None:
    """Raise before any work where prompts are of other sizes than the weights."""
    for k, c in enumerate(prompts):
        if (c.d, c.n) != (layout.d, layout.n):
            raise ArgumentError(
                f"prompts[{k}] has d = {c.d} and n = {c.n}, wanted those of the weights: d = {layout.d}, n = {layout.n}"
            )


def _told(progress: Progress, place: str, text: str) -> None:
    progress(f"{place}: {text}")


def _answer(reading: ReadNetwork, question: Question, shared: Shared, progress: Progress) -> Identified:
    gamma = question.gamma if question.gamma is not None else reading.gamma if reading.gamma is not None else GAMMA
    plain = unsheared(reading.network)
    recognition = recognise(plain, Law(gamma, question.gamma is not None), shared=shared)
    implied = _implied(recognition)
    gamma = gamma if implied is None else implied
    notes = (*reading.notes, *_notes(recognition, gamma))
    if plain is not reading.network:
        notes += (SHEAR,)
    looked = _function(reading.network, recognition, gamma, question, progress) if question.function else None
    if reading.resolution is not None:
        notes += ("a module whose weights have no names: they were read off what its layers do to chosen prompts",)
    return Identified(
        recognition, gamma, rule(plain, recognition.tensors), _fitted(recognition), notes, looked, reading.resolution
    )


def _implied(recognition: Recognition) -> Fraction | None:
    """The discount of the prompts that exact weights are for, where a mask tells it; None where none does."""
    exact = recognition.match in (EXACT, INDISTINGUISHABLE) and recognition.best is not None
    return recognition.best.fitted.law_discount if exact and recognition.best is not None else None


def _function(
    network: Network, recognition: Recognition, gamma: Fraction, question: Question, progress: Progress
) -> dict[str, object]:
    best, layout = recognition.best, network.layout
    if question.prompts is not None:
        contexts, law = list(question.prompts), "given prompts"
    else:
        law, extras = question.process or PROCESS, network.prompt.algorithm.extras
        contexts = list(drawn(law, layout.d, layout.n, question.trials, question.seed, extras))
    fitted = None if best is None or recognition.idle else best.fitted
    measured = function(network, fitted, contexts, gamma, question.prompts is None, progress)
    worst = None if fitted is None else worst_case(network, fitted)
    return {"law": law, "algorithm": None if best is None else best.name, **measured, "worst_case": worst}


def _fitted(recognition: Recognition) -> NetworkRule | None:
    """The update of the nearest algorithm with its fitted parameters, where the match is approximate."""
    if recognition.match != APPROXIMATE:
        return None
    update = rule(rebuilt(recognition.network, recognition.candidates[0].fitted))
    return update if isinstance(update, NetworkRule) else None


def _notes(recognition: Recognition, gamma: Fraction) -> list[str]:
    network, best = recognition.network, recognition.best
    notes = []
    if not network.masked:
        notes.append("no masks are given: the published one, which leaves the query out, is meant")
    if best is not None and recognition.algorithm is not None:
        kappa = best.fitted.kappa
        if best.fitted.family.member.masked == "gamma" and (implied := _implied(recognition)) is not None:
            notes.append(f"a mask holds the discount: for prompts with gamma = {implied}, and for no others")
        if kappa is not None and kappa == gamma != 1:
            notes.append(
                "its discount is gamma^2: the prompt holds gamma phi' already, and the weights fold gamma in again"
            )
        elif kappa is not None and 0 < kappa < 1 and best.exact and best.name == "td0":
            notes.append(
                f"that is {kappa} of td0 and {1 - kappa} of least-squares with the same C, too: the two are one network"
            )
        elif kappa is None and best.fitted.family.discounted:
            notes.append("no entry that a prediction shows tells the discount")
    return notes

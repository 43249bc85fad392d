"""`layerproof verify`: derive the weights, show layer = iterate exactly, cross-check in torch."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...symbolic.algorithms import catalogue
from ...symbolic.errors import ArgumentError
from ...symbolic.plain_text import message
from ..case import Settings
from ..check.regression import check_target, replay
from ..check.regression import save as write_case
from ..checker import verify, with_proof
from ..sweep.early import second_process
from ..sweep.workers import shared_by
from ..terminal.options import Evidence, Json, flag
from ..terminal.progress import ProgressLine
from ..terminal.run_options import RunOptions
from ..terminal.table import show
from ..verdict import Result

DEFAULTS = RunOptions()
PROCESSES_PAY = 20_000
"""Tokens of all layers and prompts of an algorithm from which on worker processes save more than they take to start."""


def command(
    *algorithms: str,
    options: RunOptions = DEFAULTS,
    evidence: Evidence = None,
    prove: Annotated[
        bool,
        flag(["--prove", "--strict"], "also ask for proved-all-sizes, with the Rocq prover"),
    ] = False,
    save: Annotated[
        Path | None, Parameter(name="--save", help="keep the counterexample, if there is one, as this regression case")
    ] = None,
    case: Annotated[
        Path | None, Parameter(name="--case", help="replay a regression case that --save wrote, and nothing else")
    ] = None,
    details: Annotated[bool, flag("--details", "every claim in words")] = False,
    json: Json = False,
) -> int:
    """Derive the weights of each algorithm (all when none is named) and check that every layer is one iterate.

    An algorithm is a name of `layerproof list`, or a Python file of your own: ./mine.py (layerproof new writes one).

    Exit codes: 0 everything asked for holds, 1 something is refuted, 2 wrong arguments, 3 something is undecided or
    was not run, 4 wrong content or a device that is not there, 5 internal error.
    """
    if case is not None:
        if algorithms or save is not None:
            raise ArgumentError("case replays one file: name no algorithm and no --save beside it")
        return _report(replay(case, options.time_limit), details, json)
    if save is not None:
        check_target(save)
    settings = options.settings()
    evidence = with_proof(evidence, prove)
    shared = shared_by(_seconds_each(settings, evidence, len(algorithms)))
    with ProgressLine() as progress, shared as pool, second_process() as second:
        result = verify(*algorithms, settings=settings, evidence=evidence, progress=progress, pool=pool, second=second)
    if save is not None and any(c.evidence == "identity-exact" and c.witness for c in result.claims):
        write_case(result, save)
        print(message(f"layerproof: wrote {save}: layerproof verify --case {save} replays it"), file=sys.stderr)
    return _report(result, details, json)


def _seconds_each(settings: Settings, evidence: Iterable[str] | None, named: int) -> int:
    """How many algorithms take a second or so each: none at small sizes, or without runs on prompts."""
    asked = {"float", "identity-exact"} if evidence is None else {"float", "identity-exact"} & set(evidence)
    long = bool(asked) and settings.context * settings.layers * settings.trials >= PROCESSES_PAY
    return (named or len(catalogue())) if long else 0


def _report(result: Result, details: bool, json: bool) -> int:
    if json:
        print(result.to_json(), end="")
    else:
        show(result, details)
    return result.exit_code

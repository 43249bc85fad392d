"""`layerproof verify`: derive the weights, show layer = iterate exactly, cross-check in torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...numeric.prompt_file import read_context
from ...symbolic.errors import ArgumentError
from ..case import MAX_WORK, Settings
from ..checker import ask, verify
from ..options import (
    Dtype,
    EntrywiseContext,
    EntrywiseFeatures,
    Evidence,
    ExactTrials,
    Gamma,
    Json,
    Lam,
    Layers,
    Looped,
    MaxWork,
    Process,
    Seed,
    Trace,
    Trials,
    integer,
    parameter_values,
    rational,
)
from ..progress import ProgressLine
from ..regression import check_target, replay
from ..regression import save as write_case
from ..table import show
from ..verdict import Result


def command(
    *algorithms: str,
    features: Annotated[int | None, integer(["--features", "-d"], "feature dimension d; default: 3")] = None,
    context: Annotated[int | None, integer(["--context", "-n"], "context length n; default: 100")] = None,
    layers: Layers = 40,
    gamma: Gamma = "9/10",
    lam: Lam = "1/2",
    trace: Trace = None,
    seed: Seed = 0,
    trials: Trials = 30,
    exact_trials: ExactTrials = 2,
    device: Annotated[str, Parameter(name="--device", help="auto, cpu or cuda")] = "auto",
    dtype: Dtype = "float64",
    order: Annotated[str, Parameter(name="--order", help="how float layers multiply: keys-first or scores-first")] = (
        "keys-first"
    ),
    compile: Annotated[
        bool, Parameter(name="--compile", negative=(), help="run the float layers through torch.compile")
    ] = False,
    looped: Looped = False,
    process: Process = "boyan-chain",
    prompt: Annotated[
        Path | None, Parameter(name="--prompt", help="your own transitions, JSON or CSV; they set d and n")
    ] = None,
    evidence: Evidence = None,
    prove: Annotated[
        bool,
        Parameter(
            name=["--prove", "--strict"], negative=(), help="also ask for proved-all-sizes, with the Rocq prover"
        ),
    ] = False,
    entrywise_features: EntrywiseFeatures = None,
    entrywise_context: EntrywiseContext = None,
    max_work: MaxWork = MAX_WORK,
    parameter: Annotated[
        list[str] | None,
        Parameter(
            name="--parameter", help="NAME=VALUE of a parameter other than gamma and lam (repeat for more)", negative=()
        ),
    ] = None,
    time_limit: Annotated[int, integer("--time-limit", "seconds that files of your own may take")] = 300,
    save: Annotated[
        Path | None, Parameter(name="--save", help="keep the counterexample, if there is one, as this regression case")
    ] = None,
    case: Annotated[
        Path | None, Parameter(name="--case", help="replay a regression case that --save wrote, and nothing else")
    ] = None,
    details: Annotated[bool, Parameter(name="--details", negative=(), help="every claim in words")] = False,
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
        return _report(replay(case, time_limit), details, json)
    if save is not None:
        check_target(save)
    if time_limit < 1:
        raise ArgumentError(f"time-limit is {time_limit}, wanted at least one second")
    given = read_context(prompt) if prompt is not None else None
    for name, asked, own in (("features", features, given and given.d), ("context", context, given and given.n)):
        if given is not None and asked is not None and asked != own:
            raise ArgumentError(f"{name} is {asked}, but the prompt file has {own}: leave it out")
    settings = Settings(
        features=3 if features is None else features,
        context=100 if context is None else context,
        layers=layers,
        gamma=rational(gamma, "gamma"),
        lam=rational(lam, "lam"),
        trace=trace,
        seed=seed,
        trials=trials,
        exact_trials=exact_trials,
        device=device,
        dtype=dtype,
        looped=looped,
        process=process,
        entrywise_features=entrywise_features,
        entrywise_context=entrywise_context,
        max_work=max_work,
        prompt=given,
        values=parameter_values(parameter or []),
        time_limit=time_limit,
        order=order,
        compiled=compile,
    )
    if prove:
        evidence = [*ask(evidence), "proved-all-sizes"]
    progress = ProgressLine()
    try:
        result = verify(*algorithms, settings=settings, evidence=evidence, progress=progress)
    finally:
        progress.clear()
    if save is not None and any(c.evidence == "identity-exact" and c.witness for c in result.claims):
        write_case(result, algorithms, save)
        print(f"layerproof: wrote {save}: layerproof verify --case {save} replays it", file=sys.stderr)
    return _report(result, details, json)


def _report(result: Result, details: bool, json: bool) -> int:
    if json:
        print(result.to_json(), end="")
    else:
        show(result, details)
    return result.exit_code

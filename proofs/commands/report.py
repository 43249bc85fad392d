"""`layerproof report`: verify, then write what was found as a report: an index and a page for each algorithm."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...numeric.prompt_file import read_context
from ...numeric.strict_json import dumps
from ...symbolic.errors import ArgumentError
from ..case import MAX_WORK, Settings
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
from ..report.reporting import Written, write_report
from ..table import console, show


def command(
    *algorithms: str,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="the report's directory: new, or an earlier report")
    ],
    format: Annotated[
        str | None, Parameter(name="--format", help="some of html,tex,md,json,pdf; default: all that can be written")
    ] = None,
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
    looped: Looped = False,
    process: Process = "boyan-chain",
    prompt: Annotated[
        Path | None, Parameter(name="--prompt", help="your own transitions, JSON or CSV; they set d and n")
    ] = None,
    evidence: Evidence = None,
    prove: Annotated[bool, Parameter(name="--prove", negative=(), help="also run the Rocq prover")] = False,
    invariance: Annotated[
        bool, Parameter(name="--invariance", negative=(), help="also ask which sets of weights training keeps")
    ] = False,
    dates: Annotated[
        bool, Parameter(name="--dates", negative=(), help="let pages hold what differs from machine to machine")
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
    json: Json = False,
) -> int:
    """Verify each algorithm (all when none is named) and write a report: derivation, weights, proofs, a worked example.

    An algorithm is a name of `layerproof list`, or a Python file of your own. The exit code is that of `layerproof
    verify`: the report is written whatever the verdicts are.
    """
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
    )
    formats = [name.strip() for name in format.split(",")] if format is not None else None
    progress = ProgressLine()
    try:
        written = write_report(
            algorithms, output, settings, formats, evidence, progress, prove=prove, invariance=invariance, dates=dates
        )
    finally:
        progress.clear()
    return _tell(written, output, json)


def _tell(written: Written, output: Path, json: bool) -> int:
    result = written.result
    if written.note:
        print(f"layerproof: no PDF: {written.note}", file=sys.stderr)
    if json:
        files = sorted(path.name for path in written.files)
        print(dumps({**result.document(), "report": {"directory": str(output), "files": files}}), end="")
        return result.exit_code
    show(result, details=False)
    out = console()
    first = output / "index.html" if (output / "index.html").exists() else output
    out.print(f"wrote {first} ({len(written.files)} files)", markup=False, soft_wrap=True)
    return result.exit_code

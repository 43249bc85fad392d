"""`layerproof certify`: verify one algorithm and write what was found as a certificate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...symbolic.algorithms import find
from ...symbolic.strict_json import dumps
from ..case import MAX_WORK, Settings
from ..certificate.certificate import certify, check_target, write
from ..terminal.options import (
    ContextLength,
    Dtype,
    EntrywiseContext,
    EntrywiseFeatures,
    Evidence,
    ExactTrials,
    Features,
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
    parameter_values,
    rational,
)
from ..terminal.progress import ProgressLine
from ..terminal.table import show
from ..user_file import is_file


def command(
    algorithm: str,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="the certificate's file")],
    features: Features = 3,
    context: ContextLength = 20,
    layers: Layers = 5,
    gamma: Gamma = "9/10",
    lam: Lam = "1/2",
    trace: Trace = None,
    seed: Seed = 0,
    trials: Trials = 30,
    exact_trials: ExactTrials = 2,
    device: Annotated[
        str, Parameter(name="--device", help="auto, cpu or cuda; not recorded: floats are judged anew by `check`")
    ] = "auto",
    dtype: Dtype = "float64",
    looped: Looped = False,
    process: Process = "boyan-chain",
    evidence: Evidence = None,
    entrywise_features: EntrywiseFeatures = None,
    entrywise_context: EntrywiseContext = None,
    max_work: MaxWork = MAX_WORK,
    parameter: Annotated[
        list[str] | None,
        Parameter(
            name="--parameter", help="NAME=VALUE of a parameter other than gamma and lam (repeat for more)", negative=()
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Verify one algorithm and write a certificate that `layerproof check` can check without trusting it.

    A certificate of a Python file of your own names the file, as seen from the certificate, and its digest.
    What is refuted or open is written as such, and the exit code is that of `layerproof verify`: 1 or 3.
    """
    if not is_file(algorithm):
        find(algorithm)
    settings = Settings(
        features=features,
        context=context,
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
        values=parameter_values(parameter or []),
    )
    check_target(output)
    file = os.path.relpath(Path(algorithm).resolve(), output.resolve().parent) if is_file(algorithm) else None
    progress = ProgressLine()
    try:
        result, certificate = certify(algorithm, settings, evidence, progress, file and Path(file).as_posix())
    finally:
        progress.clear()
    if certificate is None:
        if json:
            print(dumps({**result.document(), "certificate": None}), end="")
        else:
            show(result, details=False)
            print("no certificate is written: there are no weights to be certified")
        return result.exit_code
    write(certificate, output)
    digest = certificate["digest"]
    if json:
        print(dumps({**result.document(), "certificate": {"path": str(output), "digest": digest}}), end="")
        return result.exit_code
    show(result, details=False)
    print(f"wrote {output} (digest {digest}); anyone can check it: layerproof check {output}")
    return result.exit_code

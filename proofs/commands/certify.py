"""`layerproof certify`: verify one algorithm and write what was found as a certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...symbolic.algorithms import find
from ...symbolic.errors import ArgumentError
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
    json: Json = False,
) -> int:
    """Verify one algorithm and write a certificate that `layerproof check` can check without trusting it.

    What is refuted or open is written as such, and the exit code is that of `layerproof verify`: 1 or 3.
    """
    if is_file(algorithm):
        raise ArgumentError(
            f"{algorithm} is a file: a certificate names an algorithm of the catalogue, so that anyone can check it; "
            "layerproof check runs your own files"
        )
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
    )
    check_target(output)
    progress = ProgressLine()
    try:
        result, certificate = certify(algorithm, settings, evidence, progress)
    finally:
        progress.clear()
    write(certificate, output)
    digest = certificate["digest"]
    if json:
        print(dumps({**result.document(), "certificate": {"path": str(output), "digest": digest}}), end="")
        return result.exit_code
    show(result, details=False)
    print(f"wrote {output} (digest {digest}); anyone can check it: layerproof check {output}")
    return result.exit_code

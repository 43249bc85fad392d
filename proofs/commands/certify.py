"""`layerproof certify`: verify one algorithm and write what was found as a certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...numeric.strict_json import dumps
from ...symbolic.algorithms import find
from ..case import MAX_WORK, Settings
from ..certificate import certify, check_target, write
from ..options import ContextLength, Features, Gamma, Json, Lam, Layers, Looped, Seed, Trace, integer, rational
from ..progress import ProgressLine
from ..table import show


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
    trials: Annotated[int, integer("--trials", "prompts that run in floats")] = 30,
    exact_trials: Annotated[int, integer("--exact-trials", "prompts that run in exact arithmetic")] = 2,
    device: Annotated[
        str, Parameter(name="--device", help="auto, cpu or cuda; not recorded: floats are judged anew by `check`")
    ] = "auto",
    dtype: Annotated[str, Parameter(name="--dtype", help="float64, float32, bfloat16 or float16")] = "float64",
    looped: Looped = False,
    process: Annotated[
        str, Parameter(name="--process", help="where trajectories come from: boyan-chain, loop or random-ergodic")
    ] = "boyan-chain",
    evidence: Annotated[
        list[str] | None,
        Parameter(name="--evidence", help="a kind of evidence to ask for (repeat for more); default: all", negative=()),
    ] = None,
    entrywise_features: Annotated[
        int | None, integer("--entrywise-features", "d of identity-entrywise; default: up to 3")
    ] = None,
    entrywise_context: Annotated[
        int | None, integer("--entrywise-context", "n of identity-entrywise; default: up to 5")
    ] = None,
    max_work: Annotated[int, integer("--max-work", "limit on the work")] = MAX_WORK,
    json: Json = False,
) -> int:
    """Verify one algorithm and write a certificate that `layerproof check` can check without trusting it.

    What is refuted or open is written as such, and the exit code is that of `layerproof verify`: 1 or 3.
    """
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

"""`layerproof export`: exact weights for other frameworks, with what is known about them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...numeric.exported.config import FORMATS
from ...numeric.files.preconditioner_file import read_preconditioners
from ...symbolic.errors import ArgumentError
from ...symbolic.strict_json import dumps
from ..case import MAX_WORK, Settings
from ..export import export
from ..terminal.options import (
    ContextLength,
    Dtype,
    Evidence,
    Features,
    Gamma,
    Json,
    Lam,
    Layers,
    Looped,
    MaxWork,
    Seed,
    Trace,
    integer,
    parameter_values,
    rational,
)
from ..terminal.progress import ProgressLine
from ..terminal.table import show
from ..user_file import resolve_algorithm


def command(
    algorithm: str,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="the directory to write")],
    features: Features = 3,
    context: ContextLength = 20,
    layers: Layers = 5,
    gamma: Gamma = "9/10",
    lam: Lam = "1/2",
    trace: Trace = None,
    seed: Seed = 0,
    C: Annotated[
        Path | None, Parameter(name="--C", help="exact preconditioners, a JSON file; default: drawn from the seed")
    ] = None,
    dtype: Dtype = "float64",
    looped: Looped = False,
    parameter: Annotated[
        list[str] | None,
        Parameter(
            name="--parameter", help="NAME=VALUE of a parameter other than gamma and lam (repeat for more)", negative=()
        ),
    ] = None,
    onnx: Annotated[
        bool, Parameter(name="--onnx", negative=(), help="write model.onnx and model_fixed_n.onnx")
    ] = False,
    npz: Annotated[bool, Parameter(name="--npz", negative=(), help="write weights.npz")] = False,
    pt2: Annotated[bool, Parameter(name="--pt2", negative=(), help="write model.pt2, for torch.export.load")] = False,
    transformers: Annotated[
        bool, Parameter(name="--transformers", negative=(), help="write modeling_layerproof.py, for Hugging Face")
    ] = False,
    all_formats: Annotated[bool, Parameter(name="--all-formats", negative=(), help="write all of them")] = False,
    evidence: Evidence = None,
    max_work: MaxWork = MAX_WORK,
    time_limit: Annotated[int, integer("--time-limit", "seconds that a file of your own may take")] = 300,
    json: Json = False,
) -> int:
    """Verify one algorithm, or a Python file of your own, and write its weights for other frameworks.

    The directory gets config.json, weights.json (exact), model.safetensors (rounded to --dtype), certificate.json and a
    README that says how to load it in each framework.  An earlier export is replaced, anything else is not touched.
    `layerproof check DIRECTORY` checks all of it again.

    Exit codes: as of `layerproof verify`; what is refuted (1) is not written; 3 also where a library is missing.
    """
    if time_limit < 1:
        raise ArgumentError(f"time-limit is {time_limit}, wanted at least one second")
    settings = Settings(
        features=features,
        context=context,
        layers=layers,
        gamma=rational(gamma, "gamma"),
        lam=rational(lam, "lam"),
        trace=trace,
        seed=seed,
        dtype=dtype,
        looped=looped,
        max_work=max_work,
        values=parameter_values(parameter or []),
        time_limit=time_limit,
    )
    asked = {"onnx": onnx, "npz": npz, "pt2": pt2, "transformers": transformers}
    formats = [name for name in FORMATS if all_formats or asked[name]]
    given = None
    if C is not None:
        given = read_preconditioners(C, resolve_algorithm(algorithm, "export"), features, 1 if looped else layers)
    progress = ProgressLine()
    try:
        done = export(algorithm, output, settings, formats, given, evidence, progress)
    finally:
        progress.clear()
    for note in done.notes:
        print(f"layerproof: {note}", file=sys.stderr)
    if json:
        said = {"path": str(output) if done.written else None, "files": sorted(done.written), "notes": list(done.notes)}
        print(dumps({**done.result.document(), "export": said}), end="")
        return done.result.exit_code
    show(done.result, details=False)
    if done.written:
        print(f"wrote {output}: {', '.join(sorted(done.written))}; check it: layerproof check {output}")
    else:
        print(f"wrote nothing into {output}: weights that are refuted, or that are not there, are not exported")
    return done.result.exit_code

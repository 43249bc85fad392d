"""`layerproof export`: exact weights for other frameworks, with what is known about them."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import Annotated

from cyclopts import Parameter

from ...numeric.exported.config import FORMATS
from ...numeric.files.preconditioner_file import read_preconditioners
from ...symbolic.errors import ArgumentError
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.plain_text import message
from ...symbolic.strict_json import dumps
from ..export import export
from ..terminal.options import Evidence, Json, flag
from ..terminal.progress import ProgressLine
from ..terminal.run_options import WeightOptions
from ..terminal.table import show
from ..user_file import resolve_update

DEFAULTS = WeightOptions()


def command(
    algorithm: str,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="the directory to write")],
    options: WeightOptions = DEFAULTS,
    C: Annotated[
        Path | None, Parameter(name="--C", help="exact preconditioners, a JSON file; default: drawn from the seed")
    ] = None,
    onnx: Annotated[bool, flag("--onnx", "write model.onnx and model_fixed_n.onnx")] = False,
    npz: Annotated[bool, flag("--npz", "write weights.npz")] = False,
    pt2: Annotated[bool, flag("--pt2", "write model.pt2, for torch.export.load")] = False,
    transformers: Annotated[bool, flag("--transformers", "write modeling_layerproof.py, for Hugging Face")] = False,
    all_formats: Annotated[bool, flag("--all-formats", "write all of them")] = False,
    evidence: Evidence = None,
    json: Json = False,
) -> int:
    """Verify one algorithm, or a Python file of your own, and write its weights for other frameworks.

    The directory gets config.json, weights.json (exact), model.safetensors (rounded to --dtype), certificate.json and a
    README that says how to load it in each framework.  An earlier export is replaced, anything else is not touched.
    `layerproof check DIRECTORY` checks all of it again.

    Exit codes: as of `layerproof verify`; what is refuted (1) is not written; 3 also where a library is missing.
    """
    settings = options.settings()
    asked = {"onnx": onnx, "npz": npz, "pt2": pt2, "transformers": transformers}
    formats = [name for name in FORMATS if all_formats or asked[name]]
    given = None
    if C is not None:
        count = 1 if settings.looped else settings.layers
        subject = resolve_update(algorithm, "export")
        if isinstance(subject, PatternAlgorithm):
            raise ArgumentError(
                f"C is given, but {subject.name} attends by a pattern, and its C are drawn from the seed"
            )
        given = read_preconditioners(C, subject, settings.features, count)
    with ProgressLine() as progress:
        done = export(algorithm, output, settings, formats, given, evidence, progress)
    for note in done.notes:
        print(f"layerproof: {note}", file=sys.stderr)
    if json:
        written = {
            "path": str(output) if done.written else None,
            "files": sorted(done.written),
            "notes": list(done.notes),
        }
        print(dumps({**done.result.document(), "export": written}), end="")
        return done.result.exit_code
    show(done.result, details=False)
    if done.written:
        print(
            message(
                f"wrote {output}: {', '.join(sorted(done.written))}; check it: layerproof check {quote(str(output))}"
            )
        )
    else:
        print(message(f"wrote nothing into {output}: weights that are refuted, or not there, are not exported"))
    return done.result.exit_code

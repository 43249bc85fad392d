"""`layerproof certify`: verify one algorithm and write what was found as a certificate."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import Annotated

from cyclopts import Parameter

from ...symbolic.plain_text import message
from ...symbolic.strict_json import dumps
from ..certificate.certificate import certify, check_target, write
from ..terminal.options import Evidence, Json
from ..terminal.progress import ProgressLine
from ..terminal.run_options import CheckOptions
from ..terminal.table import show
from ..user_file import is_file, resolve_any

DEFAULTS = CheckOptions()


def command(
    algorithm: str,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="the certificate's file")],
    options: CheckOptions = DEFAULTS,
    evidence: Evidence = None,
    json: Json = False,
) -> int:
    """Verify one algorithm and write a certificate that `layerproof check` can check without trusting it.

    A certificate of a Python file of your own names the file, as seen from the certificate, and its digest.
    The device is not recorded: `check` judges floats anew.
    What is refuted or open is written as such, and the exit code is that of `layerproof verify`: 1 or 3.
    """
    if not is_file(algorithm):
        resolve_any(algorithm)
    settings = options.settings()
    check_target(output)
    file = os.path.relpath(Path(algorithm).resolve(), output.resolve().parent) if is_file(algorithm) else None
    with ProgressLine() as progress:
        result, certificate = certify(algorithm, settings, evidence, progress, file and Path(file).as_posix())
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
    print(message(f"wrote {output} (digest {digest}); anyone can check it: layerproof check {quote(str(output))}"))
    return result.exit_code

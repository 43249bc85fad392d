"""`layerproof.audit`: a claims file from Python."""

from __future__ import annotations

import os
from pathlib import Path

from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.plain_text import shown
from ..report.writing import check_target
from . import run
from .page import write
from .spec import read_claims


def audit(
    claims: str | os.PathLike[str],
    *,
    output: str | os.PathLike[str] | None = None,
    prove: bool = False,
    time_limit: int = 300,
) -> run.Audit:
    """Check every claim of a paper's claims file, as `layerproof audit` does; true where all of them hold.

    claims : a TOML file (docs/audit.md); output : where the page, the table and the JSON are written, nothing when None
    prove  : also run the Rocq prover, where an entry names no evidence
    Raises `ContentError` when the file is no claims file, `ArgumentError` when the directory is something else.  What a
    single claim cannot be checked for is told of it, and the others go on.
    """
    if not isinstance(claims, (str, os.PathLike)):
        raise ArgumentError(f"claims is {shown(claims)}, wanted the path of a TOML file")
    whole_number("time_limit", time_limit, 1)
    asked = read_claims(Path(claims))
    target = None if output is None else Path(output)
    if target is not None:
        check_target(target)
    found = run.audit(asked, prove, time_limit)
    if target is not None:
        write(found, target)
    return found

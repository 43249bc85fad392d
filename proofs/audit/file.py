"""A claims file from the first reading to the written page: `layerproof.audit`, and what the command does."""

from __future__ import annotations

import os
from pathlib import Path

from ...symbolic.exact import whole_number
from ...symbolic.kinds import FLAG, PATH, Kind
from ..case import Progress, silent
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
    Kind("the path of a TOML file", PATH.fits).check(claims=claims)
    PATH.check_given(output=output)
    FLAG.check(prove=prove)
    whole_number("time_limit", time_limit, 1)
    return audited(Path(claims), None if output is None else Path(output), prove, time_limit)[0]


def audited(
    claims: Path, output: Path | None, prove: bool, time_limit: int, progress: Progress = silent
) -> tuple[run.Audit, list[Path]]:
    """Read, check and write: what was found, and the files that say so."""
    asked = read_claims(claims)
    if output is not None:
        check_target(output)
    outcome = run.audit(asked, prove, time_limit, progress)
    return outcome, [] if output is None else write(outcome, output)

"""`layerproof report`: verify, then write what was found as a report: an index and a page for each algorithm."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...symbolic.algorithms import catalogue
from ...symbolic.errors import ArgumentError
from ...symbolic.plain_text import message
from ...symbolic.strict_json import dumps
from ..report.paper.write import write_paper
from ..report.reporting import Written, write_report
from ..sweep.workers import shared_by
from ..terminal.options import Evidence, Json, flag
from ..terminal.progress import ProgressLine
from ..terminal.run_options import RunOptions
from ..terminal.table import console, show

DEFAULTS = RunOptions()
DIRECTORY = Path("layerproof-report")


def command(
    *algorithms: str,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="the report's directory: new, or an earlier report")
    ] = DIRECTORY,
    format: Annotated[
        str | None,
        Parameter(
            name="--format",
            help="some of html,tex,md,json,pdf (tex,pdf with --paper); default: all that can be written",
        ),
    ] = None,
    options: RunOptions = DEFAULTS,
    evidence: Evidence = None,
    prove: Annotated[bool, flag("--prove", "also run the Rocq prover")] = False,
    invariance: Annotated[bool, flag("--invariance", "also ask which sets of weights training keeps")] = False,
    paper: Annotated[bool, flag("--paper", "two or three pages an algorithm, for a paper: tex and pdf")] = False,
    level: Annotated[
        str, Parameter(name="--level", help="with --paper, the heading: section, subsection or subsubsection")
    ] = "section",
    prefix: Annotated[
        str | None, Parameter(name="--prefix", help="with --paper, what labels begin with; default: NAME:")
    ] = None,
    dates: Annotated[bool, flag("--dates", "let pages hold what differs from machine to machine")] = False,
    json: Json = False,
) -> int:
    """Verify each algorithm (all when none is named) and write a report: derivation, weights, proofs, a worked example.

    An algorithm is a name of `layerproof list`, or a Python file of your own. The exit code is that of `layerproof
    verify`: the report is written whatever the verdicts are.
    """
    settings = options.settings()
    formats = [name.strip() for name in format.split(",")] if format is not None else None
    if paper:
        if invariance or dates:
            raise ArgumentError(f"{'invariance' if invariance else 'dates'} is no part of the paper form: leave it out")
        with ProgressLine() as progress:
            written = write_paper(
                algorithms, output, settings, formats, evidence, progress, prove=prove, level=level, prefix=prefix
            )
        return _tell(written, output, json)
    if prefix is not None or level != "section":
        raise ArgumentError("level and prefix are for the paper form: add --paper, or leave them out")
    with ProgressLine() as progress, shared_by(len(algorithms) or len(catalogue())) as pool:
        written = write_report(
            algorithms, output, settings, formats, evidence, progress, prove=prove, invariance=invariance, dates=dates,
            pool=pool, prompt_file=None if options.prompt is None else str(options.prompt),
        )  # fmt: skip
    return _tell(written, output, json)


def _tell(written: Written, output: Path, json: bool) -> int:
    result = written.result
    if written.note:
        print(f"layerproof: no PDF: {written.note}", file=sys.stderr)
    if written.kept:
        count = f"{len(written.kept)} file{'s' * (len(written.kept) > 1)}"
        print(message(f"layerproof: {count} of an earlier report in other formats stay, such as {written.kept[0]}"),
              file=sys.stderr)  # fmt: skip
    if written.lacking:
        print(f"layerproof: {written.lacking}", file=sys.stderr)
    if json:
        files = sorted(path.name for path in written.files)
        print(dumps({**result.document(), "report": {"directory": str(output), "files": files}}), end="")
        return result.exit_code
    show(result, details=False)
    out = console()
    first = next((output / name for name in ("index.html", "example.tex") if (output / name).exists()), output)
    out.print(
        message(f"wrote {first} ({len(written.files)} file{'s' * (len(written.files) != 1)})"),
        markup=False,
        soft_wrap=True,
    )
    return result.exit_code

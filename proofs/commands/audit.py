"""`layerproof audit`: check a paper's claims, one entry each in a TOML file, in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from ...symbolic.exact import whole_number
from ...symbolic.plain_text import message, one_line
from ...symbolic.strict_json import dumps
from ..audit.file import audited
from ..audit.run import Audit
from ..terminal.options import Json, flag, integer
from ..terminal.progress import ProgressLine
from ..terminal.run_options import TIME_LIMIT
from ..terminal.table import STYLES, console, hanging
from ..verdict import Verdict
from ..witness_text import reason_beside, witness_lines

DIRECTORY = Path("layerproof-audit")


def command(
    claims: Path,
    *,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="the page's directory: new, or an earlier audit")
    ] = DIRECTORY,
    prove: Annotated[bool, flag("--prove", "also run the Rocq prover, where an entry names no evidence")] = False,
    time_limit: Annotated[
        int, integer("--time-limit", "seconds that a user's own file may take for a claim")
    ] = TIME_LIMIT,
    json: Json = False,
) -> int:
    """Check every claim of a claims file, and write a page, a Markdown table and JSON of the verdicts.

    A claim is [[claim]] with a statement in words, an algorithm or a file, sizes, the evidence wanted, and where it
    stands in the paper: `layerproof.proofs.audit.spec` and docs/audit.md say which keys there are.

    Exit codes: 0 all hold, 1 some claim is refuted, 3 some claim is undecided or was not run, 4 some claim, or the
    file, cannot be checked.
    """
    whole_number("time-limit", time_limit, 1)
    with ProgressLine() as progress:
        audit, files = audited(claims, output, prove, time_limit, progress)
    if json:
        print(dumps({**audit.document(), "files": sorted(p.name for p in files), "directory": str(output)}), end="")
    else:
        show(audit)
        console().print(
            message(f"wrote {output / 'index.html'} ({len(files)} file{'s' * (len(files) != 1)})"),
            markup=False,
            soft_wrap=True,
        )
    return audit.exit_code


def show(audit: Audit) -> None:
    """A line a claim, and below one that does not hold why."""
    out = console()
    for judged in audit.judged:
        where = f"{judged.entry.equation}: " if judged.entry.equation else ""
        line = Text.assemble(
            (f"{judged.verdict.value:<9}", STYLES[judged.verdict]), f"  {message(f'{where}{judged.entry.statement}')}"
        )
        hanging(out, line)
        if judged.error:
            out.print(Text(f"    {one_line(judged.error)}"))
        for claim in sorted(judged.claims, key=lambda c: "prompt" not in (c.witness or {})):
            if claim.asked and claim.verdict is not Verdict.HOLDS:
                out.print(Text(f"    {claim.evidence}: {one_line(reason_beside(claim.reason, claim.witness))}"))
                for text in witness_lines(claim.witness or {}):
                    out.print(Text(f"      {text}"), soft_wrap=True)
    counts = ", ".join(f"{k} {v.value}" for v in Verdict if (k := sum(j.verdict is v for j in audit.judged)))
    out.print(Text(f"{len(audit.judged)} claims: {counts}", style="bold"))

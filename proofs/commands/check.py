"""`layerproof check`: check certificates without trusting them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...numeric.strict_json import dumps
from ...symbolic.errors import ArgumentError, ContentError
from .. import certificate
from ..case import MAX_WORK
from ..options import Json, integer
from ..progress import ProgressLine
from ..table import summary, witness_lines
from ..verdict import SCHEMA, Result, Verdict

SHOWN = 20


def command(
    *files: Path,
    prove: Annotated[
        bool, Parameter(name="--prove", negative=(), help="also compile the theory and audit its theorems")
    ] = False,
    device: Annotated[str, Parameter(name="--device", help="where floats run: auto, cpu or cuda")] = "auto",
    max_work: Annotated[int, integer("--max-work", "limit on the work that a certificate may ask for")] = MAX_WORK,
    json: Json = False,
) -> int:
    """Check certificates: derive everything again, compare field by field, and run their evidence again.

    Exit codes: 0 all hold, 1 some field or claim is refuted, 3 something is undecided or was not run,
    4 a file is no certificate that can be checked; with several files the first of 1, 4, 3, 0 that applies to any.
    """
    if not files:
        raise ArgumentError("no certificate is named, wanted at least one file: layerproof check cert.json")
    checked: dict[str, Result] = {}
    refused: dict[str, str] = {}
    progress = ProgressLine()
    for file in dict.fromkeys(files):
        name = os.fsencode(file).decode(errors="replace")
        try:
            checked[name] = certificate.check(certificate.read(file), prove, progress, device, max_work)
        except ContentError as error:
            refused[name] = str(error) if str(error).startswith(f"{file}: ") else f"{file}: {error}"
        finally:
            progress.clear()
    if not checked and len(refused) == 1:
        raise ContentError(next(iter(refused.values())))
    for reason in refused.values():
        print(f"layerproof: {reason}", file=sys.stderr)
    if json and checked:
        print(dumps(document(checked, refused, prove)), end="")
    elif not json:
        for name, result in checked.items():
            print("\n".join(lines(name, result)))
    codes = {result.exit_code for result in checked.values()} | ({ContentError.exit_code} if refused else set())
    return next(code for code in (1, 4, 3, 0) if code in codes)


def document(checked: dict[str, Result], refused: dict[str, str], prove: bool) -> dict[str, object]:
    """The results as one document; each claim's details name its file."""
    claims = [
        {**claim, "details": {**claim["details"], "file": name}}
        for name, result in checked.items()
        for claim in result.document()["claims"]
    ]
    files = {name: dict(result.settings) for name, result in checked.items()}
    return {
        "command": "check",
        "schema": SCHEMA,
        "settings": {"prove": prove, "files": files},
        "claims": claims,
        "refused": refused,
    }


def lines(name: str, result: Result) -> list[str]:
    """One line on a file, then its notes, the fields that differ, and the claims that do not hold."""
    asked = [c for c in result.claims if c.asked]
    worst = (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN)
    verdict = next((v for v in worst if any(c.verdict is v for c in asked)), Verdict.HOLDS)
    said = [f"{verdict.value}  {name}: {asked[0].algorithm}, {summary(result)}"]
    for claim in asked:
        said += [f"  note: made with {note}" for note in claim.details.get("notes", ())]
        fields = (claim.witness or {}).get("fields", [])
        for d in fields[:SHOWN]:
            said.append(f"  {d['field']}: the certificate has {d['certificate']}, wanted {d['derived']}")
        if len(fields) > SHOWN:
            said.append(f"  and {len(fields) - SHOWN} more fields: --json lists them")
        if claim.verdict is not Verdict.HOLDS and not fields:
            said.append(f"  {claim.verdict.value}  {claim.evidence}: {claim.reason}")
            said += [f"    {line}" for line in witness_lines(claim.witness or {})]
    return said

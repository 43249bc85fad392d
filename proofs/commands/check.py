"""`layerproof check`: check certificates, cases, constructions and exports, or all that a directory holds of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.plain_text import one_line, shown
from ...symbolic.strict_json import dumps
from ..case import MAX_WORK, Settings
from ..check import step_summary
from ..check.files import Kind, targets
from ..check.project import Outcome, exit_code
from ..check.workers import check_all
from ..terminal.options import ContextLength, Features, Json, Layers, Parameters, flag, integer, parameter_values
from ..terminal.progress import ProgressLine
from ..terminal.table import summary as counts
from ..verdict import NEEDS_WEIGHTS, SCHEMA, Result, Verdict, worst_asked
from ..witness_text import reason_beside, witness_lines

SHOWN = 20


def command(
    *files: Path,
    prove: Annotated[bool, flag("--prove", "also compile the theory and audit its theorems")] = False,
    features: Features = 2,
    context: ContextLength = 10,
    layers: Layers = 3,
    parameter: Parameters = None,
    device: Annotated[str, Parameter(name="--device", help="where floats run: auto, cpu or cuda")] = "auto",
    max_work: Annotated[int, integer("--max-work", "limit on the work that a file may ask for")] = MAX_WORK,
    time_limit: Annotated[int, integer("--time-limit", "seconds that each construction may take")] = 60,
    only_known: Annotated[bool, flag("--only-known", "ignore files that are nothing to check")] = False,
    summary: Annotated[
        Path | None, Parameter(name="--summary", help="append a Markdown table to this file (GITHUB_STEP_SUMMARY)")
    ] = None,
    json: Json = False,
) -> int:
    """Check files, and all that directories hold: nothing that a file claims is believed.

    A certificate (.json) is derived again, compared field by field, and its evidence run again.  A regression case
    (.json, verify --save) is replayed.  A construction (.py that assigns ALGORITHM or CONSTRUCTION) is loaded and
    verified at -d, -n and -L, with those of --parameter's values that it has; no other Python file is run.  An export
    (a directory of layerproof export) is checked
    file by file against its rationals, and these are derived again.

    Exit codes: 0 all hold, 1 some field or claim is refuted, 2 -d, -n and -L ask for more than --max-work, 3 something
    is undecided or was not run, or a directory holds nothing to check, 4 a file cannot be checked, 5 internal error at
    a file; of several the first of 1, 5, 4, 2, 3, 0 that applies to any.
    """
    if not files and not only_known:
        raise ArgumentError("no certificate is named, wanted a file or a directory: layerproof check cert.json")
    if summary is not None and (summary.is_dir() or not summary.parent.is_dir()):
        raise ArgumentError(f"summary is {str(summary)!r}, wanted a file in a folder that is there")
    whole_number("time_limit", time_limit, 1)
    settings = Settings(
        features=features, context=context, layers=layers, trials=4, device=device, max_work=max_work,
        time_limit=time_limit, asked=frozenset(), values=parameter_values(parameter or []),
    )  # fmt: skip
    outcomes = []
    with ProgressLine() as progress:
        for outcome in check_all(targets(files, only_known), settings, prove, progress):
            progress.clear()
            outcomes.append(outcome)
    unread = sorted(set(settings.values).difference(*(read_parameters(o) for o in outcomes)))
    if unread and all(o.result is not None for o in outcomes):
        raise ArgumentError(f"there is no parameter {shown(unread[0])} in any construction that was checked")
    if summary is not None:
        step_summary.append(summary, outcomes)
    return report(outcomes, prove, json)


def read_parameters(outcome: Outcome) -> Iterable[str]:
    """The parameters given on the command line that a construction of this outcome has."""
    values: Iterable[str] = () if outcome.result is None else outcome.result.settings.get("values", ())
    return values if outcome.kind is Kind.CONSTRUCTION else ()


def report(outcomes: list[Outcome], prove: bool, json: bool) -> int:
    """Print what was found, what could not be checked on stderr, and give the exit code."""
    if not outcomes:
        print("layerproof: nothing to check among the files named", file=sys.stderr)
    for outcome in outcomes:
        if outcome.result is None:
            print(f"layerproof: {outcome.refused}", file=sys.stderr)
    if json:
        print(dumps(document(outcomes, prove)), end="")
    elif not json:
        for outcome in outcomes:
            if outcome.result is not None:
                print("\n".join(lines(outcome, outcome.result)))
    return exit_code(outcomes)


def document(outcomes: list[Outcome], prove: bool) -> dict[str, object]:
    """The results as one document; each claim's details name its file."""
    checked = {o.name: (o, o.result) for o in outcomes if o.result is not None}
    claims = [
        {**claim, "details": {**claim["details"], "file": name}}
        for name, (_, result) in checked.items()
        for claim in result.document()["claims"]
    ]
    files = {name: {**result.settings, "what": o.kind.value} for name, (o, result) in checked.items()}
    code = exit_code(outcomes)
    first = next((o for o in outcomes if o.result is None and o.exit_code == code), None)
    error = {"error": {"code": code, "argument": first.name, "message": first.refused}} if first is not None else {}
    return {
        **error,
        "command": "check",
        "schema": SCHEMA,
        "settings": {"prove": prove, "files": files},
        "claims": claims,
        "refused": {o.name: o.refused for o in outcomes if o.result is None},
    }


def lines(outcome: Outcome, result: Result) -> list[str]:
    """One line on a file, then its notes, the fields that differ, and the claims that do not hold."""
    if outcome.kind is Kind.DIRECTORY:
        return [one_line(f"{outcome.verdict}  {outcome.name}: {outcome.reason}")]
    asked = [c for c in result.claims if c.asked]
    text = [f"{worst_asked(result.claims).value}  {outcome.name}: {asked[0].algorithm}, {counts(result)}"]
    for claim in asked:
        text += [f"  note: made with {note}" for note in claim.details.get("notes", ())]
        fields = (claim.witness or {}).get("fields", [])
        for d in fields[:SHOWN]:
            text.append(f"  {d['field']}: the certificate has {d['certificate']}, wanted {d['derived']}")
        if len(fields) > SHOWN:
            text.append(f"  and {len(fields) - SHOWN} more fields: --json lists them")
        follows = claim.verdict is Verdict.NOT_RUN and claim.reason == NEEDS_WEIGHTS  # the refutation before it says it
        if claim.verdict is not Verdict.HOLDS and not fields and not follows:
            text.append(f"  {claim.verdict.value}  {claim.evidence}: {reason_beside(claim.reason, claim.witness)}")
            text += [f"    {line}" for line in witness_lines(claim.witness or {})]
    return [one_line(line) for line in text]

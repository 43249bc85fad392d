"""`layerproof prove`: compile the Rocq theory, audit every theorem, say what each one states."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from ...symbolic.algorithms import catalogue
from ...symbolic.errors import ArgumentError, ContentError
from ..evidence.proved import CLAIM, NAME, STRENGTH, prove_all
from ..terminal.options import Json
from ..terminal.progress import ProgressLine
from ..terminal.table import STYLES, console, summary
from ..theory.audit import Audit
from ..theory.audits import audits, unproved
from ..theory.gate import THEORY, source_digests
from ..theory.general import general_audits
from ..theory.picture import document, picture
from ..theory.prover import INSTALL, find_prover
from ..user_file import resolve_algorithm
from ..verdict import Claim, Result, Verdict

GENERAL = "general"


def command(
    *algorithms: str,
    keep: Annotated[
        Path | None, Parameter(name="--keep", help="keep the compiled theory and the audit files in this new folder")
    ] = None,
    json: Json = False,
) -> int:
    """Prove each algorithm (all when none is named) for every d, n, L and preconditioner, with the Rocq kernel.

    Each theorem is stated with the textbook's recursion and the derived heads, in a file that knows nothing of the
    theory; the theory's proof is held against it, the prover is asked what it assumes, and the checker of compiled
    files reads all of it again. Exit code 0 only if all hold.
    """
    if keep is not None and keep.exists():
        raise ArgumentError(f"keep is {str(keep)!r}, which exists: name a folder that does not")
    found = [resolve_algorithm(name, "prove") for name in algorithms] or list(catalogue().values())
    asked = list({id(a): a for a in found}.values())
    names = [a.name for a in asked]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ContentError(
            f"two of those named are called {twice}, and a theorem is known by its name: prove one at a time"
        )
    named: dict[str, list[Audit]] = {a.name: audits(a) for a in asked}
    missing = [
        Claim(a.name, CLAIM, NAME, Verdict.NOT_RUN, STRENGTH, f"not machine-checked: {unproved(a)}")
        for a in asked
        if not named[a.name]
    ]
    if not algorithms:
        named[GENERAL] = general_audits()
    prover = find_prover()
    if prover is None:
        claims = [
            Claim(name, t.sentence, NAME, Verdict.NOT_RUN, STRENGTH, f"no Rocq prover on this machine: {INSTALL}",
                  details={"theorem": t.name, "file": f"{t.file}.v", "statement": t.statement})
            for name, own in named.items() for a in own for t in a.theorems
        ]  # fmt: skip
    else:
        progress = ProgressLine()
        try:
            claims = list(prove_all(named, prover, keep, progress))
        finally:
            progress.clear()
    settings: dict[str, Any] = {"prover": prover.version if prover else None, "sources": source_digests(THEORY)}
    if not algorithms:
        settings["theory"] = document(picture(claims))
    result = Result("prove", settings, tuple([*claims, *missing]))
    if json:
        print(result.to_json(), end="")
    else:
        _show(result)
    return result.exit_code


def _show(result: Result) -> None:
    out = console()
    for name in dict.fromkeys(c.algorithm for c in result.claims):
        out.print(Text(name, style="bold"))
        for c in (c for c in result.claims if c.algorithm == name):
            theorem = c.details.get("theorem", "")
            line = Text.assemble("  ", (c.verdict.value, STYLES[c.verdict]), f"  {theorem}  ", (c.claim, "dim"))
            out.print(line)
            if "statement" in c.details:
                out.print(Text(f"      {c.details['statement']}"))
            if c.verdict is not Verdict.HOLDS:
                out.print(Text(f"      {c.reason}"))
    out.print()
    out.print(
        Text(
            "Statements use the definitions of their own file: layerproof prove --keep FOLDER, statements/.",
            style="dim",
        )
    )
    out.print(Text(summary(result), style="bold"))

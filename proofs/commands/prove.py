"""`layerproof prove`: compile the Rocq theory, audit every theorem, say what each one states."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from ...numeric.files.placing import place_file
from ...symbolic.algorithms import catalogue
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.own import OwnConstruction
from ...symbolic.pattern_algorithms import pattern_catalogue
from ..evidence.proved import CLAIM, NAME, NO_LOOP, STRENGTH, prove_all
from ..report.theory import theory_document
from ..terminal.options import Json
from ..terminal.progress import ProgressLine
from ..terminal.table import STYLES, console, summary
from ..terminal.targets import check_file
from ..theory.audit import Audit
from ..theory.audits import audits, unproved
from ..theory.gate import THEORY, source_digests
from ..theory.general import general_audits
from ..theory.picture import document
from ..theory.picture import picture as picture_of
from ..theory.prover import INSTALL, find_prover
from ..user_file import resolve_any
from ..verdict import Claim, Result, Verdict

GENERAL = "general"


def command(
    *algorithms: str,
    keep: Annotated[
        Path | None, Parameter(name="--keep", help="keep the compiled theory and the audit files in this new folder")
    ] = None,
    picture: Annotated[
        Path | None, Parameter(name="--picture", help="draw what rests on what, and what was proved of it: a .html")
    ] = None,
    json: Json = False,
) -> int:
    """Prove each algorithm (all when none is named) for every d, n, L and preconditioner, with the Rocq kernel.

    Each theorem is stated with the textbook's recursion and the heads, derived or given, in a file that knows nothing
    of the theory; the theory's proof is held against it, the prover is asked what it assumes, and the checker of
    compiled files reads all of it again. Exit code 0 only if all hold.
    """
    if keep is not None and keep.exists():
        raise ArgumentError(f"keep is {str(keep)!r}, which exists: name a folder that does not")
    if picture is not None:
        check_file("picture", picture, ".html")
    subjects = [resolve_any(name) for name in algorithms] or [*catalogue().values(), *pattern_catalogue().values()]
    each = list({id(a): a for a in subjects}.values())
    names = [a.name for a in each]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ContentError(
            f"two of those named are called {twice}, and a theorem is known by its name: prove one at a time"
        )
    named: dict[str, list[Audit]] = {a.name: [] if isinstance(a, OwnConstruction) else audits(a) for a in each}
    missing = [
        Claim(a.name, CLAIM, NAME, Verdict.NOT_RUN, STRENGTH,
              NO_LOOP if isinstance(a, OwnConstruction) else f"not machine-checked: {unproved(a)}")
        for a in each if not named[a.name]
    ]  # fmt: skip
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
        with ProgressLine() as progress:
            claims = list(prove_all(named, prover, keep, progress))
    settings: dict[str, Any] = {"prover": prover.version if prover else None, "sources": source_digests(THEORY)}
    if not algorithms:
        settings["theory"] = document(picture_of(claims))
    if picture is not None:
        asked = [a for own in named.values() for a in own] if algorithms else None
        _draw(picture, theory_document(picture_of(claims, asked=asked)))
    result = Result("prove", settings, tuple([*claims, *missing]))
    if json:
        print(result.to_json(), end="")
    else:
        _show(result)
    return result.exit_code


def _draw(path: Path, page: bytes) -> None:
    try:
        place_file(path, page)
    except OSError as error:
        raise ContentError(f"{path}: cannot be written: {error.strerror or error}") from None


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

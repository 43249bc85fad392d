"""An audit as a page, and as a table for the paper's repository."""

from __future__ import annotations

from pathlib import Path

from ...symbolic.strict_json import dumps
from ..report.assemble import cell, plain, prose, sentence, witness
from ..report.model import Block, Folded, Note, Report, Table
from ..report.writers import html, markdown
from ..report.writers.checked import check
from ..report.writing import placed
from ..verdict import Verdict
from .run import Audit, Judged

SHOWN = 400


def report_of(audit: Audit) -> Report:
    """The page: the table of claims, what is refuted or open with its counterexample, then the evidence of each."""
    counts = [(v, sum(j.verdict is v for j in audit.judged)) for v in Verdict]
    counted = ", ".join(f"{k} {v.value.replace('_', ' ')}" for v, k in counts if k)
    rows = tuple(
        (cell(j.entry.equation or "–"), cell(j.entry.statement), cell(j.entry.checked), cell(verdict=j.verdict))
        for j in audit.judged
    )
    table = Table(("in the paper", "claim", "what was checked", "verdict"), rows, f"{len(rows)} claims: {counted}.")
    source = (plain(f"Source: {audit.claims.source}."),) if audit.claims.source else ()
    open_ = tuple(_note(j) for v in (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN) for j in audit.judged
                  if j.verdict is v)  # fmt: skip
    meaning = prose("A claim HOLDS when all that its entry asks for holds; UNDECIDED and NOT RUN are no success.")
    evidence = tuple(_evidence(j) for j in audit.judged)
    return Report(audit.claims.title, (*source, *open_, table, meaning, *evidence), ())


def _title(judged: Judged) -> str:
    where = f"{judged.entry.equation}: " if judged.entry.equation else ""
    return f"{where}{judged.entry.statement}"


def _note(judged: Judged) -> Note:
    blocks: list[Block] = [plain(sentence(judged.error))] if judged.error else []
    for claim in judged.claims:
        if claim.asked and claim.verdict is not Verdict.HOLDS:
            blocks += [plain(f"{claim.evidence}: {sentence(claim.reason)}"), *witness(claim)]
    return Note(judged.verdict, _title(judged)[:SHOWN], tuple(blocks))


def _evidence(judged: Judged) -> Folded:
    rows = tuple(
        (cell(c.evidence), cell(verdict=c.verdict), cell(sentence(c.claim)), cell(sentence(c.reason)[:SHOWN]))
        for c in judged.claims if c.asked
    )  # fmt: skip
    blocks: tuple[Block, ...] = (Table(("evidence", "verdict", "what it says", "how"), rows),)
    return Folded(_title(judged)[:SHOWN], blocks if rows else (plain(sentence(judged.error or "nothing was asked")),))


def write(audit: Audit, directory: Path) -> list[Path]:
    """index.html, audit.md and audit.json in a directory of their own; the paths. See `report.writing` for refusals."""
    report = report_of(audit)
    check(report)
    content = {
        "index.html": html.write(report)["index.html"],
        "audit.md": markdown.write(report)["index.md"],
        "audit.json": dumps(audit.document()).encode(),
    }
    return placed(directory, content)

"""Section "theorem": the theorem as Rocq states it, with its assumptions and whether the prover ran."""

from __future__ import annotations

import re

from ...theory.audit import Audit
from ...theory.audits import audits_for, unproved
from ...verdict import PROVED, Verdict
from ..assemble import cell, plain, prose, sentence
from ..findings import Findings
from ..model import Block, Code, Folded, Listing, Note, Section, Table
from .verdicts import badge

NAME, TITLE, ORDER = "theorem", "The theorem, as Rocq states it", 80


def build(findings: Findings) -> Section | None:
    """The audited statements about this algorithm, or that there are none."""
    algorithm = findings.algorithm
    if algorithm is None:
        return None
    assert findings.case is not None
    audits = audits_for(algorithm, findings.case.options)
    if not audits:
        absence = prose("No theorem is about this algorithm, so nothing here is machine-checked for all sizes: ",
                     plain(sentence(unproved(algorithm))).spans)  # fmt: skip
        return Section(NAME, TITLE, (Note(Verdict.NOT_RUN, "Not machine-checked", (absence,)),))
    main = audits[0]
    first = main.theorems[0]
    blocks: list[Block] = [
        _ran(findings),
        prose("The statement below is compiled apart from the theory, with the textbook's recursion and the "
              f"{'derived' if algorithm.heads is None else 'given'} heads spelled out; the theory's proof has to fit "
              "it. ", (sentence(first.sentence),)),
        Listing(f"Theorem {first.name} :\n  {first.statement}.", "rocq"),
        prose("Its assumptions are the variables that it is about, and nothing else; the gate lets no axiom through:"),
        Listing(assumptions(main), "rocq"),
        Folded("The file of statements, with all definitions", (Listing(main.statements.strip(), "rocq"),),
               "theorem-definitions"),
    ]  # fmt: skip
    rows = [
        (cell(Code(t.name)), cell(t.sentence), cell(Code(f"{t.file}.v")))
        for audit in audits for t in audit.theorems
    ]  # fmt: skip
    blocks.append(
        Table(("theorem", "what it says", "file"), tuple(rows), "All theorems about this algorithm.", cards=True)
    )
    blocks.append(Folded("Their statements", tuple(
        Listing(f"Theorem {t.name} :\n  {t.statement}.", "rocq") for t in main.theorems[1:]
    ), "theorem-statements"))  # fmt: skip
    return Section(NAME, TITLE, tuple(blocks))


def assumptions(audit: Audit) -> str:
    """The variables that the statements are about."""
    section = re.split(r"^Section Statement\.$", audit.statements, flags=re.M)[-1]
    return "\n".join(line for line in section.splitlines() if line.startswith(("Variable", "Hypothesis")))


def _ran(findings: Findings) -> Note:
    claims = findings.of_kind(PROVED)
    claim = claims[0] if claims else None
    if claim is None:
        return Note(Verdict.NOT_RUN, "The prover did not run", (prose("It is asked for with `--prove`."),))
    if claim.verdict is Verdict.HOLDS:
        return Note(badge(claim), "The Rocq kernel accepted it", (plain(sentence(claim.reason)),))
    titles = {Verdict.NOT_RUN: "The prover did not run for this report", Verdict.REFUTED: "The gate refused it",
              Verdict.UNDECIDED: "The gate could not decide"}  # fmt: skip
    explanation = (
        plain(sentence(claim.reason)),
        prose("`layerproof prove` compiles and audits it; `--prove` does so for a report."),
    )
    return Note(claim.verdict, titles[claim.verdict], explanation)

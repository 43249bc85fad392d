"""The table of claims at the end of a check, and counterexamples in words."""

from __future__ import annotations

import re
import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..evidence import kinds
from ..verdict import ABOUT, NEEDS_WEIGHTS, Claim, Result, Verdict, worst
from ..witness_text import reason_beside, witness_lines

STYLES = {Verdict.HOLDS: "green", Verdict.REFUTED: "bold red", Verdict.UNDECIDED: "yellow", Verdict.NOT_RUN: "dim"}


PLAIN = 150
"""Columns where standard output is no terminal."""
WIDE = 112
"""Columns that the whole table needs; a narrower terminal gets one word a cell."""
MOST = 34
"""Letters in which a line's columns begin."""
NARROW = {"proved-all-sizes": "Rocq", "identity-entrywise": "entries"}
"""What the narrow table calls a kind of evidence that is not called by its name's second word."""


class _Output(Console):
    """A console that leaves a closed pipe to the command line, rather than ending the process itself."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console() -> Console:
    """Standard output; wide enough not to break words when it is no terminal."""
    plain = not sys.stdout.isatty()
    return _Output(width=PLAIN if plain else None, highlight=False, soft_wrap=False)


def hanging(out: Console, line: Text) -> None:
    """Print a line; what a narrow terminal has no room for goes on below its last column, set off by two spaces."""
    columns = [gap.end() for gap in re.finditer(r" {2,}(?=\S)", line.plain[:MOST])]
    if line.cell_len <= out.width or out.width >= WIDE or not columns:
        out.print(line, soft_wrap=True)
        return
    front, rest = line.divide([columns[-1]])
    for k, part in enumerate(rest.wrap(out, out.width - columns[-1])):
        part.rstrip()
        out.print(Text.assemble(" " * columns[-1] if k else front, part), soft_wrap=True)


def needed(table: Table, out: Console) -> int:
    """The columns that a table needs to be printed whole."""
    return out.measure(table, options=out.options.update(max_width=10_000)).maximum


def show(result: Result, details: bool) -> None:
    """Print one row an algorithm and one column a kind of evidence, then reasons and counterexamples."""
    out = console()
    if result.fault:
        out.print(Text(f"FAULT OF LAYERPROOF: {result.fault}", style="bold red"))
    if out.width < WIDE:
        _narrow(result, out)
    else:
        _table(result, out)
    for note in result.notes:
        out.print(Text(note), soft_wrap=True)
    _reasons(result, details, out)


def _table(result: Result, out: Console) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("algorithm", no_wrap=True)
    for name in kinds():
        table.add_column(name.replace("-", "-\n"), no_wrap=True)
    for algorithm in dict.fromkeys(c.algorithm for c in result.claims):
        cells = [
            _cell([c for c in result.claims if (c.algorithm, c.evidence) == (algorithm, kind)]) for kind in kinds()
        ]
        table.add_row(algorithm, *cells)
    out.print(table)


def _narrow(result: Result, out: Console) -> None:
    """The table with the worst verdict of each kind alone; a line a claim where even that is too wide."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("algorithm", no_wrap=True)
    for name in kinds():
        table.add_column(NARROW.get(name, name.removeprefix("identity-")), no_wrap=True)
    for algorithm in dict.fromkeys(c.algorithm for c in result.claims):
        own = [c for c in result.claims if c.algorithm == algorithm]
        table.add_row(algorithm, *(_word([c for c in own if c.evidence == kind]) for kind in kinds()))
    if needed(table, out) <= out.width:
        out.print()
        out.print(table)
        return
    for claim in result.claims:
        out.print(Text(f"{claim.algorithm}  {claim.evidence}  ").append_text(_cell([claim])), soft_wrap=True)


def _word(claims: list[Claim]) -> Text:
    """The worst verdict, of those that were asked for where some were."""
    asked = [c.verdict for c in claims if c.asked] or [c.verdict for c in claims]
    if not asked:
        return Text("-", style="dim")
    verdict = worst(asked)
    return Text(verdict.value, STYLES[verdict])


def _reasons(result: Result, details: bool, out: Console) -> None:
    if details:
        for claim in result.claims:
            out.print()
            out.print(
                Text.assemble((claim.verdict.value, STYLES[claim.verdict]), f"  {claim.algorithm}  {claim.evidence}")
            )
            out.print(Text(f"  {claim.claim}"))
            holds = claim.verdict is Verdict.HOLDS
            reason = reason_beside(claim.reason, claim.witness if claim.asked else None)
            out.print(Text(f"  {claim.strength}: {reason}" if holds else f"  {reason}"))
    for claim in result.claims:
        follows = claim.verdict is Verdict.NOT_RUN and claim.reason == NEEDS_WEIGHTS  # the refutation before it says it
        if claim.asked and claim.verdict is not Verdict.HOLDS and not details and not follows:
            out.print()
            out.print(
                Text.assemble((claim.verdict.value, STYLES[claim.verdict]), f"  {claim.algorithm}  {claim.evidence}: ")
            )
            out.print(Text(f"  {reason_beside(claim.reason, claim.witness)}"))
        if claim.asked and claim.witness:
            for line in witness_lines(claim.witness):
                out.print(Text(f"  {line}"), soft_wrap=True)  # whole, so that it can be read by a program too
    out.print()
    if not details:
        out.print(
            Text(
                "What each kind of evidence means: layerproof list --evidence; every claim in words: --details",
                style="dim",
            )
        )
    out.print(Text(summary(result), style="bold"))


def _cell(claims: list[Claim]) -> Text:
    text = Text()
    for claim in claims:
        if text:
            text.append("\n")
        text.append(claim.verdict.value, STYLES[claim.verdict])
        fact = claim.details.get("fact")
        if fact:
            text.append(f" {fact}")
        elif isinstance(claim.bound, float) and isinstance(claim.error, float) and claim.bound > 0:
            text.append(f" {claim.error:.0e} of {claim.bound:.0e}")
        if ABOUT in claim.details:
            text.append(f" {claim.details[ABOUT]}", "yellow")
    return text


def summary(result: Result) -> str:
    """One line: how many claims came out how."""
    asked = [c for c in result.claims if c.asked]
    counts = {v: sum(c.verdict is v for c in asked) for v in Verdict}
    counted = ", ".join(f"{k} {v.value}" for v, k in counts.items() if k)
    return f"{len(asked)} claim{'' if len(asked) == 1 else 's'}: {counted}"

"""The answers about rules as tables, rule x assumption, in the style of the talk; one rule's in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ..terminal.table import STYLES, console, summary
from ..verdict import Claim, Result, Verdict
from .assumptions import ASSUMED, ASSUMPTIONS, CITED, FACT, ODE, RESULT, TALK, THEOREM

TITLES = {
    TALK: "What theorems of stochastic approximation assume",
    ODE: f"The ODE method with Markovian noise: {THEOREM}",
    RESULT: "What follows",
    FACT: "Beside them",
}


COLUMNS = {
    TALK: ("iid", "bounded", "poisson", "negative-definite", "hurwitz", "lln"),
    ODE: ("stationary", "lln", "steps", "lipschitz", "scaling", "ode-at-infinity"),
    RESULT: ("stability", "mean-ode", "convergence"),
}


def show(result: Result, details: bool) -> None:
    """Print a table for each group of assumptions, a row a rule; of a single rule every reason."""
    out = console()
    names = list(dict.fromkeys(c.algorithm for c in result.claims))
    if len(names) == 1 or details:
        for name in names:
            _full(out, name, [c for c in result.claims if c.algorithm == name])
    else:
        for group in COLUMNS:
            out.print(_table(group, names, result.claims))
        out.print(Text("each with its reason: --details, or one rule", style="dim"))
    out.print(Text(summary(result), style="bold"))


def _table(group: str, names: Sequence[str], claims: Sequence[Claim]) -> Table:
    columns = [ASSUMPTIONS[key] for key in COLUMNS[group]]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=TITLES[group], title_justify="left", title_style="bold")
    table.add_column("rule", no_wrap=True)
    for a in columns:
        table.add_column(a.short, no_wrap=True)
    for name in names:
        own = {c.details["assumption"]: c for c in claims if c.algorithm == name}
        table.add_row(name, *(mark(own.get(a.key)) for a in columns))
    return table


def established(claims: Sequence[Claim]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Rule x assumption -> the answer and how it was established: headers, and a row of text a rule."""
    keys = [key for key in ASSUMPTIONS if any(key in columns for columns in COLUMNS.values())]
    rows = []
    for name in dict.fromkeys(c.algorithm for c in claims):
        own = {c.details["assumption"]: c for c in claims if c.algorithm == name}
        rows.append((name, *(_how(own.get(key)) for key in keys)))
    return ("rule", *(ASSUMPTIONS[key].short for key in keys)), rows


ANSWERS = {Verdict.HOLDS: "yes", Verdict.REFUTED: "no"}


def _how(claim: Claim | None) -> str:
    if claim is None:
        return "-"
    how = str(claim.details["established"])
    if claim.verdict is Verdict.UNDECIDED:
        return "open"
    if claim.verdict is Verdict.NOT_RUN:
        return how if how in (CITED, ASSUMED) else "-"
    return f"{ANSWERS[claim.verdict]}, {how}"


def mark(claim: Claim | None) -> Text:
    """A cell: the verdict, or how it is established where nothing was checked."""
    if claim is None:
        return Text("-", style="dim")
    if claim.verdict is Verdict.NOT_RUN:
        how = claim.details["established"]
        return Text(how if how in (CITED, ASSUMED) else "-", style="cyan" if how in (CITED, ASSUMED) else "dim")
    return Text(claim.verdict.value, STYLES[claim.verdict])


def _full(out: Any, name: str, claims: Sequence[Claim]) -> None:
    out.print(Text(f"{name} on {claims[0].details['process']}", style="bold"))
    for group, title in TITLES.items():
        own = [c for c in claims if ASSUMPTIONS[c.details["assumption"]].group == group]
        if not own:
            continue
        out.print()
        out.print(Text(title, style="bold"))
        for claim in own:
            key = claim.details["assumption"]
            out.print(Text.assemble("  ", _padded(mark(claim)), f"  {key:<18}", (claim.reason, "")), soft_wrap=True)
    out.print()


def _padded(cell: Text) -> Text:
    cell.pad_right(max(0, 9 - len(cell.plain)))
    return cell

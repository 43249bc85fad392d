"""The answers about invariance as a table, and a set's blocks, witness and update in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...symbolic.invariance.own_weights import FORM_WORDS
from ..terminal.table import STYLES, console, needed, summary
from ..verdict import Claim, Result, Verdict
from ..witness_text import witness_lines
from .question import PATTERN, SETS

KINDS = {
    "invariance-exact": "witness",
    "invariance-proved": "Rocq",
    "invariance-blocks": "all d, n",
    "invariance-entrywise": "polynomials",
    "invariance-random": "random points",
}
"""Short words for the kinds of evidence, strongest first: the table shows the strongest."""
Depth = tuple[str, int, bool]


def show(result: Result, details: bool) -> None:
    """Print a row for each algorithm and depth with a cell for each set, then the sets, witnesses and facts."""
    out = console()
    unknown = [c for c in result.claims if c.details.get("fact") == PATTERN]
    known = [c for c in result.claims if c not in unknown]
    if known:
        _show_known(known, result.settings["weights"], details, out)
    for claim in unknown:
        out.print(Text.assemble((claim.verdict.value, STYLES[claim.verdict]), f"  {claim.algorithm}: {claim.claim}"))
        out.print(Text(f"  {claim.reason}", style="dim"))
    out.print()
    out.print(Text(summary(result), style="bold"))


def _show_known(claims: Sequence[Claim], form: str, details: bool, out: Console) -> None:
    by_depth: dict[Depth, list[Claim]] = {}
    for claim in claims:
        by_depth.setdefault((claim.algorithm, claim.details["layers"], claim.details["looped"]), []).append(claim)
    asked = dict.fromkeys(c.details["set"] for c in claims if "set" in c.details)
    names = sorted(asked, key=lambda name: SETS.index(name) if name in SETS else len(SETS))
    table = _wide(by_depth, names)
    if needed(table, out) > out.width:  # a column would be cut, and a verdict with it
        table = _tall(by_depth, names)
    out.print(table)
    out.print(Text("verdict, dimension of the set, strongest evidence", style="dim"))
    for line in own_lines(claims, form):
        out.print(line)
    if details or len({c.algorithm for c in claims}) == 1:
        for depth_key, about in by_depth.items():
            for line in _lines(depth_key, about, names):
                # witnesses and block patterns stay whole, so that a program can read them too
                out.print(line, soft_wrap=line.plain.startswith(" " * 6) or " = [" in line.plain)
    else:
        out.print(Text("the sets in blocks, the witnesses and the facts beside them: --details, or one algorithm"))


def _wide(by_depth: Mapping[Depth, Sequence[Claim]], names: Sequence[str]) -> Table:
    """A row for each algorithm and depth, a column for each set."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("algorithm", no_wrap=True)
    table.add_column("layers", no_wrap=True)
    for name in names:
        table.add_column(Text(name), no_wrap=True)
    for (algorithm, depth, looped), claims in by_depth.items():
        words = "1" if depth == 1 else f"{depth} {'looped' if looped else 'sequential'}"
        table.add_row(algorithm, words, *(_cell([c for c in claims if c.details.get("set") == n]) for n in names))
    return table


def _tall(by_depth: Mapping[Depth, Sequence[Claim]], names: Sequence[str]) -> Table:
    """A row for each algorithm, depth and set."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("algorithm", "layers", "set", "verdict", "by"):
        table.add_column(name, no_wrap=name != "by")
    for (algorithm, depth, looped), claims in by_depth.items():
        first = (algorithm, "1" if depth == 1 else f"{depth} {'looped' if looped else 'sequential'}")
        for name in names:
            verdict, *by = _cell([c for c in claims if c.details.get("set") == name]).split("\n")
            table.add_row(*first, Text(name), verdict, *by)
            first = ("", "")
    return table


def _cell(claims: Sequence[Claim]) -> Text:
    if not claims:
        return Text("-", style="dim")
    verdict = verdict_on_set(claims)
    by_kind = {c.evidence: c for c in claims if c.verdict is verdict}  # a recorded proof counts among them
    strongest = next(
        (by_kind[kind].details.get("short", words) for kind, words in KINDS.items() if kind in by_kind), ""
    )
    size = "" if claims[0].dimension is None else f" {claims[0].dimension}"
    text = Text.assemble((verdict.value, STYLES[verdict]), size)
    return text.append(f"\n{strongest}", "dim")


def own_lines(claims: Sequence[Claim], form: str) -> list[Text]:
    """Which weights the sets go through, and the smallest dimension through each form of them where forms differ."""
    if not any("weights" in c.details for c in claims):
        return []
    lines = [Text(f"own weights, every step I or 1 and no table's: {FORM_WORDS[form]}", style="dim")]
    dimensions: dict[str, dict[str, list[int | None]]] = {}
    for claim in claims:
        if claim.details.get("fact") == "smallest":
            dimensions.setdefault(claim.algorithm, {}).setdefault(claim.details["weights"], []).append(claim.dimension)
    for algorithm, forms in dimensions.items():
        if len(forms) > 1:
            told = "; ".join(f"{name} {', '.join(map(str, sizes))}" for name, sizes in forms.items())
            lines.append(Text(f"{algorithm}, smallest dimension by depth: {told}", style="dim"))
    return lines


def verdict_on_set(claims: Sequence[Claim]) -> Verdict:
    """The verdict on a set for which several kinds of evidence speak."""
    verdicts = {c.verdict for c in claims if c.asked}
    return next((v for v in (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.HOLDS) if v in verdicts), Verdict.NOT_RUN)


def _lines(depth_key: Depth, claims: Sequence[Claim], names: Sequence[str]) -> list[Text]:
    algorithm, depth, looped = depth_key
    title = f"{algorithm}, L = {depth}" + ("" if depth == 1 else ", looped" if looped else ", sequential")
    lines = [Text(), Text(title, style="bold")]
    for name in names:
        about = [c for c in claims if c.details.get("set") == name]
        if not about:
            continue
        verdict = verdict_on_set(about)
        size = "" if about[0].dimension is None else f", dimension {about[0].dimension}"
        lines.append(Text.assemble("  ", (verdict.value, STYLES[verdict]), f"  {name}{size}"))
        told = next((c.details for c in about if "meaning" in c.details), {})
        if told:
            lines.append(Text(f"    {told['meaning']}", style="dim"))
        patterns = told.get("patterns") or []
        for layer, pattern in enumerate(patterns if len({str(p) for p in patterns}) > 1 else patterns[:1]):
            where = f" of layer {layer + 1}" if len(patterns) > 1 and patterns[0] != patterns[-1] else ""
            lines += [Text(f"    {text}") for text in pattern_lines(pattern, where)]
        for claim in about:
            kind = claim.details.get("short", KINDS.get(claim.evidence, claim.evidence))
            lines.append(Text(f"    {kind}: {claim.reason}"))
            if claim.witness:
                lines += [Text(f"      {text}") for text in witness_lines(claim.witness)]
    for claim in claims:
        if "set" not in claim.details:
            lines.append(Text.assemble("  ", (claim.verdict.value, STYLES[claim.verdict]), f"  {claim.claim}"))
            lines.append(Text(f"    {claim.reason}", style="dim"))
    return lines


def pattern_lines(pattern: Mapping[str, Sequence[Sequence[str]]], where: str = "") -> list[str]:
    """Block patterns side by side as text; a number c on a feature block is written c I."""
    lines = []
    for matrix, rows in pattern.items():
        width = max(len(entry) for row in rows for entry in row)
        for k, row in enumerate(rows):
            left = f"{matrix}{where} = [" if k == 0 else " " * len(f"{matrix}{where} = ") + "["
            lines.append(left + "  ".join(entry.ljust(width) for entry in row) + "]")
    return lines

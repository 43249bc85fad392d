"""Write the tables of the algorithms, README's and docs/catalogue.md's: python scripts/catalogue_table.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from layerproof.proofs.commands.list import describe
from layerproof.proofs.formula.sympy_tree import expression
from layerproof.symbolic.algorithm import GROUPS, Algorithm
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.derivation.derive import quick

README = Path(__file__).parents[1] / "README.md"
PAGE = Path(__file__).parents[1] / "docs" / "catalogue.md"
TABLE = re.compile(r"^\| name \| heads \| .*\n(?:\|.*\n)+", re.M)


def table() -> str:
    """A row an algorithm, group by group: what its update says in its first line, and who wrote of it first."""
    lines = ["| name | heads | what each layer does | source |", "|---|---|---|---|"]
    for a in sorted(catalogue().values(), key=lambda a: GROUPS.index(a.group)):
        heads = describe(a)["heads"]
        update = (a.update.__doc__ or "").strip().partition("\n")[0].rstrip(".").replace("|", r"\|")
        first = re.match(r".*?\d{4}", a.source)
        lines.append(f"| `{a.name}` | {heads} | {update} | {first[0] if first else a.source} |")
    return "\n".join(lines) + "\n"


def evidence_table() -> str:
    """A row an algorithm: its heads and masks, where they come from, what does not run, and the source in full."""
    lines = [
        "| name | heads | masks, M[i, j] | weights | evidence that it lacks | source |",
        "|---|---|---|---|---|---|",
    ]
    for a in sorted(catalogue().values(), key=lambda a: GROUPS.index(a.group)):
        form = quick(a)
        masks = "; ".join(dict.fromkeys(_mask(m) for m in form.masks)).replace("|", r"\|")
        weights = "derived" if a.heads is None else "given"
        lines.append(f"| `{a.name}` | {len(form.heads)} | {masks} | {weights} | {_lacks(a)} | {a.source} |")
    return "\n".join(lines) + "\n"


def _mask(mask: Any) -> str:
    pieces = (("i = j", mask.diagonal_entry()), ("j < i", mask.lower_entry()), ("i < j", mask.upper_entry()))
    return ", ".join(f"{expression(entry).text} for {where}" for where, entry in pieces if entry != 0)


def _lacks(a: Algorithm) -> str:
    lacks = []
    if a.tables:
        formulas = any(isinstance(rule, str) for rule in a.tables.values())
        lacks.append(f"looped{', the rate to its limit' * formulas} (a table)")
    if a.selections:
        lacks.append("looped, a limit (tokens by layer)")
    return "; ".join(lacks)


def written(text: str, made: str | None = None, table_of: re.Pattern[str] = TABLE) -> str:
    """The page with its table in its place."""
    new = table() if made is None else made
    filled, count = table_of.subn(lambda _: new, text)
    if count != 1:
        raise SystemExit("the page must hold one table that starts with | name | heads |")
    return filled


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), evidence_table()), encoding="utf-8")

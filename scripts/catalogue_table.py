"""Write the README's table of the algorithms from the catalogue: python scripts/catalogue_table.py."""

from __future__ import annotations

import re
from pathlib import Path

from layerproof.proofs.commands.list import describe
from layerproof.symbolic.algorithm import GROUPS
from layerproof.symbolic.algorithms import catalogue

README = Path(__file__).parents[1] / "README.md"
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


def written(text: str) -> str:
    """The README with the table in its place."""
    found, count = TABLE.subn(lambda _: table(), text)
    if count != 1:
        raise SystemExit("README.md must hold one table that starts with | name | heads |")
    return found


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")

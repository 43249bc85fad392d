"""The summary of a check as a Markdown table, for the page of a CI run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ...symbolic.plain_text import markdown
from .project import Outcome

MAX_ROWS = 500
"""Files that are listed; a page of GitHub's takes a megabyte."""


def table(outcomes: list[Outcome]) -> str:
    """A heading, how many files came out how, and a row a file, those that do not hold first."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    total = ", ".join(f"{counts[v]} {v}" for v in sorted(counts)) or "nothing to check"
    rows = sorted(outcomes, key=lambda outcome: outcome.exit_code == 0)
    lines = ["", "### layerproof check", "", f"{len(outcomes)} files: {total}", ""]
    if rows:
        lines += ["| file | what | verdict | reason |", "|---|---|---|---|"]
    for o in rows[:MAX_ROWS]:
        lines.append(f"| {markdown(o.name)} | {o.kind.value} | {o.verdict} | {markdown(o.reason)} |")
    if len(rows) > MAX_ROWS:
        lines += ["", f"and {len(rows) - MAX_ROWS} more files"]
    return "\n".join(lines) + "\n"


def append(path: Path, outcomes: list[Outcome]) -> None:
    """Append the table to a file, which is made where it is missing."""
    with path.open("a", encoding="utf-8") as file:
        file.write(table(outcomes))

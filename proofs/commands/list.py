"""`layerproof list`: the algorithms, and what is known about each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ...symbolic.algorithm import GROUPS, Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.derivation.derive import closed_form_heads
from ...symbolic.derivation.state import SymbolicState
from ...symbolic.pattern_algorithms import pattern_catalogue
from ...symbolic.patterns.derive import derive_pattern
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.strict_json import dumps
from ..evidence import kinds
from ..patterns.weights import applicable
from ..terminal.options import Json, flag
from ..terminal.table import WIDE, console
from ..verdict import SCHEMA

FROM_MEMORY = "Sources are cited from memory, sections and equation numbers too: compare there before quoting them"


def describe(algorithm: Algorithm) -> dict[str, Any]:
    """One algorithm as plain data."""
    heads = closed_form_heads(SymbolicState(algorithm))
    return {
        "name": algorithm.name,
        "title": algorithm.title,
        "source": algorithm.source,
        "heads": len(heads),
        "feature_rows": [b.name for b in algorithm.features],
        "accumulator_rows": [r.name for r in algorithm.accumulators],
        "weights": list(algorithm.weights),
        "preconditioners": list(algorithm.preconditioners),
        "parameters": list(algorithm.parameters),
        "options": {name: list(values) for name, values in algorithm.options.items()},
        "sizes": list(algorithm.stated_for),
        "group": algorithm.group,
        "differs": algorithm.differs,
        "evidence": [name for name in kinds() if algorithm.heads is None or name != "derived"],
    }


def describe_pattern(algorithm: PatternAlgorithm) -> dict[str, Any]:
    """One algorithm that attends by patterns, as plain data."""
    return {
        "name": algorithm.name,
        "title": algorithm.title,
        "source": algorithm.source,
        "heads": len(derive_pattern(algorithm).heads),
        "rows": [row.name for row in algorithm.rows],
        "state": algorithm.state,
        "kernels": list(algorithm.kernels),
        "parameters": list(algorithm.parameters),
        "differs": algorithm.differs,
        "evidence": list(applicable(algorithm, tuple(kinds()))),
    }


def command(
    *,
    evidence: Annotated[bool, flag("--evidence", "the kinds of evidence and what each one means")] = False,
    json: Json = False,
) -> int:
    """List the algorithms with their sources, heads, prompt rows and the evidence that exists for each."""
    algorithms = [describe(a) for a in catalogue().values()]
    patterned = [describe_pattern(a) for a in pattern_catalogue().values()]
    meanings = [
        {"name": name, "strength": kind.STRENGTH, "meaning": _first_line(kind)} for name, kind in kinds().items()
    ]
    if json:
        print(
            dumps(
                {
                    "command": "list",
                    "schema": SCHEMA,
                    "claims": [],
                    "algorithms": algorithms,
                    "patterns": patterned,
                    "evidence": meanings,
                }
            ),
            end="",
        )
        return 0
    out = console()
    if evidence:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for title in ("evidence", "what a HOLDS means", "how it is established"):
            table.add_column(title)
        for kind in meanings:
            table.add_row(kind["name"], kind["strength"], kind["meaning"])
        out.print(table)
        return 0
    groups = {group: [a for a in algorithms if a["group"] == group] for group in GROUPS}
    for group, members in groups.items():
        if not members:
            continue
        if out.width < WIDE:
            out.print(Text(group, "bold underline"))
            for a in members:
                _entry(a, out)
        else:
            out.print(_table(group, members))
    out.print(Text("attention patterns, state in tokens", "bold underline"))
    for p in patterned:
        out.print(Text.assemble((p["name"], "bold"), f"  {p['heads']} head{'s' * (p['heads'] != 1)}  {p['state']}"))
        out.print(Padding(Text(p["source"]), (0, 0, 0, 2)))
    out.print(Text("  Other commands: converge, train and report --paper are for linear attention, and say so"))
    out.print(Text(f"Evidence for each: {', '.join(kinds())}"))
    for a in [*algorithms, *patterned]:
        missing = [name for name in kinds() if name not in a["evidence"]]
        if missing:
            out.print(Text(f"  but for {a['name']}: no {' and no '.join(missing)}"))
    out.print(Text(FROM_MEMORY))
    out.print(Text("What they mean: layerproof list --evidence; how an update differs from its source: derive NAME"))
    return 0


def _table(group: str, members: Sequence[dict[str, Any]]) -> Table:
    """The algorithms of one group in a wide terminal."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=group, title_justify="left", title_style="bold")
    table.add_column("algorithm", no_wrap=True)
    for title in ("heads", "prompt rows", "options, sizes", "source"):
        table.add_column(title)
    for a in members:
        rows = " + ".join([", ".join(a["feature_rows"]), ", ".join(a["accumulator_rows"])])
        chosen = [f"--{name} {' or '.join(values)}" for name, values in a["options"].items()]
        options = "; ".join([*chosen, *a["sizes"]])
        table.add_row(a["name"], str(a["heads"]), rows, options, a["source"])
    return table


def _entry(a: dict[str, Any], out: Console) -> None:
    """One algorithm in a few lines of a narrow terminal."""
    count = f"{a['heads']} head{'s' * (a['heads'] != 1)}"
    options = "".join(f"  --{name} {' or '.join(values)}" for name, values in a["options"].items())
    out.print(Text.assemble((a["name"], "bold"), f"  {count}{options}"))
    rows = " + ".join([", ".join(a["feature_rows"]), ", ".join(a["accumulator_rows"])])
    for text in (f"rows {rows}", *(f"stated for {size}" for size in a["sizes"]), a["source"]):
        out.print(Padding(Text(text), (0, 0, 0, 2)))


def _first_line(kind: Any) -> str:
    return str(kind.__doc__).partition("\n")[0].partition(": ")[2]

"""Section "training": what networks came to that were trained in this algorithm's prompts, in a run on record."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from ....symbolic.strict_json import loads
from ...verdict import Verdict
from ..assemble import cell, plain, prose
from ..findings import Findings
from ..model import Block, Listing, Note, Picture, Section, Table
from ..picture_bands import Band, bands_picture

NAME, TITLE, ORDER = "training", "What training finds", 125
TRAINABLE = ("td0", "td-lambda", "residual-gradient", "average-reward-td", "gtd2")
"""What `layerproof train` has the prompt, masks and heads of."""


@cache
def recorded(algorithm: str) -> dict[str, Any] | None:
    """The run on record for an algorithm, as plain data; None where there is none."""
    place = files("layerproof.proofs.report") / "runs" / f"{algorithm}.json"
    if not place.is_file():
        return None
    document: dict[str, Any] = loads(place.read_text(encoding="utf-8"))
    return document


def build(findings: Findings) -> Section | None:
    """The recorded run's verdicts, measures and picture; or that there is none."""
    if findings.algorithm is None:
        return None
    name = findings.algorithm.name
    run = recorded(name)
    if run is None:
        absence = (
            f"No run is on record. `layerproof train --architecture {name} -o run` trains networks in its prompts."
            if name in TRAINABLE
            else "Networks with this prompt are not among those that `layerproof train` trains."
        )
        return Section(NAME, TITLE, (Note(Verdict.NOT_RUN, "Not trained", (prose(absence),)),))
    return Section(NAME, TITLE, tuple(_blocks(run)))


def _blocks(run: dict[str, Any]) -> list[Block]:
    s = run["settings"]
    layers = f"{s['layers']} {'looped layers' if s['looped'] else 'layers with weights of their own'}"
    rule = "deep TD" if s["target"] == "semi-gradient" else f"deep TD with the target {s['target']}"
    blocks: list[Block] = [
        plain(
            f"{s['seeds']} networks of {layers} (d = {s['d']}, n = {s['n']}) were trained by {rule}, each on "
            f"{s['processes']} random processes ({s['process']}), from small random weights. This is a run on record, "
            "not one of this report: it says what was observed, and proves nothing."
        )
    ]
    rows = [
        (cell(rule), *(cell(str(counts[v])) for v in ("reached", "half-way", "not reached")))
        for rule, counts in run["verdicts"].items()
    ]
    caption = f"Networks by verdict. Reached: {run['criterion']['reached']}."
    blocks.append(Table(("rule", "reached", "half-way", "not reached"), tuple(rows), caption))
    columns = ("networks", "reached", "half_way")
    nulls = [
        (cell(n["kind"]), *(cell(str(n[c])) for c in columns), cell(f"{n['share']:.3f}"))
        for n in run["criterion"]["null"]
    ]
    caption = "The same criterion on networks with nothing to learn from."
    heads = ("networks", "number", "reached", "half-way", "largest share")
    blocks.append(Table(heads, tuple(nulls), caption))
    final = [
        (cell(name), *(cell("–" if v[k] is None else f"{v[k]:.3g}") for k in ("mean", "low", "median", "high")))
        for name, v in run["final"].items()
    ]
    blocks.append(
        Table(
            ("measure", "mean", "lower quartile", "median", "upper quartile"), tuple(final), "In the end, over seeds."
        )
    )
    bands = [
        Band(name.removeprefix("implicit weight "), v["mean"], v["low"], v["high"]) for name, v in run["curves"].items()
    ]
    svg, words = bands_picture(run["processes"], bands, "What emerges in training", "training", (-0.2, 1.0))
    blocks.append(Picture(svg, words, "Means over seeds, bands from quartile to quartile.", _values(run)))
    made = run["made"]
    blocks.append(
        plain(
            f"Made on {made['date']} in {made['seconds']:.0f} s on {made['machine']}, beside other work (mean load "
            f"{made['load'][0]:.0f}), with torch {made['versions']['torch']}."
        )
    )
    blocks.append(Listing(run["command"], "shell"))
    return blocks


def _values(run: dict[str, Any]) -> Table:
    """The curves' means as numbers, at every fifth point of the picture and at its end."""
    count = len(run["processes"])
    rows = [
        (cell(str(run["processes"][k])),
         *(cell("–" if v["mean"][k] is None else f"{v['mean'][k]:.3g}") for v in run["curves"].values()))
        for k in sorted({*range(0, count, 5), count - 1})
    ]  # fmt: skip
    return Table(("processes", *run["curves"]), tuple(rows))

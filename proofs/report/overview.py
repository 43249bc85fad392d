"""The first table of the index: each page's update, heads, prompt and verdict, and how small a counterexample is."""

from __future__ import annotations

from collections.abc import Sequence

from ..verdict import Claim
from .assemble import cell
from .derivation.update import docstring, stated
from .findings import Findings
from .layer_forms import PATTERN
from .layer_pictures import sketch
from .model import Cell, Link, Page, Sentence, Span, Table
from .stated_code import stated_spans

HEADERS = ("algorithm", "update", "heads", "a layer", "verdict")
GROUPS = ("Algorithms by linear attention.", "By attention patterns.", "Of files of your own.")
SAID = Sentence([
    "A layer in little: its rows, with what its heads do with each (k keys, q queries, v values, + added to: the row "
    "in colour), and beside them the attention pattern ", PATTERN, " of each head on the worked example, from the "
    "token of a row into the token of a column, blue where positive."
])  # fmt: skip


def row(findings: Findings, page: Page) -> tuple[Cell, ...]:
    """One page's line."""
    algorithm, state = findings.algorithm, findings.state
    title = cell(Link(page.title, page.name))
    verdict = Cell((counterexample(findings.refuted),) if findings.refuted else (), page.verdict)
    if algorithm is not None and state is None:
        words = docstring(algorithm)
        return (
            title,
            Cell(stated_spans(words)) if words else cell("see its page"),
            cell(heads(findings)),
            cell("–"),
            verdict,
        )
    if algorithm is None or state is None:
        drawn = sketch(findings, f"sketch-{page.name}")
        return title, cell("a construction all of one's own"), cell("–"), drawn, verdict
    steps = stated(algorithm, state.options)[-len(algorithm.weights) :]
    update: list[Span] = [span for k, step in enumerate(steps) for span in ((", ", step) if k else (step,))]
    drawn = sketch(findings, f"sketch-{page.name}")
    return title, cell(*(update or ("see its page",))), cell(heads(findings)), drawn, verdict


def heads(findings: Findings) -> str:
    """How many heads a layer has, in words where there are none."""
    if findings.obstacle:
        return "none does it"
    weights = findings.construction
    return str(len(weights.layers[0])) if weights is not None and weights.layers else "–"


def counterexample(claims: Sequence[Claim]) -> str:
    """The size of the smallest counterexample; empty where none is a prompt."""
    sizes = [
        (len(prompt["query"]), len(prompt["rewards"]))
        for c in claims if c.witness and (prompt := c.witness.get("prompt"))
    ]  # fmt: skip
    cancels = [c.witness["annihilates"] for c in claims if c.witness and c.witness.get("annihilates")]
    if not sizes and cancels:
        points = cancels[0]["points"]
        prompt = points[0]["prompt"]
        return f"by {len(points)} prompts with d = {len(prompt['query'])}, n = {len(prompt['rewards'])}"
    lines = [c.witness["prompts"] for c in claims if c.witness and "multipliers" in c.witness]
    if not sizes and lines:
        return f"by {len(lines[0])} prompts with d = {len(lines[0][0]['query'])}, n = {len(lines[0][0]['transitions'])}"
    if not sizes:
        return "see why on its page" if claims else ""
    d, n = min(sizes)
    return f"by a prompt with d = {d}, n = {n}"


def tables(rows: Sequence[tuple[int, tuple[Cell, ...]]]) -> list[Table]:
    """A table for each group that there is: (its place in `GROUPS`, its line) each."""
    there = sorted({kind for kind, _ in rows})
    captions = {
        kind: Sentence([f"{GROUPS[kind]} ", *SAID.spans]) if kind == there[0] else GROUPS[kind] for kind in there
    }
    return [
        Table(
            HEADERS,
            tuple(line for own, line in rows if own == kind),
            captions[kind] if len(there) > 1 else SAID,
            cards=True,
        )
        for kind in there
    ]

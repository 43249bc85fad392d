"""The first table of the index: each page's update, heads, prompt and verdict, and how small a counterexample is."""

from __future__ import annotations

from collections.abc import Sequence

from ..verdict import Claim
from .assemble import cell
from .document.formula import Formula, row_formula
from .model import Cell, Link, Page, Span, Table
from .notation import block_symbols
from .sections.update import stated
from .subject import Subject

HEADERS = ("algorithm", "update", "heads", "rows of the prompt", "verdict")


def row(subject: Subject, page: Page) -> tuple[Cell, ...]:
    """One page's line."""
    algorithm, state = subject.algorithm, subject.state
    title = cell(Link(page.title, page.name))
    verdict = Cell((counterexample(subject.refuted),) if subject.refuted else (), page.verdict)
    if algorithm is None or state is None:
        return title, cell("a construction all of one's own"), cell("–"), cell("–"), verdict
    steps = stated(algorithm, state.options)[-len(algorithm.weights) :]
    update: list[Span] = [span for k, step in enumerate(steps) for span in ((", ", step) if k else (step,))]
    symbols = block_symbols(algorithm, state)
    rows = [*(symbols[b.name] for b in algorithm.features), *map(row_formula, algorithm.accumulators)]
    shown = Formula(", ".join(f.text for f in rows), r",\ ".join(f.latex for f in rows))
    return title, cell(*(update or ("see its page",))), cell(heads(subject)), cell(shown), verdict


def heads(subject: Subject) -> str:
    """How many heads a layer has, in words where there are none."""
    if subject.obstacle:
        return "none does it"
    found = subject.construction
    return str(len(found.layers[0])) if found is not None and found.layers else "–"


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
    if not sizes:
        return "see why on its page" if claims else ""
    d, n = min(sizes)
    return f"by a prompt with d = {d}, n = {n}"


def tables(rows: Sequence[tuple[bool, tuple[Cell, ...]]]) -> list[Table]:
    """The table of the catalogue's algorithms, and that of files of one's own; (of a file, its line) each."""
    groups = (("Algorithms of the catalogue.", False), ("Of files of your own.", True))
    several = len({own for own, _ in rows}) > 1
    return [
        Table(HEADERS, tuple(line for own, line in rows if own is kind), caption if several else "", cards=True)
        for caption, kind in groups
        if any(own is kind for own, _ in rows)
    ]

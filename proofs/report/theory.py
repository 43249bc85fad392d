"""The page about the theory: its picture, every file with what it states, and nothing that was typed by hand."""

from __future__ import annotations

from collections.abc import Sequence

from ..theory.audit import Audit
from ..theory.picture import Node, Status, picture, status, under
from ..verdict import WORST_FIRST, Claim, Verdict, worst
from .assemble import cell, plain, prose, sentence
from .model import Block, Cell, Code, Folded, Link, Listing, Note, Page, Picture, Report, Section, Table
from .picture_theory import LOOKS, theory_picture
from .writers.checked import check
from .writers.html import write

TITLE = "What the theorems rest on"
MEANING = {
    Status.WHOLE: "every theorem stated of it is proved, and so is every one stated of the files that it rests on",
    Status.PROVED: "every theorem stated of it is proved; of a file that it rests on, some statement was not asked for",
    Status.NOT_RUN: "it is stated, and the prover was not asked in this run, or is not there: no success",
    Status.NOT_STATED: "no theorem of it is stated apart from the theory; its lemmas are checked with what needs them",
    Status.UNDECIDED: "the prover stopped, or could not go on: no success",
    Status.REFUTED: "a statement and its proof do not fit, or an axiom is used",
}
VERDICTS = {
    Status.WHOLE: Verdict.HOLDS, Status.PROVED: Verdict.HOLDS, Status.NOT_RUN: Verdict.NOT_RUN,
    Status.UNDECIDED: Verdict.UNDECIDED, Status.REFUTED: Verdict.REFUTED,
}  # fmt: skip


def theory_page(name: str, asked: Sequence[Audit], claims: Sequence[Claim]) -> Page:
    """A page of a report: the files that the audits asked for rest on, with the verdicts of its claims."""
    nodes = picture(claims, asked=asked)
    verdicts = {v for n in nodes for t, v in n.audited.items() if t in {s.name for a in asked for s in a.theorems}}
    sections = (
        Section("files", "The files", (_table(nodes),)),
        Section("statements", "What each one states", tuple(_file(n, nodes) for n in nodes)),
    )
    return Page(name, TITLE, worst(verdicts), _shown(nodes), sections)


def theory_document(nodes: Sequence[Node]) -> bytes:
    """One HTML page of its own, that needs nothing beside it."""
    lead = (*_shown(nodes), _table(nodes), *(_file(n, nodes) for n in nodes))
    report = Report(TITLE, lead, ())
    check(report)
    return write(report)["index.html"]


def _shown(nodes: Sequence[Node]) -> tuple[Block, ...]:
    if not nodes:
        return (Note(Verdict.NOT_RUN, "No theorem is about what was asked for", (plain("There is nothing to draw."),)),)
    svg, words = theory_picture(nodes)
    statuses = [status(n, nodes) for n in nodes]
    theorems = [v for n in nodes for v in n.audited.values()]
    count = ", ".join(f"{theorems.count(v)} {v.value.replace('_', ' ')}" for v in WORST_FIRST[::-1] if v in theorems)
    rows = tuple(
        (Cell((f"{LOOKS[s][0]} {s}",)), cell(str(statuses.count(s))), cell(MEANING[s])) for s in Status if s in statuses
    )
    return (
        prose(
            "A box is a file of the theory, to the right of the files that it rests on. What is drawn is read from the "
            "sources, and every status from what the prover said when this page was made; a theorem counts as stated "
            "only where an audit says it in words of its own, compiled apart from the theory."
        ),
        Picture(svg, words, f"{len(theorems)} theorems are stated: {count}.", Table((), ())),
        Table(("status", "files", "what it means"), rows, "The colours."),
    )


def _table(nodes: Sequence[Node]) -> Table:
    rows = []
    for n in nodes:
        below = sorted(under(n.needs, nodes)) if n.needs else []
        state = status(n, nodes)
        rows.append((
            cell(Link(f"{n.name}.v", f"#{_id(n)}")),
            cell(str(state), verdict=VERDICTS[state]) if state in VERDICTS else cell(f"{LOOKS[state][0]} {state}"),
            cell(f"{sum(v is Verdict.HOLDS for v in n.audited.values())} of {len(n.audited)}" if n.audited else "–"),
            cell(", ".join(f"{x}.v" for x in below) or "MathComp alone"),
        ))  # fmt: skip
    return Table(("file", "status", "statements proved", "rests on"), tuple(rows), "Each file, and all under it.")


def _file(node: Node, nodes: Sequence[Node]) -> Folded:
    state = status(node, nodes)
    parts: list[Block] = []
    if node.stated:
        rows = tuple((cell(Code(t.name)), cell(verdict=node.audited[t.name]), cell(sentence(t.sentence)))
                     for t in node.stated)  # fmt: skip
        statements = "\n\n".join(f"{t.name} :\n  {t.statement}" for t in node.stated)
        parts = [Table(("theorem", "verdict", "what it says"), rows), Folded("In Rocq", (Listing(statements, "rocq"),))]
    if node.unstated:
        parts.append(plain(f"Lemmas without a statement of their own: {', '.join(node.unstated)}."))
    if state in (Status.UNDECIDED, Status.REFUTED):
        parts.insert(0, Note(VERDICTS[state], f"{node.name}.v", (plain(sentence(MEANING[state])),)))
    return Folded(f"{node.name}.v: {state}", tuple(parts), _id(node))


def _id(node: Node) -> str:
    return f"file-{node.name}".replace("'", "-")

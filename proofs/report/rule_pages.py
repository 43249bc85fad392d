"""Report pages about rules of stochastic approximation: how a rule comes about, what was found, where it stands."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from ...symbolic.approximation.rule import OuterRule, Rule
from ...symbolic.rules import rules
from ..approximation.assumptions import ASSUMPTIONS, FACT, ODE, RESULT, TALK, THEOREM
from ..approximation.simulation import Simulation
from ..approximation.table import established
from ..formula.formula import written
from ..user_file import origin
from ..verdict import Claim, Result, Verdict
from .assemble import cell, page_name
from .model import Block, Cell, Code, Display, Listing, Page, Paragraph, Report, Section, Table
from .picture_simulation import simulation_picture
from .set_formulas import set_page
from .stories import STORIES, TITLES, WHY

GROUPS = {
    TALK: ("talk", "What theorems of stochastic approximation assume"),
    ODE: ("ode", f"The ODE method with Markovian noise: {THEOREM}"),
    RESULT: ("follows", "What follows"),
    FACT: ("facts", "Beside them"),
}
NO_POLYNOMIAL = (
    "Proof that max(x, y) is no polynomial: along the line y = 0 it would be a polynomial p(x) that is x for x > 0 and "
    "0 for x < 0; p vanishes at infinitely many points, so it is 0, and p(1) = 1. Each layer of linear attention gives "
    "polynomials in the prompt, and so do finitely many."
)
HOW = (
    "Rule x assumption, and how the answer was established: exact on this process; concluded, which is exact up to a "
    "cited theorem; cited; assumed; or open."
)
NOT_PROVED = (
    "Not proved here: the theorems of almost sure convergence themselves, which are cited. Exact are their conditions "
    "on this process, where the table says so."
)


def rule_report(result: Result, chosen: Sequence[Rule | OuterRule], simulated: Sequence[Simulation]) -> Report:
    """A page for each rule from what `sa` found, and what a simulation showed."""
    runs = {x.rule: x for x in simulated}
    taken: set[str] = set()
    pages = tuple(
        _page(rule, [c for c in result.claims if c.algorithm == rule.name], runs.get(rule.name), taken)
        for rule in chosen
    )
    intro = Paragraph.of(
        "Reinforcement learning is stochastic approximation for dynamic programming. Each page follows one rule from "
        "the Bellman operator to Markovian noise, and says which theorem covers it on this process. ",
        NOT_PROVED,
    )
    headers, rows = established(result.claims)
    table = Table(headers, tuple(tuple(map(cell, row)) for row in rows), HOW)
    return Report("Rules as stochastic approximation", (intro, table), pages, {"settings": dict(result.settings)})


def _page(rule: Rule | OuterRule, claims: Sequence[Claim], run: Simulation | None, taken: set[str]) -> Page:
    by_assumption = {c.details["assumption"]: c for c in claims}
    stability = by_assumption["stability"]
    process = str(stability.details["process"])
    lead = (
        Paragraph.of(f"On {process}: {stability.reason}."),
        Paragraph.of(f"Source: {rule.source}."),
    )
    sections = [*_story(rule), _rule(rule)]
    for group, (name, title) in GROUPS.items():
        own = [c for c in claims if ASSUMPTIONS[c.details["assumption"]].group == group]
        if own:
            sections.append(Section(name, title, (_table(own),)))
    if run is not None:
        drawn = simulation_picture(run, f"simulation-{len(taken)}")
        sections.append(Section("simulation", "Simulation beside theory", (drawn, Listing("\n".join(run.lines())))))
    sections.append(_in_context(rule))
    data = {"claims": [c.to_json() for c in claims], "simulation": None if run is None else run.document()}
    return set_page(Page(page_name(rule.name, taken), rule.title, stability.verdict, lead, tuple(sections), data))


def _story(rule: Rule | OuterRule) -> list[Section]:
    if rules().get(rule.name) is not rule:  # a rule of one's own may have any name
        return []
    story = STORIES[rule.name]
    blocks: list[Block] = [Paragraph.of(story.start)]
    for title, latex, why in zip(TITLES, story.formulas, WHY, strict=True):
        blocks += [Paragraph.of(f"{title}:"), Display(written(latex)), Paragraph.of(why)]
    return [Section("story", "From the Bellman operator to the rule", tuple(blocks))]


def _rule(rule: Rule | OuterRule) -> Section:
    blocks: list[Block] = []
    if isinstance(rule, OuterRule):
        blocks.append(Listing(rule.update))
    elif rule.elsewhere is None:
        for function in (rule.trace, rule.h):
            if function is not None:
                blocks.append(Listing(inspect.getsource(function).rstrip(), "python"))
        stated = inspect.getdoc(rule.matrices or rule.operator) if rule.matrices or rule.operator else None
        if stated:
            blocks.append(Paragraph.of("Its mean field: ", stated.replace("\n", " ")))
    else:
        blocks.append(Paragraph.of("It is defined by ", Code(str(origin(rule))), "."))
    if rule.notes:
        blocks.append(Paragraph.of(rule.notes))
    return Section("rule", "The rule as it is judged", tuple(blocks))


def _table(claims: Sequence[Claim]) -> Table:
    rows = []
    for c in claims:
        key, how = c.details["assumption"], c.details["established"]
        assumption = ASSUMPTIONS[key].says
        verdict = None if c.verdict is Verdict.NOT_RUN else c.verdict
        rows.append(
            (Cell((assumption,)), Cell((how if verdict is None else "",), verdict), Cell((how,)), Cell((c.reason,)))
        )
    return Table(("assumption", "answer", "established", "because"), tuple(rows))


def _in_context(rule: Rule | OuterRule) -> Section:
    blocks: list[Block] = []
    if rule.in_context:
        blocks.append(Paragraph.of(
            "Layers of linear attention run this algorithm on the transitions of a prompt: "
            "the weights are derived and checked by ", Code(f"layerproof verify {rule.in_context}"),
            ", and written up by ", Code(f"layerproof report {rule.in_context} -o report"), ".",
        ))  # fmt: skip
    elif rule.why_not:
        blocks.append(Paragraph.of(f"No layers of linear attention run it: {rule.why_not}"))
        if "largest of two numbers" in rule.why_not:
            blocks.append(Paragraph.of(NO_POLYNOMIAL))
    else:
        blocks.append(Paragraph.of("Whether layers of linear attention run it is not looked into here."))
    return Section("in-context", "The same algorithm in context", tuple(blocks))

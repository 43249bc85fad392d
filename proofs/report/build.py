"""From names and settings to a report: verify, then a page for each algorithm, its sections in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.errors import LayerproofError
from ...symbolic.patterns.record import PatternAlgorithm
from ..case import Case, Progress, Settings, silent
from ..checker import Beside, chosen_of, in_order, verify, with_proof
from ..convergence.picture import outside
from ..convergence.result import Convergence
from ..invariance.claims import invariance as ask_invariance
from ..invariance.question import Question
from ..sizes import fitted
from ..theory.audits import audits
from ..user_file import Subject as Linear
from ..user_file import guarded, origin
from ..verdict import PROVED, Claim, Result, Verdict
from . import overview
from .assemble import greek, page_name
from .command_line import command_line
from .declared import with_declared
from .findings import Findings, forgotten
from .impossible import FOLDED, impossible, impossible_lead, impossible_sections
from .index import index_blocks
from .layer_pictures import row_names
from .lead import lead
from .model import Cell, Page, Report, Section
from .pattern_page import pattern_page
from .sections import section_modules
from .sections.worked_example import data as example_data
from .set_formulas import set_blocks, set_page
from .theory import theory_page

Item = Linear | PatternAlgorithm
TITLE = "Transformers that run reinforcement learning: derivations, proofs and checks"
KEPT = ("answer", "limit", "rate", "layers", "decisions", "steps", "gradient", "drift")
"""What a page's data has of the answer about convergence."""


def build(
    names: Sequence[str | Item],
    settings: Settings | None = None,
    evidence: Iterable[str] | None = None,
    progress: Progress = silent,
    **more: Any,
) -> Report:
    """The report on the algorithms named, or on all: see `establish`, which also gives what verify found."""
    return establish(names, settings, evidence, progress, **more)[0]


def establish(
    names: Sequence[str | Item],
    settings: Settings | None = None,
    evidence: Iterable[str] | None = None,
    progress: Progress = silent,
    *,
    prove: bool = False,
    invariance: bool = False,
    dates: bool = False,
    pool: Executor | None = None,
    prompt_file: str | None = None,
) -> tuple[Report, Result]:
    """Verify, and build a page for each algorithm (all of the catalogue when none is named).

    evidence   : the kinds to ask for; None asks for all that need no prover, `prove` for that too
    invariance : also ask which sets of weights are invariant, at d = n = 2
    dates      : let pages hold what differs from machine to machine, earlier proofs among it
    pool       : processes that share evidence and pages of what is of the catalogue
    prompt_file : where the user's own transitions were read, for the command that makes a page again
    Raises `ArgumentError` and `ContentError` as `verify` does, before anything runs.
    """
    settings = settings or Settings()
    evidence = [evidence] if isinstance(evidence, str) else None if evidence is None else list(evidence)
    asked = with_proof(evidence, prove)
    items = chosen_of(names, settings)
    if not names:
        settings = replace(settings, asked=frozenset())
    ordered = in_order(items)
    taken: set[str] = set()
    named = [page_name(item.name, taken) for item in ordered]
    sized = settings
    if settings.prompt is not None:
        sized = replace(settings, features=settings.prompt.d, context=settings.prompt.n)
    wanted = Wanted(sized, evidence, prove, invariance, dates, prompt_file)
    of_catalogue = {i.name: n for i, n in zip(ordered, named, strict=True) if catalogue().get(i.name) is i}
    beside = Beside(partial(_page_beside, wanted, of_catalogue))
    result = verify(*items, settings=settings, evidence=asked, progress=progress, pool=pool, beside=beside)
    if not dates:  # what an earlier run on this machine proved is a fact about the machine
        result = replace(result, claims=tuple(forgotten(c) for c in result.claims))
    made = _made(wanted, list(zip(ordered, named, strict=True)), result, beside.made, pool, progress)
    pages = {id(item): page for item, (page, _) in zip(ordered, made, strict=True)}
    claims = {id(item): own for item, (_, own) in zip(ordered, result.by_subject(), strict=True)}
    theory = _theory_of(items, result, taken)
    lines = [(_table_of(item), line) for item, (_, line) in zip(ordered, made, strict=True)]
    index = index_blocks(overview.tables(lines), [(pages[id(item)], claims[id(item)]) for item in items], theory)
    shown = (*(pages[id(item)] for item in items), *([] if theory is None else [theory]))
    document = {"settings": sized.document()}
    return Report(TITLE, set_blocks(index), shown, document), replace(result, command="report")


def _made(
    wanted: Wanted, named: Sequence[tuple[Item, str]], result: Result, beside: Mapping[str, Made],
    pool: Executor | None, progress: Progress,
) -> list[Made]:  # fmt: skip
    """Each item's page and its row of the index, in the order of the result.

    beside : those that the processes made which judged their algorithms
    """
    items = [item for item, _ in named]
    with guarded(items, wanted.settings.time_limit):
        making = [
            partial(_page_of, wanted, item, name, claims)
            for (item, name), (_, claims) in zip(named, result.by_subject(), strict=True)
        ]
        shared = {k for k, item in enumerate(items) if catalogue().get(item.name) is item}
        made = {k: beside[items[k].name] for k in shared if items[k].name in beside}
        running = {} if pool is None else {k: pool.submit(making[k]) for k in sorted(shared - made.keys())}
        for k, item in enumerate(items):
            progress(f"{item.name}: the page")
            if k not in made:
                made[k] = running[k].result() if k in running else making[k](progress=progress)
    return [made[k] for k in range(len(items))]


def _table_of(item: Item) -> int:
    """Which of the index's tables has it: linear attention, patterns, a user's own."""
    return 2 if origin(item) is not None else int(isinstance(item, PatternAlgorithm))


def _theory_of(items: Sequence[Item], result: Result, taken: set[str]) -> Page | None:
    """The page of what the theorems rest on, where the prover was asked; its name is added to `taken`."""
    proving = any(c.evidence == PROVED and c.asked for c in result.claims)
    audited = [a for i in items if isinstance(i, Algorithm) for a in audits(i)] if proving else []
    if not audited or len({a.name for a in audited}) < len(audited):  # of two with one name nothing could be told apart
        return None
    return set_page(theory_page(page_name("theory", taken), audited, result.claims))


@dataclass(frozen=True)
class Wanted:
    """What is asked of every page; as of `establish`."""

    settings: Settings
    evidence: list[str] | None
    prove: bool
    invariance: bool
    dates: bool
    prompt_file: str | None


Made = tuple[Page, tuple[Cell, ...]]
"""A page, and its row of the index."""


def _page_of(
    wanted: Wanted, item: Item, name: str, claims: tuple[Claim, ...], judged: Case | None = None,
    progress: Progress = silent,
) -> Made:  # fmt: skip
    """An item's page with this name, and its row of the index."""
    settings = wanted.settings
    if isinstance(item, PatternAlgorithm):
        kept = _invariance(item, settings, progress) if wanted.invariance else None
        command = command_line(item, settings, wanted.evidence, wanted.prove, wanted.invariance, wanted.prompt_file)
        return pattern_page(item, name, claims, settings, command, kept)
    kept = _invariance(item, settings, progress) if wanted.invariance else None
    own = fitted(item, settings)[0] if isinstance(item, Algorithm) else settings
    command = command_line(item, own, wanted.evidence, wanted.prove, wanted.invariance, wanted.prompt_file)
    findings = Findings(item, own, claims, kept, command, wanted.dates, progress, judged)
    made = page(findings, name)
    return made, overview.row(findings, made)


def _page_beside(wanted: Wanted, names: Mapping[str, str], case: Case, claims: list[Claim]) -> Made:
    """The page of an algorithm of the catalogue, in the process that has just judged it."""
    told = claims if wanted.dates else [forgotten(c) for c in claims]
    own = fitted(case.algorithm, wanted.settings)[0]
    return _page_of(
        wanted, case.algorithm, names[case.algorithm.name], tuple(told), case if case.settings == own else None
    )


def page(findings: Findings, name: str = "") -> Page:
    """One page: the lead, then every section that applies; without a name it has its algorithm's.

    Raises `LayerproofError` for a claim about anything but the page's algorithm.
    """
    strange = next((c.algorithm for c in findings.claims if c.algorithm != findings.item.name), None)
    if strange is not None:
        raise LayerproofError(f"the page of {findings.item.name} was given a claim about {strange}: please report this")
    sections: list[Section] = []
    none_does = impossible(findings)
    for module in section_modules():
        if none_does and module.NAME not in FOLDED:
            continue
        section = module.build(findings)
        if section is not None:
            sections.append(section)
    data: dict[str, Any] = {"claims": [_claim_data(c, findings.dates) for c in findings.claims]}
    if findings.example is not None:
        data["worked_example"] = example_data(findings.example)
    decision = findings.convergence
    if isinstance(decision, Convergence):
        data["convergence"] = {key: value for key, value in decision.document().items() if key in KEPT}
    verdict = Verdict.REFUTED if _disagrees(findings) else findings.verdict
    found_page = Page(name or page_name(findings.item.name, set()), greek(findings.item.title), verdict,
                      impossible_lead(findings) if none_does else lead(findings),
                      impossible_sections(sections) if none_does else tuple(sections), data)  # fmt: skip
    return with_declared(set_page(found_page, row_names(findings)), findings.algorithm)


def _disagrees(findings: Findings) -> bool:
    """Whether the worked example's layers differ from its iterates, or an iterate is outside its envelope."""
    example, decision = findings.example or findings.own_example, findings.convergence
    answer = decision.decided if isinstance(decision, Convergence) else None
    return (example is not None and example.mismatch is not None) or (
        answer is not None and outside(answer) is not None
    )


def _claim_data(claim: Claim, dates: bool) -> dict[str, Any]:
    document = claim.to_json()
    if not dates:
        document["details"].pop("environment", None)
    return document


def _invariance(item: Item, settings: Settings, progress: Progress) -> Result | None:
    trace = None
    if isinstance(item, Algorithm) and item.heads is None:
        trace = settings.trace if "trace" in item.options else None
    elif not isinstance(item, PatternAlgorithm):
        return None
    question = Question(gamma=settings.gamma, lam=settings.lam, trace=trace, seed=settings.seed, floats=False)
    try:
        return ask_invariance(item, question=question, progress=progress)
    except LayerproofError as error:
        claim = Claim(item.name, "which sets are invariant", "invariance", Verdict.NOT_RUN, "", str(error))
        return Result("invariance", question.document(), (replace(claim, details={"layers": 1, "looped": True}),))

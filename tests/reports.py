"""Pages for tests: built at small sizes, and everything in them to walk over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from helpers import Case

from layerproof.proofs.case import Settings
from layerproof.proofs.checker import verify
from layerproof.proofs.formula.formula import Formula
from layerproof.proofs.report.build import establish, page
from layerproof.proofs.report.findings import Findings
from layerproof.proofs.report.model import Code, Link, Matrix, Note, Page, Report, Section, Sentence
from layerproof.proofs.sizes import fitted

SMALL = Settings(features=2, context=4, layers=2, trials=2, exact_trials=1)
EXACT = ("derived", "identity-symbolic", "identity-exact")
EXAMPLES = tuple(sorted(str(p) for p in (Path(__file__).parents[1] / "examples").glob("*.py")))
ALL = ("verdicts", "update", "prompt", "derivation", "weights", "published", "identity", "induction", "theorem",
       "worked-example", "errors", "convergence", "invariance", "training", "identify", "evidence", "limits",
       "reproduce", "trust")  # fmt: skip


def settings_of(case: Case) -> Settings:
    """SMALL, at the nearest sizes that the algorithm is stated for."""
    settings = replace(SMALL, trace=dict(case.options).get("trace"), asked=frozenset())
    return fitted(case.algorithm, settings)[0]


@cache
def subject(case: Case, evidence: tuple[str, ...] = EXACT) -> Findings:
    """A case of the catalogue with what verify found about it."""
    settings = settings_of(case)
    claims = verify(case.algorithm, settings=settings, evidence=evidence).claims
    return Findings(case.algorithm, settings, claims, command="layerproof report")


@cache
def page_of(case: Case) -> Page:
    return page(subject(case))


@cache
def example_report(path: str) -> Report:
    """The report on one file of a user's own."""
    return establish([path], SMALL, ("identity-exact",))[0]


def fresh(case: Case, **changes: Any) -> Findings:
    """A subject of its own, to plant faults in: `derivation=` puts another derivation in its place."""
    judged = subject(case)
    copy = Findings(judged.item, judged.settings, changes.pop("claims", judged.claims))
    if "derivation" in changes:
        copy.__dict__["_derived"] = (changes.pop("derivation"), "")
    copy.__dict__.update(changes)
    return copy


def section(page: Page, name: str) -> Section:
    return next(s for s in page.sections if s.id == name)


def everything(tree: Any) -> Iterator[Any]:
    """Every part of a page, and the parts' parts."""
    yield tree
    if isinstance(tree, Sentence):
        yield from tree.spans
    if isinstance(tree, tuple):
        for part in tree:
            yield from everything(part)
    elif is_dataclass(tree) and not isinstance(tree, type):
        for f in fields(tree):
            yield from everything(getattr(tree, f.name))


def formulas(tree: Any) -> Iterator[Formula]:
    return (part for part in everything(tree) if isinstance(part, Formula))


def notes(tree: Any) -> list[Note]:
    return [part for part in everything(tree) if isinstance(part, Note)]


def matrices(tree: Any) -> list[Matrix]:
    return [part for part in everything(tree) if isinstance(part, Matrix)]


def words(tree: Any) -> str:
    """All text of a part, formulas in their places as text, then the LaTeX of the formulas."""
    return " ".join([*_running(tree), *(f.latex for f in formulas(tree))])


def _running(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, tuple) and tree and all(isinstance(x, (str, Formula, Code, Link)) for x in tree):
        yield "".join(x if isinstance(x, str) else x.text for x in tree)
        yield from (x.target for x in tree if isinstance(x, Link))
    elif isinstance(tree, tuple):
        for part in tree:
            yield from _running(part)
    elif isinstance(tree, Formula):
        yield tree.text
    elif is_dataclass(tree) and not isinstance(tree, type):
        for f in fields(tree):
            yield from _running(getattr(tree, f.name))

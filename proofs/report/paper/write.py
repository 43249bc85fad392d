"""From names and settings to the paper form: verify, then NAME.tex, macros.tex, references.bib, and a PDF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.derive import Derivation
from ....symbolic.errors import ArgumentError, ContentError
from ....symbolic.kinds import FLAG, PATH, TEXT, TEXTS
from ....symbolic.own import OwnConstruction
from ....symbolic.patterns.record import PatternAlgorithm
from ....symbolic.plain_text import shown
from ...case import Progress, Settings, silent
from ...checker import verify
from ...formula.macros import Macro
from ...functions.arguments import Number
from ...functions.checks import run_settings
from ...user_file import LOAD_LIMIT, guarded, resolve_any
from ...verdict import PROVED, Result
from ..assemble import page_name
from ..findings import Findings, forgotten
from ..reporting import Written, formats_for
from ..writing import check_target, kept, placed
from . import latex, typst
from .bibliography import bibtex, cited
from .comparison import comparison_blocks
from .evidence import ASKED, ASKED_OF_GIVEN, ASKED_OF_LAYER, alarm_blocks, evidence_blocks, linear, unique_blocks
from .facts import Facts
from .lemma import lemma_blocks
from .model import Block, Cite, Paper, paragraph
from .patterns import pattern_paper
from .prompt import prompt_blocks
from .theorem import theorem_blocks
from .update import title, update_blocks
from .weights import weight_blocks

FORMATS = ("tex", "pdf")


def paper_of(findings: Findings, name: str, known: dict[str, Macro] | None = None) -> Paper:
    """One algorithm's paper form."""
    facts = Facts.of(findings, known)
    weights = facts.layer_weights
    blocks: list[Block] = [*alarm_blocks(findings.claims), *update_blocks(facts), *prompt_blocks(facts)]
    if weights is not None:
        blocks += weight_blocks(facts, weights)
        if isinstance(weights, Derivation):
            blocks += lemma_blocks(facts, weights)
        blocks += theorem_blocks(facts, weights)
        if isinstance(weights, Derivation):
            blocks += unique_blocks(facts, weights)
            blocks += comparison_blocks(facts, weights)
    elif findings.obstacle:
        blocks.append(paragraph(f"No layer of linear attention whose features stay as they are does this update: "
                           f"{findings.obstacle}.", heading="Impossible."))  # fmt: skip
    else:
        told = (
            "The weights are given by the algorithm's file, head by head, and differ from size to size or in form; "
            "what was checked about them is said below."
        )
        blocks.append(paragraph(told, heading="The weights."))
    blocks += evidence_blocks(facts, findings.claims, findings.settings, linear(findings), _version())
    return Paper(name, title(findings.item.title), tuple(blocks), facts.symbols.macros)


def _version() -> str:
    try:
        return version_of("layerproof")
    except PackageNotFoundError:
        return ""


def establish(
    names: Sequence[str | Algorithm],
    settings: Settings,
    evidence: Iterable[str] | None = None,
    progress: Progress = silent,
    *,
    prove: bool = False,
) -> tuple[list[Paper], list[Algorithm | PatternAlgorithm], Result]:
    """Verify, and make each algorithm's paper form.

    Raises `ContentError` for a construction without an update: there is nothing to state.
    """
    resolved = [resolve_any(name, min(LOAD_LIMIT, settings.time_limit)) for name in names]
    for item in resolved:
        if isinstance(item, OwnConstruction):
            raise ContentError(
                f"{item.name} is an OwnConstruction, which has no update to state in a paper: write it as an "
                "Algorithm, or use layerproof report without --paper"
            )
        if isinstance(item, Algorithm) and item.unit_columns:
            raise ContentError(
                f"{item.name} has unit columns, which the theorem of a paper does not state: use layerproof report "
                "without --paper"
            )
    items = [item for item in {id(x): x for x in resolved}.values() if not isinstance(item, OwnConstruction)]
    result = _verified(items, settings, None if evidence is None else list(evidence), prove, progress)
    papers: list[Paper] = []
    taken: set[str] = {"macros", "references", "example"}
    macros: dict[str, Macro] = {}
    with guarded(items, settings.time_limit):
        for item, (_, claims) in zip(items, result.by_subject(), strict=True):
            progress(f"{item.name}: the paper form")
            kept, page = tuple(map(forgotten, claims)), page_name(item.name, taken)
            if isinstance(item, PatternAlgorithm):
                papers.append(pattern_paper(item, kept, settings, page, _version(), macros))
            else:
                papers.append(paper_of(Findings(item, settings, kept, progress=progress), page, macros))
            macros |= papers[-1].macros
    return papers, items, replace(result, command="report")


def _verified(
    items: Sequence[Algorithm | PatternAlgorithm],
    settings: Settings,
    evidence: list[str] | None,
    prove: bool,
    progress: Progress,
) -> Result:
    """What verify finds; where no evidence is named, what is right for derived weights and for given ones."""
    results: list[Result] = []
    for item in items:
        right: tuple[str, ...]
        if isinstance(item, PatternAlgorithm):
            right = ASKED if item.layer is None else ASKED_OF_LAYER
        else:
            right = ASKED if item.heads is None else ASKED_OF_GIVEN
        asked = list(right) if evidence is None else evidence
        kinds = [*asked, *([PROVED] if prove else [])]
        results.append(verify(item, settings=settings, evidence=kinds, progress=progress))
    claims = tuple(c for result in results for c in result.claims)
    return replace(results[-1], claims=claims, subjects=tuple(s for result in results for s in result.subjects))


def write_paper(
    names: Sequence[str | Algorithm],
    directory: Path,
    settings: Settings,
    formats: Iterable[str] | None = None,
    evidence: Iterable[str] | None = None,
    progress: Progress = silent,
    *,
    prove: bool = False,
    level: str = "section",
    prefix: str | None = None,
) -> Written:
    """Verify and write.

    level  : what the heading is: section, subsection or subsubsection
    prefix : what labels begin with; the algorithm's name and a colon where it is None
    Raises `ArgumentError` for an unknown format or level and for a directory that holds anything but a report.
    """
    chosen, note = formats_for(formats, FORMATS, FORMATS, " with --paper")
    if level not in latex.LEVELS:
        raise ArgumentError(f"level is {shown(level)}, wanted some of {', '.join(latex.LEVELS)}")
    if prefix is not None and not (prefix.isascii() and all(c.isalnum() or c in "-_.:/" for c in prefix)):
        raise ArgumentError(f"prefix is {shown(prefix)}, wanted letters, digits and - _ . : /, such as app:")
    if not names:
        raise ArgumentError("no algorithm is named: layerproof report --paper td-lambda")
    if prefix is not None and len(names) > 1:
        raise ArgumentError("prefix is given with several algorithms, whose labels would be the same: name one")
    check_target(directory)
    papers, items, result = establish(names, settings, evidence, progress, prove=prove)
    macros = {name: m for paper in papers for name, m in paper.macros.items()}
    keys = sorted({k for item in items for k in cited(item.source)} | {k for p in papers for k in _keys(p)})
    content: dict[str, bytes] = {}
    if "tex" in chosen:
        progress("tex: writing")
        fragments = {paper.name: latex.fragment(paper, level, prefix or "") for paper in papers}
        content |= {f"{name}.tex": text.encode() for name, text in fragments.items()}
        content["macros.tex"] = latex.macros_file(macros.values(), fragments.values()).encode()
        content["references.bib"] = bibtex(keys).encode()
        content["example.tex"] = latex.example_file(p.name for p in papers).encode()
    if "pdf" in chosen:
        progress("pdf: writing")
        for paper in papers:
            content[f"{paper.name}.pdf"] = typst.write(paper)
    earlier = set(kept(directory, chosen)) - set(content)
    return Written(result, tuple(placed(directory, content, chosen)), note, kept=tuple(sorted(earlier)))


def _keys(paper: Paper) -> set[str]:
    """The publications that a paper's text cites."""
    cited_keys: set[str] = set()
    stack: list[object] = [paper.title, *paper.blocks]
    while stack:
        x = stack.pop()
        if isinstance(x, Cite):
            cited_keys |= set(x.keys)
        elif isinstance(x, tuple):
            stack += x
        elif not isinstance(x, str):
            stack += [getattr(x, name) for name in ("spans", "blocks", "title") if hasattr(x, name)]
    return cited_keys


def paper(
    *algorithms: str | Algorithm,
    directory: str | Path,
    formats: Iterable[str] | None = None,
    d: int = Settings.features,
    n: int = Settings.context,
    layers: int = Settings.layers,
    gamma: Number = Settings.gamma,
    lam: Number = Settings.lam,
    evidence: Iterable[str] | None = None,
    prove: bool = False,
    level: str = "section",
    prefix: str | None = None,
    **settings: Any,
) -> Result:
    """Verify algorithms and write their paper form: NAME.tex, macros.tex, references.bib, example.tex and NAME.pdf.

    formats  : tex, pdf or both; None for all that can be written
    level    : what the heading is: section, subsection or subsubsection
    prefix   : what labels begin with; the algorithm's name and a colon where it is left out
    settings : as of `verify`
    Returns what was found, as `verify` does.  Raises what `verify` raises, `ContentError` for a construction without an
    update, and `ArgumentError` for a directory that holds anything but an earlier report.

    >>> import tempfile, layerproof as lp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = lp.paper("td0", directory=folder + "/td0", formats=["tex"], d=2, n=3, layers=2)
    >>> result.holds
    True
    """
    PATH.check(directory=directory)
    TEXTS.check_given(formats=formats, evidence=evidence)
    TEXT.check_given(prefix=prefix)
    FLAG.check(prove=prove)
    chosen = run_settings(d, n, layers, gamma, lam, None, settings)
    return write_paper(
        algorithms, Path(directory), chosen, formats, evidence, prove=prove, level=level, prefix=prefix
    ).result

"""Section "invariance": which sets of weights the expected deep-TD update keeps, with blocks and witnesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...formula.build import indexed, named, row, spoken
from ...formula.build import words as text_of
from ...formula.formula import Formula
from ...formula.letters import is_letter
from ...invariance.question import SETS
from ...invariance.table import KINDS, verdict_on_set
from ...verdict import Claim, Result, Verdict
from ...witness_text import witness_lines
from ..assemble import cell, plain, prose, sentence
from ..findings import Findings
from ..model import Block, Cell, Folded, Listing, Matrix, Note, Section, Table

NAME, TITLE, ORDER = "invariance", "Which weights training keeps", 120
Depth = tuple[int, bool]
FROZEN = "frozen"
LEGEND = ("any multiple of the identity", "stays as it is")


def build(findings: Findings) -> Section | None:
    """The table of sets and depths, the sets in blocks, the witnesses; or that it was not asked."""
    if findings.algorithm is None:
        return None
    if findings.invariance is None:
        note = prose(
            "It was not asked which sets of weights are invariant under the expected deep-TD update: "
            "`layerproof report --invariance` adds the answer, `layerproof invariance` gives it alone."
        )
        return Section(NAME, TITLE, (Note(Verdict.NOT_RUN, "Not asked for", (note,)),))
    labels = (*(b.name for b in findings.algorithm.features), *(r.name for r in findings.algorithm.accumulators))
    return of_result(findings.invariance, findings.algorithm.name, labels)


def of_result(result: Result, name: str, labels: Sequence[str]) -> Section:
    """The section of what was found about the algorithm of this name, whose row blocks are `labels`."""
    claims = [c for c in result.claims if c.algorithm == name]
    if not claims:
        note = prose("Nothing was established about this algorithm.")
        return Section(NAME, TITLE, (Note(Verdict.NOT_RUN, "Not run", (note,)),))
    if not any(c.details.get("layers") for c in claims):
        notes = [Note(c.verdict, sentence(c.claim).removesuffix("."), (plain(sentence(c.reason)),)) for c in claims]
        return Section(NAME, TITLE, tuple(notes))
    asked = {c.details["set"] for c in claims if "set" in c.details}
    names = sorted(asked, key=lambda s: (SETS.index(s) if s in SETS else len(SETS), s))
    by_depth: dict[Depth, list[Claim]] = {}
    for claim in claims:
        by_depth.setdefault((claim.details["layers"], claim.details["looped"]), []).append(claim)
    s = result.settings
    sizes, group = f"d = {s['features']}, n = {s['context']}", s["group"]
    law = f"{sizes}; a law symmetric under {group}; {s['outer']}; window {s['window']}"
    rows = [
        (cell(words(depth)), *(_cell([c for c in of_depth if c.details.get("set") == name]) for name in names))
        for depth, of_depth in by_depth.items()
    ]
    blocks: list[Block] = [
        prose("Deep TD changes the weights along an expected update. A set of weights is invariant when that update "
              "never leads out of it, for every symmetric law of the data. ", (f"Asked at {law}.",)),
        Table(("layers", *names), tuple(rows), "Verdict, dimension of the set, strongest evidence."),
        prose("A refuted entry is an answer and not a fault of the construction: the set is left, and the witness "
              "shows how."),
    ]  # fmt: skip
    for depth, of_depth in by_depth.items():
        blocks.append(
            Folded(f"Sets and witnesses, {words(depth)}", tuple(_details(of_depth, names, labels)), ident(depth))
        )
    return Section(NAME, TITLE, tuple(blocks))


def words(depth: Depth) -> str:
    """A depth in words."""
    layers, looped = depth
    return "1 layer" if layers == 1 else f"{layers} layers, {'looped' if looped else 'sequential'}"


def ident(depth: Depth) -> str:
    """A depth as a link's target."""
    return f"invariance-{depth[0]}-{'looped' if depth[1] else 'sequential'}"


def _cell(claims: Sequence[Claim]) -> Cell:
    if not claims:
        return Cell(("–",))
    verdict = verdict_on_set(claims)
    by_kind = {c.evidence: c for c in claims if c.verdict is verdict}
    strongest = next(
        (by_kind[kind].details.get("short", short) for kind, short in KINDS.items() if kind in by_kind), ""
    )
    size = () if claims[0].dimension is None else (f"dimension {claims[0].dimension}",)
    return Cell((", ".join((*size, *([strongest] if strongest else ()))),), verdict)


def _details(claims: Sequence[Claim], names: Sequence[str], blocks: Sequence[str]) -> list[Block]:
    result: list[Block] = []
    for name in names:
        about = [c for c in claims if c.details.get("set") == name]
        if not about:
            continue
        told = next((c.details for c in about if "meaning" in c.details), {})
        shown: list[Block] = [plain(sentence(str(told.get("meaning", ""))))] if told else []
        patterns = told.get("patterns") or []
        different = patterns if len({str(p) for p in patterns}) > 1 else patterns[:1]
        for layer, pattern in enumerate(different):
            shown += _pattern(pattern, f" of layer {layer + 1}" if len(different) > 1 else "", blocks)
        for claim in about:
            kind = claim.details.get("short", KINDS.get(claim.evidence, claim.evidence))
            shown.append(plain(sentence(f"{kind}: {claim.reason}")))
            if claim.witness:
                shown.append(Listing("\n".join(line.rstrip() for line in witness_lines(claim.witness))))
        title = name if about[0].dimension is None else f"{name}, dimension {about[0].dimension}"
        result.append(Note(verdict_on_set(about), title, tuple(shown)))
    for claim in claims:
        if "set" not in claim.details:
            why = (plain(sentence(claim.reason)),)
            result.append(Note(claim.verdict, sentence(claim.claim).removesuffix("."), why))
    return result


def _pattern(pattern: Mapping[str, Sequence[Sequence[str]]], where: str, blocks: Sequence[str]) -> list[Block]:
    """A set's blocks: a letter for each free multiple of the identity, frozen for what stays as it is."""
    result: list[Block] = []
    for name, rows in pattern.items():
        labels = tuple(blocks) if len(blocks) == len(rows) else tuple(str(k + 1) for k in range(len(rows)))
        entries = tuple(tuple(None if e in ("0", "") else _entry(e) for e in row) for row in rows)
        groups = tuple(tuple(None if e is None else int(e.text == FROZEN) for e in row) for row in entries)
        title = row(named(name), text_of(where)) if where else named(name)
        result.append(Matrix(title, labels, labels, entries, groups=groups, legend=LEGEND))
    return result


def _entry(text: str) -> Formula:
    stem, digits = text.rstrip("0123456789"), text[len(text.rstrip("0123456789")) :]
    if is_letter(stem) and digits:
        return spoken(text_of(text), indexed(stem, digits))
    return text_of(text) if text.isalpha() and len(text) > 1 else named(text)

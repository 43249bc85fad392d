"""Section "derivation": from the update to the weights, step by step."""

from __future__ import annotations

from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.form import AnyHead
from ...formula.build import QUAD, THIN, call, equation, indexed, listed, named, spoken
from ...formula.formula import Formula
from ...verdict import Verdict
from ..assemble import plain, prose
from ..derivation.ansatz import ansatz_section
from ..derivation.freedom import freedom_section
from ..derivation.heads import factors_of
from ..derivation.masks import masks_section
from ..derivation.readout import readout_section
from ..derivation.system import system_section
from ..findings import Findings
from ..model import Block, Display, Link, Note, Paragraph, Section, Steps
from ..names import Names, mask_symbol, times
from ..notation import block_symbols

NAME, TITLE, ORDER = "derivation", "The derivation, step by step", 40


def build(findings: Findings) -> Section | None:
    """Ansatz, linear system, masks, heads, what is unique, read-out; or why there is none."""
    if findings.algorithm is None:
        return None
    if findings.derivation is None:
        if findings.obstacle:
            verdict = findings.verdict if findings.verdict is not Verdict.HOLDS else Verdict.UNDECIDED
            return Section(
                NAME, TITLE, (Note(verdict, "No weights follow from this update", (plain(findings.obstacle),)),)
            )
        intro = prose("The weights are given by the author of this construction, not derived; what is checked is that "
                     "they do what the update says.")  # fmt: skip
        return Section(NAME, TITLE, (intro,))
    solution = findings.derivation
    sections = [ansatz_section(solution), system_section(solution), masks_section(solution)]
    rest = [freedom_section(solution), readout_section(solution)]
    steps = [(s.title, s.blocks) for s in sections]
    steps.append(("Heads", _heads(solution)))
    steps += [(s.title, s.blocks) for s in rest]
    intro = prose(
        "No weight below was typed in. Each formula is printed from the objects that the derivation computed. "
        "$X_{r j}$ is block $r$ of the feature rows at token $j$, and $Y_{k i}$ the entry of accumulator "
        "row $k$ at token $i$, both as the table of ", Link("the prompt", "#prompt"), " gives them at weights ",
        listed(map(named, solution.algorithm.weights)), ".",
    )  # fmt: skip
    return Section(NAME, TITLE, (intro, Steps(tuple(steps), together=True)))


def _heads(derivation: Derivation) -> tuple[Block, ...]:
    """T as a sum of rank-one terms, one a head."""
    *others, last = factors_of(derivation)
    result: list[Block] = [
        *others,
        prose(last.spans, " with the matrices shown under ", Link("weights", "#weights"),
              ". In terms of $T$, each head is a product of what it writes and reads ($U$), which tokens it joins "
              "($M$) and which features meet ($E$):"),
    ]  # fmt: skip
    symbols, names = block_symbols(derivation.state), Names.for_state(derivation.state)
    for number, head in enumerate(derivation.heads, 1):
        lead = Paragraph((f"Head {number}, mask ", mask_symbol(derivation.mask_names[head.mask]), ":"))
        result += [lead, Display(_factors(head, names, symbols), f"head-{number}")]
    return tuple(result)


def _factors(head: AnyHead, names: Names, symbols: dict[str, Formula]) -> Formula:
    shown: list[Formula] = []
    if isinstance(head, SymbolicHead):
        for (written, read), u in head.U.items():
            shown.append(equation(_block("U", names.rows[written], names.rows[read]), names.scalar(u)))
        for (r, word, s), e in head.E.items():
            shown.append(equation(_block("E", symbols[r], symbols[s]), times(names.scalar(e), word)))
    else:
        one = symbols[head.row]
        for name, c in head.U.items():
            shown.append(equation(_block("U", names.rows[name], one), names.scalar(c)))
        for name, c in head.E.items():
            shown.append(equation(_block("E", one, names.rows[name]), names.scalar(c)))
    return spoken(listed(shown), listed(shown, QUAD))


def _block(matrix: str, down: Formula, across: Formula) -> Formula:
    """A block of a matrix, by its row and its column."""
    return spoken(call(matrix, down, across, brackets="[]"), indexed(matrix, down, ",", THIN, across))

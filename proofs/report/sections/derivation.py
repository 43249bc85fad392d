"""Section "derivation": from the update to the weights, step by step."""

from __future__ import annotations

from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.form import AnyHead
from ...verdict import Verdict
from ..assemble import blocks, plain, prose, spans
from ..document import derivation as document
from ..document.formula import Formula, Names, quoted, symbol, word_formula
from ..document.parts import Sentence
from ..model import Block, Display, Link, Note, Paragraph, Section, Steps
from ..notation import block_symbols
from ..subject import Subject

NAME, TITLE, ORDER = "derivation", "The derivation, step by step", 40


def build(subject: Subject) -> Section | None:
    """Ansatz, linear system, masks, heads, what is unique, read-out; or why there is none."""
    if subject.algorithm is None:
        return None
    if subject.derivation is None:
        if subject.obstacle:
            verdict = subject.verdict if subject.verdict is not Verdict.HOLDS else Verdict.UNDECIDED
            return Section(
                NAME, TITLE, (Note(verdict, "No weights follow from this update", (plain(subject.obstacle),)),)
            )
        said = prose("The weights are given by the author of this construction, not derived; what is checked is that "
                     "they do what the update says.")  # fmt: skip
        return Section(NAME, TITLE, (said,))
    found = subject.derivation
    steps = []
    for section in (document.ansatz_section(found), document.system_section(found)):
        steps.append((section.title, blocks(section.parts)))
    masks = document.masks_section(found)
    context = prose(
        r"Here $i$ and $j$ are context tokens, $1, ..., n|1, \dots, n$: the query's row and column of every mask are "
        "zero, so that no token reads the query."
    )
    steps.append((masks.title, (*blocks(masks.parts), context)))
    steps.append(("Heads", _heads(found)))
    for section in (document.freedom_section(found), document.readout_section(found)):
        steps.append((section.title, blocks(section.parts)))
    said = prose(
        "No weight below was typed in. Each formula is printed from the objects that the derivation computed. "
        "$X_r,j|X_{r j}$ is block $r$ of the feature rows at token $j$, and $Y_k,i|Y_{k i}$ the entry of accumulator "
        "row $k$ at token $i$, both as the table of ", Link("the prompt", "#prompt"), " gives them at weights ",
        _weights(found), ".",
    )  # fmt: skip
    return Section(NAME, TITLE, (said, Steps(tuple(steps), together=True)))


def _weights(found: Derivation) -> Formula:
    names = found.algorithm.weights
    return quoted(", ".join(names), r",\, ".join(symbol(w) for w in names))


def _heads(found: Derivation) -> tuple[Block, ...]:
    """T as a sum of rank-one terms, one a head."""
    leads = [part for part in document.heads_section(found).parts if isinstance(part, Sentence)]
    result: list[Block] = [
        *(prose(lead.spans) for lead in leads[:-1]),
        prose(leads[-1].spans, " the matrices shown under ", Link("weights", "#weights"),
              ". In terms of $T$, each head is a product of what it writes and reads ($U$), which tokens it joins "
              "($M$) and which features meet ($E$):"),
    ]  # fmt: skip
    symbols, names = block_symbols(found.algorithm, found.state), Names.for_state(found.state)
    for number, head in enumerate(found.heads, 1):
        lead = Paragraph((f"Head {number}, mask ", mask_formula(found.mask_names[head.mask]), *spans(":")))
        result += [lead, Display(_factors(head, names, symbols), f"head-{number}")]
    return tuple(result)


def mask_formula(name: str) -> Formula:
    """A mask's name: M_0."""
    return quoted(name, f"{name[0]}_{{{name[1:]}}}")


def _factors(head: AnyHead, names: Names, symbols: dict[str, Formula]) -> Formula:
    texts, tex = [], []
    if not isinstance(head, SymbolicHead):
        one = symbols[head.row]
        for letter, entries in (("U", head.U), ("E", head.E)):
            for row, c in entries.items():
                value, left = names.scalar(c), (names.rows[row].text, names.rows[row].latex)
                pairs = (left, (one.text, one.latex)) if letter == "U" else ((one.text, one.latex), left)
                texts.append(f"{letter}[{pairs[0][0]}, {pairs[1][0]}] = {value.text}")
                tex.append(rf"{letter}_{{{pairs[0][1]},\, {pairs[1][1]}}} = {value.latex}")
        return quoted(", ".join(texts), r",\quad ".join(tex))
    for (written, read), u in head.U.items():
        value = names.scalar(u)
        to, of = names.rows[written], names.rows[read]
        texts.append(f"U[{to.text}, {of.text}] = {value.text}")
        tex.append(rf"U_{{{to.latex},\, {of.latex}}} = {value.latex}")
    for (r, word, s), e in head.E.items():
        value, letters = names.scalar(e), word_formula(word, "l")
        between = letters.latex.replace("{l}", r"{\ell}")
        if word and value.text in ("1", "-1"):
            sign = "" if value.text == "1" else "-"
            shown, shown_tex = f"{sign}{letters.text}", f"{sign}{between}"
        else:
            shown, shown_tex = f"{value.text} {letters.text}", f"{value.latex}\\, {between}"
        texts.append(f"E[{symbols[r].text}, {symbols[s].text}] = {shown}")
        tex.append(rf"E_{{{symbols[r].latex},\, {symbols[s].latex}}} = {shown_tex}")
    return quoted(", ".join(texts), r",\quad ".join(tex))

"""The paper form of an algorithm that attends by patterns: update, prompt, layer, theorem and proof, evidence."""

from __future__ import annotations

from collections.abc import Mapping

from ....symbolic.patterns.record import PatternAlgorithm
from ...case import Settings
from ...formula.build import NO_GAP, QUAD, equation, indexed, listed, matrix, power, row
from ...formula.lines import width
from ...formula.macros import Macro
from ...theory.audits import audits
from ...verdict import Claim
from ..pattern_formulas import update_lines
from ..sections.trust import BELIEVE
from .evidence import HOLDS, Stated, alarm_blocks, evidence_blocks
from .latex import LINE
from .model import Block, Paper, Text, display, joined, paragraph, text
from .notation import REALS
from .pattern_layer import layer_blocks
from .pattern_theorem import theorem_blocks
from .patterned import Patterned
from .update import source, title

HOLDS_OF_PATTERNS = HOLDS | {
    "identity-symbolic": "one layer's identity holds for all $d$, $n$ and $L$ and every pattern in exact symbolic "
    "algebra",
}
BELIEVE_OF_PATTERNS = BELIEVE | {
    "identity-symbolic": "the symbolic algebra, and that a loop that adds something of each token alone is their sum",
}


def pattern_paper(
    algorithm: PatternAlgorithm,
    claims: tuple[Claim, ...],
    settings: Settings,
    name: str,
    version: str,
    known: Mapping[str, Macro] | None = None,
) -> Paper:
    """One algorithm's paper form."""
    facts = Patterned.of(algorithm, claims, known)
    blocks: list[Block] = [*alarm_blocks(claims), *_update(facts), *_prompt(facts)]
    if facts.form is None:
        blocks.append(paragraph("No layer that attends by such a pattern was found for this update.",
                                heading="The layer."))  # fmt: skip
    else:
        blocks += [*layer_blocks(facts, facts.form), *theorem_blocks(facts, facts.form)]
    stated = Stated(HOLDS_OF_PATTERNS, BELIEVE_OF_PATTERNS, audits(algorithm))
    blocks += evidence_blocks(facts, claims, settings, stated, version)
    return Paper(name, title(algorithm.title), tuple(blocks), facts.symbols.macros)


def _update(facts: Patterned) -> list[Block]:
    a, t = facts.algorithm, row("t")
    chained = " of one trajectory, each the successor of the one before," if a.chained else ""
    last = ("a column for the weights",) if a.column else ("a query, token ", facts.query_column)
    front = text(
        *title(a.title), " ", *source(a), " runs over a context of ", facts.n, f" tokens{chained} and ", *last,
        "; the state is ", a.state, ".",
    )  # fmt: skip
    if facts.loop is None:
        return [paragraph(front, " Its update is no single loop and has no closed form.", heading="The update.")]
    steps = equation(facts.layer, listed(["0", "1", "..."], NO_GAP))
    tokens = row(t, "<=", facts.query_column)
    for_each = () if a.column else (", for every token ", tokens, ", from the states before,")
    after: list[Text] = []
    if a.kernels:
        after.append((
            "where ", facts.kernel, " is the weight of token ", row("j"), " for token ", t, ": any number that is made "
            "from what no step changes, such as a softmax over tokens of scores of ", facts.named(a.scored),
        ))  # fmt: skip
    if a.preconditioned:
        d = facts.fixed("size", "d")
        C = facts.symbols.formula("preconditioner", "C", facts.layer)
        after.append((
            "with ", row(C, "in", power(REALS, row(d, "times", d))), " free and its own in every step (a step size, "
            "where it is a multiple of the identity)",
        ))  # fmt: skip
    return [
        paragraph(front, " From any ", indexed(facts.state, "0"), ", step ", steps, " sets", *for_each,
                  heading="The update."),
        display(update_lines(a, facts.loop, facts.symbols), "update", "," if after else "."),
        *([paragraph(joined(after, ", "), ".")] if after else []),
    ]  # fmt: skip


def _prompt(facts: Patterned) -> list[Block]:
    d = facts.fixed("size", "d")
    rows = [
        text(facts.named(one.name), *(() if one.scalar else (" (", d, " of them)"))) for one in facts.algorithm.rows
    ]
    places = (("context", row("j")), (facts.final, facts.query_column))
    columns = [
        equation(indexed(facts.z, at), matrix([[x] for x in facts.entries(family, at).values()]))
        for family, at in places
    ]
    beside = listed(columns, QUAD)
    held = facts.form.held if facts.form is not None else ()
    changed = [facts.named(one.name) for one in facts.algorithm.rows if one.name in held]
    writes = text(" Layers write ", joined(changed, " and "), " alone.") if changed else ()
    return [
        paragraph("For states ", facts.state, " let ", facts.prompt(), " have the columns, for ",
                  row("j", "<=", facts.n), ",", heading="The prompt."),
        display([beside] if width(beside.tree) <= LINE else columns, "prompt", ","),
        paragraph("and call its rows ", joined(rows, ", "), ".", writes),
    ]  # fmt: skip

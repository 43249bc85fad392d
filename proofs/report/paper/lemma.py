"""The mask lemma: what the loop adds up is what the masks gather, for every n, by induction over the context."""

from __future__ import annotations

from sympy import Expr

from ....symbolic.derivation.coefficients import INDEX
from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.loop import Trace, WeightChange
from ....symbolic.derivation.masks import STEP, I, J, masks_of
from ...formula.build import Part, added, bracketed, equation, negative, row, summed, without_sign
from ...formula.formula import Formula
from .facts import Facts, product_form
from .model import Block, Display, Environment, Paragraph, Ref, display, joined, paragraph
from .notation import combination, times
from .weights import POSITION, entry_of


def is_needed(change: WeightChange) -> bool:
    """Whether the total is more than what the plain context mask gathers."""
    return any(t.trace for t in change.terms) or any(not m.is_context_mask for _, m in masks_of(change.terms).values())


def gathered(facts: Facts, derivation: Derivation, change: WeightChange) -> Formula:
    """The total of a change as the masks gather it: sums of y_i M_ij x_j."""
    keys = [m.key() for m in derivation.masks]
    groups: dict[int, dict[tuple[str, str], Expr]] = {}
    for place, (scale, mask) in masks_of(change.terms).items():
        groups.setdefault(keys.index(mask.key()), {})[place] = scale.expr()
    parts = []
    for position in sorted(groups):
        entries = groups[position]
        plain = derivation.masks[position].is_context_mask
        at, middle = ("i", None) if plain else ("j", entry_of(facts, position))
        form = product_form(entries)
        if form is not None:
            left, right = form
            rows = combination(facts, [(c, facts.row(r, "i")) for r, c in left.items()])
            blocks = combination(facts, [(c, facts.block(b, at)) for b, c in right.items()])
            minus = negative(blocks) and len(right) == 1
            shown = times(rows, middle, without_sign(blocks) if minus else blocks)
        else:
            each = [(c, times(facts.row(r, "i"), middle, facts.block(b, at))) for (r, b), c in entries.items()]
            shown, minus = bracketed(combination(facts, each), "big"), False
        index = row("i") if plain else row("i", ",", "j")
        parts.append(row(*["-"] * minus, summed(index, shown, "1", facts.n)))
    return added(parts)


def lemma_blocks(facts: Facts, derivation: Derivation) -> list[Block]:
    """The lemma with its proof; none where every mask is the plain one."""
    changes = {c.total: c for c in derivation.loop.changes if is_needed(c)}
    shape = facts.shape
    if not changes or shape is None:
        return []
    lines = []
    for total, change in changes.items():
        is_sum = total in shape.sums
        left = facts.looped.total(total, "j", facts.n) if is_sum else facts.symbols.formula("variable", total, "n")
        lines.append(equation(left, gathered(facts, derivation, change)))
    statement = (paragraph("For every ", facts.n, " and all weights,"), display(lines, "gather"))
    return [
        Environment("lemma", statement, ("The mask",), "mask-lemma"),
        Environment("proof", tuple(_proof(facts, derivation, list(changes.values())))),
    ]


def _proof(facts: Facts, derivation: Derivation, changes: list[WeightChange]) -> list[Paragraph | Display]:
    traces = {t.trace.name: t.trace for c in changes for t in c.terms if t.trace is not None}
    shape = facts.shape
    assert shape is not None
    own = [t for t in traces.values() if t.name not in shape.sums and t.name not in shape.copies]
    blocks: list[Paragraph | Display] = []
    if own:
        blocks += [paragraph("Unrolled, the recursion is"),
                   display([unrolled(facts, t) for t in own], end=","), _induction(facts, own)]  # fmt: skip
    rows = [
        times(facts.row(r, "i"), facts.block(b, "j"))
        for c in changes for (r, b), (_, m) in masks_of(c.terms).items() if not m.is_context_mask
    ]  # fmt: skip
    masks = [entry_of(facts, k) for k, m in enumerate(derivation.masks) if not m.is_context_mask]
    whole = "Put into the sum, this gives " if own else "The sum on the left gives "
    blocks.append(paragraph(
        whole, joined(rows, " and "), " the coefficient ", joined(masks, ", "), " of ", Ref("mask"), " in each case: "
        "what a step takes from itself stands on the diagonal, what it takes from other steps beside it.",
    ))  # fmt: skip
    return blocks


def unrolled(facts: Facts, trace: Trace) -> Formula:
    """A trace as the sum over the steps before: e_i = sum_j c^(i-j) phi_j."""
    name = facts.symbols.formula("variable", trace.name, "i")
    end = row("i", "-", str(trace.delay)) if trace.delay else row("i")
    last = I - trace.delay

    def inner(at: Expr, index: Part) -> Formula:
        entries = [(c.expr().subs(POSITION, at), facts.anything(n, index)) for n, c in trace.parts.items()]
        return combination(facts, entries)

    if not trace.decay:
        return equation(name, inner(last, end))
    decay = trace.decay.expr()
    if INDEX in trace.decay.names():
        factor = facts.scalar(decay.subs(POSITION, STEP))
        front = bracketed(summed("k", factor, row("j", "+", "1"), end, "prod"), "Big")
    else:
        front = facts.scalar(decay ** (last - J))
    return equation(name, summed("j", times(front, inner(J, "j")), "1", end))


def _induction(facts: Facts, own: list[Trace]) -> Paragraph:
    first, before, now = (facts.symbols.formula("variable", own[0].name, at) for at in ("0", row("i", "-", "1"), "i"))
    return paragraph(
        "by induction on ", row("i"), " (and the others likewise)" if len(own) > 1 else "", ": it holds before the "
        "first step, where ", equation(first, "0"), "; and if it holds for ", before, ", one step of the recursion "
        "multiplies every earlier weight by the decay and adds the entry of step ", row("i"), " with weight one, "
        "which is the formula for ", now, ".",
    )  # fmt: skip

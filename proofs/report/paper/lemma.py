"""The mask lemma: what the loop adds up is what the masks gather, for every n, by induction over the context."""

from __future__ import annotations

from sympy import Expr, Integer

from ....symbolic.derivation.coefficients import INDEX
from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.loop import Trace, WeightChange
from ....symbolic.derivation.masks import STEP, I, J, masks_of
from .facts import Facts, bracketed, combination, product_form
from .model import Block, Display, Environment, Paragraph, Ref, paragraph
from .weights import POSITION, entry_of


def is_needed(change: WeightChange) -> bool:
    """Whether the total is more than what the plain context mask gathers."""
    return any(t.trace for t in change.terms) or any(not m.is_context_mask for _, m in masks_of(change.terms).values())


def gathered(facts: Facts, derivation: Derivation, change: WeightChange) -> str:
    """The total of a change as the masks gather it: sums of y_i M_ij x_j."""
    keys = [m.key() for m in derivation.masks]
    groups: dict[int, dict[tuple[str, str], Expr]] = {}
    for (row, block), (scale, mask) in masks_of(change.terms).items():
        groups.setdefault(keys.index(mask.key()), {})[row, block] = scale.expr()
    n = facts.symbols.at("sweep", "n")
    parts = []
    for position in sorted(groups):
        entries = groups[position]
        plain = derivation.masks[position].is_context_mask
        at = "i" if plain else "j"
        middle = "" if plain else rf" {entry_of(facts, position)}"
        form = product_form(entries)
        if form is not None:
            left, right = form
            rows = combination(facts, [(c, facts.row(r, "i")) for r, c in left.items()])
            blocks = combination(facts, [(c, _content(facts, b, at)) for b, c in right.items()])
            shown = f"{bracketed(rows, len(left))}{middle} {bracketed(blocks, len(right))}".removesuffix(" 1")
            negative = blocks.startswith("-") and len(right) == 1
            shown = shown.replace(f" {blocks}", f" {blocks[1:]}", 1) if negative else shown
        else:
            shown = combination(
                facts, [(c, f"{facts.row(r, 'i')}{middle} {_content(facts, b, at)}") for (r, b), c in entries.items()]
            )
            shown, negative = rf"\bigl( {shown} \bigr)", False
        low = "i=1" if plain else "i,j=1"
        parts.append(("- " if negative else "+ ") + rf"\sum_{{{low}}}^{{{n}}} {shown}")
    return (
        " ".join(parts).removeprefix("+ ").replace("- ", "-", 1)
        if parts[0].startswith("- ")
        else (" ".join(parts).removeprefix("+ "))
    )


def _content(facts: Facts, block: str, index: str) -> str:
    shown = facts.block(block, index)
    return f"({shown})" if " + " in shown or " - " in shown else shown


def lemma_blocks(facts: Facts, derivation: Derivation) -> list[Block]:
    """The lemma with its proof; none where every mask is the plain one."""
    changes = {c.total: c for c in derivation.loop.changes if is_needed(c)}
    shape = facts.shape
    if not changes or shape is None:
        return []
    lines = []
    for total, change in changes.items():
        left = (
            facts.looped.total(total, "j", facts.fixed("sweep", "n"))
            if total in shape.sums
            else facts.symbols.at("variable", total, "n")
        )
        lines.append(f"{left} = {gathered(facts, derivation, change)}")
    n = facts.symbols.at("sweep", "n")
    statement = (paragraph(f"For every ${n}$ and all weights,"), Display(tuple(_dot(lines)), "gather"))
    return [
        Environment("lemma", statement, ("The mask",), "mask-lemma"),
        Environment("proof", tuple(_proof(facts, derivation, list(changes.values())))),
    ]


def _dot(lines: list[str]) -> list[str]:
    return [*(f"{line}," for line in lines[:-1]), f"{lines[-1]}."]


def _proof(facts: Facts, derivation: Derivation, changes: list[WeightChange]) -> list[Paragraph | Display]:
    traces = {t.trace.name: t.trace for c in changes for t in c.terms if t.trace is not None}
    shape = facts.shape
    assert shape is not None
    own = [t for t in traces.values() if t.name not in shape.sums and t.name not in shape.copies]
    blocks: list[Paragraph | Display] = []
    if own:
        blocks += [paragraph("Unrolled, the recursion is"), Display(tuple(f"{unrolled(facts, t)}," for t in own)),
                   paragraph(_induction(facts, own))]  # fmt: skip
    rows = " and ".join(
        f"${facts.row(r, 'i')} {_content(facts, b, 'j')}$"
        for c in changes for (r, b), (_, m) in masks_of(c.terms).items() if not m.is_context_mask
    )  # fmt: skip
    masks = [k for k, m in enumerate(derivation.masks) if not m.is_context_mask]
    which = ", ".join(f"${entry_of(facts, k)}$" for k in masks)
    whole = "Put into the sum, this gives" if own else "The sum on the left gives"
    blocks.append(paragraph(
        whole, f" {rows} the coefficient {which} of ", Ref("mask"), " in each case: what a step takes from itself "
        "stands on the diagonal, what it takes from other steps beside it.",
    ))  # fmt: skip
    return blocks


def unrolled(facts: Facts, trace: Trace) -> str:
    """A trace as the sum over the steps before: e_i = sum_j c^(i-j) phi_j."""
    s = facts.symbols
    shown = facts.scalar
    last = I - trace.delay
    end = "i" if not trace.delay else f"i-{trace.delay}"
    parts = [(c.expr().subs(POSITION, J), facts.anything(name, "j")) for name, c in trace.parts.items()]
    inner = bracketed(combination(facts, parts), len(parts))
    name = s.at("variable", trace.name, "i")
    if not trace.decay:
        parts = [(c.expr().subs(POSITION, last), facts.anything(name_, end)) for name_, c in trace.parts.items()]
        return f"{name} = {combination(facts, parts)}"
    decay = trace.decay.expr()
    if INDEX in trace.decay.names():
        front = rf"\Bigl( \prod_{{k=j+1}}^{{{end}}} {shown(decay.subs(POSITION, STEP))} \Bigr) "
    elif decay == Integer(1):
        front = ""
    else:
        front = shown(decay ** (last - J)) + " "
    return rf"{name} = \sum_{{j=1}}^{{{end}}} {front}{inner}"


def _induction(facts: Facts, own: list[Trace]) -> str:
    trace = own[0]
    e = [facts.symbols.at("variable", trace.name, at) for at in ("0", "i-1", "i")]
    more = " (and the others likewise)" if len(own) > 1 else ""
    return (
        f"by induction on $i${more}: it holds before the first step, where ${e[0]} = 0$; and if it holds for ${e[1]}$, "
        f"one step of the recursion multiplies every earlier weight by the decay and adds the entry of step $i$ with "
        f"weight one, which is the formula for ${e[2]}$."
    )

"""The layer's weights as block matrices, and its masks."""

from __future__ import annotations

from sympy import Expr, Symbol

from ....symbolic.derivation.coefficients import INDEX
from ....symbolic.derivation.form import AnyHead
from ...theory.generated.given import GivenWeights, Weights
from ...theory.generated.heads import cells
from .breaking import LINE, breadth
from .facts import Facts, combination, grid
from .model import Block, Display, paragraph

POSITION = Symbol(INDEX)
TEXT_ELSE = r"\text{else}"


def weight_blocks(facts: Facts, weights: Weights) -> list[Block]:
    """The layer, then P, Q and M of every head."""
    s, layer = facts.symbols, facts.layer
    z, n = s.at("matrix", "prompt"), s.at("sweep", "n")
    P, Q = s.at("matrix", "value"), s.at("matrix", "keyQuery")
    one = len(weights.heads) == 1
    h = "" if one else "_{h}"
    total = "" if one else r"\sum_{h} "
    key = f"{Q}_{{{layer}}}" if one else f"{Q}_{{{layer},h}}"
    mask = mask_of(facts, None, h)
    line = (rf"{z}_{{{layer}+1}} = {z}_{{{layer}}} + \tfrac{{1}}{{{n}}} {total}{P}{h} {z}_{{{layer}}} {mask} "
            rf"\bigl( {z}_{{{layer}}}^{{\top}} {key} {z}_{{{layer}}} \bigr)")  # fmt: skip
    heads = "one head" if one else f"{_count(len(weights.heads))} heads"
    unit = f"${facts.size()}$"
    blocks: list[Block] = [
        paragraph(f"Layer ${layer}$ is linear attention with {heads},", heading="The weights."),
        Display((f"{line},",), "layer"),
        paragraph(f"whose weights are, in blocks of {unit} feature rows and ",
             "the last row" if len(facts.algorithm.accumulators) == 1 else
             f"the last {len(facts.algorithm.accumulators)} rows", ","),
    ]  # fmt: skip
    lines: list[str] = []
    for k, head in enumerate(weights.heads, 1):
        lines += _head(facts, weights, head, "" if one else str(k))
    blocks.append(Display((*lines[:-1], f"{lines[-1]},"), "weights"))
    if any("[" in line for line in lines):
        blocks.append(paragraph("where what is not named is zero,"))
    if isinstance(weights, GivenWeights) and weights.factors:
        blocks.append(paragraph(f"where ${P}$ stands for $W {P}$, with the $W$ that is given,"))
    masks = [_mask(facts, weights, k) for k in range(len(weights.masks))]
    context = any(m.is_context_mask for m in weights.masks)
    after = paragraph("Row and column $" + f"{n}+1" + "$ of " + ("every mask" if len(masks) > 1 else "the mask") +
                 " are zero: the query is neither key nor value" +
                 ("" if not context else f", which is all that ${mask_of(facts, 0)}$ does") + ".")  # fmt: skip
    return [
        *blocks,
        paragraph("and with the mask" + "s" * (len(masks) > 1)),
        Display((*(f"{m}," for m in masks[:-1]), f"{masks[-1]}."), "mask"),
        after,
    ]


def _count(number: int) -> str:
    return {2: "two", 3: "three", 4: "four", 5: "five"}.get(number, str(number))


def mask_of(facts: Facts, position: int | None, head: str = "") -> str:
    """A mask's symbol: M where there is one, else M_0, M_1; `position` None for a head's."""
    M = facts.symbols.at("matrix", "mask")
    weights = facts.layer_weights
    assert weights is not None
    if len(weights.masks) == 1:
        return M
    return M + (head.replace("h", "(h)") if position is None else f"_{{{weights.mask_names[position][1:]}}}")


def _head(facts: Facts, weights: Weights, head: AnyHead, number: str) -> list[str]:
    s, layer = facts.symbols, facts.layer
    rows = [r.name for r in facts.algorithm.accumulators]
    P, Q = s.at("matrix", "value") + (f"_{{{number}}}" if number else ""), s.at("matrix", "keyQuery")
    Q += f"_{{{layer},{number}}}" if number else f"_{{{layer}}}"
    U, E = cells(head)
    own = ""
    if number and len(weights.masks) > 1:
        own = rf", \quad {s.at('matrix', 'mask')}_{{({number})}} = {mask_of(facts, head.mask)}"
    names = [b.name for b in facts.algorithm.features]
    blocks: dict[tuple[str, str], list[tuple[Expr, str]]] = {}
    for (r, word, c), coefficient in E.items():
        blocks.setdefault((r, c), []).append((coefficient.expr(), facts.word(word)))
    if all(read in rows for _, read in U) and all(c in names for _, c in blocks):
        values = [[combination(facts, [(U[a, b].expr(), "")]) if (a, b) in U else "0" for b in rows] for a in rows]
        inner = values[0][0] if len(rows) == 1 else rf"\bigl( {grid(values, 'smallmatrix')} \bigr)"
        entries = [[combination(facts, blocks.get((r, c), [])) for c in names] + ["0"] for r in names]
        entries.append(["0"] * (len(names) + 1))
        first, whole = rf"{P} = \operatorname{{diag}}(0_{{{facts.size()}}}, {inner}){own}", f"{Q} = {grid(entries)}"
        if breadth(whole, facts.symbols.macros) <= LINE:
            return [first, whole]
        return [first, *_listed(facts, Q, blocks)]
    values_of = {key: [(c.expr(), "")] for key, c in U.items()}
    first, *more = _listed(facts, P, values_of)
    return [first + own, *more, *_listed(facts, Q, blocks)]


def _listed(facts: Facts, name: str, blocks: dict[tuple[str, str], list[tuple[Expr, str]]]) -> list[str]:
    """A matrix block by block, named by what stands in its rows and columns."""
    return [
        rf"{name}[{facts.anything(r, 'j')},\, {facts.anything(c, 't')}] = {combination(facts, terms)}"
        for (r, c), terms in blocks.items()
    ]  # fmt: skip


def _mask(facts: Facts, weights: Weights, position: int) -> str:
    mask, n = weights.masks[position], facts.symbols.at("sweep", "n")
    name = mask_of(facts, position)
    if mask.is_context_mask:
        return rf"{name} = \operatorname{{diag}}(I_{{{n}}}, 0)"
    shown = facts.scalar
    pieces = [("i = j", mask.diagonal_entry()), ("j < i", mask.lower_entry()), ("i < j", mask.upper_entry())]
    apart = [t for t in (*mask.lower, *mask.upper) if not t.decay]
    if len(apart) == len((*mask.lower, *mask.upper)):  # each stands on one line beside the diagonal
        pieces = pieces[:1]
        for side, (later, earlier) in ((mask.lower, ("i", "j")), (mask.upper, ("j", "i"))):
            for t in side:
                entered = 1 if t.enters is None else t.enters.expr().subs(POSITION, Symbol(earlier))
                value = t.coefficient.expr().subs(POSITION, Symbol(later)) * entered
                pieces.append((f"{later} = {earlier}+{t.delay + 1}", value))
    cases = [[shown(entry), rf"{where} \le {n}"] for where, entry in pieces if entry != 0]
    return f"{entry_of(facts, position)} = {grid([*cases, ['0', TEXT_ELSE]], 'cases')}"


def entry_of(facts: Facts, position: int) -> str:
    """An entry of a mask: M_ij, or (M_1)_ij."""
    name = mask_of(facts, position)
    return f"({name})_{{ij}}" if "_" in name else f"{name}_{{ij}}"

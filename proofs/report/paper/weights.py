"""The layer's weights as block matrices, and its masks."""

from __future__ import annotations

from sympy import Expr, Symbol

from ....symbolic.derivation.coefficients import INDEX
from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.factor import SymbolicHead
from ...formula.sympy_latex import SympyLatex
from .breaking import LINE, breadth
from .facts import Facts, combination, grid
from .model import Block, Display, said

POSITION = Symbol(INDEX)
TEXT_ELSE = r"\text{else}"


def weight_blocks(facts: Facts, found: Derivation) -> list[Block]:
    """The layer, then P, Q and M of every head."""
    s, layer = facts.symbols, facts.layer
    z, n = s.at("matrix", "prompt"), s.at("sweep", "n")
    P, Q = s.at("matrix", "value"), s.at("matrix", "keyQuery")
    one = len(found.heads) == 1
    h = "" if one else "_{h}"
    total = "" if one else r"\sum_{h} "
    key = f"{Q}_{{{layer}}}" if one else f"{Q}_{{{layer},h}}"
    mask = mask_of(facts, None, h)
    line = (rf"{z}_{{{layer}+1}} = {z}_{{{layer}}} + \tfrac{{1}}{{{n}}} {total}{P}{h} {z}_{{{layer}}} {mask} "
            rf"\bigl( {z}_{{{layer}}}^{{\top}} {key} {z}_{{{layer}}} \bigr)")  # fmt: skip
    heads = "one head" if one else f"{_count(len(found.heads))} heads"
    unit = f"${facts.size()}$"
    blocks: list[Block] = [
        said(f"Layer ${layer}$ is linear attention with {heads},", heading="The weights."),
        Display((f"{line},",), "layer"),
        said(f"whose weights are, in blocks of {unit} feature rows and ",
             "the last row" if len(facts.algorithm.accumulators) == 1 else
             f"the last {len(facts.algorithm.accumulators)} rows", ","),
    ]  # fmt: skip
    lines: list[str] = []
    for k, head in enumerate(found.heads, 1):
        lines += _head(facts, found, head, "" if one else str(k))
    blocks.append(Display((*lines[:-1], f"{lines[-1]},"), "weights"))
    masks = [_mask(facts, found, k) for k in range(len(found.masks))]
    context = any(m.is_context_mask for m in found.masks)
    after = said("Row and column $" + f"{n}+1" + "$ of " + ("every mask" if len(masks) > 1 else "the mask") +
                 " are zero: the query is neither key nor value" +
                 ("" if not context else f", which is all that ${mask_of(facts, 0)}$ does") + ".")  # fmt: skip
    return [
        *blocks,
        said("and with the mask" + "s" * (len(masks) > 1)),
        Display((*(f"{m}," for m in masks[:-1]), f"{masks[-1]}."), "mask"),
        after,
    ]


def _count(number: int) -> str:
    return {2: "two", 3: "three", 4: "four", 5: "five"}.get(number, str(number))


def mask_of(facts: Facts, position: int | None, head: str = "") -> str:
    """A mask's symbol: M where there is one, else M_0, M_1; `position` None for a head's."""
    M = facts.symbols.at("matrix", "mask")
    found = facts.derivation
    assert found is not None
    if len(found.masks) == 1:
        return M
    return M + (head.replace("h", "(h)") if position is None else f"_{{{found.mask_names[position][1:]}}}")


def _head(facts: Facts, found: Derivation, head: SymbolicHead, number: str) -> list[str]:
    s, layer = facts.symbols, facts.layer
    rows = [r.name for r in facts.algorithm.accumulators]
    P, Q = s.at("matrix", "value") + (f"_{{{number}}}" if number else ""), s.at("matrix", "keyQuery")
    Q += f"_{{{layer},{number}}}" if number else f"_{{{layer}}}"
    U = [[combination(facts, [(head.U[a, b].expr(), "")]) if (a, b) in head.U else "0" for b in rows] for a in rows]
    inner = U[0][0] if len(rows) == 1 else grid(U, "smallmatrix")
    if len(rows) > 1:
        inner = rf"\bigl( {inner} \bigr)"
    result = [rf"{P} = \operatorname{{diag}}(0_{{{facts.size()}}}, {inner})"]
    if number:
        result[0] += (
            rf", \quad {s.at('matrix', 'mask')}_{{h}} = {mask_of(facts, head.mask)} \text{{ at }} h = {number}"
            * (len(found.masks) > 1)
        )
    names = [b.name for b in facts.algorithm.features]
    blocks: dict[tuple[str, str], list[tuple[Expr, str]]] = {}
    for (r, word, c), coefficient in head.E.items():
        blocks.setdefault((r, c), []).append((coefficient.expr(), facts.word(word)))
    entries = [[combination(facts, blocks.get((r, c), [])) for c in names] + ["0"] for r in names]
    entries.append(["0"] * (len(names) + 1))
    whole = f"{Q} = {grid(entries)}"
    if breadth(whole) <= LINE:
        return [*result, whole]
    for (r, c), terms in blocks.items():  # too wide for a column: its blocks one by one
        at = rf"{facts.block(r, 'j')},\, {facts.block(c, 't')}"
        result.append(f"{Q}[{at}] = {combination(facts, terms)}")
    return [*result, rf"{Q} = 0 \text{{ in all other blocks}}"]


def _mask(facts: Facts, found: Derivation, position: int) -> str:
    mask, n = found.masks[position], facts.symbols.at("sweep", "n")
    name = mask_of(facts, position)
    if mask.is_context_mask:
        return rf"{name} = \operatorname{{diag}}(I_{{{n}}}, 0)"
    shown = SympyLatex(facts.symbols)
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

"""Section "identity": what one layer adds to a row beside what one update demands, term by term."""

from __future__ import annotations

from ....symbolic.derivation.derive import Derivation
from ....symbolic.identity.expansion import SHOWN_AT, Entry, expanded, layer_change, update_change
from ...formula.build import entry, equation, indexed, row
from ...verdict import Verdict
from ..assemble import cell, plain, prose
from ..expansion import sum_formula
from ..findings import Findings
from ..model import Block, Display, Folded, Note, Section, Table
from ..names import Names
from ..notation import block_symbols, row_symbol

NAME, TITLE, ORDER = "identity", "One layer is one update", 60
MOST_TERMS = 60


def build(findings: Findings) -> Section | None:
    """Both sides multiplied out, in whole rows for every n and in single tokens at n = 2."""
    solution = findings.derivation
    if solution is None:
        return None
    layer, update = layer_change(solution), update_change(solution)
    names, symbols = Names.for_state(solution.state), block_symbols(solution.state)
    blocks: list[Block] = [
        prose("Take any reachable state: the prompt at arbitrary weights, so that row ", indexed("Y", "k"),
              " holds what the table of the prompt says. Multiplying out the heads gives what a layer adds to each "
              "row; the update moves the weights, and through them the rows. In whole rows, with ",
              entry("X", "r"), " the feature rows and the masks as symbols, for every $d$ and $n$:"),
    ]  # fmt: skip
    rows = []
    for name in layer:
        left = sum_formula(layer[name], solution, names, symbols)
        right = sum_formula(update[name], solution, names, symbols)
        same = layer[name] == update[name]
        symbol = names.rows[name]
        whole = row_symbol(symbol)
        change = row("Delta", whole)
        if not layer[name] and same:
            blocks.append(prose("Row ", symbol, " gains nothing from a layer, and the update demands nothing of it."))
            rows.append((cell(symbol), cell("0"), cell("0"), cell(verdict=Verdict.HOLDS)))
            continue
        blocks.append(prose("A layer adds"))
        blocks.append(Display(equation(change, left), f"layer-{len(rows) + 1}"))
        blocks.append(prose("and the update demands"))
        blocks.append(Display(equation(change, right), f"update-{len(rows) + 1}"))
        verdict = Verdict.HOLDS if same else Verdict.REFUTED
        rows.append(
            (cell(names.rows[name]), cell(str(len(layer[name]))), cell(str(len(update[name]))), cell(verdict=verdict))
        )
    blocks.append(
        Table(("row", "terms of the layer", "terms of the update", "equal term by term"), tuple(rows), cards=True)
    )
    blocks.append(_tokens(solution, names))
    for claim in findings.of_kind("identity-symbolic"):
        if claim.details.get("fact") == "blocks":
            blocks.append(plain(f"SymPy's matrix symbols, a second engine, say the same: {claim.reason}."
                                if claim.verdict is Verdict.HOLDS else f"{claim.verdict}: {claim.reason}"))  # fmt: skip
    if layer != update:
        shown = (prose("A layer with these heads is not one update: the two sides above differ."),)
        blocks.insert(0, Note(Verdict.REFUTED, "One layer is not one update", shown))
    return Section(NAME, TITLE, tuple(blocks))


def _tokens(derivation: Derivation, names: Names) -> Folded:
    """Both sides at n = 2 as polynomials in contractions such as w.phi_1 and phi_1^T C phi_2."""
    entries = expanded(derivation)
    rows = [
        (cell(e.row), cell(e.column), cell(str(len(e.layer.poly))),
         cell(verdict=Verdict.HOLDS if e.holds else Verdict.REFUTED))
        for e in entries
    ]  # fmt: skip
    blocks: list[Block] = [
        prose(f"At $n = {SHOWN_AT}$ the textbook loop itself, and not its closed form, runs on symbols; both sides are "
              "polynomials in contractions. Equal here is equal for every $d$."),
        Table(("row", "column", "monomials", "layer = update"), tuple(rows)),
    ]  # fmt: skip
    readout = derivation.readout.row
    for e in entries:
        if e.row == readout and e.column == "query":
            blocks += _both(e, names)
    return Folded(f"Token by token at n = {SHOWN_AT}", tuple(blocks), "identity-tokens")


def _both(e: Entry, names: Names) -> list[Block]:
    if len(e.layer.poly) > MOST_TERMS:
        return []
    result: list[Block] = [prose("In the query column the layer adds"), Display(names.scalar(e.layer))]
    if e.holds:
        return [*result, prose("and the update demands the very same polynomial.")]
    return [*result, prose("and the update demands"), Display(names.scalar(e.update))]

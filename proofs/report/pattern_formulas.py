"""An algorithm that attends by patterns in formulas: its update as its code says it, its layer, its heads in blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from sympy import Expr

from ...symbolic.derivation.contraction import Word
from ...symbolic.errors import LayerproofError
from ...symbolic.patterns.heads import Blocks, PatternForm
from ...symbolic.patterns.record import PatternAlgorithm, Row
from ...symbolic.tracing.expression import MATRIX, SCALAR, VECTOR
from ...symbolic.tracing.strict import Tape
from ...symbolic.tracing.trace import TracedSweep
from ...symbolic.tracing.traced import Loop
from ..formula.letters import symbol, text_latex
from ..formula.macros import Macro, expanded
from ..formula.plain import plain_text
from ..formula.reader import readable
from ..formula.shape import shape
from ..formula.symbols import FIXED, Symbols
from ..formula.tree_latex import TreeLatex
from .assemble import matrix
from .document.formula import Formula, expression, quoted, word_formula
from .document.parts import Label
from .document.parts import Table as FormulaTable
from .model import Matrix

STATE = "state"
READ = ("phi", "phi_next", "reward", "index", STATE, "next_state", "weight")
MASKS = {
    "context": r"j \le n", "context and query": r"j \le n+1",
    "causal": r"j \le \min(t,\, n)", "causal with query": r"j \le t",
}  # fmt: skip
"""Where the mask is one, for key j and token t."""


def row_symbol(row: Row) -> Formula:
    """What a paper calls a row: its declared symbol, else its name."""
    declared = row.symbol if row.symbol and readable(row.symbol) else ""
    if not declared:
        return quoted(row.name, symbol(row.name) if row.name == "phi" else text_latex(row.name))
    return quoted(plain_text(declared), declared)


def row_symbols(algorithm: PatternAlgorithm) -> dict[str, Formula]:
    """What a paper calls each row, by its name."""
    return {row.name: row_symbol(row) for row in algorithm.rows}


def stated(algorithm: PatternAlgorithm) -> list[Formula]:
    """What the update names on its way, then the new state of token t; none where it is no single loop."""
    try:
        loop = _traced(algorithm)
    except (LayerproofError, AttributeError):  # it reads of its own token what only some tokens have
        return []
    if loop is None:
        return []
    found, symbols = shape(loop), _symbols(algorithm, loop)
    layer = symbols.at("layer", "layer") if algorithm.column else ""
    last = r"\min(t,\, n)" if algorithm.sees == "causal" else "n"
    printer = TreeLatex(symbols, found, layer, last)
    own = symbols.at("weight", STATE)
    lines = [f"{symbols.at('variable', name, 'j')} = {printer.defined(node)}" for name, node in found.definitions]
    new = rf"{own}_{{{layer}+1}} =" if layer else rf"{own} \leftarrow"
    lines += [f"{new} {printer.latex(node)}" for _, node in loop.finish]
    return [quoted(plain_text(x), x) for x in (expanded(line, symbols.macros) for line in lines)]


def _traced(algorithm: PatternAlgorithm) -> Loop | None:
    """The update's loop, run once on symbols."""
    tape, kind = Tape(), SCALAR if algorithm.numbers else VECTOR
    kinds = {"phi": VECTOR, "phi_next": VECTOR, STATE: kind, "next_state": kind}
    known = {("transition", name): kinds.get(name, SCALAR) for name in READ}
    record = SimpleNamespace(read=tuple((name, "") for name in READ[4:]))
    sweep = TracedSweep(tape, record, known, 1)  # type: ignore[arg-type]  # all that it asks of the record
    own = SimpleNamespace(phi=tape.name("query", "q", VECTOR), state=tape.name("weight", STATE, kind))
    C = tape.name("preconditioner", "C", MATRIX) if algorithm.preconditioned else None
    p = algorithm.bind({name: tape.name("parameter", name, SCALAR) for name in algorithm.parameters})
    new = tape.run("the update", algorithm.update, own, C, sweep, p)
    if not sweep._ended:
        return None
    named = {id(node) for node in sweep._body.values()}
    lets = tuple((name, node) for name, node in sweep._lets.items() if id(node) not in named)
    return Loop(tuple(sweep._start.items()), tuple(sweep._body.items()),
                ((STATE, tape.node(new, kind, "the new state")),), lets)  # fmt: skip


def _symbols(algorithm: PatternAlgorithm, loop: Loop) -> Symbols:
    """What everything is called; what a record declares has `{j}` where the token stands."""
    found = Symbols()
    for source, name, latex, word in FIXED:
        found.add(source, name, latex, word)
    declared = {k: x for k, x in algorithm.symbols.items() if readable(x.replace("{j}", "j")) and "#" not in x}

    def indexed(source: str, name: str, latex: str) -> str:
        whole = latex.replace("{j}", "#1") if "{j}" in latex else f"{latex}_{{#1}}"
        macro = Macro(f"lp{source}{name}".replace("_", ""), whole, True)
        found.macros[macro.name] = found.table[source, name] = macro
        return whole

    state = indexed("transition", STATE, declared.get(STATE, "v" if algorithm.numbers else "w"))
    indexed("transition", "next_state", state.replace("#1", "{j}+1"))
    indexed("transition", "weight", declared.get("weight", "K_{{j} t}"))
    indexed("transition", "reward", declared.get("reward", "R"))
    indexed("transition", "phi", declared.get("phi", r"\phi"))
    indexed("transition", "phi_next", declared.get("phi_next", r"\phi'"))
    indexed("preconditioner", "C", "C")
    for name in algorithm.parameters:
        found.add("parameter", name, declared.get(name, symbol(name)))
    found.add("weight", STATE, declared.get(STATE, "w") if algorithm.column else state.replace("#1", "t"))
    found.add("query", "q", r"\phi_{t}", "token")
    for name in dict.fromkeys([*(n for n, _ in loop.body), *(n for n, _ in loop.lets)]):
        found.add("variable", name, declared.get(name, symbol(name)))
    return found


def layer_formulas(form: PatternForm) -> list[Formula]:
    """The layer, its pattern, its mask, and the shift of rows where there is one."""
    several, given = len(form.heads) > 1, bool(form.algorithm.kernels)
    h, sign = ("_h", r"\sum_h ") if several else ("", "")
    V, Q = (_indexed(x, [getattr(head, x) for head in form.heads], "h" if several else "") for x in "VQ")
    scale = r"\frac{1}{n} " if form.by_length else ""
    inside = rf"Z_{{\ell}} + {scale}{sign}{V} Z_{{\ell}} A{h}"
    shifted = rf"S\bigl({inside}\bigr)" if form.shift else inside
    scored = "K" if given else rf"\bigl(Z_{{\ell}}^\top {Q} Z_{{\ell}}\bigr)"
    lines = [rf"Z_{{\ell+1}} = {shifted}, \quad A{h} = M \circ {scored}"]
    names = row_symbols(form.algorithm)
    beside = "t-1" if form.previous else "t+1"
    for (written, read), c in form.shift.items():
        factor = "" if c == 1 else f"{expression(c).latex} "
        lines.append(rf"S: \quad {names[written].latex}_{{t}} \leftarrow {factor}{names[read].latex}_{{{beside}}}")
    where = MASKS[form.sees]
    one = quoted(f"M_jt = 1 where {plain_text(where).replace(' le ', ' <= ')}, else 0",
                  rf"M_{{jt}} = \begin{{cases}} 1 & {where} \\ 0 & \text{{elsewhere}} \end{{cases}}")  # fmt: skip
    layer, *shift = (quoted(plain_text(x).replace(" circ ", " o ").replace("^top", "^T"), x) for x in lines)
    return [layer, one, *shift]


def _indexed(letter: str, heads: Sequence[Blocks | None], head: str) -> str:
    """A letter of the heads' matrices with what it depends on: the layer, where a block has C, and the head."""
    own = any(word for blocks in heads if blocks for words in blocks.values() for word in words)
    at = ",".join([r"\ell"] * own + [head] * bool(head))
    return f"{letter}_{{{at}}}" if at else letter


def head_matrices(form: PatternForm) -> list[Matrix]:
    """V of every head, and Q where its scores are linear, in blocks."""
    result = []
    for k, head in enumerate(form.heads, 1):
        for letter, blocks in (("V", head.V), ("Q", head.Q)):
            if blocks is not None:
                name = _indexed(letter, [blocks], str(k) if len(form.heads) > 1 else "")
                legend = ("added", "taken away") if letter == "V" else ("rows that meet", "the same, negated")
                table = _table(quoted(plain_text(name), name), blocks, form.algorithm)
                result.append(matrix(table, legend, ["1" if r.scalar else "d" for r in form.algorithm.rows]))
    return result


def _table(name: Formula, blocks: Blocks, algorithm: PatternAlgorithm) -> FormulaTable:
    labels = tuple(Label(name, f) for name, f in row_symbols(algorithm).items())
    entries = tuple(
        tuple(_entry(blocks.get((left.name, right.name), {}), right.scalar) for right in algorithm.rows)
        for left in algorithm.rows
    )
    return FormulaTable(name, labels, labels, entries)


def _entry(words: Mapping[Word, Expr], scalar: bool) -> Formula:
    """A block: coefficients times words in C; the identity of rows of one number is 1."""
    text = latex = ""
    for word, c in words.items():
        base = ("", "") if not word and scalar else _both(word_formula(word, "l"))
        shown = tuple(
            ("-" if c == -1 else "") + part if part and c in (1, -1) else f"{number} {part}".strip()
            for part, number in zip(base, _both(expression(c)), strict=True)
        )
        text += (" + " if text else "") + shown[0]
        latex += (" + " if latex else "") + shown[1]
    return quoted(text or "0", latex or "0")


def _both(formula: Formula) -> tuple[str, str]:
    return formula.text, formula.latex.replace("_{l}", r"_{\ell}")

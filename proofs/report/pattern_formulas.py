"""An algorithm that attends by patterns in formulas: its update as its code says it, its layer, its heads in blocks."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from sympy import Expr

from ...symbolic.derivation.words import Word
from ...symbolic.errors import LayerproofError
from ...symbolic.patterns.heads import Blocks, PatternForm
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.tracing.expression import MATRIX, SCALAR, VECTOR
from ...symbolic.tracing.strict import Tape
from ...symbolic.tracing.trace import TracedSweep
from ...symbolic.tracing.traced import Loop
from ..formula.build import (
    QUAD,
    Part,
    added,
    cases,
    equation,
    indexed,
    items,
    multiple,
    named,
    negative,
    primed,
    row,
    spoken,
    words,
)
from ..formula.formula import Formula
from ..formula.loop_tree import LoopTree
from ..formula.macros import Macro, filled
from ..formula.nodes import HOLE
from ..formula.shape import shape
from ..formula.symbols import FIXED, Symbols, declared
from ..formula.sympy_tree import expression
from .assemble import matrix
from .model import Label, Matrix
from .names import LAYER, over_n, word_formula, written_or
from .pattern_layer import LayerSymbols, last_key, layer_equations, moves, of_head

STATE = "state"
READ = ("phi", "phi_next", "reward", "index", STATE, "next_state", "weight")


def row_symbols(algorithm: PatternAlgorithm) -> dict[str, Formula]:
    """What a paper calls each row, by its name: its declared symbol, else its name."""
    return {r.name: written_or(r.symbol, named("phi") if r.name == "phi" else words(r.name)) for r in algorithm.rows}


def stated(algorithm: PatternAlgorithm) -> list[Formula]:
    """What the update names on its way, then the new state of token t; none where it is no single loop."""
    loop = update_loop(algorithm)
    return [] if loop is None else update_lines(algorithm, loop, pattern_symbols(algorithm, loop))


def update_lines(algorithm: PatternAlgorithm, loop: Loop, symbols: Symbols) -> list[Formula]:
    """The same in these symbols."""
    loop_shape = shape(loop)
    layer = symbols.formula("layer", "layer") if algorithm.column else None
    made = LoopTree(symbols, loop_shape, layer, last_key(algorithm.sees, symbols.formula("sweep", "n")))
    own = symbols.formula("weight", STATE)
    new: list[Formula | str] = [own, "<-"] if layer is None else [indexed(own, layer, "+", "1"), "="]
    lines = [
        equation(symbols.formula("variable", name, "j"), made.defined(node)) for name, node in loop_shape.definitions
    ]
    return [*lines, *(row(*new, made.formula(node)) for _, node in loop.finish)]


def update_loop(algorithm: PatternAlgorithm) -> Loop | None:
    """The update's loop, run once on symbols; None where it is no single one."""
    try:
        return _traced(algorithm)
    except (LayerproofError, AttributeError):  # it reads of its own token what only some tokens have
        return None


def _traced(algorithm: PatternAlgorithm) -> Loop | None:
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


def pattern_symbols(
    algorithm: PatternAlgorithm, loop: Loop | None, known: Mapping[str, Macro] | None = None
) -> Symbols:
    """What everything is called, beside the macros that are known; a record's `{j}` is where the token stands."""
    symbols = Symbols(macros=dict(known or {}), of=algorithm.name)
    for source, name, letter, word in FIXED:
        symbols.add(source, name, letter, word)
    own = {name: declared(latex, True) for name, latex in algorithm.symbols.items()}

    def add(source: str, name: str, otherwise: Part, word: str = "") -> None:
        symbols.add(source, name, own.get(name) or otherwise, word)

    add("transition", STATE, "v" if algorithm.numbers else "w", "state at")
    state, token = symbols["transition", STATE].shown, Formula(HOLE)
    add("transition", "next_state", Formula(filled(state, items(row(token, "+", "1")))))
    add("transition", "weight", indexed("K", token, "t"))
    add("transition", "reward", "R")
    add("transition", "phi", "phi")
    add("transition", "phi_next", primed("phi"))
    symbols.add("preconditioner", "C", "C")
    for name in algorithm.parameters:
        add("parameter", name, named(name))
    if algorithm.column:
        add("weight", STATE, "w")
    else:
        symbols.add("weight", STATE, Formula(filled(state, items("t"))))
    symbols.add("query", "q", indexed("phi", "t"), "token")
    for name in dict.fromkeys(n for n, _ in (*loop.body, *loop.lets)) if loop is not None else ():
        add("variable", name, named(name))
    return symbols


def layer_formulas(form: PatternForm) -> list[Formula]:
    """The layer, its pattern, its mask, and the shift of rows where there is one."""
    symbols = LayerSymbols("Z", LAYER, "V", "Q", "A", "M", "K", "S", over_n())
    layer, pattern = layer_equations(form, symbols)
    where = row("j", "<=", last_key(form.sees, "n"))
    says = row("1", words(" where "), where, ",", words("else 0"))
    entry = spoken(words("M_jt"), indexed("M", "j", "t"))
    mask = equation(entry, spoken(says, cases([("1", where), ("0", words("elsewhere"))])))
    names = row_symbols(form.algorithm)
    shift = [
        row("S", ":", QUAD, to, "<-", added(multiple(expression(c), read) for c, read in terms))
        for to, terms in moves(form, lambda name, at: indexed(names[name], at))
    ]
    return [row(layer, ",", QUAD, pattern), mask, *shift]


def head_matrices(form: PatternForm) -> list[Matrix]:
    """V of every head, and Q where its scores are linear, in blocks."""
    result = []
    for k, head in enumerate(form.heads, 1):
        for letter, blocks in (("V", head.V), ("Q", head.Q)):
            if blocks is not None:
                name = of_head(letter, LAYER, [blocks], [str(k)] if len(form.heads) > 1 else [])
                legend = ("added", "taken away") if letter == "V" else ("rows that meet", "the same, negated")
                sizes = ["1" if r.scalar else "d" for r in form.algorithm.rows]
                result.append(matrix(_blocks(name, blocks, form.algorithm), legend, sizes))
    return result


def _blocks(name: Formula, blocks: Blocks, algorithm: PatternAlgorithm) -> Matrix:
    labels = tuple(Label(name, f) for name, f in row_symbols(algorithm).items())
    entries = tuple(
        tuple(_entry(blocks.get((left.name, right.name), {}), right.scalar) for right in algorithm.rows)
        for left in algorithm.rows
    )
    return Matrix(name, labels, labels, entries)


def _entry(words: Mapping[Word, Expr], scalar: bool) -> Formula:
    """A block: coefficients times words in C; the identity of rows of one number is 1."""
    result: list[Formula | str] = []
    for word, c in words.items():
        value = expression(c)
        term = value if not word and scalar else multiple(value, word_formula(word, LAYER))
        result += ["+"] * (bool(result) and not negative(term)) + [term]
    return row(*result) if result else row("0")

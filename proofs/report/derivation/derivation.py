"""A derivation as a document: from the textbook update to the weights, every formula made from the objects."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ....symbolic.derivation.ansatz import Ansatz, OwnToken, TensorSolution, Unknown
from ....symbolic.derivation.derive import SOLVED_AT, Derivation
from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.form import AnyHead, Form
from ....symbolic.derivation.masks import Mask
from ....symbolic.derivation.scalar import Scalar
from ....symbolic.derivation.state import SymbolicState
from ....symbolic.identity.uniqueness import rank_at
from ...formula.build import (
    QUAD,
    THIN,
    bracketed,
    call,
    cases,
    dot,
    entry,
    equation,
    indexed,
    is_sum,
    linear,
    listed,
    named,
    negative,
    power,
    row,
    spoken,
    transposed,
    without_sign,
    words,
)
from ...formula.formula import Formula, written
from ...formula.sympy_tree import expression
from ..names import ONE, Names, coefficient_name, mask_symbol, over_n, powers, times, word_formula
from .parts import Label, Sentence, meaning, said
from .parts import Section as Section
from .parts import Table as Table

ZERO = row("0")
FORM = r"$W P = \operatorname{diag}(0, U)$, $Q = \operatorname{diag}(E, 0)$"
OVER_CONSTANT = (
    r"$W P = \begin{pmatrix} 0 & 0 \\ U & 0 \end{pmatrix}$, $Q = \begin{pmatrix} 0 & E \\ 0 & 0 \end{pmatrix}$"
)
LAYER_FORM = r"$Z + \frac1n \sum_h W_h P_h Z M_h \bigl(Z^\top Q_h Z\bigr)$"
UNITS = r"\sum_{i=1}^{d} (w^\top e_i)\,(e_i^\top W x) = w^\top (W x)"


def sections(derivation: Derivation) -> list[Section]:
    """The derivation, step by step."""
    return [
        update_section(derivation),
        prompt_section(derivation),
        ansatz_section(derivation),
        system_section(derivation),
        masks_section(derivation),
        heads_section(derivation),
        freedom_section(derivation),
        readout_section(derivation),
    ]


def update_section(derivation: Derivation) -> Section:
    """The textbook update: as stated, and as its loop runs on symbols."""
    algorithm, names = derivation.algorithm, Names.of(derivation)
    stated = " ".join((algorithm.update.__doc__ or "").split())
    parts: list[Any] = [f"Source: {algorithm.source}.", *([stated] if stated else [])]
    last = algorithm.transitions
    parts.append(said(rf"As the loop runs on symbols, for $j = 1, \dots, {last}$, from zero:"))
    for name, value in derivation.loop.recurrences:
        parts.append(equation(indexed(named(name), "j"), names.value(value)))
    parts.append(said(r"then, with $C_{\ell}$ the preconditioner of layer $\ell$:"))
    for name, value in zip(algorithm.weights, derivation.loop.finish, strict=True):
        parts.append(equation(named(name), names.value(value), "<-"))
    for option, value in derivation.options.items():
        parts.append(f"Option {option} = {value}.")
    parts += algorithm.layered
    if algorithm.differs:
        parts.append(f"How it differs from its source: {algorithm.differs}")
    if algorithm.notes:
        parts.append(algorithm.notes)
    return Section("Textbook update", tuple(parts))


def prompt_section(derivation: Form) -> Section:
    """The rows of Z."""
    rows, entries = [], []
    for block in derivation.algorithm.features:
        rows.append(f"{block.name} ({'1 row' if block.scalar else 'd rows'})")
        entries.append((meaning(block.meaning), row("q" if block.query is not None else "0")))
    state = derivation.state
    zero = state.algebra.number(0)
    names = Names.of(derivation)
    token = state.algorithm.query_token(state.query(), zero)
    values = state.algorithm.column_values(state.weights, token, state.p)
    for accumulator, value in zip(derivation.algorithm.accumulators, values, strict=True):
        rows.append(f"{accumulator.name} (accumulator)")
        entries.append((meaning(accumulator.meaning), names.scalar(value)))
    table = Table(row("Z"), tuple(rows), ("context column j", "query column"), tuple(entries))
    return Section(
        "Prompt",
        (
            said(
                "Rows of $Z$ as the weights are $w$; the prompt itself is this at the starting weights (zero in the "
                "papers)."
            ),
            table,
        ),
    )


def ansatz_section(derivation: Derivation) -> Section:
    """What a layer can do, whatever its heads are: the interaction tensor."""
    letters = listed([word_formula(w) for w in Ansatz(derivation.state, 2).words])
    over = said(
        "over accumulator rows $k'$, value tokens $i$, key tokens $j$, feature blocks $r$ and $s$, and words $W$ in "
    )
    return Section(
        "Ansatz",
        (
            said("One layer, whatever its heads, changes accumulator row $k$ at token $t$ by"),
            row(
                over_n(),
                spoken(written(r"\sum"), written(r"\sum_{k',i,j,r,W,s}")),
                spoken(written("T[k; k', i, j, r, W, s]"), written(r"T_{k;\,k' i j r W s}")),
                THIN,
                entry("Y", written("k'"), "i"),
                THIN,
                bracketed(row(transposed(entry("X", "r", "j")), "W", entry("X", "s", "t")), "big"),
            ),
            Sentence((*over.spans, letters, *said("; the same $T$ for every token $t$.").spans)),
            *_own_ansatz(derivation),
            *_unit_ansatz(derivation),
        ),
    )


def _own_ansatz(derivation: Derivation) -> list[Any]:
    """What a layer can do besides, over a constant row."""
    constant = derivation.state.constant
    if constant is None:
        return []
    return [
        said(
            f"The row {constant} holds 1 at every context token. A head with it as value and as key, {OVER_CONSTANT}, "
            "counts the context; $1/n$ cancels, so for $0 < n$ it adds a multiple of accumulator rows at their own "
            f"token, whatever {constant} holds at the query:"
        ),
        row(
            spoken(written(r"\sum"), written(r"\sum_{k'}")),
            spoken(written("K[k; k']"), written(r"K_{k;\,k'}")),
            THIN,
            entry("Y", written("k'"), "t"),
        ),
    ]


def _unit_ansatz(derivation: Derivation) -> list[Any]:
    """What a layer gains from unit columns, which are summed for every d at once."""
    if not derivation.algorithm.unit_columns:
        return []
    return [
        said(
            "The tokens are the transitions and the unit columns $e_i$, $i = 1, \\dots, d$. A unit "
            "column joined to itself has one entry of $T$ for all $i$: rows hold multiples of $w^\\top e_i$ "
            "there, and"
        ),
        written(UNITS),
    ]


def system_section(derivation: Derivation) -> Section:
    """The linear system for T and its solution."""
    parts: list[Any] = [
        said(
            "The textbook loop, run on symbols, says what that change must be. Matching the coefficient of every "
            "monomial at every token gives a linear system for $T$:"
        )
    ]
    for t in derivation.tensors:
        parts.append(
            said(
                f"$n = {t.n}$: {t.equations} distinct equations; of {t.unknowns} unknowns a row {t.determined} are "
                f"forced, {t.invisible} multiply nothing that a prompt holds"
                + (f", {len(t.undetermined)} occur but are not forced" if t.undetermined else "")
                + "."
            )
        )
    parts.append(said("Some of the equations at $n = 2$:"))
    parts += _sample_equations(derivation)
    tensor = derivation.tensors[1]
    parts.append(
        said(f"The solution at $n = {tensor.n}$, slice by slice ($i$ down, $j$ across; everything else is zero):")
    )
    if derivation.algorithm.unit_columns:
        parts.append(said("(unit: any of the unit columns, joined to itself)"))
    parts += [_slice_table(derivation, tensor, key) for key in tensor.slices]
    if tensor.own:
        parts.append(said("and the rows' own multiples (row written down, row read across):"))
        parts.append(_own_table(derivation, tensor))
    return Section("Linear system and its solution", tuple(parts))


def _sample_equations(derivation: Derivation, count: int = 4) -> list[Formula]:
    state = SymbolicState(derivation.algorithm, dict(derivation.options))
    ansatz, names = Ansatz(state, 2), Names.of(derivation)
    result: list[Formula] = []
    for condition in ansatz.equations:
        if condition.right and len(result) < count:
            token, monomial = condition.label
            where = {ansatz.n + 1: "query", ansatz.n + 2: "a unit column"}.get(token, f"token {token}")
            factors = [names.factor(state.algebra.key(i)) for i, _ in monomial]
            # each row k has its own right-hand side; the first that is not zero is shown
            changed = next(iter(condition.right))[0]
            left = linear([(c, _unknown(derivation, changed, u)) for u, c in condition.left.items()])
            right = linear([(c, _powers(e)) for (k, e), c in condition.right.items() if k == changed])
            label = spoken(row(*[x for f in factors for x in ("*", f)][1:], words(f" at {where}")),
                           indexed(bracketed(row(*factors), brackets="[]"), words(where)))  # fmt: skip
            result.append(row(label, ":", QUAD, equation(left, right)))
    return result


def _unknown(derivation: Derivation, changed: str, u: Unknown | OwnToken) -> Formula:
    if isinstance(u, OwnToken):
        names = Names.of(derivation)
        arrow = equation(names.rows[changed], names.rows[u.read], "<-")
        return spoken(call("K", arrow, brackets="[]"), indexed("K", arrow))
    return _entry_of(
        derivation, (changed, u.read, u.key_block, u.word, u.query_block), (str(u.value_token), str(u.key_token))
    )


def _entry_of(derivation: Derivation, key: Any, tokens: tuple[str, str]) -> Formula:
    """An entry of T: which row is written and which is read, the tokens, and the blocks that meet through a word."""
    written_, read, r, word, s = key
    names, blocks = Names.of(derivation), block_formulas(derivation)
    arrow = equation(names.rows[written_], names.rows[read], "<-")
    meeting = listed((blocks[r], word_formula(word), blocks[s]))
    shown = call(power(indexed("T", tokens[0], ",", tokens[1]), arrow), meeting, brackets="[]")
    return spoken(call("T", row(arrow, ";", words(",".join(tokens)), ";", meeting), brackets="[]"), shown)


def block_formulas(derivation: Form) -> dict[str, Formula]:
    """Each feature block's content at any token, without its position: phi, gamma phi', 1."""
    state = derivation.state
    names, transition = Names.for_state(state, indexed=False), state.transition("j")
    return {b.name: names.value(b.context(transition, state.p)) for b in derivation.algorithm.features}


def row_labels(derivation: Form) -> tuple[Label, ...]:
    """The rows of Z by what a paper calls them."""
    names, blocks = Names.of(derivation), block_formulas(derivation)
    features = [Label(b.name, blocks[b.name]) for b in derivation.algorithm.features]
    return (*features, *(Label(r.name, names.rows[r.name]) for r in derivation.algorithm.accumulators))


def _powers(exponents: tuple[tuple[str, int], ...]) -> Formula | None:
    return powers([(coefficient_name(n), e) for n, e in exponents]) if exponents else None


def _slice_table(derivation: Derivation, tensor: TensorSolution, key: Any) -> Table:
    name = _entry_of(derivation, key, ("i", "j"))
    units = [tensor.n + 2] if derivation.algorithm.unit_columns else []
    tokens = (*range(1, tensor.n + 1), *units)
    entries = tuple(
        tuple(linear([(c, _powers(m)) for m, c in tensor.slices[key].get((i, j), {}).items()]) for j in tokens)
        for i in tokens
    )
    labels = tuple("unit" if i in units else str(i) for i in tokens)
    return Table(name, labels, labels, entries)


def _own_table(derivation: Derivation, tensor: TensorSolution) -> Table:
    labels = row_labels(derivation)[len(derivation.algorithm.features) :]
    entries = tuple(
        tuple(linear([(c, _powers(m)) for m, c in tensor.own.get((written, read), {}).items()]) for read in labels)
        for written in labels
    )
    return Table(row("K"), labels, labels, entries)


def masks_section(derivation: Derivation) -> Section:
    """The masks in closed form, with the mask lemma."""
    parts: list[Any] = [
        "The patterns above at n = 2, 3, 4 are a guess for other n. One generic step of the loop, at the symbolic "
        "position j, gives recurrences; their closed form is the mask for every n, and equals the solved patterns:"
    ]
    parts += [mask_formula(name, mask) for name, mask in zip(derivation.mask_names, derivation.masks, strict=True)]
    if derivation.hypotheses.names:
        parts.append(f"Where the update or the weights divide: {derivation.hypotheses.text()}, for every j <= n.")
    if derivation.tokenwise:
        constant = derivation.tokenwise[0].row
        parts.append(
            f"The constant row {constant} meets itself through M0 in n pairs of tokens; dividing by n takes 0 < n."
        )
    if derivation.depends_on_length:
        parts.append("The weights depend on n: a family of transformers, one for each context length.")
    called = {str(label): label.formula.text for label in row_labels(derivation)}
    for (weight, changed, block), steps in derivation.lemma.items():
        target = f"{derivation.algorithm.weights[weight]}, {called[changed]} with {called[block]}"
        parts.append(
            f"Mask lemma for {target}: "
            + "; ".join(f"{s.claim}: {'holds' if s.holds else 'FAILS'}" for s in steps)
            + "."
        )
    return Section("Masks, for every n", tuple(parts))


def mask_formula(name: str, mask: Mask) -> Formula:
    """A mask in closed form, by entry."""
    pieces = [(equation("i", "j"), mask.diagonal_entry()), (equation("j", "i", "<"), mask.lower_entry()),
              (equation("i", "j", "<"), mask.upper_entry())]  # fmt: skip
    shown = [(where, expression(entry)) for where, entry in pieces if entry != 0]
    says = listed([row(f, words(f" for {where.text}")) for where, f in shown])
    entries = cases([*((f, where) for where, f in shown), ("0", words("elsewhere"))])
    at = spoken(call(words(name), "i", "j", brackets="[]"), indexed(bracketed(mask_symbol(name)), "i", "j"))
    return equation(at, spoken(row(says, ";", words("zero elsewhere")), entries))


def head_tables(derivation: Form, head: AnyHead) -> list[Table]:
    """W, P and Q of one head in named blocks."""
    names = Names.of(derivation)
    rows = [r.name for r in derivation.algorithm.accumulators]
    labels = row_labels(derivation)

    def table(name: str, made: Any) -> Table:
        return Table(row(name), labels, labels, tuple(tuple(made(a, b) for b in labels) for a in labels))

    def key_query(a: str, b: str) -> Formula:
        terms: list[tuple[Fraction, Formula | None]] = []
        if not isinstance(head, SymbolicHead):
            return value(head.E.get(b) if a == head.row else None)
        for (r, word, s), coefficient in head.E.items():
            if (r, s) != (a, b):
                continue
            factor = times(names.scalar(coefficient), word)
            signed = negative(factor) and not is_sum(factor)
            terms.append((Fraction(-1 if signed else 1), without_sign(factor) if signed else factor))
        return linear(terms)

    def value_of(a: str, b: str) -> Formula:
        if isinstance(head, SymbolicHead):
            return value(head.U.get((a, b)))
        return value(head.U.get(a) if b == head.row else None)

    def value(coefficient: Scalar | None) -> Formula:
        return ZERO if coefficient is None else names.scalar(coefficient)

    return [
        table("W", lambda a, b: ONE if a == b and a in rows else ZERO),
        table("P", value_of),
        table("Q", key_query),
    ]


def heads_section(derivation: Derivation) -> Section:
    """The heads that T factors into."""
    count, lower = len(derivation.meeting), derivation.head_lower_bound - len(derivation.tokenwise)
    parts: list[Any] = [
        said(
            f"$T$ factors into {count} head{'s' * (count > 1)}; the flattenings of $T$ show that no layer of the form "
            rf"{FORM} has fewer than {lower}. Layer $\ell$ is {LAYER_FORM} with"
        )
    ]
    if derivation.tokenwise:
        more = len(derivation.tokenwise)
        parts.insert(
            0,
            said(
                f"$K$ has rank {more} and takes {more} head{'s' * (more > 1)} over the constant row, {OVER_CONSTANT}; "
                "the others have no part in it."
            ),
        )
    for number, head in enumerate(derivation.heads, 1):
        parts.append(f"head {number}, mask {derivation.mask_names[head.mask]}:")
        parts += head_tables(derivation, head)
    return Section("Heads", tuple(parts))


def freedom_section(derivation: Derivation) -> Section:
    """What is unique and what is free."""
    two, one = rank_at(derivation, 2), rank_at(derivation, 1)
    last = derivation.tensors[-1]
    every = r"$d \ge 2$"
    named = " and those named below" if last.undetermined else ""
    unique = (
        f"Unique: the interaction tensor $T$, for every {every} at $n = {', '.join(map(str, SOLVED_AT))}$, up to "
        f"entries that no prompt sees{named}. At $d = 2$ and $n = {two.n}$ random prompts put {two.rank} independent "
        f"conditions on the {two.visible} unknowns that they can see, as many as symbolic $d$ does; prompts in the "
        f"span of two axes carry that to every {every}."
        if two.as_symbolic
        else f"Open: prompts of dimension 2 determine {two.rank} unknowns, symbolic $d$ determines {two.symbolic}."
    )
    at_one = (
        f"At $d = 1$ they put {one.rank} conditions, as many as symbolic $d$ does."
        if one.as_symbolic
        else f"At $d = 1$ they put {one.rank} conditions only: $T$ is not unique there."
    )
    parts: list[Any] = [said(unique), said(at_one)]
    if last.undetermined:
        parts.append(
            said(
                f"Chosen: at $n = {last.n}$, {len(last.undetermined)} unknowns occur but are not forced; they are "
                "chosen so that their slice shares a mask with the others, which saves a head."
            )
        )
    masks = [h.mask for h in derivation.heads]
    shared = [derivation.mask_names[m] for m in dict.fromkeys(masks) if masks.count(m) > 1]
    forms = [tuple(sorted((k, str(c.expr())) for k, c in h.E.items())) for h in derivation.heads]
    parts.append(
        said(
            "Free: the scales of each head ($U$, $M$ and $E$ enter through their product); $W$ and $P$, which enter "
            "through $W P$ only."
        )
    )
    if shared:
        parts.append(f"Free: the heads that share the mask {', '.join(shared)} may be mixed by any invertible matrix.")
    if len(set(forms)) < len(forms):
        parts.append("Free: the heads that share one key-query form Q may be mixed by any invertible matrix.")
    parts.append(
        said(
            "Criterion: the whole of $Z$, every row and column, after one layer from any reachable state (any "
            f"weights), within the family {FORM}, which leaves feature rows as they are; $L$ layers follow by "
            "induction. Weights that are only asked to be right in the bottom row, or at the query, have further "
            "freedom."
        )
    )
    return Section("What is unique and what is free", tuple(parts))


def readout_section(derivation: Form) -> Section:
    """Where the prediction stands."""
    r = derivation.readout
    sign = "minus" if r.sign < 0 else "plus"
    return Section(
        "Read-out",
        (
            Sentence(
                (
                    *said(rf"The prediction $w_L^\top q$ is {sign} the entry of row ").spans,
                    r.row,
                    " in the query column:",
                )
            ),
            readout_formula(r.row, r.sign, Names.of(derivation).rows[r.row]),
        ),
    )


def readout_formula(name: str, sign: int, symbol: Formula) -> Formula:
    """The prediction is an entry of the last prompt, in the row of this name and symbol."""
    at = indexed("Z", "L")
    query = row("-" if sign < 0 else "+", spoken(call(at, words(name), words("query"), brackets="[]"),
                call(at, symbol, written("n+1"), brackets="[]")))  # fmt: skip
    value = dot(indexed("w", "L"), "q")
    return spoken(equation(value, query), row(written(r"\hat v(q)"), "=", value, "=", query))

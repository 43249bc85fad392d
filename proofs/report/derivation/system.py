"""The linear system for the interaction tensor, and its solution."""

from __future__ import annotations

from typing import Any

from ....symbolic.derivation.ansatz import Ansatz, OwnToken, TensorSolution, Unknown
from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.state import SymbolicState
from ...formula.build import QUAD, bracketed, call, equation, indexed, linear, listed, power, row, spoken, words
from ...formula.formula import Formula
from ..assemble import matrix, prose
from ..model import Block, Display, Matrix, Section
from ..names import Names, coefficient_name, powers, word_formula
from ..notation import block_symbols, row_labels


def system_section(derivation: Derivation) -> Section:
    """The linear system for T and its solution."""
    parts: list[Block] = [
        prose(
            "The textbook loop, run on symbols, says what that change must be. Matching the coefficient of every "
            "monomial at every token gives a linear system for $T$:"
        )
    ]
    for t in derivation.tensors:
        parts.append(
            prose(
                f"$n = {t.n}$: {t.equations} distinct equations; of {t.unknowns} unknowns a row {t.determined} are "
                f"forced, {t.invisible} multiply nothing that a prompt holds"
                + (f", {len(t.undetermined)} occur but are not forced" if t.undetermined else "")
                + "."
            )
        )
    parts.append(prose("Some of the equations at $n = 2$:"))
    parts += _sample_equations(derivation)
    tensor = derivation.tensors[1]
    parts.append(
        prose(f"The solution at $n = {tensor.n}$, slice by slice ($i$ down, $j$ across; everything else is zero):")
    )
    if derivation.algorithm.unit_columns:
        parts.append(prose("(unit: any of the unit columns, joined to itself)"))
    parts += [_slice_table(derivation, tensor, key) for key in tensor.slices]
    if tensor.own:
        parts.append(prose("and the rows' own multiples (row written down, row read across):"))
        parts.append(_own_table(derivation, tensor))
    return Section("system", "Linear system and its solution", tuple(parts))


def _sample_equations(derivation: Derivation, count: int = 4) -> list[Block]:
    state = SymbolicState(derivation.algorithm, dict(derivation.options))
    ansatz, names = Ansatz(state, 2), Names.of(derivation)
    result: list[Block] = []
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
            result.append(Display(row(label, ":", QUAD, equation(left, right))))
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
    names, blocks = Names.of(derivation), block_symbols(derivation.state)
    arrow = equation(names.rows[written_], names.rows[read], "<-")
    meeting = listed((blocks[r], word_formula(word), blocks[s]))
    shown = call(power(indexed("T", tokens[0], ",", tokens[1]), arrow), meeting, brackets="[]")
    return spoken(call("T", row(arrow, ";", words(",".join(tokens)), ";", meeting), brackets="[]"), shown)


def _powers(exponents: tuple[tuple[str, int], ...]) -> Formula | None:
    return powers([(coefficient_name(n), e) for n, e in exponents]) if exponents else None


def _slice_table(derivation: Derivation, tensor: TensorSolution, key: Any) -> Matrix:
    name = _entry_of(derivation, key, ("i", "j"))
    units = [tensor.n + 2] if derivation.algorithm.unit_columns else []
    tokens = (*range(1, tensor.n + 1), *units)
    entries = tuple(
        tuple(linear([(c, _powers(m)) for m, c in tensor.slices[key].get((i, j), {}).items()]) for j in tokens)
        for i in tokens
    )
    labels = tuple("unit" if i in units else str(i) for i in tokens)
    return matrix(Matrix(name, labels, labels, entries))


def _own_table(derivation: Derivation, tensor: TensorSolution) -> Matrix:
    labels = row_labels(derivation.state)[len(derivation.algorithm.features) :]
    entries = tuple(
        tuple(linear([(c, _powers(m)) for m, c in tensor.own.get((written, read), {}).items()]) for read in labels)
        for written in labels
    )
    return matrix(Matrix(row("K"), labels, labels, entries))

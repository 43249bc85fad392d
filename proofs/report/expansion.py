"""One layer beside one update: what each adds to an accumulator row, term by term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...symbolic.algorithm import Sweep
from ...symbolic.derivation.contraction import Scalar, Vector, Word, transpose
from ...symbolic.derivation.derive import Derivation
from ...symbolic.derivation.masks import masks_of
from .document.formula import Formula, Names, linear, word_formula
from .notation import row_symbol

Term = tuple[str, int, str, Word, str]
"""(row read, mask, key block r, word W, block s): the term Y_read M X_r^T W X_s."""
Sum = dict[Term, Scalar]
SHOWN_AT = 2
"""The context length of the expansion in single tokens."""


def layer_change(derivation: Derivation) -> dict[str, Sum]:
    """n times what one layer adds to each accumulator row: its heads, multiplied out."""
    result: dict[str, Sum] = {row.name: {} for row in derivation.algorithm.accumulators}
    for head in derivation.heads:
        for (written, read), u in head.U.items():
            for (r, word, s), e in head.E.items():
                _add(result[written], (read, head.mask, r, word, s), u * e)
    return result


def update_change(derivation: Derivation) -> dict[str, Sum]:
    """n times what one update adds to each accumulator row: the loop in closed form, through how the row holds w."""
    result: dict[str, Sum] = {row.name: {} for row in derivation.algorithm.accumulators}
    keys = [mask.key() for mask in derivation.masks]
    for change in derivation.loop.changes:
        for (read, block), (scale, mask) in masks_of(change.terms).items():
            for (row, s, b), embedded in derivation.embedding.items():
                if s == change.weight:
                    at = (read, keys.index(mask.key()), block, transpose(change.word), b)
                    _add(result[row], at, embedded * change.coefficient * scale)
    return result


def _add(total: Sum, key: Term, value: Scalar) -> None:
    new = total[key] + value if key in total else value
    if new:
        total[key] = new
    else:
        total.pop(key, None)


def sum_formula(terms: Sum, derivation: Derivation, names: Names, blocks: Mapping[str, Formula]) -> Formula:
    """The sum as a formula in whole rows: (1/n) (-Y[td_error] M0 X[phi]^T C_l^T X[phi] + ...)."""
    shown = []
    for (read, mask, r, word, s), coefficient in sorted(terms.items(), key=lambda item: item[0]):
        y, between = row_symbol(read), word_formula(word, "l")
        M = derivation.mask_names[mask]
        left, right = blocks[r], blocks[s]
        middle = (f"{between.text} ", between.latex.replace("{l}", r"{\ell}") + " ") if word else ("", "")
        text = f"{y.text} {M} X[{left.text}]^T {middle[0]}X[{right.text}]"
        tex = rf"{y.latex} {M[0]}_{{{M[1:]}}} X_{{{left.latex}}}^\top {middle[1]}X_{{{right.latex}}}"
        factor = names.scalar(coefficient)
        sign, factor = (-1, _negated(factor)) if factor.text.startswith("-") else (1, factor)
        if factor.text != "1":
            wide = " " in factor.text and any(c in factor.text for c in "+-")
            text = f"{f'({factor.text})' if wide else factor.text} {text}"
            tex = f"{f'({factor.latex})' if wide else factor.latex} {tex}"
        shown.append((Fraction(sign), Formula(text, tex)))
    if not shown:
        return Formula("0", "0")
    total = linear(shown)
    return Formula(f"(1/n) ({total.text})", rf"\tfrac1n \bigl({total.latex}\bigr)")


def _negated(formula: Formula) -> Formula:
    return Formula(formula.text[1:], formula.latex[1:])


@dataclass(frozen=True)
class Entry:
    """One entry of Z after one layer, expanded: what the layer adds to it and what the update demands."""

    row: str
    column: str
    layer: Scalar
    update: Scalar

    @property
    def holds(self) -> bool:
        """Whether both are the same element of the contraction algebra."""
        return bool(self.layer == self.update)


def expanded(derivation: Derivation, n: int = SHOWN_AT) -> tuple[Entry, ...]:
    """Every accumulator entry at context length n: the heads on one side, the textbook loop itself on the other."""
    state, algorithm = derivation.state, derivation.algorithm
    a = state.algebra
    transitions = [state.transition(str(j)) for j in range(1, n + 1)]
    tokens = [
        *(algorithm.context_token(t, state.p) for t in transitions), algorithm.query_token(state.query(), a.number(0)),
    ]  # fmt: skip
    before = [algorithm.column_values(state.weights, token, state.p) for token in tokens]
    moved = state.update(Sweep(transitions))
    after = [algorithm.column_values(moved, token, state.p) for token in tokens]
    values = {name: a.parameter(name) for name in algorithm.parameters}
    masks = [mask.rows(n, values, a.number) for mask in derivation.masks]
    rows = [r.name for r in algorithm.accumulators]
    result = []
    for t, token in enumerate(tokens):
        column = "query" if t == n else f"token {t + 1}"
        for k, row in enumerate(rows):
            total = a.number(0)
            for head in derivation.heads:
                for (written, read), u in head.U.items():
                    if written != row:
                        continue
                    for (r, word, s), e in head.E.items():
                        for i in range(n):
                            for j in range(n):
                                weight = masks[head.mask][i][j]
                                if isinstance(weight, int) and not weight:
                                    continue
                                met = _meet(a, getattr(tokens[j], r), word, getattr(token, s))
                                total = total + u * e * weight * before[i][rows.index(read)] * met
            result.append(Entry(row, column, total / n, a.number(0) + (after[t][k] - before[t][k])))
    return tuple(result)


def _meet(a: Any, left: Any, word: Word, right: Any) -> Any:
    """left^T word right, for vectors or scalars."""
    if not isinstance(right, Vector):
        return left * right
    for name, flipped in reversed(word):
        matrix = a.matrix(name)
        right = (matrix.T if flipped else matrix) @ right
    return left @ right

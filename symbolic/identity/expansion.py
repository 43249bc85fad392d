"""One layer beside one update, exactly: what each adds to an accumulator row, term by term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..derivation.derive import Derivation
from ..derivation.masks import masks_of
from ..derivation.scalar import Scalar
from ..derivation.state import entries_of
from ..derivation.tokenwise import row_map
from ..derivation.vectors import Vector
from ..derivation.words import Word, transpose
from ..transitions import Sweep

Term = tuple[str, int, str, Word, str] | tuple[str]
"""(row read, mask, key block r, word W, block s): the term Y_read M X_r^T W X_s; (row read,): the term n Y_read."""
Sum = dict[Term, Scalar]
SHOWN_AT = 2
"""The context length of the expansion in single tokens."""


def layer_change(derivation: Derivation) -> dict[str, Sum]:
    """n times what one layer adds to each accumulator row: its heads, multiplied out."""
    result: dict[str, Sum] = {row.name: {} for row in derivation.algorithm.accumulators}
    for head in derivation.meeting:
        for (written, read), u in head.U.items():
            for (r, word, s), e in head.E.items():
                _add(result[written], (read, head.mask, r, word, s), u * e)
    for own in derivation.tokenwise:
        for row, u in own.U.items():
            for read, e in own.E.items():
                _add(result[row], (read,), u * e)
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
    for row, entries in row_map(derivation.state, derivation.loop, derivation.embedding).items():
        for read, value in entries.items():
            _add(result[row], (read,), value)
    return result


def _add(total: Sum, key: Term, value: Scalar) -> None:
    new = total[key] + value if key in total else value
    if new:
        total[key] = new
    else:
        total.pop(key, None)


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
    masks = [mask.rows(n, values | entries_of(a, mask.names()), a.number) for mask in derivation.masks]
    rows = [r.name for r in algorithm.accumulators]
    result = []
    for t, token in enumerate(tokens):
        column = "query" if t == n else f"token {t + 1}"
        for k, row in enumerate(rows):
            total = a.number(0)
            for own in derivation.tokenwise:
                for read, e in own.E.items():
                    if row in own.U:
                        total = total + own.U[row] * e * before[t][rows.index(read)] * n
            for head in derivation.meeting:
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

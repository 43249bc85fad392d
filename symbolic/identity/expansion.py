"""One layer beside one update, exactly: what each adds to an accumulator row, term by term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
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
    before = _rows_at(derivation, tokens, state.weights)
    after = _rows_at(derivation, tokens, state.update(Sweep(transitions)))
    layer = _Layer(derivation, tokens, before)
    return tuple(
        Entry(
            row,
            "query" if t == n else f"token {t + 1}",
            layer.adds(row, t) / n,
            a.number(0) + (after[t][row] - before[t][row]),
        )
        for t in range(n + 1)
        for row in before[t]
    )


def _rows_at(derivation: Derivation, tokens: Sequence[Any], weights: Any) -> list[dict[str, Any]]:
    """What the accumulator rows hold at each token."""
    algorithm = derivation.algorithm
    names = [r.name for r in algorithm.accumulators]
    return [
        dict(zip(names, algorithm.column_values(weights, token, derivation.state.p), strict=True)) for token in tokens
    ]


class _Layer:
    """The heads at one prompt, token by token.

    tokens : the columns' feature rows, the query last
    before : what the accumulator rows hold at each of them
    """

    def __init__(self, derivation: Derivation, tokens: Sequence[Any], before: Sequence[Mapping[str, Any]]) -> None:
        self.derivation, self.tokens, self.before = derivation, tokens, before
        a, parameters = derivation.state.algebra, derivation.algorithm.parameters
        self.n, self.algebra = len(tokens) - 1, a
        values = {name: a.parameter(name) for name in parameters}
        self.masks = [m.rows(self.n, values | entries_of(a, m.names()), a.number) for m in derivation.masks]

    def adds(self, row: str, t: int) -> Scalar:
        """n times what all heads add to a row at token t."""
        total: Scalar = self.algebra.number(0)
        for own in self.derivation.tokenwise:
            if row in own.U:
                for read, e in own.E.items():
                    total = total + own.U[row] * e * self.before[t][read] * self.n
        for head in self.derivation.meeting:
            reads = {read: u for (written, read), u in head.U.items() if written == row}
            for (read, u), (block, e) in product(reads.items(), head.E.items()):
                total = total + u * e * self._attended(head.mask, read, block, t)
        return total

    def _attended(self, mask: int, read: str, block: tuple[str, Word, str], t: int) -> Scalar:
        """Y_read M X_r^T W X_s at token t: what token i holds, by how its key j meets the query t."""
        r, word, s = block
        total: Scalar = self.algebra.number(0)
        for i, j in product(range(self.n), repeat=2):
            weight = self.masks[mask][i][j]
            if not (isinstance(weight, int) and weight == 0):  # the mask's own zeros
                met = _meet(self.algebra, getattr(self.tokens[j], r), word, getattr(self.tokens[t], s))
                total = total + self.before[i][read] * weight * met
        return total


def _meet(a: Any, left: Any, word: Word, right: Any) -> Any:
    """left^T word right, for vectors or scalars."""
    if not isinstance(right, Vector):
        return left * right
    for name, flipped in reversed(word):
        matrix = a.matrix(name)
        right = (matrix.T if flipped else matrix) @ right
    return left @ right

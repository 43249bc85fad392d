"""Heads over a constant row: a fixed linear map of the accumulator rows, token by token.

Where a scalar feature row c holds the number 1 at every context token, a head with value u c, key c and query side
kap Y adds (1/n) u (c M0 c^T) kap Y = u kap Y: c M0 c^T counts the context, and the query's entry of c meets a zero of
M0.  So Y <- Y + K Y takes rank(K) heads, and 0 < n.  Source: mathematics.md, theorem `const_head`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import MissingRowError
from .express import express
from .loop import LoopForm
from .scalar import Scalar
from .state import SymbolicState
from .vectors import Vector

Embedding = dict[tuple[str, int, str], Scalar]
RowMap = dict[str, dict[str, Scalar]]  # K: row written -> {row read: coefficient}
HOW = "layerproof new --with-constant-row writes a file that has it"


@dataclass(frozen=True, eq=False)
class SymbolicTokenwiseHead:
    """One head that reads a constant row as value and as key: W P = [[0, 0], [U, 0]], Q = [[0, E], [0, 0]].

    mask : position of M0 in `Derivation.masks`
    row  : the constant row, a scalar feature block
    U    : {row written: coefficient}, in the constant row's column of W P
    E    : {row read: coefficient}, in the constant row's line of Q
    """

    mask: int
    row: str
    U: dict[str, Scalar]
    E: dict[str, Scalar]


def row_map(state: SymbolicState, form: LoopForm, embedding: Embedding) -> RowMap:
    """K of what the rows gain from old weights, Y + K Y: solved for, so that it kills what rows hold at no weights.

    Raises `MissingRowError` with the row and the head to add where a row is missing.
    """
    if not form.mixing:
        return {}
    algorithm, a = state.algorithm, state.algebra
    token = algorithm.context_token(state.transition("j"), state.p)
    rows = state.rows(token)
    result: RowMap = {}
    for row in rows:
        gain: Any = a.number(0)
        for (k, s, b), coefficient in embedding.items():
            for (moved, read), kappa in form.mixing.items():
                if (k, s) == (row, moved):
                    weight, block = state.weights[read], getattr(token, b)
                    held: Any = weight @ block if isinstance(weight, Vector) else weight * block
                    gain = gain + coefficient * kappa * held
        if not gain.poly:
            continue
        if state.constant is None:
            raise MissingRowError(
                f"the row {row} gains {gain.text()} at its own token: a layer adds multiples of rows token by token "
                "only over a constant row, which this prompt has not: add a feature row that holds the number 1, "
                f'FeatureBlock("one", lambda t, p: 1, scalar=True) ({HOW}); a head with that row as value and key '
                "then adds them",
                (gain.text(),),
                constant=True,
            )
        coefficients = express(a, gain, rows)
        if coefficients is None:
            raise MissingRowError(
                f"the row {row} gains {gain.text()} at its own token, no combination of the rows "
                f"{', '.join(rows)}: add an accumulator row that holds it (or a part of it) and is zero at no weights; "
                f"a head over the constant row {state.constant} then adds it",
                (gain.text(),),
                held=(gain,),
            )
        result[row] = coefficients
    return result


def tokenwise_heads(state: SymbolicState, mask: int, K: RowMap) -> list[SymbolicTokenwiseHead]:
    """K as a sum of products u kap, as few as its rank: each is a head over the constant row."""
    if not K:
        return []
    assert state.constant is not None  # `row_map` has seen to it
    return [SymbolicTokenwiseHead(mask, state.constant, u, kap) for u, kap in _rank_factors(K)]


def _rank_factors(K: RowMap) -> list[tuple[dict[str, Scalar], dict[str, Scalar]]]:
    """K = sum u kap by elimination over the field of the parameters: kap in reduced echelon form, u columns of K.

    The pivots are entries that need no division by a sum where there are such.
    """
    left = {row: dict(entries) for row, entries in K.items()}
    echelon: list[tuple[str, dict[str, Scalar]]] = []
    while any(left.values()):
        # a number or a monomial is the better pivot, since its inverse is no new hypothesis
        row, pivot = min(
            ((r, c) for r, entries in left.items() for c in entries), key=lambda at: len(left[at[0]][at[1]].poly)
        )
        inverse = left[row][pivot].inverse()
        line = {c: x * inverse for c, x in left.pop(row).items()}
        left = {r: _minus(entries, line, pivot) for r, entries in left.items()}
        echelon = [(p, _minus(entries, line, pivot)) for p, entries in echelon] + [(pivot, line)]
    return [({r: entries[p] for r, entries in K.items() if p in entries}, line) for p, line in echelon]


def _minus(entries: dict[str, Scalar], line: dict[str, Scalar], pivot: str) -> dict[str, Scalar]:
    """Entries minus the multiple of a line that clears its pivot."""
    if pivot not in entries:
        return entries
    multiple = entries[pivot]
    result = dict(entries)
    for c, x in line.items():
        total = result[c] - multiple * x if c in result else -multiple * x
        if total.poly:
            result[c] = total
        else:
            result.pop(c, None)
    return result


def predicted_map(heads: Any) -> RowMap:
    """K as the heads give it."""
    result: RowMap = {}
    for head in heads:
        for written, u in head.U.items():
            entries = result.setdefault(written, {})
            for read, e in head.E.items():
                total = entries[read] + u * e if read in entries else u * e
                if total.poly:
                    entries[read] = total
                else:
                    entries.pop(read, None)
    return {row: entries for row, entries in result.items() if entries}

"""The interaction tensor factored into heads, and how few any factoring could take."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from .ansatz import Polynomial, TensorSolution, Unknown
from .coefficients import product_of
from .contraction import Algebra
from .express import express
from .scalar import Scalar
from .state import SymbolicState
from .vectors import Vector
from .words import Word

BlockKey = tuple[str, Word, str]  # (key block r, word, query-side block s): E has coefficient * word there


@dataclass(frozen=True, eq=False)
class SymbolicHead:
    """One head, symbolic in d, n, C_l and the parameters.

    mask : position in `Derivation.masks`
    U    : {(row written, row read): coefficient}, the product W P on the accumulator rows
    E    : {(key block r, word, block s): coefficient}, the block of Q at rows r and columns s
    """

    mask: int
    U: dict[tuple[str, str], Scalar]
    E: dict[BlockKey, Scalar]


def factored(
    state: SymbolicState, mask: int, piece: dict[tuple[str, str], dict[BlockKey, Scalar]]
) -> list[SymbolicHead]:
    """The heads of one mask: a rank factorisation, a row for each (written, read), a column for each block of E."""
    rows = [key for key, entries in piece.items() if entries]
    if not rows:
        return []
    columns = list(dict.fromkeys(c for key in rows for c in piece[key]))
    a = state.algebra
    heads: list[SymbolicHead] = []
    basis: dict[int, dict[BlockKey, Scalar]] = {}
    coefficients: list[dict[int, Scalar]] = []
    for key in rows:
        combination = _combination(a, piece[key], basis, columns)
        if combination is None:
            basis[len(basis)] = piece[key]
            combination = {len(basis) - 1: a.number(1)}
        coefficients.append(combination)
    for h, entries in basis.items():
        U = {key: c[h] for key, c in zip(rows, coefficients, strict=True) if h in c}
        heads.append(SymbolicHead(mask, U, dict(entries)))
    return heads


def _combination(
    a: Algebra, target: dict[BlockKey, Scalar], basis: dict[int, dict[BlockKey, Scalar]], columns: list[BlockKey]
) -> dict[int, Scalar] | None:
    """`target` as a combination of the basis rows, or None: first with rational coefficients, then by one ratio."""

    def packed(entries: dict[BlockKey, Scalar]) -> Vector:
        return Vector(a, {((), str(columns.index(key))): c for key, c in entries.items()})

    if not basis:
        return None
    coefficients = express(a, packed(target), {h: packed(entries) for h, entries in basis.items()}, False)
    if coefficients is not None:
        return coefficients
    for h, entries in basis.items():
        ratio = _ratio(target, entries)
        if ratio is not None:
            return {h: ratio}
    return None


def _ratio(target: dict[BlockKey, Scalar], entries: dict[BlockKey, Scalar]) -> Scalar | None:
    """By what `entries` must be multiplied to give `target`, if it divides by nothing that neither is divided by."""
    if entries.keys() != target.keys():
        return None
    first = next(iter(entries))
    ratio = target[first] * entries[first].inverse()
    new = {key for key in ratio.generators() if key[0] == "inverse"}
    if new - {key for c in (*target.values(), *entries.values()) for key in c.generators()}:
        return None
    return ratio if all(target[key] == ratio * entries[key] for key in entries) else None


def head_lower_bound(tensor: TensorSolution, state: SymbolicState) -> int:
    """The largest rank of the three flattenings of T (rows x masks x blocks), parameters at fixed rationals."""
    values = _sample(state)
    loose = loose_slices(tensor)
    cells: dict[tuple[Any, Any, Any], Any] = {}
    for (written, read, r, word, s), at in tensor.slices.items():
        if (read, r, word, s) in loose:
            continue
        for ij, part in at.items():
            cells[(written, read), ij, (r, word, s)] = _at(part, values)
    best = 0
    for mode in range(3):
        rows = {k: i for i, k in enumerate(dict.fromkeys(key[mode] for key in cells))}
        columns = {
            k: i for i, k in enumerate(dict.fromkeys(tuple(x for m, x in enumerate(key) if m != mode) for key in cells))
        }
        entries: dict[int, dict[int, Any]] = {}
        for key, value in cells.items():
            rest = tuple(x for m, x in enumerate(key) if m != mode)
            entries.setdefault(rows[key[mode]], {})[columns[rest]] = value
        best = max(best, DomainMatrix(entries, (len(rows), len(columns)), QQ).rank())
    return best


def token_map_rank(tensor: TensorSolution, state: SymbolicState) -> int:
    """The rank of K, parameters at fixed rationals: no fewer heads over constant rows add K Y."""
    values = _sample(state)
    names = [r.name for r in state.algorithm.accumulators]
    entries: dict[int, dict[int, Any]] = {}
    for (written, read), part in tensor.own.items():
        entries.setdefault(names.index(written), {})[names.index(read)] = _at(part, values)
    return int(DomainMatrix(entries, (len(names), len(names)), QQ).rank())


def loose_slices(tensor: TensorSolution) -> set[tuple[str, str, Word, str]]:
    """The slices (row read, key block, word, block) of T with entries that occur but are not forced."""
    return {(u.read, u.key_block, u.word, u.query_block) for u in tensor.undetermined if isinstance(u, Unknown)}


def _sample(state: SymbolicState) -> dict[str, Any]:
    """Fixed rationals for the parameters: at any values a rank is at most the rank over their field.

    None is a small number or one part of a few, at which a divisor such as beta j - 1 would be zero.
    """
    values: dict[str, Any] = {
        name: Fraction(1009 + 30 * k, 2003 + 34 * k) for k, name in enumerate(state.algebra.parameters)
    }
    for number, name in enumerate(state.algorithm.selections):
        values[name] = lambda token, number=number: Fraction(3 * token + 2, 5 + number)
    return values


def _at(part: Polynomial, values: dict[str, Any]) -> Any:
    total = QQ(0)
    for exponents, c in part.items():
        term = product_of(c, exponents, values, Fraction)
        total += QQ(term.numerator, term.denominator)
    return total

"""Exact weights at given sizes: the heads of a derivation with numbers in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from typing import Any

from flint import fmpz_mat, nmod_mat

from .arithmetics.arithmetic import RATIONALS, Arithmetic
from .arithmetics.prime_field import PRIME, FieldMatrix, SumOfProducts
from .arithmetics.rational import RationalMatrix
from .attention import AccumulatorHead, Head, RowHead, TokenwiseHead
from .derivation.coefficients import LENGTH
from .derivation.derive import ClosedForm, Derivation
from .derivation.factor import SymbolicHead
from .derivation.form import AnyHead, Form
from .derivation.integer_masks import over_one_denominator
from .derivation.masks import Mask, evaluate
from .derivation.scalar import Scalar
from .derivation.tokenwise import SymbolicTokenwiseHead
from .errors import ArgumentError
from .prompt import Layout
from .readout import Readout
from .tables import selection

Steps = tuple[Any, ...]  # one layer's preconditioners: rows of numbers for a matrix, a number for a scalar step


@dataclass(frozen=True, eq=False)
class Construction:
    """An L-layer linear-attention transformer with exact rational weights, and how to read it.

    layers      heads of each layer (one entry when `looped`: the same weights at every layer)
    depth       L
    steps       each layer's preconditioners, exact; aligned with `layers`
    readout     the prediction is sign * (entry of the read-out row in the query column)
    """

    algorithm: str
    options: Mapping[str, str]
    parameters: Mapping[str, Fraction]
    layout: Layout
    layers: tuple[tuple[Head, ...], ...]
    depth: int
    looped: bool
    steps: tuple[Steps, ...]
    readout: Readout

    def heads(self, layer: int) -> tuple[Head, ...]:
        """The heads of layer number `layer`, counted from 0."""
        return self.layers[0 if self.looped else layer]

    def row_heads(self) -> tuple[tuple[RowHead, ...], ...] | None:
        """Each stored layer as heads on the accumulator rows, or None when some head writes or mixes feature rows."""
        return self._row_heads

    @cached_property
    def _row_heads(self) -> tuple[tuple[RowHead, ...], ...] | None:
        masks: dict[int, Any] = {}
        result: list[tuple[RowHead, ...]] = []
        for heads in self.layers:
            split = [row_head(h, self.layout.p) for h in heads]
            if any(h is None for h in split):
                return None
            result.append(tuple(replace(h, M=masks.setdefault(id(h.M), h.M)) for h in split if h))
        return tuple(result)


def split_head(head: Head, p: int) -> AccumulatorHead | None:
    """A dense rational head as U, E and M; None unless W P = diag(0, U) and Q = diag(E, 0).

    p : the number of feature rows
    """
    split = row_head(head, p)
    return split if isinstance(split, AccumulatorHead) else None


def row_head(head: Head, p: int) -> RowHead | None:
    """A dense rational head as one that leaves feature rows as they are and is linear in the accumulator rows.

    That is W P = diag(0, U) with Q = diag(E, 0), or W P = [[0, 0], [U, 0]] with Q = [[0, E], [0, 0]]; else None.
    p : the number of feature rows
    """
    product, Q = head.W @ head.P, head.Q
    m = product.shape[0]
    features, rows = range(p), range(p, m)
    for kind, read, met in ((AccumulatorHead, rows, features), (TokenwiseHead, features, rows)):
        # value rows are accumulators and features meet, or value and key rows are features and accumulators are met
        if _only(product, rows, read) and _only(Q, features, met):
            return kind(_part(product, rows, read), _part(Q, features, met), head.M)
    return None


def _only(matrix: RationalMatrix, rows: range, columns: range) -> bool:
    """Whether all entries elsewhere are zero."""
    height, width = matrix.shape
    return not any(matrix.num[i, j] for i in range(height) for j in range(width) if i not in rows or j not in columns)


def _part(matrix: RationalMatrix, rows: range, columns: range) -> RationalMatrix:
    entries = [matrix.num[i, j] for i in rows for j in columns]
    return RationalMatrix(fmpz_mat(len(rows), len(columns), entries), matrix.den)


def instantiate(
    derivation: Form | ClosedForm,
    arithmetic: Arithmetic,
    layout: Layout,
    steps: Sequence[Steps],
    values: Mapping[str, Any],
) -> list[tuple[RowHead, ...]]:
    """The derived heads in an arithmetic, one tuple for each entry of `steps`, the first being those of layer 1.

    steps  : a layer's preconditioners as rows of numbers (or a number for a scalar step)
    values : the parameters, as numbers of the arithmetic; entries of selections too, by token, where they are not those
             of the layer
    """
    algorithm, number = derivation.algorithm, arithmetic.number
    changing = {name: rule for name, rule in algorithm.selections.items() if name not in values}

    mask_of = partial(mask_matrix, arithmetic, layout.n)
    of_layer = {*changing, *algorithm.scalar_preconditioners}
    masks = [None if of_layer & mask.names() else mask_of(mask, values) for mask in derivation.masks]
    fixed = masks
    result = []
    for position, step in enumerate(steps, 1):
        named = dict(zip(algorithm.preconditioners, step, strict=True))
        steps_named = {name: named[name] for name in algorithm.scalar_preconditioners}
        if any(M is None for M in fixed):
            chosen = {**values, **steps_named, **{name: selection(rule, position) for name, rule in changing.items()}}
            masks = [mask_of(m, chosen) if M is None else M for m, M in zip(derivation.masks, fixed, strict=True)]
        known = {**values, **steps_named, LENGTH: Fraction(layout.n)}
        heads: list[RowHead] = []
        for h in derivation.heads:
            made = AccumulatorHead if isinstance(h, SymbolicHead) else TokenwiseHead
            value = partial(evaluate, values=known, number=number)
            if isinstance(h, SymbolicHead) and any(isinstance(C, FieldMatrix) for C in step):
                U, _ = _dense(replace(h, E={}), layout, value, named)
                placed: Any = _blocks(h, layout, value, named)
            else:
                U, E = _dense(h, layout, value, named)
                placed = arithmetic.matrix(E)
            heads.append(made(arithmetic.matrix(U), placed, masks[h.mask]))
        result.append(tuple(heads))
    return result


def mask_matrix(arithmetic: Arithmetic, n: int, mask: Mask, values: Mapping[str, Any]) -> Any:
    """A mask at a context length, (n+1, n+1).  values : the parameters, as numbers of the arithmetic"""
    if mask.is_context_mask and arithmetic.context_mask is not None:
        return arithmetic.context_mask(n)
    used = tuple((name, values[name]) for name in sorted(mask.names() & values.keys()))
    if arithmetic is RATIONALS and all(type(x) is Fraction for _, x in used):
        return _rational_mask(n, mask, used)
    if arithmetic is RATIONALS and all(type(x) is Fraction or callable(x) for _, x in used):
        made = over_one_denominator(mask, n, dict(used))  # what selects tokens is a function of each layer's own
        if made is not None:
            return made
    return arithmetic.matrix(mask.rows(n, values, arithmetic.number))


@lru_cache(maxsize=16)
def _rational_mask(n: int, mask: Mask, used: tuple[tuple[str, Fraction], ...]) -> RationalMatrix:
    """The same mask is asked for by every kind of evidence: n^2 numbers, each a product of powers."""
    made = over_one_denominator(mask, n, dict(used))
    return made if made is not None else RationalMatrix.of(mask.rows(n, dict(used), RATIONALS.number))


def _dense(
    head: AnyHead, layout: Layout, value: Callable[[Scalar], Any], named: Mapping[str, Any]
) -> tuple[list[list[Any]], list[list[Any]]]:
    """U and E of a symbolic head as rows of numbers: (K, K) and (p, p), or (K, p) and (p, K) over a constant row."""
    rows = {name: k for k, name in enumerate(layout.accumulators)}
    K, p = len(rows), layout.p
    if isinstance(head, SymbolicTokenwiseHead):
        (constant,) = layout.block(head.row)
        U: list[list[Any]] = [[0] * p for _ in range(K)]
        E: list[list[Any]] = [[0] * K for _ in range(p)]
        for written, c in head.U.items():
            U[rows[written]][constant] = value(c)
        for read, c in head.E.items():
            E[constant][rows[read]] = value(c)
        return U, E
    U, E = [[0] * K for _ in range(K)], [[0] * p for _ in range(p)]
    for (written, read), c in head.U.items():
        U[rows[written]][rows[read]] = value(c)
    for (r, word, s), c in head.E.items():
        _place(E, layout.block(r), layout.block(s), word, value(c), named)
    return U, E


def _blocks(
    head: SymbolicHead, layout: Layout, value: Callable[[Scalar], Any], named: Mapping[str, Any]
) -> FieldMatrix:
    """E of a head, (p, p), as products with matrices that place a block: where preconditioners are matrices already."""
    places = {block: _placed(layout.block(block), layout.p) for r, _, s in head.E for block in (r, s)}
    gathered: dict[Any, FieldMatrix] = {}
    for (r, word, s), c in head.E.items():
        across = places[s].mT * value(c)
        gathered[r, word] = gathered[r, word] + across if (r, word) in gathered else across
    terms = []
    for (r, word), across in gathered.items():
        steps = [named[name].mT if flipped else named[name] for name, flipped in word]
        terms.append((places[r], *steps, across))
    return SumOfProducts(terms) if terms else FieldMatrix(nmod_mat(layout.p, layout.p, PRIME))


@lru_cache(maxsize=16)
def _placed(rows: range, p: int) -> FieldMatrix:
    """(p, height), one where a block's entry stands."""
    place = nmod_mat(p, len(rows), PRIME)
    for k, i in enumerate(rows):
        place[i, k] = 1
    return FieldMatrix(place)


def _place(
    E: list[list[Any]], rows: range, columns: range, word: Any, coefficient: Any, named: Mapping[str, Any]
) -> None:
    if not word:
        for i, j in zip(rows, columns, strict=True):
            E[i][j] = E[i][j] + coefficient
        return
    ((name, flipped),) = word
    C = named[name]
    for x, i in enumerate(rows):
        row = E[i]
        for y, j in enumerate(columns):
            row[j] = row[j] + coefficient * (C[y][x] if flipped else C[x][y])


def construct(
    derivation: Derivation,
    d: int,
    n: int,
    depth: int,
    steps: Sequence[Steps],
    parameters: Mapping[str, Fraction],
    looped: bool = False,
) -> Construction:
    """The derived weights at given sizes, exact and dense.

    steps : L preconditioners for a sequential transformer, one for a looped one
    Raises `ArgumentError` when their number or shape is another, or a parameter is missing.
    """
    wanted = 1 if looped else depth
    if len(steps) != wanted:
        raise ArgumentError(
            f"steps has {len(steps)} entries, wanted {wanted}: one a layer, or a single one when looped"
        )
    layout = Layout.of(derivation.algorithm, d, n)
    algorithm = derivation.algorithm
    missing = [name for name in algorithm.parameters if name not in parameters]
    if missing:
        raise ArgumentError(f"{algorithm.name} needs a value for {', '.join(missing)}")
    for position, step in enumerate(steps):
        if len(step) != len(algorithm.preconditioners):
            raise ArgumentError(
                f"steps[{position}] has {len(step)} entries, wanted {', '.join(algorithm.preconditioners)}"
            )
        for name, C in zip(algorithm.preconditioners, step, strict=True):
            scalar = name in algorithm.scalar_preconditioners
            if scalar == isinstance(C, Sequence) or (not scalar and [len(row) for row in C] != [d] * d):
                shape = "a number" if scalar else f"{d} rows of {d} numbers"
                raise ArgumentError(f"{name} in steps[{position}] has the wrong shape, wanted {shape}")
    values = {name: Fraction(parameters[name]) for name in algorithm.parameters}
    split = instantiate(derivation, RATIONALS, layout, steps, values)
    p, m = layout.p, layout.m
    W = RationalMatrix.of([[int(i == j >= p) for j in range(m)] for i in range(m)])

    def dense(h: RowHead) -> Head:
        first = 0 if isinstance(h, TokenwiseHead) else p  # the first column that U reads
        P, Q = fmpz_mat(m, m), fmpz_mat(m, m)
        for row, column, whole, part in ((p, first, P, h.U.num), (0, p - first, Q, h.E.num)):
            for i in range(part.nrows()):
                for j in range(part.ncols()):
                    whole[row + i, column + j] = part[i, j]
        return Head(W, RationalMatrix(P, h.U.den), RationalMatrix(Q, h.E.den), h.M)

    return Construction(
        algorithm=derivation.algorithm.name,
        options=dict(derivation.options),
        parameters=values,
        layout=layout,
        layers=tuple(tuple(dense(h) for h in heads) for heads in split),
        depth=depth,
        looped=looped,
        steps=tuple(tuple(s) for s in steps),
        readout=derivation.readout,
    )

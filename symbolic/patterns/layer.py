"""One layer with attention patterns, over any arithmetic: Z + a sum_h V_h Z A_h, and then the shift of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import matmul
from typing import Any

from flint import fmpz_mat, nmod_mat

from ..arithmetics.arithmetic import Arithmetic
from ..arithmetics.entries import EntryMatrix
from ..arithmetics.prime_field import PRIME, FieldMatrix
from ..arithmetics.rational import RationalMatrix
from ..derivation.coefficients import LENGTH
from .heads import PatternForm, dense, mask, value_of


@dataclass(frozen=True, eq=False)
class Scores:
    """Linear scores Z^T Q Z.  Q : (m, m); `cut` is Q in the rows that it reads of keys and of queries alone."""

    Q: Any
    keys: Sequence[int]
    queries: Sequence[int]
    cut: Any

    def factors(self, Z: Any) -> tuple[Any, Any]:
        """(N, r) and (r, N) whose product is Z^T Q Z, each in lowest terms."""
        read = Z.take_rows(self.queries).lowest_terms()
        return Z.take_rows(self.keys).lowest_terms().mT, self.cut @ read


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer's matrices in one arithmetic.

    heads  one (V, scores) each, V : (m, m)
    mask   (N, N) of zeros and ones
    scale  the factor of the heads' change
    shift  None, or (kept, moved): each (m, m), what stays in its token and what goes to the token before
    back   (N, N), ones that move a column to the one before; None where there is no shift
    previous  whether they move it to the one after instead
    """

    heads: tuple[tuple[Any, Scores | None], ...]
    mask: Sequence[Sequence[int]]
    scale: Any
    shift: tuple[Any, Any] | None
    back: Any
    previous: bool = False

    @cached_property
    def keys(self) -> list[int] | None:
        """The mask of every query, where all have the same keys, else None."""
        return [row[0] for row in self.mask] if all(len(set(row)) == 1 for row in self.mask) else None


def layer_of(form: PatternForm, arithmetic: Arithmetic, d: int, n: int, C: Any, values: Any) -> Layer:
    """A form at sizes: C : (d, d) rows of numbers, or None; values : the parameters as numbers of the arithmetic."""
    number = arithmetic.number
    values = {**values, LENGTH: number(n)}
    names = [r.name for r in form.algorithm.rows for _ in range(1 if r.scalar else d)]
    heads = []
    for h in form.heads:
        V, scores = dense(h.V, form, arithmetic, d, C, values), None
        if h.Q is not None:
            keys = [i for i, name in enumerate(names) if any(name == left for left, _ in h.Q)]
            queries = [i for i, name in enumerate(names) if any(name == right for _, right in h.Q)]
            Q = dense(h.Q, form, arithmetic, d, C, values)
            scores = Scores(Q, keys, queries, Q.take_rows(keys).mT.take_rows(queries).mT)
        heads.append((V, scores))
    shift = None
    if form.shift:
        moved = {to for to, _ in form.shift}
        size = len(names)
        kept = [[number(int(i == j and names[i] not in moved)) for j in range(size)] for i in range(size)]
        # a row block of d rows moves entry by entry
        place = {name: [i for i, x in enumerate(names) if x == name] for name in names}
        more = [[number(0)] * size for _ in range(size)]
        for (to, read), coefficient in form.shift.items():
            for i, j in zip(place[to], place[read], strict=True):
                more[i][j] = value_of(coefficient, values, number)
        shift = arithmetic.matrix(kept), arithmetic.matrix(more)
    back = arithmetic.matrix(beside(n, form.previous)) if form.shift else None
    return Layer(
        tuple(heads), mask(form.sees, n), number(1) / n if form.by_length else number(1), shift, back, form.previous
    )


def beside(n: int, previous: bool) -> list[list[int]]:
    """(N, N) : ones that move a column to the one before, or, of the `previous` token, to the one after."""
    step = -1 if previous else 1
    return [[int(j == t + step) for t in range(n + 1)] for j in range(n + 1)]


def under(matrix: Any, mask: Sequence[Sequence[int]]) -> Any:
    """The entries of a matrix where the mask, of its shape, is 1, and zero elsewhere."""
    keep = [bool(x) for row in mask for x in row]

    def kept(entries: Sequence[Any], other: Any) -> list[Any]:
        return [x if k else other for x, k in zip(entries, keep, strict=True)]

    if isinstance(matrix, RationalMatrix):
        return RationalMatrix(fmpz_mat(*matrix.shape, kept(matrix.num.entries(), 0)), matrix.den)
    if isinstance(matrix, FieldMatrix):
        return FieldMatrix(nmod_mat(*matrix.shape, kept(matrix.mat.entries(), 0), PRIME))
    width = matrix.shape[1]
    flat = kept([x for row in matrix.rows for x in row], None)
    return EntryMatrix([flat[i : i + width] for i in range(0, len(flat), width)])


def pattern_layer(Z: Any, layer: Layer, K: Any = None) -> Any:
    """Z after one layer, Z : (m, N).  K : (N, N), the opaque pattern of heads that have no scores.

    Where every query has the same keys, V Z and the keys meet first: the same product, in n m^2 steps.
    """
    change = None
    for V, scores in layer.heads:
        values, pattern = V @ Z, (K,) if scores is None else scores.factors(Z)
        if layer.keys is not None:
            values = under(values, [layer.keys] * V.shape[0])
        else:
            pattern = (under(reduce(matmul, pattern), layer.mask),)
        term = reduce(matmul, pattern, values)
        change = term if change is None else change + term
    if change is not None:
        Z = Z + change * layer.scale
    if layer.shift is not None:
        kept, moved = layer.shift
        Z = kept @ Z + moved @ Z @ layer.back
    return Z.lowest_terms()

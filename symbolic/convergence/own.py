"""The iteration that the layers of a construction all of one's own run on its prompt: on the rows that they write.

Rows that no head writes stay; call them X and the written ones Y.  A layer adds s (W P Z) M (Z^T Q Z) to Z = [X; Y], so
it is affine in Y when no product of two entries of Y occurs: that is read off the blocks of P and Q.  Only the space
that the first change spans is looked at, so that the prompt may be long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mat

from ..attention import Head
from ..errors import ArgumentError
from ..own import OwnConstruction
from ..own_layers import own_layers, own_prompt
from ..prompt import Context
from .iteration import Iteration, NotAffineError
from .rationals import rational

MOST_LAYERS = 8
"""How many layers of a construction without a depth of its own are compared."""


@dataclass(frozen=True, eq=False)
class OwnLayers:
    """A construction's first layer on one prompt, in blocks.

    rows    : names of the written rows;  columns : names of all columns
    X, Y    : the rows that stay and those that are written, in the prompt
    heads   : (P on X, P on Y, M, Q's blocks XX, XY, YX, YY) of each head, s W included in P's written rows
    repeats : how many layers from the first on are the same
    depth   : how many layers were compared
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    X: fmpq_mat
    Y: fmpq_mat
    heads: tuple[tuple[fmpq_mat, ...], ...]
    repeats: int
    depth: int


def first_layers(own: OwnConstruction, context: Context, values: Mapping[str, Fraction]) -> OwnLayers:
    """The layers of a construction that are the same as its first, and that one in blocks of kept and written rows.

    Raises `ContentError` for a shape that does not fit, `NotAffineError` when nothing is written.
    """
    depth = own.layers or MOST_LAYERS
    rows, columns, layers, scale = own_layers(own, context.d, context.n, values, depth)
    Z = _rational(own_prompt(own, context, values))
    repeats = next((k for k in range(1, depth) if not _same(layers[k], layers[0])), depth)
    products = [_rational(h.W @ h.P) for h in layers[0]]
    written = [i for i in range(len(rows)) if any(p[i, j] for p in products for j in range(len(rows)))]
    if not written:
        raise NotAffineError("no head of the first layer writes anything")
    kept = [i for i in range(len(rows)) if i not in written]
    heads = []
    for head, product in zip(layers[0], products, strict=True):
        Q = _rational(head.Q)
        moved = _block(product, written, range(len(rows))) * rational(scale)
        P = [_block(moved, range(len(written)), part) for part in (kept, written)]
        blocks = [_block(Q, a, b) for a in (kept, written) for b in (kept, written)]
        heads.append((*P, _rational(head.M), *blocks))
    every = range(len(columns))
    return OwnLayers(
        tuple(rows[i] for i in written), columns, _block(Z, kept, every), _block(Z, written, every), tuple(heads),
        repeats, depth,
    )  # fmt: skip


def _same(left: Sequence[Head], right: Sequence[Head]) -> bool:
    return len(left) == len(right) and all(
        getattr(a, k) == getattr(b, k) for a, b in zip(left, right, strict=True) for k in "WPQM"
    )


def _rational(m: object) -> fmpq_mat:
    return fmpq_mat(m.num) / fmpq(int(m.den))  # type: ignore[attr-defined]


def _block(m: fmpq_mat, rows: Sequence[int], columns: Sequence[int]) -> fmpq_mat:
    return fmpq_mat(len(rows), len(columns), [m[i, j] for i in rows for j in columns])


def is_zero(m: fmpq_mat) -> bool:
    """Whether every entry is zero."""
    return not any(m.entries())


def place_of(layers: OwnLayers, read: str | None) -> int:
    """Which of the written rows holds the prediction; `ArgumentError` with their names when that is not said."""
    if read is None and len(layers.rows) > 1:
        raise ArgumentError(f"read is not given, wanted the row that holds the prediction: {', '.join(layers.rows)}")
    if read is not None and read not in layers.rows:
        raise ArgumentError(f"read is {read[:40]!r}, wanted a row that the layers write: {', '.join(layers.rows)}")
    return layers.rows.index(read) if read is not None else 0


def own_iteration(layers: OwnLayers, read: str | None) -> Iteration:
    """The repeated layer as an iteration from the prompt, in coordinates of what it changes.

    read : the written row whose last entry is the prediction; may be left out where only one is written
    Raises `NotAffineError` when two written entries may be multiplied, `ArgumentError` for a row that is not there.
    """
    place = place_of(layers, read)
    for PX, PY, _, _, XY, YX, YY in layers.heads:
        squares = (not is_zero(PX) and not is_zero(YY)) or (not is_zero(PY) and not all(map(is_zero, (XY, YX, YY))))
        if squares:
            raise NotAffineError("a layer multiplies entries that layers write with each other")
    first = _change(layers, layers.Y)
    constant = _change(layers, 0 * layers.Y)
    # The span of the first change under the linear part, kept in echelon form.
    lines: list[list[fmpq]] = []
    v = first
    while True:
        stacked = [*lines, v.entries()]
        reduced, rank = fmpq_mat(len(stacked), len(v.entries()), [x for line in stacked for x in line]).rref()
        if rank == len(lines):
            break
        lines = reduced.tolist()[:rank]
        v = v + _change(layers, v) - constant
    k = len(lines)
    pivots = [next(j for j, x in enumerate(line) if x) for line in lines]
    height, width = layers.Y.nrows(), layers.Y.ncols()
    basis = [fmpq_mat(height, width, line) for line in lines]
    moved = [(B + _change(layers, B) - constant).entries() for B in basis]
    T = fmpq_mat(k, k, [moved[j][i] for i in pivots for j in range(k)])
    c = fmpq_mat(k, 1, [first.entries()[i] for i in pivots])
    h = fmpq_mat(1, k, [B[place, width - 1] for B in basis])
    return Iteration(T, c, fmpq_mat(k, 1), h, (("change", k),), ((T, c),), layers.Y[place, width - 1])


def _change(layers: OwnLayers, Y: fmpq_mat) -> fmpq_mat:
    """What one layer adds to the written rows."""
    X, total = layers.X, 0 * Y
    for PX, PY, M, XX, XY, YX, YY in layers.heads:
        values = PX * X + PY * Y
        keys = values * M
        # from left to right, so that nothing of the size of the mask is made
        total = total + (keys * X.transpose()) * (XX * X + XY * Y) + (keys * Y.transpose()) * (YX * X + YY * Y)
    return total

"""Running a construction all of one's own over Q, and comparing it with its reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from .arithmetics.rational import RationalMatrix
from .attention import Head, layer
from .errors import ContentError
from .exact import exact_number
from .given import exact_head, exact_matrix
from .identity.exact import Mismatch
from .own import OwnConstruction
from .prompt import Context


def own_prompt(own: OwnConstruction, context: Context, values: Mapping[str, Fraction]) -> RationalMatrix:
    """Z_0 on a context, over Q; `ContentError` when it has another shape than the rows and columns named."""
    rows, columns = own.rows(context.d), own.columns(context.d, context.n)
    return exact_matrix(own.prompt(context, SimpleNamespace(**values)), len(rows), len(columns), "the prompt")


def own_layers(
    own: OwnConstruction, d: int, n: int, values: Mapping[str, Fraction], depth: int
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[Head, ...], ...], Fraction]:
    """Names of rows and columns, the heads of each layer over Q, and the factor of a layer's change."""
    rows, columns, p = tuple(own.rows(d)), tuple(own.columns(d, n)), SimpleNamespace(**values)
    layers = tuple(
        tuple(
            exact_head(h, len(rows), len(columns), f"layer {number + 1}, head {k + 1}")
            for k, h in enumerate(own.heads(d, n, p, number))
        )
        for number in range(depth)
    )
    return rows, columns, layers, exact_number(own.scale(n), "scale")


def own_mismatches(
    own: OwnConstruction, context: Context, values: Mapping[str, Fraction], depth: int
) -> Iterator[Mismatch | None]:
    """Run the layers on one prompt and compare the entries that the reference gives, after each layer, with ==.

    Raises `ContentError` when a shape is wrong, a row or column is not there, or there is nothing to compare.
    """
    Z = own_prompt(own, context, values)
    rows, columns, layers, scale = own_layers(own, context.d, context.n, values, depth)
    wanted = iter(own.reference(context, SimpleNamespace(**values)))
    for number, heads in enumerate(layers):
        Z = layer(Z, heads, scale).lowest_terms()
        entries = next(wanted, None)
        if not entries:
            raise ContentError(f"the reference of {own.name} gives nothing to compare after layer {number + 1}")
        yield _first(own, Z, entries, list(rows), list(columns), number + 1)


def _first(
    own: OwnConstruction,
    Z: RationalMatrix,
    entries: Mapping[tuple[str, str], Any],
    rows: list[str],
    columns: list[str],
    number: int,
) -> Mismatch | None:
    mismatch = None
    for (row, column), value in entries.items():
        if row not in rows or column not in columns:
            raise ContentError(f"the reference of {own.name} names ({row}, {column}), no entry of its prompt")
        i, t = rows.index(row), columns.index(column)
        given = Fraction(int(Z.num[i, t]), int(Z.den))
        wanted = exact_number(value, f"the reference after layer {number}")
        if given != wanted and mismatch is None:
            mismatch = Mismatch(number, row, t, column, given, wanted)
    return mismatch

"""The one-layer identity as polynomials in every entry: phi, phi', R, q, w, C and the parameters all generic (FLINT).

A layer acts on every column of Z by one and the same matrix, built from the context.  So the identity is expanded for
one more column whose entries are all generic; setting them to a context column's or the query's gives those columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx

from ..arithmetics.arithmetic import Arithmetic
from ..arithmetics.entries import EntryMatrix, EntryVector
from ..arithmetics.quotients import Quotient
from ..attention import RowHead, TokenwiseHead, masked_keys
from ..construction import instantiate
from ..derivation.form import Form
from ..prompt import Layout
from ..transitions import Position, Transition
from .exact import Problem, generic_data, problem


@dataclass(frozen=True)
class EntrywiseResult:
    """Layer minus update in each accumulator row, expanded.

    rows       : accumulator row -> number of terms of the difference (0: identically zero)
    terms      : number of terms of the update's change, all rows together: how much was compared
    variables  : number of generic entries
    difference : the differing row's polynomial as text, shortened, or None
    """

    d: int
    n: int
    rows: dict[str, int]
    terms: int
    variables: int
    difference: str | None

    @property
    def holds(self) -> bool:
        """Whether the difference is the zero polynomial in every row."""
        return not any(self.rows.values())


def polynomial_arithmetic(context: Any) -> Arithmetic:
    """Polynomials over Q as an arithmetic; a plain integer zero is a structural zero of a matrix."""

    def number(value: Fraction | int) -> Any:
        return (
            context.constant(fmpq(value.numerator, value.denominator)) if isinstance(value, (int, Fraction)) else value
        )

    def matrix(rows: Sequence[Sequence[Any]]) -> EntryMatrix:
        # a plain integer zero is a structural zero: nothing is multiplied by it
        return EntryMatrix([[None if isinstance(x, int) and x == 0 else number(x) for x in row] for row in rows])

    exact = Position.within(lambda x: fmpq(x.numerator, x.denominator))
    return Arithmetic(
        "polynomials", number, EntryVector, matrix, lambda v: v.entries, lambda m, i, j: m.rows[i][j], index=exact
    )


def quotient_arithmetic(context: Any) -> Arithmetic:
    """Quotients of polynomials over Q as an arithmetic, for what divides by polynomials in the parameters."""
    polynomials = polynomial_arithmetic(context)
    one = context.constant(fmpq(1))

    def number(value: Any) -> Any:
        return value if isinstance(value, Quotient) else Quotient(polynomials.number(value), one)

    def matrix(rows: Sequence[Sequence[Any]]) -> EntryMatrix:
        return EntryMatrix([[None if isinstance(x, int) and x == 0 else number(x) for x in row] for row in rows])

    return replace(polynomials, name="quotients of polynomials", number=number, matrix=matrix)


def entrywise(derivation: Form, d: int, n: int, heads: Sequence[RowHead] | None = None) -> EntrywiseResult:
    """Expand layer minus update at feature dimension d and context length n.

    `heads` replaces the derived heads (for a construction of one's own), in the same polynomials.
    """
    algorithm = derivation.algorithm
    layout = Layout.of(algorithm, d, n)
    names = list(_variable_names(derivation, d, n))
    context = fmpq_mpoly_ctx.get(names, Ordering.lex)
    divides = bool(derivation.hypotheses.parameters)
    arithmetic = quotient_arithmetic(context) if divides else polynomial_arithmetic(context)
    variable = dict(zip(names, map(arithmetic.number, context.gens()), strict=True))

    def vector(name: str) -> list[Any]:
        return [variable[f"{name}[{i}]"] for i in range(d)]

    values = {name: variable[name] for name in algorithm.parameters}
    values |= {name: lambda j, name=name: variable[f"{name}[{j - 1}]"] for name in algorithm.selections}
    step = tuple(
        variable[name]
        if name in algorithm.scalar_preconditioners
        else [[variable[f"{name}[{i},{j}]"] for j in range(d)] for i in range(d)]
        for name in algorithm.preconditioners
    )
    start = [variable[w] if w in algorithm.scalar_weights else vector(w) for w in algorithm.weights]
    setup = problem(
        algorithm,
        arithmetic,
        generic_data(algorithm, n, vector, variable.__getitem__),
        start,
        values,
        derivation.options,
    )
    if heads is None:
        heads = instantiate(derivation, arithmetic, layout, [step], values)[0]
    probe, column = _probe(derivation, arithmetic, variable, d)
    # any numbers of the tokens, whatever the layer
    demanded = _demanded(setup, algorithm.reading(setup.transitions, values), step, probe, n)
    given = _given(setup, heads, column, algorithm.column_values(setup.start, probe, setup.p))
    rows: dict[str, int] = {}
    shown = None
    for name, wanted, computed in zip(layout.accumulators, demanded, given, strict=True):
        difference = wanted - (computed if computed is not None else 0 * wanted)
        rows[name] = len(difference)
        if len(difference) and shown is None:
            text = str(difference)
            shown = f"{name}: {text[:400]}{' ...' if len(text) > 400 else ''}"
    return EntrywiseResult(d, n, rows, sum(len(x) for x in demanded), len(names), shown)


def _variable_names(derivation: Form, d: int, n: int) -> Iterator[str]:
    algorithm = derivation.algorithm
    yield from algorithm.parameters
    for name in algorithm.preconditioners:
        if name in algorithm.scalar_preconditioners:
            yield name
        else:
            yield from (f"{name}[{i},{j}]" for i in range(d) for j in range(d))
    for name in algorithm.weights:
        yield from [name] if name in algorithm.scalar_weights else (f"{name}[{i}]" for i in range(d))
    for j in range(n):
        yield from (f"phi[{j}][{i}]" for i in range(d))
        yield from (f"next[{j}][{i}]" for i in range(d))
        yield f"R[{j}]"
        for name, is_vector in algorithm.extras:
            yield from [f"{name}[{j}][{i}]" for i in range(d)] if is_vector else [f"{name}[{j}]"]
        yield from (f"{name}[{j}]" for name in algorithm.selections)
    yield from (f"q[{i}]" for i in range(d))
    for block in algorithm.features:
        yield from [f"probe[{block.name}]"] if block.scalar else (f"probe[{block.name}][{i}]" for i in range(d))
    yield from (f"probe[{name}]" for name in algorithm.token_numbers)


def _probe(derivation: Form, arithmetic: Arithmetic, variable: dict[str, Any], d: int) -> tuple[Any, EntryMatrix]:
    blocks: dict[str, Any] = {}
    column: list[list[Any]] = []
    for block in derivation.algorithm.features:
        if block.scalar:
            blocks[block.name] = variable[f"probe[{block.name}]"]
            column.append([blocks[block.name]])
        else:
            entries = [variable[f"probe[{block.name}][{i}]"] for i in range(d)]
            blocks[block.name] = arithmetic.vector(entries)
            column += [[x] for x in entries]
    numbers = {name: variable[f"probe[{name}]"] for name in derivation.algorithm.token_numbers}
    return derivation.algorithm.token(blocks, numbers), EntryMatrix(column)


def _demanded(setup: Problem, transitions: Sequence[Transition], step: Any, probe: Any, n: int) -> list[Any]:
    """n times what the update adds to each accumulator row of the generic column."""
    algorithm = setup.algorithm
    matrices = [c if name in algorithm.scalar_preconditioners else setup.arithmetic.matrix(c)
                for name, c in zip(algorithm.preconditioners, step, strict=True)]  # fmt: skip
    new = algorithm.update(setup.start, matrices, algorithm.sweep(transitions, setup.layout.d), setup.p)
    before = algorithm.column_values(setup.start, probe, setup.p)
    after = algorithm.column_values(new, probe, setup.p)
    return [(y - x) * n for x, y in zip(before, after, strict=True)]


def _given(setup: Problem, heads: Sequence[RowHead], column: EntryMatrix, rows: Sequence[Any]) -> list[Any]:
    """n times what the heads add to each accumulator row of the generic column, which has these accumulator entries."""
    Y = EntryMatrix(setup.rows(setup.start))
    keys = masked_keys(setup.X, heads)
    total = None
    for h in heads:
        if isinstance(h, TokenwiseHead):
            met = h.U @ (setup.X @ keys[id(h.M)]) @ h.E @ EntryMatrix([[y] for y in rows])
        else:
            met = (h.U @ Y) @ keys[id(h.M)] @ h.E @ column
        total = met if total is None else total + met
    return [row[0] for row in total.rows] if total is not None else [None] * len(setup.layout.accumulators)

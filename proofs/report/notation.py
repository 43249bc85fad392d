"""How a report writes the symbols of an algorithm, whatever they are called, and exact numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ...symbolic.derivation.state import SymbolicState
from ..formula.build import bracketed, entry, indexed, listed, named, number
from ..formula.formula import Formula
from .model import Label, Matrix
from .names import Names, declared_formula, row_formula


def block_symbols(state: SymbolicState) -> dict[str, Formula]:
    """Each feature block by its declared symbol, else its content at any token: phi, gamma phi', 1."""
    algorithm, names = state.algorithm, Names.for_state(state, indexed=False)
    transition = state.transition("j")
    return {
        b.name: declared_formula(algorithm, b.name) if b.name in algorithm.symbols
        else names.value(b.context(transition, state.p))
        for b in algorithm.features
    }  # fmt: skip


def row_symbols(state: SymbolicState) -> dict[str, Formula]:
    """What a paper calls each block and each accumulator's row."""
    return {**block_symbols(state), **{r.name: row_formula(r) for r in state.algorithm.accumulators}}


def row_names(state: SymbolicState) -> dict[str, Formula]:
    """What a paper calls each row that a program calls td_error; a row that it calls by its name is left out."""
    return {name: f for name, f in row_symbols(state).items() if f.text != name or "_" not in name}


def row_labels(state: SymbolicState) -> tuple[Label, ...]:
    """The rows of Z by what a paper calls them."""
    return tuple(Label(name, symbol) for name, symbol in row_symbols(state).items())


def row_symbol(row: Formula) -> Formula:
    """A whole accumulator row of Z, from what its entries are called."""
    return entry("Y", row)


def at(name: str, index: int) -> Formula:
    """A name with a number as its index: w_2."""
    return indexed(named(name), str(index))


def numbers(
    name: Formula, rows: Sequence[str], columns: Sequence[str], entries: Sequence[Sequence[Fraction]], **more: Any
) -> Matrix:
    """A matrix of exact numbers."""
    filled = tuple(tuple(number(Fraction(x)) for x in row) for row in entries)
    return Matrix(name, tuple(rows), tuple(columns), filled, **more)


def vector(entries: Sequence[Fraction]) -> Formula:
    """A vector of exact numbers, as (1, -3/2)."""
    return bracketed(listed([number(x) for x in entries]))

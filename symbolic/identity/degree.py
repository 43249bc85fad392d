"""Degrees of polynomials, computed by running the same code on degrees: a sum takes the larger, a product adds."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ..arithmetics.arithmetic import Arithmetic
from ..arithmetics.entries import EntryMatrix, EntryVector
from ..attention import accumulate, masked_keys
from ..construction import instantiate
from ..derivation.form import Form
from ..prompt import Layout
from ..transitions import Position
from .exact import generic_data, problem


class NoDegreeError(ZeroDivisionError):
    """A quotient of entries that are drawn at random is no polynomial in them."""


class Degree:
    """An upper bound on the degree of a polynomial in the random entries; the zero polynomial has none."""

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: int | None):
        self.value = value

    @staticmethod
    def of(x: Any) -> Degree:
        """A number's degree: none for zero, 0 otherwise."""
        return x if isinstance(x, Degree) else Degree(None if x == 0 else 0)

    def __add__(self, other: Any) -> Degree:
        other = Degree.of(other)
        if self.value is None or other.value is None:
            return other if self.value is None else self
        return self if self.value >= other.value else other

    __radd__ = __sub__ = __rsub__ = __add__

    def __neg__(self) -> Degree:
        return self

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, (Degree, int, Fraction)):
            return NotImplemented
        other = Degree.of(other)
        return Degree(None if self.value is None or other.value is None else self.value + other.value)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Degree:
        if isinstance(other, Degree) and other.value:
            raise NoDegreeError("division by a random entry has no degree")
        return self

    def __rtruediv__(self, other: Any) -> Degree:
        return Degree.of(other) / self

    def __pow__(self, exponent: int) -> Degree:
        return Degree(None if self.value is None and exponent else exponent * (self.value or 0))

    def __bool__(self) -> bool:
        return self.value is not None


def _matrix(rows: Sequence[Sequence[Any]]) -> EntryMatrix:
    return EntryMatrix([[d if (d := Degree.of(x)) else None for x in row] for row in rows])


DEGREES = Arithmetic(
    "degrees", Degree.of, EntryVector, _matrix, lambda v: v.entries, lambda m, i, j: m.rows[i][j], index=Position
)


def identity_degree(derivation: Form, depth: int) -> int:
    """The largest degree, over layers 1..depth and rows, of (layer minus iterate) in the random entries.

    The random entries are those of phi, phi', R, q, what else transitions carry, the starting weights and every
    layer's C; the parameters are fixed.
    Read off the derived weights' own zero pattern and the update's own operations, at d = 1 and n = 2: neither side's
    degree depends on d or n, since each transition adds terms of the same kind to the loop's totals.
    """
    algorithm = derivation.algorithm
    one = Degree(1)
    step = tuple(one if c in algorithm.scalar_preconditioners else [[one]] for c in algorithm.preconditioners)
    values: dict[str, Any] = {name: Degree(0) for name in algorithm.parameters}
    values |= {name: lambda token: Degree(0) for name in algorithm.selections}  # as if every token were read
    start = [one if w in algorithm.scalar_weights else [one] for w in algorithm.weights]
    data = generic_data(algorithm, 2, lambda _: [one], lambda _: one)
    setup = problem(algorithm, DEGREES, data, start, values, derivation.options)
    heads = instantiate(derivation, DEGREES, Layout.of(algorithm, 1, 2), [step], values)[0]
    keys = masked_keys(setup.X, heads)
    Y, weights = _matrix(setup.rows(setup.start)), setup.start
    preconditioners = [
        one if c in algorithm.scalar_preconditioners else EntryMatrix([[one]]) for c in algorithm.preconditioners
    ]
    transitions = algorithm.reading(setup.transitions, values)
    for _ in range(depth):
        Y = accumulate(setup.X, Y, heads, Degree(0), keys)
        weights = algorithm.update(weights, preconditioners, algorithm.sweep(transitions, 1), setup.p)
    both = [x for row in [*Y.rows, *setup.rows(weights)] for x in row if x is not None]
    return max(x.value or 0 for x in both)

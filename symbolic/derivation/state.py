"""The symbols that an update runs on when its weights are derived."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from ..algorithm import Algorithm
from ..errors import ContentError
from ..transitions import Position, Sweep, Transition
from .coefficients import INDEX, LAYER, LENGTH, Entry
from .contraction import Algebra
from .scalar import Scalar
from .vectors import Matrix, Vector

UNIT = "e_i"
"""The name of a unit vector on symbols, any of e_1, ..., e_d."""


class SymbolicState:
    """The symbols that a derivation is carried out in: parameters, weights, preconditioners."""

    def __init__(self, algorithm: Algorithm, options: dict[str, str] | None = None):
        self.algorithm = algorithm
        self.options = algorithm.choose(options)
        layer = () if algorithm.heads is None else (LAYER,)
        self.algebra = Algebra((*algorithm.parameters, *algorithm.scalar_preconditioners, INDEX, LENGTH, *layer))
        a = self.algebra
        self.p = algorithm.bind({name: a.parameter(name) for name in algorithm.parameters}, self.options)
        self.weights = tuple(a.scalar(w) if w in algorithm.scalar_weights else a.vector(w) for w in algorithm.weights)
        self.preconditioners: tuple[Matrix | Scalar, ...] = tuple(
            a.parameter(c) if c in algorithm.scalar_preconditioners else a.matrix(c) for c in algorithm.preconditioners
        )

    def number(self, source: str, name: str) -> Scalar:
        """What a name of given heads stands for: n, the layer, counted from 0 there, a parameter or a scalar step."""
        if source != "sweep":
            return self.algebra.parameter(name)
        return self.algebra.parameter(LENGTH) if name == "n" else self.algebra.parameter(LAYER) - 1

    @cached_property
    def discount(self) -> str | None:
        """The parameter that the feature blocks multiply successors' features by: gamma, where it is called that.

        It is the first with which no feature block holds a parameter once successors' features are divided by it.
        """
        named = [name for name in self.algorithm.parameters if name != "gamma"]
        candidates = [*(["gamma"] if "gamma" in self.algorithm.parameters else []), *named, None]
        return next((name for name in candidates if self._clears(name)), candidates[0])

    @cached_property
    def constant(self) -> str | None:
        """The first scalar feature block that holds the number 1 in the context, whatever it holds at the query."""
        token = self.algorithm.context_token(self.transition("j"), self.p)
        scalars = [b.name for b in self.algorithm.features if b.scalar]
        return next((name for name in scalars if getattr(token, name) == 1), None)

    def _clears(self, name: str | None) -> bool:
        token = self.algorithm.context_token(self._transition("j", name), self.p)
        blocks = [getattr(token, block.name) for block in self.algorithm.features]
        values = [s for b in blocks for s in (b.terms.values() if isinstance(b, Vector) else [b])]
        return all(set(part) == {()} for s in values if isinstance(s, Scalar) for part in s.parts().values())

    def transition(self, position: str) -> Transition:
        """The transition at a named position, its features opaque.

        phi', and the features of any other successor, enter as (the discounted features) / gamma where there is a
        discount, so that gamma never has to be divided out of the linear system.
        """
        return self._transition(position, self.discount)

    def _transition(self, position: str, discount: str | None) -> Transition:
        a = self.algebra

        def successor(name: str) -> Any:
            vector = a.vector(f"{name}_{position}")
            return vector if discount is None else vector * a.parameter(discount).inverse()

        following = successor("phi'")
        index: Any = Position(position) if position.isdigit() else a.parameter(INDEX)
        extras = {
            name: a.vector(f"{name}_{position}") if is_vector else a.scalar(f"{name}_{position}")
            for name, is_vector in self.algorithm.extras
        } | {name: successor(name) for name in self.algorithm.successor_vectors}
        at = position if position.isdigit() else INDEX
        extras |= {name: a.named(Entry.of(name, at)) for name in self.algorithm.selections}
        return Transition(a.vector(f"phi_{position}"), following, a.scalar(f"R_{position}"), index, extras)

    def unit_transition(self) -> Transition:
        """A unit column of the context, one for every i: its vectors are multiples of `UNIT`, the rest is zero."""
        a = self.algebra
        (column,) = self.algorithm.with_unit_columns([self.transition("j")], [a.vector(UNIT)], self.p, a.number)
        return column

    def update(self, sweep: Sweep) -> tuple[Any, ...]:
        """The algorithm's own update on these symbols; `NotPolynomialError` when it compares or branches."""
        with self.algebra.updating():
            new = self.algorithm.update(self.weights, self.preconditioners, sweep, self.p)
        if not isinstance(new, (tuple, list)) or len(new) != len(self.weights):
            wanted = ", ".join(self.algorithm.weights)
            raise ContentError(
                f"the update of {self.algorithm.name} returns {type(new).__name__}, wanted a tuple with one entry for "
                f"each of {wanted}: return ({wanted}{',' if len(self.weights) == 1 else ''})"
            )
        return tuple(new)

    def rows(self, token: Any) -> dict[str, Any]:
        """What the accumulator rows hold at a token, by name."""
        values = self.algorithm.column_values(self.weights, token, self.p)
        return {row.name: value for row, value in zip(self.algorithm.accumulators, values, strict=True)}

    def query(self) -> Vector:
        """The features of the query."""
        return self.algebra.vector("q")


def entries_of(a: Algebra, names: Iterable[str]) -> dict[str, Any]:
    """What the tables among names of coefficients stand for: functions from a token's number to its entry."""
    tables = {name.table for name in names if isinstance(name, Entry)}
    return {table: lambda token, table=table: a.named(Entry.of(table, str(token))) for table in tables}

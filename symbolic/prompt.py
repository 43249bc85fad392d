"""What a prompt is: the data of a context, and the named row blocks of Z. The only place that knows row order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .algorithm import Algorithm
from .errors import ArgumentError


@dataclass(frozen=True)
class Context:
    """The data of one prompt, exact: n transitions and a query state.

    features      : n vectors of length d, phi_j
    next_features : n vectors of length d, phi'_j (not discounted)
    rewards       : n numbers, R_j
    query         : one vector of length d, the features of the state whose value is asked for

    Raises `ArgumentError` when the lengths do not fit each other.

    >>> Context.of([[1, 0]], [[0, 1]], [2], [1, 1]).n
    1
    """

    features: tuple[tuple[Fraction, ...], ...]
    next_features: tuple[tuple[Fraction, ...], ...]
    rewards: tuple[Fraction, ...]
    query: tuple[Fraction, ...]

    @staticmethod
    def of(
        features: Sequence[Sequence[Any]],
        next_features: Sequence[Sequence[Any]],
        rewards: Sequence[Any],
        query: Sequence[Any],
    ) -> Context:
        """A context from nested sequences of integers, Fractions or rational strings."""

        def vector(entries: Sequence[Any]) -> tuple[Fraction, ...]:
            return tuple(Fraction(x) for x in entries)

        return Context(
            tuple(vector(v) for v in features), tuple(vector(v) for v in next_features), vector(rewards), vector(query)
        )

    def __post_init__(self) -> None:
        if not self.features or not self.query:
            raise ArgumentError("a context needs at least one transition and a query with at least one feature")
        for name, vectors in (("features", self.features), ("next_features", self.next_features)):
            if len(vectors) != self.n:
                raise ArgumentError(f"{name} has {len(vectors)} vectors, wanted one for each of {self.n} transitions")
            for j, vector in enumerate(vectors):
                if len(vector) != self.d:
                    raise ArgumentError(
                        f"{name}[{j}] has {len(vector)} entries, wanted {self.d} as in the query: "
                        "give every feature vector the same length"
                    )
        if len(self.rewards) != self.n:
            raise ArgumentError(f"rewards has {len(self.rewards)} entries, wanted one for each of {self.n} transitions")

    @property
    def n(self) -> int:
        """The context length."""
        return len(self.features)

    @property
    def d(self) -> int:
        """The feature dimension."""
        return len(self.query)


@dataclass(frozen=True)
class Layout:
    """The named rows of Z : (p + K, n + 1): feature blocks, then accumulator rows; n context columns, then the query.

    features     : (name, rows) of each feature block, top to bottom; p rows in all
    accumulators : names of the K accumulator rows
    """

    d: int
    n: int
    features: tuple[tuple[str, int], ...]
    accumulators: tuple[str, ...]

    @staticmethod
    def of(algorithm: Algorithm, d: int, n: int) -> Layout:
        """The layout of an algorithm's prompt at feature dimension d and context length n."""
        return Layout(
            d,
            n,
            tuple((b.name, 1 if b.scalar else d) for b in algorithm.features),
            tuple(row.name for row in algorithm.accumulators),
        )

    @property
    def p(self) -> int:
        """The number of feature rows."""
        return sum(size for _, size in self.features)

    @property
    def m(self) -> int:
        """The number of rows of Z."""
        return self.p + len(self.accumulators)

    def block(self, name: str) -> range:
        """The rows of a feature block."""
        start = 0
        for block, size in self.features:
            if block == name:
                return range(start, start + size)
            start += size
        raise KeyError(name)

    def accumulator(self, name: str) -> int:
        """The row of an accumulator."""
        return self.p + self.accumulators.index(name)

    def row_names(self) -> tuple[str, ...]:
        """A name for every row of Z: phi[1], phi[2], ..., and the accumulators' own."""
        names = [
            name if size == 1 and self.d != 1 else f"{name}[{i + 1}]"
            for name, size in self.features
            for i in range(size)
        ]
        return (*names, *self.accumulators)

    def column_name(self, column: int) -> str:
        """A column in words: context token 1, ..., n, or the query."""
        return "the query" if column == self.n else f"context token {column + 1}"

"""What a prompt is: the data of a context, and the named row blocks of Z. The only place that knows row order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

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
    def of(features: Sequence, next_features: Sequence, rewards: Sequence, query: Sequence) -> Context:
        """A context from nested sequences of integers, Fractions or rational strings."""

        def vector(entries: Sequence) -> tuple[Fraction, ...]:
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

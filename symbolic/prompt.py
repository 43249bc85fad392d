"""What a prompt is: the data of a context, and the named row blocks of Z. The only place that knows row order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import NoneType
from typing import Any

from .algorithm import Algorithm
from .errors import ArgumentError
from .exact import exact_number
from .plain_text import shown


@dataclass(frozen=True)
class Context:
    """The data of one prompt, exact: n transitions and a query state.

    features      : n vectors of length d, phi_j
    next_features : n vectors of length d, phi'_j (not discounted)
    rewards       : n numbers, R_j
    query         : one vector of length d, the features of the state whose value is asked for
    extras        : (name, n numbers or n vectors of length d) of whatever else the transitions carry

    Raises `ArgumentError` when the lengths do not fit each other.

    >>> Context.of([[1, 0]], [[0, 1]], [2], [1, 1]).n
    1
    """

    features: tuple[tuple[Fraction, ...], ...]
    next_features: tuple[tuple[Fraction, ...], ...]
    rewards: tuple[Fraction, ...]
    query: tuple[Fraction, ...]
    extras: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    @staticmethod
    def of(
        features: Sequence[Sequence[Any]],
        next_features: Sequence[Sequence[Any]],
        rewards: Sequence[Any],
        query: Sequence[Any],
        extras: Mapping[str, Sequence[Any]] | None = None,
    ) -> Context:
        """A context from nested sequences of integers, Fractions or rational strings.

        Raises `ArgumentError` that names what is no such sequence or number.
        """

        def number(x: Any, where: str) -> Fraction:
            try:
                return Fraction(x)
            except (TypeError, ValueError, ArithmeticError):
                raise ArgumentError(f"{where} holds {shown(x)}, wanted a number such as 3, 3/7 or '3/7'") from None

        def listed(values: Any, where: str) -> Sequence[Any]:
            values = values.tolist() if hasattr(values, "tolist") else values
            if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
                raise ArgumentError(f"{where} is {shown(values)}, wanted a list")
            return values

        def vector(entries: Any, where: str) -> tuple[Fraction, ...]:
            return tuple(number(x, where) for x in listed(entries, where))

        def vectors(rows: Any, where: str) -> tuple[tuple[Fraction, ...], ...]:
            return tuple(vector(row, f"{where}[{j}]") for j, row in enumerate(listed(rows, where)))

        if not isinstance(extras, (Mapping, NoneType)):
            raise ArgumentError(f"extras is {shown(extras)}, wanted a dict with a list for each name")
        return Context(
            vectors(features, "features"), vectors(next_features, "next_features"), vector(rewards, "rewards"),
            vector(query, "query"),
            tuple(
                (name, tuple(vector(v, f"{name} of extras") if isinstance(v, (list, tuple)) else
                             number(v, f"{name} of extras") for v in listed(values, f"{name} of extras")))
                for name, values in sorted((extras or {}).items())
            ),
        )  # fmt: skip

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

        for name, values in self.extras:
            if len(values) != self.n:
                raise ArgumentError(f"{name} has {len(values)} entries, wanted one for each of {self.n} transitions")
            if any(isinstance(v, tuple) and len(v) != self.d for v in values):
                raise ArgumentError(f"{name} has a vector that is not of length {self.d}, as the query is")

    @property
    def n(self) -> int:
        """The context length."""
        return len(self.features)

    @property
    def d(self) -> int:
        """The feature dimension."""
        return len(self.query)


def with_unit_columns(algorithm: Algorithm, context: Context, values: Mapping[str, Any]) -> Context:
    """The context with its last d columns as the algorithm's `unit_columns` has them, where it has any.

    values : the parameters, exact.  Raises `SizesError` where there are fewer than d columns.
    """
    if not algorithm.unit_columns:
        return context
    d, first, zero = context.d, context.n - context.d, Fraction(0)
    algorithm.check_sizes(d, context.n, 1)

    def held(name: str, i: int) -> tuple[Fraction, ...]:
        c = algorithm.unit_columns.get(name, "0")
        size = Fraction(values[c]) if c in values else exact_number(c, f"unit_columns of {name}")
        return tuple(size * (i == k) for k in range(d))

    def units(name: str, before: Sequence[Any], vector: bool = True) -> tuple[Any, ...]:
        return (*before[:first], *(held(name, i) if vector else zero for i in range(d)))

    vectors = {name for name, is_vector in algorithm.extras if is_vector}
    return Context(
        units("phi", context.features), units("phi_next", context.next_features),
        units("reward", context.rewards, False), context.query,
        tuple((name, units(name, given, name in vectors)) for name, given in context.extras),
    )  # fmt: skip


def check_unit_columns(algorithm: Algorithm, context: Context, values: Mapping[str, Any]) -> None:
    """Raise `ArgumentError` where the last d columns of a user's context are not the algorithm's unit columns."""
    if context != with_unit_columns(algorithm, context, values):
        held = " and ".join(f"{c} e_i for {name}" for name, c in algorithm.unit_columns.items())
        raise ArgumentError(
            f"the last {context.d} columns of the prompt are not those of {algorithm.name}: the i-th of them holds "
            f"{held} and zeros else; append them to the transitions"
        )


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

    def rows(self, name: str) -> range:
        """The rows of a feature block or of an accumulator."""
        if name in self.accumulators:
            return range(self.accumulator(name), self.accumulator(name) + 1)
        if name in dict(self.features):
            return self.block(name)
        raise ArgumentError(
            f"there is no row {shown(name)}, wanted {', '.join((*dict(self.features), *self.accumulators))}"
        )

    def matrix(self, blocks: Mapping[tuple[str, str], Any]) -> list[list[Fraction]]:
        """A matrix (m, m) from named blocks {(row block, column block): entry}, zero elsewhere.

        entry : a number, which stands for so many times the identity, or rows of numbers
        Raises `ArgumentError` for a block that is not there or an entry of another shape.

        >>> Layout(1, 1, (("phi", 1),), ("y",)).matrix({("y", "y"): 1, ("phi", "phi"): [[3]]})
        [[Fraction(3, 1), Fraction(0, 1)], [Fraction(0, 1), Fraction(1, 1)]]
        """
        result = [[Fraction(0)] * self.m for _ in range(self.m)]
        for (row, column), entry in blocks.items():
            height, width = self.rows(row), self.rows(column)
            where = f"the block ({row}, {column})"
            values = entry.fractions() if hasattr(entry, "fractions") else entry
            if not isinstance(values, Sequence) or isinstance(values, str):
                values = exact_number(values, where)
                if len(height) != len(width):
                    raise ArgumentError(
                        f"the block ({row}, {column}) is {len(height)} x {len(width)}, so a number stands for nothing "
                        "there: give rows of numbers"
                    )
                values = [[values * (i == j) for j in range(len(width))] for i in range(len(height))]
            if [len(line) for line in values] != [len(width)] * len(height):
                raise ArgumentError(
                    f"the block ({row}, {column}) has the wrong shape, wanted {len(height)} x {len(width)}"
                )
            for i, line in zip(height, values, strict=True):
                for j, x in zip(width, line, strict=True):
                    result[i][j] = exact_number(x, where)
        return result

    def mask(self, entry: Callable[[int, int], Any] | None = None) -> list[list[Fraction]]:
        """A mask (n+1, n+1) on the context tokens: entry(i, j) for i, j = 1, ..., n; by default M0, the identity."""
        inside = entry or (lambda i, j: int(i == j))
        n = self.n
        return [
            [
                exact_number(inside(i, j), f"the mask at ({i}, {j})") if i <= n and j <= n else Fraction(0)
                for j in range(1, n + 2)
            ]
            for i in range(1, n + 2)
        ]

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

"""The prompts that weights may be for: those of the catalogue, told apart by how many rows they have."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from ..algorithm import Algorithm
from ..algorithms import catalogue, find
from ..arithmetics.arithmetic import RATIONALS
from ..errors import ArgumentError
from ..identity.exact import problem
from ..plain_text import shown
from ..prompt import Context, Layout

NAMES = {
    "td": "td0",
    "least-squares": "least-squares",
    "average-reward": "average-reward-td",
    "gradient-td": "gtd2",
    "differential": "differential-td",
    "off-policy": "off-policy-td",
}
"""Each prompt by name, with an algorithm that has it."""


@dataclass(frozen=True, eq=False)
class Prompt:
    """A prompt by name.

    vectors, scalars : how many blocks of d rows, and how many single rows: m = vectors * d + scalars
    """

    name: str
    algorithm: Algorithm

    @property
    def vectors(self) -> int:
        """Blocks of d rows."""
        return sum(not block.scalar for block in self.algorithm.features)

    @property
    def scalars(self) -> int:
        """Single rows, accumulators among them."""
        return len(self.algorithm.features) - self.vectors + len(self.algorithm.accumulators)

    def features_of(self, m: int) -> int | None:
        """d, where the prompt may have m rows."""
        d, rest = divmod(m - self.scalars, self.vectors)
        return d if d >= 1 and not rest else None

    def layout(self, m: int, n: int) -> Layout:
        """The layout with m rows and n transitions; `ArgumentError` where there is none."""
        d = self.features_of(m)
        if d is None:
            raise ArgumentError(f"layout is {self.name}, whose prompt has {self.counts} rows, but the weights have {m}")
        return Layout.of(self.algorithm, d, n)

    @property
    def counts(self) -> str:
        """The number of rows, in words: 2d + 1."""
        return f"{'' if self.vectors == 1 else self.vectors}d + {self.scalars}"

    @property
    def discounted(self) -> frozenset[str]:
        """The blocks that hold discounted successors: a factor there is a factor of gamma."""
        return frozenset(b.name for b in self.algorithm.features if b.name.startswith("gamma_"))


@cache
def prompts() -> dict[str, Prompt]:
    """Every prompt by its name."""
    return {name: Prompt(name, find(algorithm)) for name, algorithm in NAMES.items()}


def prompt_named(name: str) -> Prompt:
    """The prompt called so, or that of the algorithm called so; `ArgumentError` with the names when there is none."""
    if name in prompts():
        return prompts()[name]
    known = catalogue().get(name)
    if known is None:
        raise ArgumentError(f"layout is {shown(name)}, wanted {', '.join(prompts())} or the name of an algorithm")
    return _prompt_of(name)


@cache
def _prompt_of(name: str) -> Prompt:
    """The prompt of an algorithm of the catalogue: one of those with a name of their own, else its own by its name."""
    known = (p for p in prompts().values() if _same_rows(p.algorithm, find(name)))
    return next(known, Prompt(name, find(name)))


def prompt_of_rows(features: tuple[tuple[str, int], ...], accumulators: tuple[str, ...]) -> Prompt | None:
    """The prompt whose rows have these names, if it is one of the catalogue's."""
    for prompt in (*prompts().values(), *map(_prompt_of, catalogue())):
        if tuple(b.name for b in prompt.algorithm.features) == tuple(name for name, _ in features) and accumulators == (
            tuple(row.name for row in prompt.algorithm.accumulators)
        ):
            return prompt
    return None


def fitting(m: int, d: int | None = None) -> list[Prompt]:
    """The prompts that may have m rows, and d features where that is known."""
    return [p for p in prompts().values() if (features := p.features_of(m)) is not None and d in (None, features)]


def _same_rows(one: Algorithm, other: Algorithm) -> bool:
    def names(a: Algorithm) -> tuple[list[str], list[str]]:
        return [b.name for b in a.features], [row.name for row in a.accumulators]

    return names(one) == names(other)


@cache
def holds_data(prompt: Prompt) -> frozenset[str]:
    """The accumulator rows that hold data in the context before the first layer, where all weights are zero."""
    algorithm = prompt.algorithm
    extras = {name: [[1, 2], [3, 5]] if vector else [1, 2] for name, vector in algorithm.extras}
    context = Context.of([[1, 2], [3, 5]], [[7, 11], [13, 17]], [19, 23], [29, 31], extras)
    zero = [0 if name in algorithm.scalar_weights else [0, 0] for name in algorithm.weights]
    values = {name: Fraction(1, 2) for name in algorithm.parameters}
    setup = problem(algorithm, RATIONALS, context, zero, values, algorithm.choose(None))
    rows = setup.rows(setup.start)
    return frozenset(row.name for row, line in zip(algorithm.accumulators, rows, strict=True) if line[0] != 0)

"""What one step of the outer update sees: a trajectory's features and rewards, as two prompts and a target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ..arithmetics.arithmetic import Arithmetic
from ..errors import ArgumentError
from ..identity.exact import Problem, problem
from ..plain_text import shown
from .symmetry import Square
from .weights import WeightSpace

WINDOWS = ("sliding", "shared")
"""sliding: both prompts are windows of n transitions, one step apart (the paper's). shared: both keep one context and
only the query state moves (the talk's)."""
OUTERS = ("semi-gradient", "residual-gradient", "monte-carlo")
"""What the outer update follows: deep TD's semi-gradient, the full gradient of the squared TD error, or the error of
the prediction against the target R' alone."""

TEACHER = "teacher"
"""Of a state in a column of its own: minus the gradient of half the squared distance between the state that L layers
return and that of L textbook updates."""


@dataclass(frozen=True)
class Trajectory:
    """n + 3 states' features and n + 2 rewards: what a sample of the outer update is made of.

    features : f_0, ..., f_{n+2}, vectors of length d; f_{n+1} is the query and f_{n+2} the next query
    rewards  : r_1, ..., r_{n+2}; r_j belongs to the step from f_{j-1} to f_j, and r_{n+2} is the target's R'
    extras   : (name, whether it is a vector, its values at the n + 1 steps of both prompts) of what else transitions
               carry; the symmetry moves vectors and leaves numbers
    """

    features: tuple[tuple[Any, ...], ...]
    rewards: tuple[Any, ...]
    extras: tuple[tuple[str, bool, tuple[Any, ...]], ...] = ()

    @property
    def numbers(self) -> list[Any]:
        """The entries of all features, then the rewards."""
        return [x for f in self.features for x in f] + list(self.rewards)

    def with_numbers(self, numbers: Sequence[Any]) -> Trajectory:
        """The trajectory with other `numbers`."""
        d, end = len(self.features[0]), len(numbers) - len(self.rewards)
        features = tuple(tuple(numbers[k : k + d]) for k in range(0, end, d))
        return replace(self, features=features, rewards=tuple(numbers[end:]))

    def moved(self, g: Square, number: Callable[[Any], Any]) -> Trajectory:
        """The trajectory with g applied to every feature vector; chain and rewards stay."""
        rows = [[(j, number(x)) for j, x in enumerate(row) if x] for row in g]

        def image(f: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(_dot(row, f) for row in rows)

        extras = tuple(
            (name, is_vector, tuple(map(image, values)) if is_vector else values)
            for name, is_vector, values in self.extras
        )
        return Trajectory(tuple(map(image, self.features)), self.rewards, extras)


def _dot(row: Sequence[tuple[int, Any]], vector: Sequence[Any]) -> Any:
    total: Any = 0
    for j, x in row:
        total = total + x * vector[j]
    return total


@dataclass(frozen=True)
class Outer:
    """The outer update: u = E[x grad f(Z) + x' grad f(Z')].

    window   how Z' follows Z; `kind` what is followed
    discount the outer gamma; average_reward is subtracted from every reward of the target (0 where rewards are
             discounted)
    """

    window: str = "sliding"
    kind: str = "semi-gradient"
    discount: Fraction = Fraction(1)
    average_reward: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if self.window not in WINDOWS:
            raise ArgumentError(f"window is {shown(self.window)}, wanted {' or '.join(WINDOWS)}")
        if self.kind not in OUTERS:
            raise ArgumentError(f"outer is {shown(self.kind)}, wanted one of {', '.join(OUTERS)}")

    def error(self, arithmetic: Arithmetic, target: Any, prediction: Any, following: Any) -> Any:
        """delta: R' - rbar + gamma f(Z') - f(Z), without the middle part for monte-carlo."""
        delta = target - prediction - arithmetic.number(self.average_reward)
        return delta if self.kind == "monte-carlo" else delta + following * arithmetic.number(self.discount)

    def coefficients(self, arithmetic: Arithmetic, delta: Any) -> tuple[Any, Any]:
        """(x, x'), the factors of grad f(Z) and grad f(Z'); None where a gradient is not needed."""
        return delta, (delta * arithmetic.number(-self.discount) if self.kind == "residual-gradient" else None)


def prompts(space: WeightSpace, arithmetic: Arithmetic, sample: Trajectory, window: str) -> tuple[Problem, Problem]:
    """The two prompts Z and Z' of a sample, with the iteration's weights at zero."""
    n, algorithm = space.layout.n, space.algorithm
    f, r = sample.features, sample.rewards

    def setup(first: int, query: int) -> Problem:
        start = [0 if w in algorithm.scalar_weights else [0] * space.layout.d for w in algorithm.weights]
        extras = {name: values[first : first + n] for name, _, values in sample.extras}
        data = (f[first : first + n], f[first + 1 : first + n + 1], r[first : first + n], f[query], extras)
        values = {name: arithmetic.number(x) for name, x in space.parameters.items()}
        return problem(algorithm, arithmetic, data, start, values, space.options)

    return setup(0, n + 1), setup(1 if window == "sliding" else 0, n + 2)

"""A finite Markov chain by its transition matrix: who reaches whom, periods, the stationary law, Poisson's equation.

Everything is exact. The graph decides classes and periods, one linear system the law, and one inverse, the fundamental
matrix Z = (I - P + 1 pi^T)^-1, solves Poisson's equation for every function on the states.
Source: Levin and Peres, Markov Chains and Mixing Times, chapter 1; Kemeny and Snell, Finite Markov Chains, chapter 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd

from flint import fmpq_mat

from ..copies import copied_by_parts
from ..errors import ArgumentError
from . import matrices
from .matrices import Rows, Vector

copied_by_parts()


@dataclass(frozen=True)
class Class:
    """States that reach each other; `closed` says that the chain never leaves them.

    period : the greatest common divisor of the lengths of the ways back; 0 for a state that is never seen again
    """

    states: tuple[int, ...]
    closed: bool
    period: int


@dataclass(frozen=True)
class Chain:
    """A Markov chain on the states 0, ..., s-1.

    transition : (s, s), row i is the distribution of the state after i; checked where rows come in

    >>> half = Fraction(1, 2)
    >>> Chain(((half, half), (Fraction(1), Fraction(0)))).law
    (Fraction(2, 3), Fraction(1, 3))
    """

    transition: Rows

    @property
    def size(self) -> int:
        """The number of states s."""
        return len(self.transition)

    @cached_property
    def classes(self) -> tuple[Class, ...]:
        """The communicating classes, in the order of their first states."""
        following = [[j for j, p in enumerate(row) if p] for row in self.transition]
        reached = [_reached(following, i) for i in range(self.size)]
        communicating: list[Class] = []
        placed: set[int] = set()
        for i in range(self.size):
            if i in placed:
                continue
            together = tuple(j for j in range(self.size) if j == i or (j in reached[i] and i in reached[j]))
            placed.update(together)
            closed = reached[i] <= set(together)
            communicating.append(Class(together, closed, _period(following, together)))
        return tuple(communicating)

    @property
    def closed_classes(self) -> tuple[Class, ...]:
        """The classes that are never left."""
        return tuple(c for c in self.classes if c.closed)

    @property
    def transient(self) -> tuple[int, ...]:
        """The states that are visited finitely often."""
        return tuple(s for c in self.classes if not c.closed for s in c.states)

    @property
    def irreducible(self) -> bool:
        """Whether every state reaches every other."""
        return len(self.classes) == 1 and self.classes[0].closed

    @cached_property
    def law(self) -> Vector:
        """The stationary law pi, (s,), pi P = pi; `ArgumentError` when it is not unique."""
        if len(self.closed_classes) != 1:
            raise ArgumentError(
                f"the chain has {len(self.closed_classes)} closed classes, so its stationary law is not unique: "
                "give a chain with a single one"
            )
        s, P = self.size, self.transition
        balance = [[P[j][i] - int(i == j) for j in range(s)] for i in range(s)]
        # The columns of `balance` sum to zero, so its last equation follows from the others: sum(pi) = 1 replaces it.
        system = matrices.matrix([*balance[:-1], [Fraction(1)] * s])
        return matrices.entries(system.solve(matrices.column([0] * (s - 1) + [1])))

    @cached_property
    def fundamental(self) -> fmpq_mat:
        """Z = (I - P + 1 pi^T)^-1, (s, s): for g on the states, u = Z (g - pi(g)) solves u - P u = g - pi(g)."""
        system = [[int(i == j) - p + self.law[j] for j, p in enumerate(row)] for i, row in enumerate(self.transition)]
        return matrices.matrix(system).inv()

    def poisson(self, g: Sequence[Fraction]) -> Vector:
        """The u, (s,), with u - P u = g - pi(g) and pi(u) = 0."""
        mean = average(self.law, g)
        return matrices.entries(self.fundamental * matrices.column(x - mean for x in g))


def average(law: Iterable[Fraction], values: Iterable[Fraction]) -> Fraction:
    """The sum of law(s) values(s)."""
    return sum((p * x for p, x in zip(law, values, strict=True)), Fraction(0))


def _reached(following: Sequence[Sequence[int]], start: int) -> set[int]:
    """The states that are reached from one in at least one step."""
    reached: set[int] = set()
    waiting = [start]
    while waiting:
        for j in following[waiting.pop()]:
            if j not in reached:
                reached.add(j)
                waiting.append(j)
    return reached


def _period(following: Sequence[Sequence[int]], states: Sequence[int]) -> int:
    """The gcd of depth(i) + 1 - depth(j) over the steps i -> j inside a class, depths by breadth-first search."""
    inside, depth, level = set(states), {states[0]: 0}, [states[0]]
    while level:
        later = []
        for i in level:
            for j in following[i]:
                if j in inside and j not in depth:
                    depth[j] = depth[i] + 1
                    later.append(j)
        level = later
    return gcd(*(depth[i] + 1 - depth[j] for i in states for j in following[i] if j in inside))

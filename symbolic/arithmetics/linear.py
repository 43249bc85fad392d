"""Exact linear systems over Q with several right-hand sides, by SymPy's `DomainMatrix`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import QQ
from sympy.polys.matrices import DomainMatrix

Row = dict[Any, Fraction]


@dataclass(frozen=True)
class Equation:
    """sum_u left[u] * u = sum_m right[m] * m, with unknowns u, and m standing for independent symbols.

    `label` says which monomial was matched, for messages.
    """

    left: Row
    right: Row
    label: Any = None


@dataclass(frozen=True)
class Solution:
    """The solution set of a linear system.

    values     unknown -> {right-hand symbol: coefficient}, with every free unknown set to zero
    free       unknowns that occur in equations but are not determined
    rank       number of determined unknowns
    equations  number of distinct equations
    """

    values: dict[Any, Row]
    free: tuple[Any, ...]
    rank: int
    equations: int


@dataclass(frozen=True)
class Inconsistent:
    """Why there is no solution.

    labels       of the equations that nothing on the left can meet, or, if there are none, of all with a right side
    unreachable  whether single equations are at fault; otherwise it is their combination that contradicts itself
    """

    labels: tuple[Any, ...]
    unreachable: bool


def _key(side: Mapping[Any, Fraction]) -> Any:
    """One side of an equation as a key: a fraction's own hash takes a modular inverse."""
    if len(side) == 1:  # as most are
        ((x, c),) = side.items()
        return x, c.numerator, c.denominator
    return frozenset((x, c.numerator, c.denominator) for x, c in side.items())


def solve(equations: Sequence[Equation]) -> Solution | Inconsistent:
    """Solve the system; unknowns that no equation mentions are left out of the result.

    >>> solve([Equation({"x": Fraction(2)}, {"gamma": Fraction(1)})]).values
    {'x': {'gamma': Fraction(1, 2)}}
    """
    unreachable = tuple(e.label for e in equations if not e.left and e.right)
    if unreachable:
        return Inconsistent(unreachable, True)
    distinct = {(_key(e.left), _key(e.right)): e for e in equations if e.left}
    rows = sorted(distinct.values(), key=lambda e: len(e.left))
    unknowns = list(dict.fromkeys(u for e in rows for u in e.left))
    symbols = list(dict.fromkeys(m for e in rows for m in e.right))
    column = {u: i for i, u in enumerate(unknowns)}
    right_column = {m: len(unknowns) + i for i, m in enumerate(symbols)}
    entries: dict[int, dict[int, Any]] = {}
    ground: dict[tuple[int, int], Any] = {}  # the few numbers that there are, in SymPy's type

    def number(c: Fraction) -> Any:
        parts = c.numerator, c.denominator
        element = ground.get(parts)
        if element is None:
            element = ground[parts] = QQ(*parts)
        return element

    for i, e in enumerate(rows):
        entries[i] = {column[u]: number(c) for u, c in e.left.items()}
        # moved to the left-hand side of the augmented matrix with its own sign: [A | b]
        entries[i].update({right_column[m]: number(c) for m, c in e.right.items()})
    width = len(unknowns) + len(symbols)
    reduced, pivots = DomainMatrix(entries, (len(rows), width), QQ).rref()
    if pivots and pivots[-1] >= len(unknowns):
        return Inconsistent(tuple(e.label for e in rows if e.right), False)
    reduced_rows = reduced.to_sdm()
    values: dict[Any, Row] = {}
    for i, pivot in enumerate(pivots):
        values[unknowns[pivot]] = {
            symbols[j - len(unknowns)]: Fraction(int(c.numerator), int(c.denominator))
            for j, c in reduced_rows[i].items()
            if j >= len(unknowns)
        }
    determined = set(pivots)
    free = tuple(u for i, u in enumerate(unknowns) if i not in determined)
    return Solution(values, free, len(pivots), len(rows))

"""The catalogue's algorithms as sets of tensors: one for every preconditioner, discount and trace decay.

For a fixed discount and decay an algorithm's layers are a linear space, with one direction for each entry of a
preconditioner.  The discount is what the weights say of it: [[-C^T, kappa C^T]] is TD with discount kappa * gamma, as
the prompt holds gamma phi'; each factor from such a row brings a factor kappa.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

from ..algorithm import Algorithm
from ..algorithms import catalogue
from ..arithmetics.arithmetic import RATIONALS
from ..construction import instantiate
from ..derivation.derive import quick
from ..derivation.loop import loop_form
from ..derivation.state import SymbolicState
from ..prompt import Layout
from .masks import MaskSpace
from .network import Network
from .prompts import Prompt
from .reach import reaches
from .tensor import Entries, Term, gathered, sparse

ALIKE = {("residual", "td_error")}
"""Rows of two prompts that hold the same when the weights are zero, and are moved alike."""


@dataclass(frozen=True, eq=False)
class Member:
    """An algorithm inside a prompt.

    blocks, rows : its feature blocks and accumulators, by the names that they have in the prompt
    """

    algorithm: Algorithm
    blocks: tuple[str, ...]
    rows: tuple[str, ...]

    @property
    def traced(self) -> bool:
        """Whether it has a trace, whose decay the mask shows."""
        return "lam" in self.algorithm.parameters

    def discounts(self, prompt: Prompt) -> bool:
        """Whether the weights show a discount."""
        return bool(set(self.blocks) & prompt.discounted)


@lru_cache(maxsize=16)
def members(prompt: Prompt) -> tuple[Member, ...]:
    """The algorithms of the catalogue that a prompt can hold, but for those that mix old weights over a constant row.

    Their heads map rows token by token, which is no unit of a preconditioner.
    """
    blocks = [b.name for b in prompt.algorithm.features]
    rows = [row.name for row in prompt.algorithm.accumulators]
    found = []
    for algorithm in catalogue().values():
        own = [b.name for b in algorithm.features]
        placed = [_placed(row.name, rows) for row in algorithm.accumulators]
        if set(own) <= set(blocks) and all(placed) and not loop_form(SymbolicState(algorithm)).mixing:
            found.append(Member(algorithm, tuple(own), tuple(str(x) for x in placed)))
    return tuple(found)


def _placed(row: str, rows: Sequence[str]) -> str | None:
    if row in rows:
        return row
    return next((there for here, there in ALIKE if here == row and there in rows), None)


@dataclass(frozen=True, eq=False)
class Unit:
    """One entry of a preconditioner of one stored layer: which, and the tensor that it gives.

    name, row, column : the preconditioner and the entry; a scalar step's is (0, 0)
    """

    name: str
    row: int
    column: int
    entries: Entries


@dataclass(frozen=True, eq=False)
class Family:
    """An algorithm's tensors at given sizes: the units of each stored layer; `power` counts a place's factors kappa."""

    member: Member
    decay: Fraction | None
    layers: tuple[tuple[Unit, ...], ...]
    discounted: frozenset[int]

    def power(self, place: tuple[int, ...]) -> int:
        """How many factors kappa the entry at a place has."""
        return sum(row in self.discounted for row in place[1:4])


def family(network: Network, member: Member, space: MaskSpace, decay: Fraction | None = None) -> Family:
    """The tensors of an algorithm at a network's sizes, restricted to what matters in each of its layers.

    decay : what the trace decays by, where there is one
    """
    algorithm, layout = member.algorithm, network.layout
    options = algorithm.choose({"trace": "lam"} if "trace" in algorithm.options else None)
    derivation = quick(algorithm, options)
    own = Layout.of(algorithm, layout.d, layout.n)
    values = {name: Fraction(1, 2) for name in algorithm.parameters}
    if member.traced:
        values["lam"] = decay if decay is not None else Fraction(1, 2)
    named = list(_units(algorithm, layout.d))
    features = [i for b, mine in zip(member.blocks, own.features, strict=True) for i in layout.block(b)[: mine[1]]]
    rows = [layout.accumulator(row) for row in member.rows]
    found = instantiate(derivation, RATIONALS, own, [step for _, step in named], values)
    terms = [tuple(_term(h, features, rows) for h in heads) for heads in found]
    discounted = frozenset(i for b in network.prompt.discounted if b in member.blocks for i in layout.block(b))
    layers = []
    for reach in reaches(network):
        units = [Unit(*where, gathered(heads, reach, space)) for (where, _), heads in zip(named, terms, strict=True)]
        layers.append(tuple(unit for unit in units if unit.entries))
    return Family(member, decay, tuple(layers), discounted)


def _term(head: Any, features: Sequence[int], rows: Sequence[int]) -> Term:
    V = {(rows[i], rows[j]): x for (i, j), x in sparse(head.U).items()}
    Q = {(features[i], features[j]): x for (i, j), x in sparse(head.E).items()}
    return Term(V, Q, Fraction(1, int(head.U.den) * int(head.E.den)), head.M)


def _units(algorithm: Algorithm, d: int) -> list[tuple[tuple[str, int, int], tuple[Any, ...]]]:
    found = []
    for name in algorithm.preconditioners:
        scalar = name in algorithm.scalar_preconditioners
        for i, j in [(0, 0)] if scalar else product(range(d), repeat=2):
            step = tuple(
                Fraction(int(c == name))
                if c in algorithm.scalar_preconditioners
                else [[int(c == name and (x, y) == (i, j)) for y in range(d)] for x in range(d)]
                for c in algorithm.preconditioners
            )
            found.append(((name, i, j), step))
    return found


@dataclass(frozen=True, eq=False)
class Fitted:
    """Parameters of a family, exact: `steps` {(preconditioner, i, j): value} of each stored layer."""

    family: Family
    kappa: Fraction | None
    steps: tuple[Mapping[tuple[str, int, int], Fraction], ...]

    def rest(self, layer: int, entries: Mapping[Any, Fraction]) -> Entries:
        """What is left of a layer's tensor without the algorithm's."""
        left = dict(entries)
        kappa = Fraction(1) if self.kappa is None else self.kappa
        powers = [kappa**k for k in range(4)]
        for unit in self.family.layers[layer]:
            x = self.steps[layer].get((unit.name, unit.row, unit.column), Fraction(0))
            if x:
                for place, u in unit.entries.items():
                    left[place] = left.get(place, Fraction(0)) - x * u * powers[self.family.power(place)]
        return {place: x for place, x in left.items() if x}

    def matrices(self, layer: int, d: int) -> dict[str, Any]:
        """The preconditioners of a stored layer by name: rows of numbers, or a number; zero where nothing is seen."""
        algorithm = self.family.member.algorithm
        step = self.steps[layer]
        zero = Fraction(0)
        return {
            name: step.get((name, 0, 0), zero)
            if name in algorithm.scalar_preconditioners
            else [[step.get((name, i, j), zero) for j in range(d)] for i in range(d)]
            for name in algorithm.preconditioners
        }


def exact_fit(family: Family, layers: Sequence[Mapping[Any, Fraction]]) -> Fitted | None:
    """Parameters with which the algorithm's tensors are exactly these, or None when there are none.

    A `kappa` of None is one that no entry shows.  No two units of an algorithm share a place.
    """
    kappa = _kappa(family, layers)
    if kappa is _WRONG:
        return None
    value: Fraction | None = None if kappa is None else kappa
    steps = []
    for units, entries in zip(family.layers, layers, strict=True):
        step = {}
        for unit in units:
            place = min(unit.entries, key=family.power)
            scale = (Fraction(1) if value is None else value) ** family.power(place)
            x = entries.get(place, Fraction(0))
            if scale == 0 and x:
                return None
            step[unit.name, unit.row, unit.column] = x / (unit.entries[place] * scale) if scale else Fraction(0)
        steps.append(step)
    found = Fitted(family, value, tuple(steps))
    if any(found.rest(k, entries) for k, entries in enumerate(layers)):
        return None
    return found


_WRONG = object()


def _kappa(family: Family, layers: Sequence[Mapping[Any, Fraction]]) -> Any:
    """The factor of the discount that the first telling pair of entries shows; None where none does."""
    if not family.discounted:
        return None
    for units, entries in zip(family.layers, layers, strict=True):
        for unit in units:
            by_power: dict[int, Any] = {}
            for place in unit.entries:
                by_power.setdefault(family.power(place), place)
            for k, place in by_power.items():
                if k + 1 in by_power and entries.get(place):
                    above = by_power[k + 1]
                    low = entries[place] / unit.entries[place]
                    return entries.get(above, Fraction(0)) / unit.entries[above] / low
            if 0 not in by_power and any(entries.get(place) for place in unit.entries):
                return _WRONG if len(by_power) > 1 else None
    return None

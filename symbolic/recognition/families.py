"""The catalogue's algorithms as sets of tensors: one for every preconditioner, discount and trace decay.

For a fixed discount and decay an algorithm's layers are a linear space, with one direction for each entry of a
preconditioner, shifted by what heads over a constant row do whatever the preconditioners are.  The discount is what
the weights say of it: [[-C^T, kappa C^T]] is TD with discount kappa * gamma, as the prompt holds gamma phi'; each
factor from such a row brings a factor kappa.  Layers may differ by their number: in the tokens that their masks read,
and in scalar steps of which an algorithm has a table; those steps are told of a family, and no direction in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import product
from math import lcm
from typing import Any

from ..algorithm import Algorithm
from ..algorithms import catalogue
from ..arithmetics.arithmetic import RATIONALS
from ..construction import mask_matrix
from ..derivation.coefficients import LENGTH
from ..derivation.derive import ClosedForm, quick
from ..derivation.factor import SymbolicHead
from ..derivation.masks import evaluate
from ..derivation.tokenwise import SymbolicTokenwiseHead, predicted_map
from ..prompt import Layout
from ..sizes import broken
from ..tables import entry, selection
from .masks import MaskSpace
from .network import Network
from .prompts import Prompt
from .reach import reaches
from .tensor import Entries, Sparse, SparseHead, gathered

ALIKE = {("residual", "td_error")}
"""Rows of two prompts that hold the same when the weights are zero, and are moved alike."""
Told = tuple[Mapping[str, Fraction], ...]
"""Scalar steps of each stored layer, by name."""


@dataclass(frozen=True, eq=False)
class Member:
    """An algorithm inside a prompt.

    blocks, rows : its feature blocks and accumulators, by the names that they have in the prompt
    """

    algorithm: Algorithm
    blocks: tuple[str, ...]
    rows: tuple[str, ...]

    @cached_property
    def form(self) -> ClosedForm:
        """Its heads in symbols; of several traces the one that decays by lambda."""
        return quick(self.algorithm, self.options)

    @property
    def meeting(self) -> list[SymbolicHead]:
        """The heads in which feature rows meet."""
        return [h for h in self.form.heads if isinstance(h, SymbolicHead)]

    @property
    def tokenwise(self) -> list[SymbolicTokenwiseHead]:
        """The heads over a constant row."""
        return [h for h in self.form.heads if isinstance(h, SymbolicTokenwiseHead)]

    @property
    def options(self) -> Mapping[str, str]:
        """Its options."""
        return self.algorithm.choose({"trace": "lam"} if "trace" in self.algorithm.options else None)

    @cached_property
    def masked(self) -> str | None:
        """The parameter that its mask holds, lam or gamma: what a mask decays by is its value."""
        return next((name for name in ("lam", "gamma") if name in self._in_masks), None)

    @property
    def traces_discount(self) -> bool:
        """Whether its mask decays by gamma lam: weights tell the product alone, and lam is read as that."""
        return {"lam", "gamma"} <= self._in_masks

    @cached_property
    def _in_masks(self) -> frozenset[str]:
        return frozenset(name for mask in self.form.masks for name in mask.names())

    @property
    def steps(self) -> tuple[str, ...]:
        """Its preconditioners without those that a table prescribes."""
        return tuple(name for name in self.algorithm.preconditioners if name not in self.algorithm.tables)

    def stated_for(self, network: Network) -> bool:
        """Whether it is stated for a network's d and n, and for layers that are all the same if the network's are."""
        layout, own = network.layout, self.algorithm
        known = [c for c in own.size_constraints if "L" not in (c.left, c.right) or c.right == "n"]
        sizes = {"d": layout.d, "n": layout.n, "L": network.depth}
        same = network.looped and network.depth > 1
        return broken(known, sizes) is None and not (same and own.selections)

    def prescribed(self, network: Network) -> Told | None:
        """What its tables prescribe at each stored layer; None where one stored layer would need several numbers."""
        tables = self.algorithm.tables
        numbers = range(1, network.depth + 1)
        rows = [{name: entry(rule, number, name) for name, rule in tables.items()} for number in numbers]
        if not network.looped:
            return tuple(rows)
        return (rows[0],) if all(row == rows[0] for row in rows) else None

    @cached_property
    def free(self) -> tuple[str, ...]:
        """The parameters that the heads hold beside their masks: those of heads over a constant row, and a discount by
        which heads multiply successors themselves.
        """
        held = {name for h in self.form.heads for c in (*h.U.values(), *h.E.values()) for name in c.names()}
        return tuple(name for name in self.algorithm.parameters if name in held)

    def discounts(self, prompt: Prompt) -> bool:
        """Whether the weights show a discount."""
        return bool(set(self.blocks) & prompt.discounted)


@lru_cache(maxsize=16)
def members(prompt: Prompt) -> tuple[Member, ...]:
    """The algorithms of the catalogue that a prompt can hold."""
    blocks = [b.name for b in prompt.algorithm.features]
    rows = [row.name for row in prompt.algorithm.accumulators]
    fitting = []
    for algorithm in catalogue().values():
        own = [b.name for b in algorithm.features]
        placed = [_placed(row.name, rows) for row in algorithm.accumulators]
        if set(own) <= set(blocks) and all(placed):
            fitting.append(Member(algorithm, tuple(own), tuple(str(x) for x in placed)))
    return tuple(fitting)


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
    """An algorithm's tensors at given sizes: the units of each stored layer; `power` counts a place's factors kappa.

    decay  what its mask decays by, where that is a parameter
    free   its further parameters
    fixed  of each stored layer what is there whatever the preconditioners are
    told   of each stored layer the scalar steps of which the algorithm has a table
    """

    member: Member
    decay: Fraction | None
    layers: tuple[tuple[Unit, ...], ...]
    discounted: frozenset[int]
    free: Mapping[str, Fraction] = field(default_factory=dict)
    fixed: tuple[Entries, ...] = ()
    told: Told = ()

    def alone(self, layer: int) -> Family:
        """The family of one stored layer."""
        return replace(
            self, layers=self.layers[layer : layer + 1], fixed=self.fixed[layer : layer + 1],
            told=self.told[layer : layer + 1],
        )  # fmt: skip

    def power(self, place: tuple[int, ...]) -> int:
        """How many factors kappa the entry at a place has."""
        return sum(row in self.discounted for row in place[1:4])

    def without_fixed(self, layer: int, entries: Mapping[Any, Fraction]) -> Mapping[Any, Fraction]:
        """A layer's tensor without what the preconditioners do not move."""
        return minus(entries, self.fixed[layer]) if self.fixed and self.fixed[layer] else entries

    def values(self) -> dict[str, Fraction]:
        """The algorithm's parameters as its heads need them: the discount only where a mask holds it."""
        return parameters(self.member, self.decay, self.free)


def parameters(member: Member, decay: Fraction | None, free: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """The parameters of an algorithm, 1/2 where weights do not tell them."""
    known = dict.fromkeys(member.algorithm.parameters, Fraction(1, 2)) | dict(free)
    if member.masked is not None and decay is not None:
        known[member.masked] = decay
    if member.traces_discount:
        known["gamma"] = Fraction(1)
    return known


def minus(entries: Mapping[Any, Fraction], other: Mapping[Any, Fraction]) -> Entries:
    """The difference of two tensors."""
    left = dict(entries)
    for place, x in other.items():
        left[place] = left.get(place, Fraction(0)) - x
    return {place: x for place, x in left.items() if x}


def family(
    network: Network, member: Member, space: MaskSpace, decay: Fraction | None = None,
    free: Mapping[str, Fraction] | None = None, told: Told = (),
) -> Family:  # fmt: skip
    """The tensors of an algorithm at a network's sizes, restricted to what matters in each of its layers.

    decay : what the mask decays by, where that is a parameter
    free  : the further parameters
    told  : of each stored layer the scalar steps of which the algorithm has a table
    """
    layout, scalars = network.layout, member.algorithm.scalar_preconditioners
    first = Heads.of(network, member, parameters(member, decay, free or {}))
    discounted = frozenset(i for b in network.prompt.discounted if b in member.blocks for i in layout.block(b))
    layers, fixed = [], []
    for number, reach in enumerate(reaches(network)):
        heads = first.at(number, told)
        still = gathered(heads.terms({}), reach, space)
        units = []
        for name in member.steps:
            if name in scalars:
                units.append(Unit(name, 0, 0, minus(gathered(heads.terms({name: 1}), reach, space), still)))
                continue
            for i, j in product(range(layout.d), repeat=2):
                units.append(Unit(name, i, j, gathered(heads.entry(name, i, j), reach, space)))
        layers.append(tuple(unit for unit in units if unit.entries))
        fixed.append(still)
    return Family(member, decay, tuple(layers), discounted, dict(free or {}), tuple(fixed), told)


@dataclass(frozen=True, eq=False)
class Heads:
    """An algorithm's heads with numbers for all but the preconditioners, in the rows of a network's prompt.

    features, rows : where its blocks and its accumulators stand
    n, told        : the context's length, and the scalar steps of the layer of which there is a table
    """

    member: Member
    features: Mapping[str, Sequence[int]]
    rows: Mapping[str, int]
    masks: Sequence[Any]
    values: Mapping[str, Any]
    n: int
    told: Mapping[str, Fraction] = field(default_factory=dict)

    @staticmethod
    def of(network: Network, member: Member, values: Mapping[str, Fraction]) -> Heads:
        """The heads of the first layer."""
        algorithm, layout = member.algorithm, network.layout
        own = Layout.of(algorithm, layout.d, layout.n)
        features = {name: layout.block(b)[:size] for b, (name, size) in zip(member.blocks, own.features, strict=True)}
        rows = {row.name: layout.accumulator(x) for row, x in zip(algorithm.accumulators, member.rows, strict=True)}
        bare = Heads(member, features, rows, (), {**values, LENGTH: Fraction(layout.n)}, layout.n)
        return replace(bare, masks=bare._masks(0))

    def at(self, number: int, told: Told) -> Heads:
        """The heads of a stored layer, counted from 0."""
        masks = self._masks(number) if number and self.member.algorithm.selections else self.masks
        return replace(self, masks=masks, told=told[number] if told else {})

    def _masks(self, number: int) -> Sequence[Any]:
        reads = {name: selection(rule, number + 1) for name, rule in self.member.algorithm.selections.items()}
        return [mask_matrix(RATIONALS, self.n, mask, {**self.values, **reads}) for mask in self.member.form.masks]

    def _number(self, coefficient: Any, scalars: Mapping[str, int]) -> Fraction:
        named = {name: Fraction(scalars.get(name, 0)) for name in self.member.algorithm.scalar_preconditioners}
        value: Fraction = evaluate(coefficient, {**self.values, **named, **self.told}, Fraction)
        return value

    def terms(self, scalars: Mapping[str, int]) -> list[SparseHead]:
        """What matrices do not scale, with these scalar steps and zero for the others."""
        fixed = []
        for h in self.member.meeting:
            plain = {(r, s): c for (r, word, s), c in h.E.items() if not word}
            V = {(self.rows[a], self.rows[b]): self._number(c, scalars) for (a, b), c in h.U.items()}
            Q = {
                (i, j): self._number(c, scalars)
                for (r, s), c in plain.items()
                for i, j in zip(self.features[r], self.features[s], strict=True)
            }
            fixed.append(_term(V, Q, self.masks[h.mask]))
        for over in self.member.tokenwise[:1]:  # all of them at once: K over the constant row
            (one,) = self.features[over.row]
            for written, line in predicted_map(self.member.tokenwise).items():
                Q = {(one, self.rows[read]): self._number(c, scalars) for read, c in line.items()}
                fixed.append(_term({(self.rows[written], one): Fraction(1)}, Q, self.masks[over.mask]))
        return [t for t in fixed if t.V and t.Q]

    def entry(self, name: str, i: int, j: int) -> list[SparseHead]:
        """What the entry (i, j) of a matrix scales."""
        terms = []
        for h in self.member.meeting:
            Q: dict[tuple[int, int], Fraction] = {}
            for (r, word, s), c in h.E.items():
                if not word or word[0][0] != name:
                    continue
                x, y = (j, i) if word[0][1] else (i, j)
                at = self.features[r][x], self.features[s][y]
                Q[at] = Q.get(at, Fraction(0)) + self._number(c, {})
            V = {(self.rows[a], self.rows[b]): self._number(c, {}) for (a, b), c in h.U.items()}
            terms.append(_term(V, Q, self.masks[h.mask]))
        return [t for t in terms if t.V and t.Q]


def _term(V: Mapping[Any, Fraction], Q: Mapping[Any, Fraction], mask: Any) -> SparseHead:
    (left, a), (right, b) = _whole(V), _whole(Q)
    return SparseHead(left, right, Fraction(1, a * b), mask)


def _whole(entries: Mapping[Any, Fraction]) -> tuple[Sparse, int]:
    """Entries as whole numbers over one denominator, without those that are zero."""
    den = lcm(*(x.denominator for x in entries.values()))
    return {at: x.numerator * (den // x.denominator) for at, x in entries.items() if x}, den

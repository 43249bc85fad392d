"""Which algorithm a network's weights are: exactly, up to what cannot be told apart, nearly, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ...symbolic.exact import nearest
from ...symbolic.recognition.families import Family, Member, Told, family, members
from ...symbolic.recognition.fitted import Fitted, exact_fit
from ...symbolic.recognition.free import free_parameters, table_entries
from ...symbolic.recognition.masks import MaskSpace
from ...symbolic.recognition.network import Network, transposed
from ...symbolic.recognition.reach import reaches
from ...symbolic.recognition.tensor import Tensor, tensors
from .fit import Near, measured, nearest_fit, rounded, square

EXACT, INDISTINGUISHABLE, APPROXIMATE, NONE = "exact", "indistinguishable", "approximate", "none"
SHARE = 0.5
"""Every layer must have more than this of an algorithm for the match to be called approximate.

It is the share from which `train` says that a network has reached its algorithm (`training/verdicts.py`). That number
was fixed before any run; its use here was chosen when the main run's networks had been seen.
"""
BETWEEN = (Fraction(1, 4), Fraction(3, 4))
"""Of an algorithm that is another one of the catalogue without its discount (TD and least squares), a layer's kappa
between these is as near to the one as to the other: approximately neither."""
NEARER = Fraction(1, 2)
"""Of an algorithm that is no other one without its discount, every layer's kappa must be above this: nearer to the
law's discount than to none.  There is no second name to be fair to, so there is no band; TD(lambda) is such a one.
"""
DENSE: tuple[tuple[str, ...], ...] = (("Q",), ("P", "Q"))
"""What is transposed of weights without a single zero, which are no algorithm's exactly."""
CONVENTIONS: tuple[tuple[str, ...], ...] = (("Q",), ("P",), ("M",), ("P", "Q"), ("P", "Q", "M"))


@dataclass(frozen=True, eq=False)
class Candidate:
    """An algorithm beside a network: the nearest parameters, and whether the tensors are equal."""

    near: Near
    exact: bool

    @property
    def name(self) -> str:
        """The algorithm's name."""
        return self.near.fitted.family.member.algorithm.name

    @property
    def fitted(self) -> Fitted:
        """Its parameters."""
        return self.near.fitted


@dataclass(frozen=True, eq=False)
class Recognition:
    """What the weights say.

    tensors     the interaction tensor of each stored layer
    candidates  the catalogue's algorithms, nearest first
    match       exact, indistinguishable, approximate or none
    same        the algorithms that the network is, where there are several
    convention  the matrices that have to be transposed for an exact match, where the network is none as it stands
    by_layer    where the network is no algorithm exactly: of each stored layer, those that it is by itself
    """

    network: Network
    tensors: tuple[Tensor, ...]
    candidates: tuple[Candidate, ...]
    match: str
    same: tuple[str, ...]
    convention: tuple[str, ...] = ()
    read_so: str = ""
    by_layer: tuple[tuple[Fitted, ...], ...] = ()

    @property
    def layer_dependent(self) -> bool:
        """Whether every layer that does something is an algorithm's exactly, and the network as a whole is none's."""
        return _each_is_one(self.tensors, self.by_layer)

    @property
    def of_all_layers(self) -> tuple[Fitted, ...]:
        """One algorithm's parameters in every layer that does something, each its own; nothing where there is none."""
        live = [fits for t, fits in zip(self.tensors, self.by_layer, strict=True) if t.entries] if self.by_layer else []
        for first in live[0] if live else ():
            own = [f for fits in live for f in fits if f.family.member is first.family.member]
            if len(own) == len(live):
                return tuple(own)
        return ()

    @property
    def algorithm(self) -> str | None:
        """The name of the algorithm; None where there is none."""
        return None if self.match == NONE else self.candidates[0].name

    @property
    def best(self) -> Candidate | None:
        """The nearest algorithm."""
        return self.candidates[0] if self.candidates else None

    @property
    def idle(self) -> bool:
        """Whether the layers do nothing that a prompt's prediction shows."""
        return not any(t.entries for t in self.tensors)


@dataclass(frozen=True, eq=False)
class Shared:
    """What networks of the same sizes have in common: a basis of masks, and families by sizes and member."""

    space: MaskSpace = field(default_factory=MaskSpace)
    families: dict[Any, Family] = field(default_factory=dict)

    def family(
        self, network: Network, member: Member, decay: Fraction | None, free: Mapping[str, Fraction], told: Told = ()
    ) -> Family:
        """The algorithm's family at a network's sizes, made once."""
        scalars = tuple(tuple(x.items()) for x in told)
        key = (network.layout, reaches(network), member.algorithm.name, decay, tuple(free.items()), scalars)
        if key not in self.families:
            self.families[key] = family(network, member, self.space, decay, free, told)
        return self.families[key]


@dataclass(frozen=True)
class Law:
    """The law's discount, and whether the user has said it: what a mask holds must agree with a discount that is told.

    A network's own discount kappa * gamma is at most 1.
    """

    gamma: Fraction
    told: bool = True

    @property
    def most(self) -> Fraction:
        """The largest kappa."""
        return 1 / self.gamma if self.gamma else Fraction(2)

    def kappa(self, family: Family) -> Fraction | None:
        """The only kappa that fits an algorithm whose mask holds the discount; None where any may."""
        known = self.told and self.gamma and family.member.masked == "gamma" and family.decay is not None
        return family.decay / self.gamma if known and family.decay is not None else None

    def allows(self, fitted: Fitted) -> bool:
        """Whether the parameters are the algorithm's own: kappa = 0 is least squares, kappa * gamma > 1 no discount."""
        if (implied := fitted.law_discount) is not None and fitted.family.member.masked == "gamma":
            return implied == self.gamma if self.told else 0 < implied <= 1
        return fitted.kappa is None or 0 < fitted.kappa <= self.most


def recognise(network: Network, law: Law, conventions: bool = True, shared: Shared | None = None) -> Recognition:
    """Compare a network's tensors with the catalogue's, exactly where they are equal."""
    shared = shared or Shared()
    own = tensors(network, shared.space)
    wholes = [square(t.entries, shared.space) for t in own]
    stated = [m for m in members(network.prompt) if m.stated_for(network)]
    candidates = [c for m in stated for c in _candidates(network, m, own, wholes, shared, law)]
    exact = sorted((c for c in candidates if c.exact), key=lambda c: _order(c.name))
    rest = sorted((c for c in candidates if not c.exact), key=lambda c: c.near.distance)
    ranked = (*exact, *rest)
    idle = not any(t.entries for t in own)
    if idle or not ranked:
        return Recognition(network, own, ranked, NONE, ())
    if exact:
        same = tuple(c.name for c in exact)
        return Recognition(network, own, ranked, EXACT if len(same) == 1 else INDISTINGUISHABLE, same)
    best = _approximate(ranked)
    close = best is not None
    dense = all(bool(x) for heads in network.layers for h in heads for y in (h.P, h.Q) for x in y.num.entries())
    turned: tuple[tuple[str, ...], str, bool] = ((), "", False)
    by_layer = _by_layer(network, stated, own, shared, law) if conventions else ()
    if conventions and not (close and dense) and not _each_is_one(own, by_layer):
        turned = _convention(network, law, shared, DENSE if dense else CONVENTIONS)
    if best is not None and not turned[2]:
        ranked = (best, *(c for c in ranked if c is not best))
        return Recognition(network, own, ranked, APPROXIMATE, _alike(ranked), by_layer=by_layer)
    return Recognition(network, own, ranked, NONE, (), *turned[:2], by_layer)


def _each_is_one(layers: Sequence[Tensor], by_layer: Sequence[Sequence[Fitted]]) -> bool:
    """Whether every layer that does something is an algorithm's by itself."""
    live = [bool(fits) for t, fits in zip(layers, by_layer, strict=True) if t.entries] if by_layer else []
    return bool(live) and all(live)


def _order(name: str) -> int:
    """TD(0) is named before what it cannot be told from."""
    known = ("td0", "td-lambda", "average-reward-td", "gtd2", "tdc", "differential-td", "residual-gradient")
    return known.index(name) if name in known else len(known)


def _approximate(ranked: Sequence[Candidate]) -> Candidate | None:
    """The algorithm that a network nearly is: the nearest one, where every layer by itself has the discount for it.

    Where it is another one of the catalogue without its discount, and no layer has much of that, it is the other one.
    """
    best, kappas = ranked[0], ranked[0].near.kappas
    if kappas:
        other = _without_discount(ranked)
        if other is not None and max(kappas) <= BETWEEN[0]:
            best = other
        elif min(kappas) <= NEARER or (other is not None and min(kappas) < BETWEEN[1]):
            return None
    return best if min(best.near.shares) > SHARE else None


def _without_discount(ranked: Sequence[Candidate]) -> Candidate | None:
    """The candidate whose tensors are the first one's with kappa = 0, as least squares' are TD's, if one is."""
    family = ranked[0].fitted.family

    def units(of: Family, plain: bool) -> list[list[Any]]:
        kept = [
            [{at: x for at, x in u.entries.items() if plain or of.power(at) == 0} for u in units] for units in of.layers
        ]
        return [sorted(sorted(e.items()) for e in layer if e) for layer in kept]

    wanted = units(family, False)
    return next(
        (c for c in ranked[1:] if c.fitted.family.fixed == family.fixed and units(c.fitted.family, True) == wanted),
        None,
    )


def _alike(ranked: Sequence[Candidate]) -> tuple[str, ...]:
    """The algorithms that are as near as the nearest one: the same tensors with what no prompt shows left out."""
    least = ranked[0].near.squares
    return tuple(c.name for c in ranked if c.near.squares == least)


def _candidates(
    network: Network, member: Member, own: Sequence[Tensor], wholes: Sequence[Fraction], shared: Shared, law: Law
) -> list[Candidate]:
    decays: Sequence[Fraction | None] = [None]
    if member.masked:
        decays = _decays(network, member)
    told = member.prescribed(network)
    if told is None:
        return []
    candidates: list[Candidate] = []
    entries = [t.entries for t in own]
    for decay in decays:
        free = free_parameters(network, member, shared.space, decay, own)
        one = shared.family(network, member, decay, free, told)
        fitted = exact_fit(one, entries)
        if fitted is not None and law.allows(fitted):
            return [Candidate(measured(fitted, own, wholes), True)]
        if member.masked and decay is None:
            continue
        if free:
            one = shared.family(network, member, decay, {name: rounded(nearest(x)) for name, x in free.items()}, told)
        near = nearest_fit(one, own, wholes, law.most, law.kappa(one))
        if any(any(step.values()) for step in near.fitted.steps) and law.allows(near.fitted):
            candidates.append(Candidate(near, False))
    return sorted(candidates, key=lambda c: c.near.distance)[:1]


def _by_layer(
    network: Network, stated: Sequence[Member], own: Sequence[Tensor], shared: Shared, law: Law
) -> tuple[tuple[Fitted, ...], ...]:
    """The algorithms that each stored layer is by itself, exactly, with a table's step that is the layer's own.

    Of a single stored layer what it is has been said, but for the steps of tables.
    """
    fits: list[list[Fitted]] = [[] for _ in own]
    for member in stated:
        told = table_entries(network, member, shared.space, own) if member.algorithm.tables else ()
        if told is None or (len(own) == 1 and not told):
            continue
        for decay in _decays(network, member) if member.masked else [None]:
            for k, t in enumerate(own):
                if not t.entries or any(x.family.member is member for x in fits[k]):
                    continue
                free = free_parameters(network, member, shared.space, decay, own, k)
                one = shared.family(network, member, decay, free, told).alone(k)
                fitted = exact_fit(one, [t.entries])
                if fitted is not None and law.allows(fitted) and any(fitted.steps[0].values()):
                    fits[k].append(fitted)
    return tuple(tuple(sorted(x, key=lambda f: _order(f.family.member.algorithm.name))) for x in fits)


def _decays(network: Network, member: Member) -> list[Fraction | None]:
    """The trace decays that the masks suggest; none where they are all M0.

    One layer that reads the first token alone shows no decay, and has none.
    """
    decays: dict[Fraction | None, None] = {}
    for M in {id(h.M): h.M for heads in network.layers for h in heads}.values():
        at = next((i for i in range(1, M.num.nrows() - 1) if M.num[i, i] != 0), None)
        if at is None:
            continue
        for x in (M.num[at, at - 1], M.num[at - 1, at]):
            ratio = Fraction(int(x), int(M.num[at, at]))
            if 0 < ratio <= 1:
                decays[ratio] = None
    unseen = bool(member.algorithm.selections) and network.depth == 1
    return list(decays) or ([None] if unseen else [])


def _convention(
    network: Network, law: Law, shared: Shared, tried: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], str, bool]:
    """The matrices to transpose for a match, fewest first, what it then is, and whether exactly."""
    best: tuple[tuple[str, ...], str, bool] = ((), "", False)
    for names in tried:
        other = recognise(transposed(network, names), law, False, shared)
        if other.match in (EXACT, INDISTINGUISHABLE):
            return names, str(other.algorithm), True
        if other.match == APPROXIMATE and not best[0]:
            best = names, str(other.algorithm), False
    return best


def blocks(network: Network, entries: Mapping[Any, Fraction], space: MaskSpace) -> dict[tuple[str, ...], Fraction]:
    """The squared norm of a tensor's blocks: {(row written, value, key, row that asks): squared norm}."""
    layout = network.layout
    known = {row: name for name, _ in layout.features for row in layout.block(name)}
    known |= {layout.accumulator(name): name for name in layout.accumulators}
    parts: dict[tuple[str, ...], dict[Any, Fraction]] = {}
    for place, x in entries.items():
        parts.setdefault(tuple(known[row] for row in place[:4]), {})[place] = x
    return {names: square(part, space) for names, part in parts.items()}


__all__ = [
    "APPROXIMATE",
    "EXACT",
    "INDISTINGUISHABLE",
    "NONE",
    "Candidate",
    "Family",
    "Law",
    "Recognition",
    "recognise",
]

"""Which algorithm a network's weights are: exactly, up to what cannot be told apart, nearly, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ...symbolic.recognition.families import Family, Fitted, Member, exact_fit, family, members
from ...symbolic.recognition.masks import MaskSpace
from ...symbolic.recognition.network import Network, transposed
from ...symbolic.recognition.reach import reaches
from ...symbolic.recognition.tensor import Tensor, tensors
from .fit import Near, measured, nearest_fit, square

EXACT, INDISTINGUISHABLE, APPROXIMATE, NONE = "exact", "indistinguishable", "approximate", "none"
SHARE = 0.5
"""Every layer must have more than this of an algorithm for the match to be called approximate.

It is the share from which `train` says that a network has reached its algorithm (`training/verdicts.py`). That number
was fixed before any run; its use here was chosen when the main run's networks had been seen.
"""
BETWEEN = (Fraction(1, 4), Fraction(3, 4))
"""A layer's kappa between these is as near to least squares as to TD at the law's discount: approximately neither."""
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
    """

    network: Network
    tensors: tuple[Tensor, ...]
    candidates: tuple[Candidate, ...]
    match: str
    same: tuple[str, ...]
    convention: tuple[str, ...] = ()
    read_so: str = ""

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

    def family(self, network: Network, member: Member, decay: Fraction | None) -> Family:
        """The algorithm's family at a network's sizes, made once."""
        key = (network.layout, reaches(network), member.algorithm.name, decay)
        if key not in self.families:
            self.families[key] = family(network, member, self.space, decay)
        return self.families[key]


def recognise(network: Network, gamma: Fraction, conventions: bool = True, shared: Shared | None = None) -> Recognition:
    """Compare a network's tensors with the catalogue's, exactly where they are equal.

    gamma : the law's discount; a network's own discount kappa * gamma is at most 1
    """
    shared = shared or Shared()
    own = tensors(network, shared.space)
    most = 1 / gamma if gamma else Fraction(2)
    wholes = [square(t.entries, shared.space) for t in own]
    found = [c for m in members(network.prompt) for c in _candidates(network, m, own, wholes, shared, most)]
    exact = sorted((c for c in found if c.exact), key=lambda c: _order(c.name))
    rest = sorted((c for c in found if not c.exact), key=lambda c: c.near.distance)
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
    if conventions and not (close and dense):
        turned = _convention(network, gamma, shared, DENSE if dense else CONVENTIONS)
    if best is not None and not turned[2]:
        ranked = (best, *(c for c in ranked if c is not best))
        return Recognition(network, own, ranked, APPROXIMATE, _alike(ranked))
    return Recognition(network, own, ranked, NONE, (), *turned[:2])


def _order(name: str) -> int:
    """TD(0) is named before what it cannot be told from."""
    known = ("td0", "td-lambda", "average-reward-td", "gtd2", "tdc", "differential-td", "residual-gradient")
    return known.index(name) if name in known else len(known)


def _approximate(ranked: Sequence[Candidate]) -> Candidate | None:
    """The algorithm that a network nearly is: the nearest one, where every layer by itself has the discount for it.

    TD's kappa is near 1 there; near 0 in every layer, it is least squares that the network nearly is.
    """
    best, kappas = ranked[0], ranked[0].near.kappas
    if kappas and max(kappas) <= BETWEEN[0]:
        best = next((c for c in ranked if c.name == "least-squares"), best)
    elif kappas and min(kappas) < BETWEEN[1]:
        return None
    return best if min(best.near.shares) > SHARE else None


def _alike(ranked: Sequence[Candidate]) -> tuple[str, ...]:
    """The algorithms that are as near as the nearest one: the same tensors with what no prompt shows left out."""
    least = ranked[0].near.squares
    return tuple(c.name for c in ranked if c.near.squares == least)


def _candidates(
    network: Network, member: Member, own: Sequence[Tensor], wholes: Sequence[Fraction], shared: Shared, most: Fraction
) -> list[Candidate]:
    decays: Sequence[Fraction | None] = [None]
    if member.traced:
        decays = _decays(network)
    found: list[Candidate] = []
    for decay in decays:
        one = shared.family(network, member, decay)
        fitted = exact_fit(one, [t.entries for t in own])
        if fitted is not None and _sound(fitted, most):
            return [Candidate(measured(fitted, own, wholes), True)]
        near = nearest_fit(one, own, wholes, float(most))
        if any(any(step.values()) for step in near.fitted.steps) and _sound(near.fitted, most):
            found.append(Candidate(near, False))
    return sorted(found, key=lambda c: c.near.distance)[:1]


def _sound(fitted: Fitted, most: Fraction) -> bool:
    """Whether the parameters are the algorithm's own: kappa = 0 is least squares, kappa * gamma > 1 no discount."""
    kappa = fitted.kappa
    return kappa is None or 0 < kappa <= most


def _decays(network: Network) -> list[Fraction | None]:
    """The trace decays that the masks suggest; none where they are all M0."""
    found: dict[Fraction, None] = {}
    for head in {id(h.M): h for heads in network.layers for h in heads}.values():
        M = head.M
        if M.num.nrows() < 3 or M.num[0, 0] == 0:
            continue
        for x in (M.num[1, 0], M.num[0, 1]):
            ratio = Fraction(int(x), int(M.num[0, 0]))
            if 0 < ratio <= 1:
                found[ratio] = None
    return list(found)


def _convention(
    network: Network, gamma: Fraction, shared: Shared, tried: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], str, bool]:
    """The matrices to transpose for a match, fewest first, what it then is, and whether exactly."""
    found: tuple[tuple[str, ...], str, bool] = ((), "", False)
    for names in tried:
        other = recognise(transposed(network, names), gamma, False, shared)
        if other.match in (EXACT, INDISTINGUISHABLE):
            return names, str(other.algorithm), True
        if other.match == APPROXIMATE and not found[0]:
            found = names, str(other.algorithm), False
    return found


def blocks(network: Network, entries: Mapping[Any, Fraction], space: MaskSpace) -> dict[tuple[str, ...], Fraction]:
    """The squared norm of a tensor's blocks: {(row written, value, key, row that asks): squared norm}."""
    layout = network.layout
    known = {row: name for name, _ in layout.features for row in layout.block(name)}
    known |= {layout.accumulator(name): name for name in layout.accumulators}
    parts: dict[tuple[str, ...], dict[Any, Fraction]] = {}
    for place, x in entries.items():
        parts.setdefault(tuple(known[row] for row in place[:4]), {})[place] = x
    return {names: square(part, space) for names, part in parts.items()}


__all__ = ["APPROXIMATE", "EXACT", "INDISTINGUISHABLE", "NONE", "Candidate", "Family", "Recognition", "recognise"]

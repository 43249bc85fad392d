"""An algorithm's further parameters, read off a network's tensors: what its masks and preconditioners do not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from flint import fmpq, fmpq_mat

from .families import Heads, Member, family, minus, parameters
from .masks import MaskSpace
from .network import Network
from .reach import reaches
from .tensor import Entries, Tensor, gathered


def free_parameters(
    network: Network, member: Member, space: MaskSpace, decay: Fraction | None, layers: Sequence[Tensor]
) -> dict[str, Fraction]:
    """The further parameters with which an algorithm's heads are a network's, if they are.

    What heads over a constant row do is affine in them; of others the ratio of two entries that one step scales tells
    them. 1/2 where nothing that is seen depends on one.
    """
    names = member.free
    if not names:
        return {}
    base = dict.fromkeys(names, Fraction(1, 2))

    def still(values: Mapping[str, Fraction]) -> list[Entries]:
        heads = Heads.of(network, member, parameters(member, decay, values))
        return [gathered(heads.terms({}), reach, space) for reach in reaches(network)]

    at = still(base)
    slopes = {
        name: [minus(x, y) for x, y in zip(still({**base, name: Fraction(3, 2)}), at, strict=True)] for name in names
    }
    telling = [name for name in names if any(slopes[name])]
    left = [minus(t.entries, x) for t, x in zip(layers, at, strict=True)]

    def dot(one: Sequence[Entries], other: Sequence[Entries]) -> fmpq:
        total = sum((x * b.get(k, 0) for a, b in zip(one, other, strict=True) for k, x in a.items()), Fraction(0))
        return fmpq(total.numerator, total.denominator)

    gram = fmpq_mat(len(telling), len(telling), [dot(slopes[a], slopes[b]) for a in telling for b in telling])
    if telling and gram.det() != 0:
        found = gram.solve(fmpq_mat(len(telling), 1, [dot(slopes[a], left) for a in telling]))
        for k, name in enumerate(telling):
            base[name] += Fraction(int(found[k, 0].p), int(found[k, 0].q))
    for name in names:
        if name not in telling:
            base[name] = _by_ratio(network, member, space, decay, base, name, layers)
    return base


def _by_ratio(
    network: Network, member: Member, space: MaskSpace, decay: Fraction | None, base: Mapping[str, Fraction], name: str,
    layers: Sequence[Tensor],
) -> Fraction:  # fmt: skip
    """A parameter from the entries of the step that is largest: some depend on it, affinely, and some do not."""
    one, other = (family(network, member, space, decay, {**base, name: Fraction(k, 2)}) for k in (1, 3))
    best, result = Fraction(0), base[name]
    for k, (here, there) in enumerate(zip(one.layers, other.layers, strict=True)):
        entries = one.without_fixed(k, layers[k].entries)
        for u, v in zip(here, there, strict=True):
            still = [at for at, x in u.entries.items() if v.entries.get(at) == x and entries.get(at)]
            moved = [at for at, x in u.entries.items() if v.entries.get(at, 0) != x]
            if not still or not moved:
                continue
            step = entries[still[0]] / u.entries[still[0]]
            if abs(step) > best:
                place = moved[0]
                slope = v.entries.get(place, Fraction(0)) - u.entries[place]
                best = abs(step)
                result = Fraction(1, 2) + (entries.get(place, Fraction(0)) / step - u.entries[place]) / slope
    return result

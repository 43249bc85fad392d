"""An algorithm's further parameters, read off a network's tensors: what its masks and preconditioners do not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from flint import fmpq, fmpq_mat

from .families import Family, Heads, Member, Told, family, minus, parameters
from .masks import MaskSpace
from .network import Network
from .reach import reaches
from .tensor import Entries, Tensor, gathered

X = TypeVar("X")


def free_parameters(
    network: Network, member: Member, space: MaskSpace, decay: Fraction | None, layers: Sequence[Tensor],
    only: int | None = None,
) -> dict[str, Fraction]:  # fmt: skip
    """The further parameters with which an algorithm's heads are a network's, if they are.

    What heads over a constant row do is affine in them; of others the ratio of two entries that one step scales tells
    them. 1/2 where nothing that is seen depends on one.  only : the stored layer that is asked, all when left out
    """
    names = member.free
    if not names:
        return {}
    base = dict.fromkeys(names, Fraction(1, 2))

    def still(values: Mapping[str, Fraction]) -> list[Entries]:
        heads = Heads.of(network, member, parameters(member, decay, values))
        return [gathered(heads.terms({}), reach, space) for reach in _those(reaches(network), only)]

    at = still(base)
    slopes = {
        name: [minus(x, y) for x, y in zip(still({**base, name: Fraction(3, 2)}), at, strict=True)] for name in names
    }
    telling = [name for name in names if any(slopes[name])]
    left = [minus(t.entries, x) for t, x in zip(_those(layers, only), at, strict=True)]

    def dot(one: Sequence[Entries], other: Sequence[Entries]) -> fmpq:
        total = sum((x * b.get(k, 0) for a, b in zip(one, other, strict=True) for k, x in a.items()), Fraction(0))
        return fmpq(total.numerator, total.denominator)

    gram = fmpq_mat(len(telling), len(telling), [dot(slopes[a], slopes[b]) for a in telling for b in telling])
    if telling and gram.det() != 0:
        solution = gram.solve(fmpq_mat(len(telling), 1, [dot(slopes[a], left) for a in telling]))
        for k, name in enumerate(telling):
            base[name] += Fraction(int(solution[k, 0].p), int(solution[k, 0].q))
    for name in names:
        if name not in telling:
            one, other = (family(network, member, space, decay, {**base, name: Fraction(k, 2)}) for k in (1, 3))
            asked = _those(range(len(layers)), only)
            base[name] = max((_by_ratio(one, other, k, layers[k]) for k in asked), default=(Fraction(0), base[name]))[1]
    return base


def _those(of: Sequence[X], only: int | None) -> Sequence[X]:
    return of if only is None else of[only : only + 1]


def table_entries(network: Network, member: Member, space: MaskSpace, layers: Sequence[Tensor]) -> Told | None:
    """The scalar step, layer by layer, of which an algorithm has a table, with which its heads are a network's, if they
    are: read as `free_parameters` reads, the table's own where nothing that is seen depends on it.  None where several
    steps have tables.
    """
    names = tuple(member.algorithm.tables)
    if len(names) != 1:
        return None
    one, other = (
        family(network, member, space, None, {}, tuple({names[0]: Fraction(k, 2)} for _ in layers)) for k in (1, 3)
    )
    table = member.prescribed(network)
    told = []
    for k, t in enumerate(layers):
        slope = minus(other.fixed[k], one.fixed[k])
        if slope:
            left = one.without_fixed(k, t.entries)
            along = sum((x * left.get(at, 0) for at, x in slope.items()), Fraction(0))
            value = Fraction(1, 2) + along / sum(x * x for x in slope.values())
        else:
            size, value = _by_ratio(one, other, k, t)
            value = table[k][names[0]] if not size and table else value
        told.append({names[0]: value})
    return tuple(told)


def _by_ratio(one: Family, other: Family, layer: int, tensor: Tensor) -> tuple[Fraction, Fraction]:
    """(size of the step, parameter) from the entries of the step that is largest: some depend on the parameter, which
    is 1/2 in one family and 3/2 in the other, affinely, and some do not.
    """
    best, result = Fraction(0), Fraction(1, 2)
    entries = one.without_fixed(layer, tensor.entries)
    for u, v in zip(one.layers[layer], other.layers[layer], strict=True):
        still = [at for at, x in u.entries.items() if v.entries.get(at) == x and entries.get(at)]
        moved = [at for at in {**u.entries, **v.entries} if v.entries.get(at, 0) != u.entries.get(at, 0)]
        if not still or not moved:
            continue
        step = entries[still[0]] / u.entries[still[0]]
        if abs(step) > best:
            best, place = abs(step), moved[0]
            before = u.entries.get(place, Fraction(0))
            slope = v.entries.get(place, Fraction(0)) - before
            result = Fraction(1, 2) + (entries.get(place, Fraction(0)) / step - before) / slope
    return best, result

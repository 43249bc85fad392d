"""The interaction tensor of a layer, free of every gauge.

A layer changes row a at token t by (1/n) sum over b, i, r, j, s of T[a, b, i, r, j, s] Z[b, i] Z[r, j] Z[s, t], with
T = sum_h (W_h P_h)[a, b] M_h[i, j] Q_h[r, s].  Value and key may be exchanged, the mask transposed with them: every
term is turned so that b >= r, and where b = r the mask is symmetrised.  Entries that no prompt reaches are left out.
Layers with equal tensors do the same: scales, heads in another order, mixed or split in two all vanish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

from ..attention import Head
from ..errors import WorkLimitError
from .masks import MaskSpace, flipped, parts
from .network import Network
from .reach import Reach, keeps, reaches

MAX_TERMS = 2 * 10**7
Place = tuple[int, int, int, int, int]
"""(row written, value row, key row, row that asks, mask of the basis)."""
Entries = dict[Place, Fraction]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A layer's entries by place, all of them nonzero, in the basis of `space`."""

    entries: Mapping[Place, Fraction]
    space: MaskSpace


Sparse = Mapping[tuple[int, int], int]


@dataclass(frozen=True, eq=False)
class SparseHead:
    """One head as sparse whole numbers: V = W P by `V`, Q by `Q`, both times `scale`, and its mask."""

    V: Sparse
    Q: Sparse
    scale: Fraction
    mask: Any


def sparse(matrix: Any) -> dict[tuple[int, int], int]:
    """The nonzero numerators of a rational matrix."""
    return {(i, j): int(x) for i, row in enumerate(matrix.num.tolist()) for j, x in enumerate(row) if x != 0}


def term(head: Head) -> SparseHead:
    """A dense head as a term."""
    V = (head.W @ head.P).lowest_terms()
    return SparseHead(sparse(V), sparse(head.Q), Fraction(1, int(V.den) * int(head.Q.den)), head.M)


def gathered(terms: Sequence[SparseHead], reach: Sequence[Reach], space: MaskSpace) -> Entries:
    """The tensor of a layer's heads; the space grows by the masks that it lacks."""
    work = sum(len(t.V) * len(t.Q) for t in terms)
    if work > MAX_TERMS:
        raise WorkLimitError(f"the weights have {work} products of entries, above the limit of {MAX_TERMS}")
    scale = lcm(*(t.scale.denominator for t in terms)) if terms else 1
    total: dict[tuple[Any, ...], Any] = {}
    for t in terms:
        factor = int(t.scale * scale)
        for turn in _turns_once(t.mask, space):
            kind = turn.kind
            for (a, b), v in t.V.items():
                if not any(a in x.written and b in x.filled[kind[0]] for x in reach):
                    continue
                scaled = v * factor
                for (r, s), q in t.Q.items():
                    if not keeps(reach, a, b, r, s, kind):
                        continue
                    if b > r:
                        place, coordinates = (a, b, r, s), turn.straight
                    elif b < r:
                        place, coordinates = (a, r, b, s), turn.turned
                    else:
                        place, coordinates = (a, b, r, s), turn.both
                    product = scaled * q
                    for k, x in coordinates:
                        at = (*place, k)
                        total[at] = total.get(at, 0) + product * x
    return {at: Fraction(x) / scale for at, x in total.items() if x}


@dataclass(frozen=True)
class _Turn:
    """One part of a mask: its coordinates as it is, transposed, and symmetrised; whole numbers where they are."""

    kind: tuple[int, int]
    straight: tuple[tuple[int, Any], ...]
    turned: tuple[tuple[int, Any], ...]
    both: tuple[tuple[int, Any], ...]


def _turns_once(mask: Any, space: MaskSpace) -> list[_Turn]:
    """The parts of a mask, found once for all masks with its entries: each candidate makes its own."""
    if id(mask) not in space.turns:
        entries = (int(mask.den), tuple(map(int, mask.num.entries())))
        if entries not in space.equal:
            space.equal[entries] = _turns(mask, space)
        space.turns[id(mask)] = mask, space.equal[entries]
    known: list[_Turn] = space.turns[id(mask)][1]
    return known


def _turns(mask: Any, space: MaskSpace) -> list[_Turn]:
    turns = []
    for kind, part in parts(mask).items():
        back = (kind[1], kind[0])
        straight, turned = space.coordinates(part, kind), space.coordinates(flipped(part), back)
        if kind == back:  # half of the one and half of the other, in the basis that now holds them both
            both = {k: (straight.get(k, Fraction(0)) + turned.get(k, Fraction(0))) / 2 for k in straight | turned}
        else:  # of a row with itself the query stands as the key
            both = straight if kind == (0, 1) else turned
        turns.append(_Turn(kind, *(tuple((k, _whole(x)) for k, x in c.items() if x) for c in (straight, turned, both))))
    return turns


def _whole(x: Fraction) -> Any:
    return x.numerator if x.denominator == 1 else x


def tensors(
    network: Network, space: MaskSpace | None = None, reach: Sequence[Sequence[Reach]] | None = None
) -> tuple[Tensor, ...]:
    """The tensor of each stored layer, over one basis of masks.

    reach : what of each layer counts; what the prediction shows when left out
    """
    space = space if space is not None else MaskSpace()
    return tuple(
        Tensor(gathered([term(h) for h in heads], own, space), space)
        for heads, own in zip(network.layers, reach or reaches(network), strict=True)
    )

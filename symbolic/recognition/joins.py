"""How a mask joins transitions: sums, running means, traces and past keys, of every token or of those a layer reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..tables import SELECTIONS
from .masks import Part


@dataclass(frozen=True)
class Join:
    """How transitions are joined: `sum`, `mean` of the values so far, `trace` of keys, or `past`, a key so far back.

    only : the values j that layer l reads, as a selection of `tables.SELECTIONS`; every one where it is empty
    """

    kind: str
    decay: Fraction = Fraction(0)
    back: int = 0
    only: str = ""

    @property
    def of_keys(self) -> bool:
        """Whether it joins keys, and not values."""
        return self.kind in ("trace", "past")


Joined = Sequence[tuple[Join, Fraction]]
WINDOW = 8
"""A mask with more diagonals than this is read as no sum of past keys."""


def joins(
    masks: Sequence[Part], used: Sequence[Collection[int]], n: int, repeated: bool
) -> list[dict[int, Joined]] | None:
    """Of each stored layer the masks that it uses as combinations of joins; None where one is no such thing.

    One selection is all layers' where that can be: what layer 1 alone reads is "j = l" and "j <= l" both.
    used     : positions in `masks`
    repeated : whether one stored layer is applied several times, so that it reads no tokens by its number
    """
    of_all = {k: _of_all(masks[k], n) for k in sorted({k for positions in used for k in positions})}
    selections = () if repeated else tuple(SELECTIONS)
    for tried in (("",), *((only,) for only in selections), ("", *selections)):
        by_layer = []
        for number, positions in enumerate(used, 1):
            read = (
                (k, (_joined(masks[k], n, number, only) if only else of_all[k] for only in tried)) for k in positions
            )
            own = {k: next((x for x in ways if x is not None), None) for k, ways in read}
            by_layer.append({k: x for k, x in own.items() if x is not None})
        if all(len(own) == len(positions) for own, positions in zip(by_layer, used, strict=True)):
            return _traces(by_layer)
    return None


def _traces(by_layer: list[dict[int, Joined]]) -> list[dict[int, Joined]]:
    """The first token's trace has one key, and looks like a sum: what it is, the traces of other layers tell."""
    decays = {how.decay: None for own in by_layer for x in own.values() for how, _ in x if how.only and how.decay}
    if len(decays) == 1:
        (decay,) = decays
        for own in by_layer[:1]:
            for k, joined in own.items():
                own[k] = [
                    (Join("trace", decay, only=how.only) if how.only and how.kind == "sum" else how, x)
                    for how, x in joined
                ]
    return by_layer


def _joined(mask: Part, n: int, layer: int, only: str) -> Joined | None:
    """A mask that reads the values which a selection gives to its layer, with a sum or a trace of keys for each."""
    zero = Fraction(0)
    rows = [i for i in range(n) if SELECTIONS[only](i + 1, layer)]
    first = mask.get((rows[0], rows[0]), zero) if rows else zero
    near = next((i for i in rows if i), None)
    decay = mask.get((near, near - 1), zero) / first if first and near is not None else zero
    how = Join("trace", decay, only=only) if decay else Join("sum", only=only)
    wanted = {(i, j): first * decay ** (i - j) for i in rows for j in range(i + 1) if decay or i == j}
    return [(how, first)] if first and {at: x for at, x in mask.items() if x} == wanted else None


def _of_all(mask: Part, n: int) -> Joined | None:
    """A mask on context tokens as a combination of sums, running means and traces."""
    zero = Fraction(0)
    there = {(i, j): x for (i, j), x in mask.items() if x and i < n and j < n}
    first = mask.get((0, 0), zero)
    mean = 2 * mask.get((0, 1), zero)
    plain = first - mean
    wanted = {(i, j): share for j in range(n) for share in (mean / (j + 1),) for i in range(j)} if mean else {}
    wanted |= {(j, j): plain + mean / (j + 1) for j in range(n)}
    if there == {at: x for at, x in wanted.items() if x}:
        sums = [(Join("sum"), plain), (Join("mean"), mean)]
        return [(how, x) for how, x in sums if x]
    decay = mask.get((1, 0), zero) / first if first and n > 1 else zero
    if decay and there == _lower([first * decay**k for k in range(n)]):
        return [(Join("trace", decay), first)]
    back = [mask.get((k, 0), zero) for k in range(n)]
    if sum(x != 0 for x in back) <= WINDOW and there == _lower(back):
        return [(Join("past", back=k) if k else Join("sum"), x) for k, x in enumerate(back) if x]
    return None


def _lower(back: Sequence[Fraction]) -> Part:
    """The mask that reads the key k tokens back with the k-th of these factors."""
    return {(j + k, j): x for k, x in enumerate(back) if x for j in range(len(back) - k)}

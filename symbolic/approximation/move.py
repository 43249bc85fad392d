"""What h changes on one transition: {place: quantity}, with sums of products left as they are until it is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .quantity import Quantity
from .vector import Vector, added_up

Changes = Mapping[int, Quantity]
"""{place in v: h there}, none zero."""
Placed = tuple[int, Quantity, Vector]
"""A quantity times a vector, and the place in v of the vector's first entry."""


class Move(Changes):
    """Entries of h, some of which are sums of quantities times vectors.

    plain    : {place: quantity}, none zero
    products : what is added to them, at places that `plain` has not
    """

    __slots__ = ("_all", "plain", "products")

    def __init__(self, plain: Mapping[int, Quantity], products: Sequence[Placed]):
        self.plain, self.products = plain, tuple(products)
        self._all: dict[int, Quantity] | None = None

    def _entries(self) -> dict[int, Quantity]:
        if self._all is None:
            entries = dict(self.plain)
            starts: dict[int, list[tuple[Quantity, Vector]]] = {}
            for start, q, x in self.products:
                starts.setdefault(start, []).append((q, x))
            for start, products in starts.items():
                entries |= {start + i: q for i, q in enumerate(added_up(products)) if q.parts}
            self._all = entries
        return self._all

    def __getitem__(self, place: int) -> Quantity:
        return self._entries()[place]

    def __iter__(self) -> Iterator[int]:
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._entries())


def plain_and_products(move: Changes) -> tuple[Mapping[int, Quantity], tuple[Placed, ...]]:
    """The entries that are worked out, and the products that are added to them."""
    return (move.plain, move.products) if isinstance(move, Move) else (move, ())

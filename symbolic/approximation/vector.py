"""Vectors of numbers or quantities with named parts, as a rule's h indexes them: v[3], v.w, v.q[state, action]."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..errors import ContentError
from .quantity import Quantity

Shape = tuple[int, ...]
"""(size,), or (states, actions), or () for a single number."""


def size_of(shape: Shape) -> int:
    """The number of entries of a part."""
    size = 1
    for x in shape:
        size *= x
    return size


class Vector:
    """Entries with the operations of a vector: +, -, * and / by a number or quantity, @ (dot product), indexing.

    A sum of quantities times vectors that come up again and again, delta x - (x @ u) x', is left as it is until an
    entry is asked for: on every transition it would be as many sums as it has entries.

    shape : (size,), or (states, actions): then it is indexed by a pair
    """

    __slots__ = ("_known", "_made", "_products", "_shape")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, entries: Sequence[Any], shape: Shape | None = None):
        object.__setattr__(self, "_made", tuple(entries))
        object.__setattr__(self, "_shape", (len(self._entries),) if shape is None else shape)
        object.__setattr__(self, "_known", None)
        object.__setattr__(self, "_products", None)

    @staticmethod
    def sum_of(products: tuple[Product, ...]) -> Vector:
        """The sum of quantities times vectors of one shape, at least one."""
        total = Vector((), products[0][1]._shape)
        object.__setattr__(total, "_made", None)
        object.__setattr__(total, "_products", products)
        return total

    @property
    def _entries(self) -> tuple[Any, ...]:
        if self._made is None:
            assert self._products is not None
            object.__setattr__(self, "_made", tuple(added_up(self._products)))
        return self._made  # type: ignore[return-value]

    @property
    def products(self) -> tuple[Product, ...] | None:
        """The quantities and vectors that it is the sum of, where it is left as one."""
        return self._products

    _made: tuple[Any, ...] | None
    _products: tuple[Product, ...] | None
    _shape: Shape
    _known: dict[Any, tuple[Any, Any]] | None  # operand and result, of a vector that comes up again and again

    def kept(self) -> Vector:
        """Itself, from now on with what operations with numbers and other such vectors have given."""
        if self._known is None:
            object.__setattr__(self, "_known", {})
        return self

    def _once(self, what: str, other: Any, make: Callable[[], Any]) -> Any:
        known = self._known
        if known is None or isinstance(other, Quantity):
            return make()
        if isinstance(other, (int, Fraction)):
            key: Any = (what, other)
        elif isinstance(other, Vector) and other._known is not None:
            key = (what, id(other))
        else:
            return make()
        if key not in known:
            result = make()
            known[key] = other, result.kept() if isinstance(result, Vector) else result
        return known[key][1]

    def __setattr__(self, name: str, value: Any) -> None:
        raise ContentError(f"h sets {name} of a vector, which cannot be changed: return what changes")

    def __len__(self) -> int:
        return size_of(self._shape)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __getitem__(self, index: Any) -> Any:
        return self._entries[flat_index(index, self._shape)]

    def _paired(self, other: Any, what: str) -> Sequence[Any]:
        entries: Sequence[Any] = tuple(other)
        if len(entries) != len(self._entries):
            raise ContentError(f"h {what} vectors of {len(self._entries)} and {len(entries)} entries")
        return entries

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, (Vector, list, tuple)):
            return NotImplemented
        joined = self._beside(other, 1)
        if joined is not None:
            return joined
        return Vector([x + y for x, y in zip(self, self._paired(other, "adds"), strict=True)], self._shape)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if not isinstance(other, (Vector, list, tuple)):
            return NotImplemented
        joined = self._beside(other, -1)
        return self._once("-", other, lambda: self._minus(other)) if joined is None else joined

    def _beside(self, other: Any, sign: int) -> Vector | None:
        """self + sign other, where both are sums of a few products; None where they are not."""
        if self._products is None or not isinstance(other, Vector) or other._products is None:
            return None
        if self._shape != other._shape or len(self._products) + len(other._products) > MOST_PRODUCTS:
            return None
        return Vector.sum_of(self._products + tuple((q if sign > 0 else -q, x) for q, x in other._products))

    def _minus(self, other: Any) -> Vector:
        return Vector([x - y for x, y in zip(self, self._paired(other, "subtracts"), strict=True)], self._shape)

    def __neg__(self) -> Vector:
        return Vector([-x for x in self], self._shape)

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, (Quantity, int, Fraction)):
            return NotImplemented
        if self._products is not None:
            return Vector.sum_of(tuple((q * other, x) for q, x in self._products))
        if isinstance(other, Quantity) and self._known is not None:
            return Vector.sum_of(((other, self),))
        # the quantity first: a Fraction would try its own ways before it asks
        return self._once("*", other, lambda: Vector([other * x for x in self._entries], self._shape))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, (int, Fraction, Quantity)):
            return NotImplemented
        return Vector([x / other for x in self], self._shape)

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, (Vector, list, tuple)):
            return NotImplemented
        return self._once("@", other, lambda: self._dot(other))

    def _dot(self, other: Any) -> Any:
        entries = self._paired(other, "takes the dot product of")
        for symbols, numbers in ((self._entries, entries), (entries, self._entries)):
            if all(isinstance(x, Quantity) for x in symbols) and all(isinstance(x, (int, Fraction)) for x in numbers):
                return Quantity.combination(symbols, numbers)
        products = [x * y for x, y in zip(self, entries, strict=True)]
        if products and all(isinstance(x, Quantity) for x in products):
            return Quantity.combination(products, [1] * len(products))
        return sum(products)

    def __rmatmul__(self, other: Any) -> Any:
        return self @ other


Product = tuple[Quantity, Vector]
MOST_PRODUCTS = 6


def added_up(products: Sequence[Product]) -> Iterator[Any]:
    """The entries of a sum of quantities times vectors."""
    quantities = [q for q, _ in products]
    for entries in zip(*(x for _, x in products), strict=True):
        if len(entries) > 1 and all(isinstance(x, (int, Fraction)) for x in entries):
            yield Quantity.combination(quantities, entries)
        else:
            total = quantities[0] * entries[0]
            for q, x in zip(quantities[1:], entries[1:], strict=True):
                total = total + q * x
            yield total


class PartitionedVector(Vector):
    """A vector made of named parts: `v.w` is one of them (a number where it is one), v[i] an entry of all."""

    __slots__ = ("_parts",)
    _parts: Mapping[str, Any]

    def __init__(self, entries: Sequence[Any], layout: Mapping[str, Shape]):
        only = next(iter(layout.values())) if len(layout) == 1 else None
        super().__init__(entries, only)
        parts: dict[str, Any] = {}
        start = 0
        for name, shape in layout.items():
            own = self._entries[start : start + size_of(shape)]
            parts[name] = own[0] if shape == () else Vector(own, shape)
            start += size_of(shape)
        object.__setattr__(self, "_parts", parts)

    def __getattr__(self, name: str) -> Any:
        part = None if name.startswith("__") else self._parts.get(name)
        if part is None:
            raise AttributeError(f"the weights have no part {name!r}, only {', '.join(self._parts)}")
        return part


def flat_index(index: Any, shape: Shape) -> int:
    """The place of an index in the flat vector: an int, or a pair for a part by states and actions."""
    pair = index if isinstance(index, tuple) else (index,)
    if isinstance(index, tuple) and len(pair) != len(shape):
        raise ContentError(f"h indexes with {str(index)[:40]}, wanted {len(shape)} numbers")
    bounds = shape if isinstance(index, tuple) else (size_of(shape),)
    place = 0
    for k, bound in zip(pair, bounds, strict=True):
        if isinstance(k, bool) or not isinstance(k, int) or not 0 <= k < bound:
            raise ContentError(f"h indexes with {str(k)[:40]}, wanted a whole number from 0 to {bound - 1}")
        place = place * bound + k
    return place


def changes(
    result: Any, layout: Mapping[str, Shape], what: str = "h", put_off: list[tuple[int, Vector]] | None = None
) -> dict[int, Any]:
    """What h returned as {flat place: change}.

    result : a vector or list of all entries; {index: change}; or {part: vector, list, number or {index: change}}
    put_off : where given, sums of products go there, each with its first place, and their entries are not worked out
    Raises `ContentError` when it is none of these, or of another length.
    """
    total = sum(size_of(shape) for shape in layout.values())
    whole = next(iter(layout.values())) if len(layout) == 1 else (total,)
    if not isinstance(result, Mapping):
        return _part(result, whole, 0, what, put_off)
    if any(isinstance(key, str) for key in result):
        unknown = next((str(k) for k in result if k not in layout), None)
        if unknown is not None:
            raise ContentError(f"{what} changes a part {unknown[:40]!r}, wanted some of {', '.join(layout)}")
        changed: dict[int, Any] = {}
        start = 0
        for name, shape in layout.items():
            if name in result:
                changed |= _part(result[name], shape, start, f"{what} of {name}", put_off)
            start += size_of(shape)
        return changed
    return _part(result, whole, 0, what, put_off)


def _part(value: Any, shape: Shape, start: int, what: str, put_off: list[tuple[int, Vector]] | None) -> dict[int, Any]:
    size = size_of(shape)
    if put_off is not None and isinstance(value, Vector) and value.products is not None and len(value) == size:
        put_off.append((start, value))
        return {}
    if isinstance(value, Mapping):
        entries = {start + flat_index(k, shape): x for k, x in value.items()}
    elif isinstance(value, (Vector, list, tuple)):
        if len(value) != size:
            raise ContentError(f"{what} has {len(value)} entries, wanted {size}")
        entries = {start + k: x for k, x in enumerate(value)}
    elif size == 1:
        entries = {start: value}
    else:
        raise ContentError(f"{what} is {type(value).__name__}, wanted {size} entries or {{index: change}}")
    for k, x in entries.items():
        if isinstance(x, bool) or not isinstance(x, (Quantity, int, Fraction)):
            raise ContentError(f"{what} has the entry {ascii(x)[:40]} at {k - start}, wanted an exact number")
    return entries

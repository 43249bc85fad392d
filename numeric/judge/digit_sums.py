"""Products and sums of arrays of digits (`digits.py`), a digit at a time: what they are in float64."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np

from .digits import ROOM, Digits, lifted


class Product:
    """A product of digits, (..., a, b) and (..., b, c), a digit at a time: `low`, `count` and `most` as of `Digits`.

    All pairs of digits that meet in one of the result are one product of longer matrices; see `product`.
    """

    def __init__(self, left: Digits, right: Digits):
        self.low, self.width, self.length = left.low + right.low, left.width, left.digits.shape[-1]
        self.counts, self.count = (left.count, right.count), left.count + right.count - 1
        self.most = min(self.counts) * self.length * left.most * right.most
        # Digits side by side, those of the right from the last to the first.
        a, b = np.moveaxis(left.digits, 0, -2), np.moveaxis(right.digits[::-1], 0, -3)
        self.left = a.reshape(*a.shape[:-2], left.count * self.length)
        self.right = b.reshape(*b.shape[:-3], right.count * self.length, b.shape[-1])

    def digit(self, i: int) -> np.ndarray:
        """The i-th digit."""
        above = self.counts[1] - 1 - i  # where the right's i-th digit stands, before its first for a negative one
        first, last = max(0, -above), min(self.counts[0], i + 1)
        left = self.left[..., first * self.length : last * self.length]
        return np.asarray(left @ self.right[..., (first + above) * self.length : (last + above) * self.length, :])


def whole(found: Digits | Product) -> Digits:
    """All digits of it."""
    if isinstance(found, Digits):
        return found
    return Digits(np.stack([found.digit(i) for i in range(found.count)]), found.low, found.width, found.most)


def product(left: Digits, right: Digits) -> Digits | Product:
    """The product of matrices of digits, exactly: (..., a, b) and (..., b, c)."""
    each = left.digits.shape[-1] * left.most * right.most
    if min(left.count, right.count) * each > ROOM:
        left, right = left.carried(), right.carried()
        each = left.digits.shape[-1] * left.most * right.most
    if min(left.count, right.count) * each <= ROOM:
        return Product(left, right)
    few, result = int(ROOM / each), Digits(np.zeros((1,) * left.digits.ndim), left.low, left.width, 0.0)
    for first in range(0, left.count, few):
        part = Digits(left.digits[first : first + few], left.low + first, left.width, left.most)
        result = result.plus(whole(Product(part, right))).carried()
    return result


def total(terms: Sequence[tuple[int, Digits | Product]]) -> np.ndarray:
    """The float64 values of a sum of multiples of arrays of one shape, off by a relative 2^-50 or 2^-1074 at most.

    It is summed from the first digit down.  A partial sum is a whole number, exact up to 2^53.  All that follows a
    larger one is below 2^-15 of it, so that nothing cancels: of what is rounded off four digits count.
    """
    width, low, top = terms[0][1].width, min(x.low for _, x in terms), max(x.low + x.count for _, x in terms)
    if sum(abs(times) * x.most for times, x in terms) > ROOM or width * (top - low) > 900:
        return _apart(terms)
    result: np.ndarray | None = None
    for place in reversed(range(low, top)):
        if result is not None:
            result *= 2.0**width
        held = [(times, x.digit(place - x.low)) for times, x in terms if 0 <= place - x.low < x.count]
        if held:
            here = reduce(add, (digit if times == 1 else times * digit for times, digit in held))
            result = here.copy() if result is None else np.add(result, here, out=result)
    assert result is not None
    return lifted(result, width * low)


def _apart(terms: Sequence[tuple[int, Digits | Product]]) -> np.ndarray:
    """`total`, each entry from its own leading digits: those within 128 bits of the first non-zero one."""
    first = terms[0][1]
    both = Digits(np.zeros((1, 1)), first.low, first.width, 0.0)
    for times, x in terms:
        both = both.plus(whole(x).carried(), times)
    both = both.carried()
    lead = np.zeros(both.digits.shape[1:], dtype=np.int64)
    for i, d in enumerate(both.digits):
        lead[d != 0] = i
    result = np.zeros(lead.shape)
    for back in range(128 // both.width, -1, -1):
        d = np.take_along_axis(both.digits, np.maximum(lead - back, 0)[None], axis=0)[0]
        result += np.where(lead >= back, np.ldexp(d, -both.width * back), 0.0)
    return np.asarray(np.ldexp(result, both.width * (both.low + lead)))

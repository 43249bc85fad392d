"""Arrays of exact binary numbers of many digits, whose products are exact float64 matrix products.

A number is a sum of digits of about 20 bits, whole numbers in float64.  A product of two digit arrays is a product of
float64 matrices whose entries and sums are whole numbers up to 2^53, so it is exact in any order of summation: as fast
as floats, and exact.  Sums and products (`digit_sums.py`) leave their carries undone while digits stay below 2^53.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ROOM = 2.0**53 - 2.0**42
"""The largest digit whose carry, or that of the digit below, is still exact in float64."""


@dataclass(frozen=True, eq=False)
class Digits:
    """An exact array: the sum over i of digits[i] * 2^(width * (low + i)).

    digits : (S, ...) float64, whole numbers of any sign, none larger than `most`; with carries done they are balanced,
             none larger than 2^(width - 1)
    """

    digits: np.ndarray
    low: int
    width: int
    most: float

    @staticmethod
    def of_floats(values: np.ndarray, width: int) -> Digits:
        """From finite float64 values, any shape, exactly: balanced."""
        _, exponent = np.frexp(max(values.max(initial=0.0), -values.min(initial=0.0)))
        place, rest = -((width - 1 - int(exponent)) // width), values
        parts: list[np.ndarray] = []
        # To the nearest, what is left is half of a unit at most; the nearest may be beyond the range.
        whole, most = (np.rint, width - 1) if exponent < 1000 else (np.trunc, width)
        while not parts or rest.any():
            digit = lifted(rest, -width * place)
            whole(digit, out=digit)
            rest = rest - lifted(digit, width * place)  # exact
            parts.append(digit)
            place -= 1
        return Digits(np.stack(parts[::-1]), place + 1, width, 2.0**most).carried().trimmed()

    @staticmethod
    def of_integers(values: Sequence[int], shape: tuple[int, ...], exponent: int, width: int) -> Digits:
        """From integers times 2^exponent, exactly: balanced."""
        low = exponent // width
        lift = exponent - low * width
        bits = max(max(values), -min(values)).bit_length()
        words = bits // 64 + 2
        if bits < 63:
            raw = np.zeros((words, len(values)), dtype=np.uint64)
            whole = np.array(values, dtype=np.int64)
            raw[0], negative = np.abs(whole), whole < 0
        else:
            held = b"".join([v.to_bytes(8 * words, "little", signed=True) for v in values])
            raw = np.frombuffer(held, dtype="<u8").reshape(len(values), words).T.copy()
            negative = raw[-1] >> np.uint64(63) == 1
            carry = negative
            for word in raw:  # minus a number is its bits turned over, and 1
                word[negative] = ~word[negative]
                word += carry
                carry = carry & (word == 0)
        sign = np.where(negative, -1.0, 1.0)
        parts = []
        for i in range((bits + lift) // width + 1):
            at, bit = divmod(width * i - lift, 64)
            part = raw[at] >> np.uint64(bit) if at >= 0 else np.zeros_like(raw[0])
            if bit:
                part = part | (raw[at + 1] << np.uint64(64 - bit))
            parts.append(sign * (part & np.uint64((1 << width) - 1)).astype(np.float64))
        return Digits(np.stack(parts).reshape(-1, *shape), low, width, 2.0**width).carried()

    def trimmed(self) -> Digits:
        """Without the leading and trailing digits that are zero everywhere."""
        used = np.flatnonzero(self.digits.any(axis=tuple(range(1, self.digits.ndim))))
        first, last = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
        return Digits(self.digits[first : last + 1], self.low + first, self.width, self.most)

    def leading(self, count: int) -> tuple[Digits, float]:
        """The `count` leading balanced digits, and a bound on every entry of what was dropped."""
        whole = self.carried()
        drop = max(len(whole.digits) - count, 0)
        kept = Digits(whole.digits[drop:], whole.low + drop, self.width, whole.most)
        return kept, power(self.width * kept.low) if drop else 0.0

    def reshape(self, *shape: int) -> Digits:
        """The same numbers in another shape."""
        return Digits(self.digits.reshape(len(self.digits), *shape), self.low, self.width, self.most)

    def moved(self, *axes: int) -> Digits:
        """The same numbers with their axes in another order, as `transpose` has it."""
        return Digits(self.digits.transpose(0, *(1 + axis for axis in axes)), self.low, self.width, self.most)

    def __getitem__(self, index: tuple[Any, ...]) -> Digits:
        return Digits(self.digits[(slice(None), *index)], self.low, self.width, self.most)

    def plus(self, other: Digits, times: int = 1) -> Digits:
        """self + times * other."""
        if self.most + abs(times) * other.most > ROOM:
            self, other = self.carried(), other.carried()
        low = min(self.low, other.low)
        a, b = self.low - low, other.low - low
        shape = np.broadcast_shapes(self.digits.shape[1:], other.digits.shape[1:])
        both = np.zeros((max(a + self.count, b + other.count), *shape))
        both[a : a + self.count] += self.digits
        both[b : b + other.count] += times * other.digits
        return Digits(both, low, self.width, self.most + abs(times) * other.most)

    def carried(self) -> Digits:
        """The same numbers with every digit in [-2^(width-1), 2^(width-1)]."""
        if self.most <= 2.0 ** (self.width - 1):
            return self
        digits, unit, carry = self.digits.copy(), 2.0**self.width, np.zeros(self.digits.shape[1:])
        for d in digits:
            d += carry
            np.rint(d / unit, out=carry)
            d -= carry * unit
        above = []
        while carry.any():
            d, carry = carry, np.rint(carry / unit)
            above.append(d - carry * unit)
        parts = np.concatenate([digits, np.stack(above)]) if above else digits
        return Digits(parts, self.low, self.width, unit / 2).trimmed()

    @property
    def count(self) -> int:
        """How many digits there are."""
        return len(self.digits)

    def digit(self, i: int) -> np.ndarray:
        """The i-th of them."""
        return np.asarray(self.digits[i])


def lifted(values: np.ndarray, exponent: int) -> np.ndarray:
    """values * 2^exponent, where 2^exponent may be beyond the range."""
    return np.ldexp(values, exponent) if abs(exponent) > 1000 else values * 2.0**exponent


def power(exponent: int) -> float:
    """2^exponent as a float; never zero, so that it may stand in a bound."""
    return max(float(np.ldexp(1.0, exponent)), 2.0**-1074)


def digit_width(longest: int) -> int:
    """The digit width for which a product over `longest` terms, of four pairs of digits at once, is below 2^53."""
    return (53 - int(longest).bit_length()) // 2

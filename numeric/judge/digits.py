"""Arrays of exact binary numbers of many digits, whose products are exact float64 matrix products.

A number is a sum of digits of about 20 bits.  A product of two digit arrays is a product of float64 matrices whose
entries and sums are integers below 2^53, so it is exact in any order of summation: as fast as floats, and exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Digits:
    """An exact array: the sum over i of digits[i] * 2^(width * (low + i)).

    digits : (S, ...) int64.  Every float is such a number, and products are exact sums of small integers, which a
    float64 matrix product computes without rounding in any order; so exact arithmetic runs at the speed of floats.
    """

    digits: np.ndarray
    low: int
    width: int

    @staticmethod
    def of_floats(values: np.ndarray, width: int) -> Digits:
        """From finite float64 values, any shape, exactly."""
        mantissas, exponents = np.frexp(values)
        whole = np.ldexp(mantissas, 53).astype(np.int64)
        low = int((exponents - 53).min(initial=0, where=whole != 0)) // width
        shifts = np.where(whole == 0, 0, exponents - 53 - low * width)
        sign, whole = np.sign(whole), np.abs(whole)
        parts = []
        for i in range(int(shifts.max(initial=0) + 53) // width + 1):
            left = shifts - width * i  # this digit holds the bits of whole * 2^left below 2^width
            up, down = np.clip(left, 0, width), np.clip(-left, 0, 63)
            parts.append(sign * (((whole >> down) & ((1 << (width - up)) - 1)) << up))
        return Digits(np.stack(parts), low, width).trimmed()

    @staticmethod
    def of_integers(values: Sequence[int], shape: tuple[int, ...], exponent: int, width: int) -> Digits:
        """From integers times 2^exponent, exactly."""
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
        sign = np.where(negative, np.int64(-1), np.int64(1))
        parts = []
        for i in range((bits + lift) // width + 1):
            at, bit = divmod(width * i - lift, 64)
            part = raw[at] >> np.uint64(bit) if at >= 0 else np.zeros_like(raw[0])
            if bit:
                part = part | (raw[at + 1] << np.uint64(64 - bit))
            parts.append(sign * (part & np.uint64((1 << width) - 1)).astype(np.int64))
        return Digits(np.stack(parts).reshape(-1, *shape), low, width).trimmed()

    def trimmed(self) -> Digits:
        """Without the leading and trailing digits that are zero everywhere."""
        used = np.flatnonzero(self.digits.any(axis=tuple(range(1, self.digits.ndim))))
        first, last = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
        return Digits(self.digits[first : last + 1], self.low + first, self.width)

    def leading(self, count: int) -> tuple[Digits, float]:
        """The `count` leading digits of balanced digits, and a bound on every entry of what was dropped."""
        drop = max(len(self.digits) - count, 0)
        kept = Digits(self.digits[drop:], self.low + drop, self.width)
        return kept, power(self.width * kept.low) if drop else 0.0

    def reshape(self, *shape: int) -> Digits:
        """The same numbers in another shape."""
        return Digits(self.digits.reshape(len(self.digits), *shape), self.low, self.width)

    def __getitem__(self, index: tuple[Any, ...]) -> Digits:
        return Digits(self.digits[(slice(None), *index)], self.low, self.width)

    def map(self, change: Any) -> Digits:
        """A rearrangement of the entries, done to each digit."""
        return Digits(np.stack([change(d) for d in self.digits]), self.low, self.width)

    def __matmul__(self, other: Digits) -> Digits:
        # |digit| < 2^width, so each product below stays under 2^53: `digit_width` saw to that.
        left, right = self.digits.astype(np.float64), other.digits.astype(np.float64)
        total = np.zeros((len(left) + len(right) - 1, *np.broadcast_shapes(left.shape[1:-2], right.shape[1:-2]),
                          left.shape[-2], right.shape[-1]), dtype=np.int64)  # fmt: skip
        for i, a in enumerate(left):
            for j, b in enumerate(right):
                np.add(total[i + j], (a @ b).astype(np.int64), out=total[i + j])
        return _balanced(total, self.low + other.low, self.width)

    def minus(self, other: Digits, times: int = 1) -> Digits:
        """times * self - other."""
        low = min(self.low, other.low)
        a, b = self.low - low, other.low - low
        shape = np.broadcast_shapes(self.digits.shape[1:], other.digits.shape[1:])
        total = np.zeros((max(a + len(self.digits), b + len(other.digits)), *shape), dtype=np.int64)
        total[a : a + len(self.digits)] += times * self.digits
        total[b : b + len(other.digits)] -= other.digits
        return _balanced(total, low, self.width)

    def balanced(self) -> Digits:
        """The same numbers with every digit in [-2^(width-1), 2^(width-1)]."""
        return _balanced(self.digits.copy(), self.low, self.width)

    def floats(self) -> np.ndarray:
        """Float64 values of balanced digits, off by a relative 2^-51 at most (and 2^-1074 where they underflow).

        Summed from the lowest digit, each partial sum is rounded by 2^-53 of itself and is below half of the next
        digit's unit, and the leading non-zero digit is at least twice all that follows it.
        """
        if len(self.digits) * self.width > 900:  # the lowest digits would underflow beside the highest
            return self._floats_apart()
        total = np.zeros(self.digits.shape[1:])
        top = self.low + len(self.digits) - 1
        for i, d in enumerate(self.digits):
            total += np.ldexp(d.astype(np.float64), self.width * (self.low + i - top))
        return np.ldexp(total, self.width * top)

    def _floats_apart(self) -> np.ndarray:
        """`floats`, each entry from its own leading digits: those within 128 bits of the first non-zero one."""
        lead = np.zeros(self.digits.shape[1:], dtype=np.int64)
        for i, d in enumerate(self.digits):
            lead[d != 0] = i
        total = np.zeros(lead.shape)
        for back in range(128 // self.width, -1, -1):
            d = np.take_along_axis(self.digits, np.maximum(lead - back, 0)[None], axis=0)[0]
            total += np.where(lead >= back, np.ldexp(d.astype(np.float64), -self.width * back), 0.0)
        return np.ldexp(total, self.width * (self.low + lead))


def _balanced(digits: np.ndarray, low: int, width: int) -> Digits:
    """Digits with their carries done, in place."""
    half, carry = 1 << (width - 1), np.zeros(digits.shape[1:], dtype=np.int64)
    for d in digits:
        d += carry
        np.right_shift(d + half, width, out=carry)
        d -= carry << width
    above = []
    while carry.any():
        d, carry = carry, (carry + half) >> width
        above.append(d - (carry << width))
    return Digits(np.concatenate([digits, np.stack(above)]) if above else digits, low, width).trimmed()


def power(exponent: int) -> float:
    """2^exponent as a float; never zero, so that it may stand in a bound."""
    return max(float(np.ldexp(1.0, exponent)), 2.0**-1074)


def digit_width(longest: int) -> int:
    """The digit width for which a product over `longest` terms is exact in float64."""
    return (53 - int(longest).bit_length()) // 2

"""Exact weights and prompts to floats, correctly rounded, and an account of what rounding changed.

Rounding is to nearest, ties to even, decided on integers: a value never passes through a second format on the way,
which would round twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any

import numpy as np
import torch

from ..symbolic.construction import Construction
from ..symbolic.identity import Problem
from .device import Precision, precision


def round_to(value: Fraction, target: Precision) -> float:
    """The number of the target format nearest to `value`, ties to even; subnormals kept, infinity beyond the range.

    >>> from .device import PRECISIONS
    >>> round_to(Fraction(1, 3), PRECISIONS[torch.float16])
    0.333251953125
    """
    top, bottom = abs(value.numerator), value.denominator
    if not top:
        return 0.0
    exponent = top.bit_length() - bottom.bit_length()  # 2^(exponent-1) < |value| < 2^(exponent+1)
    if (top << max(-exponent, 0)) < (bottom << max(exponent, 0)):
        exponent -= 1
    unit = max(exponent - target.digits + 1, target.lowest)
    quotient, rest = divmod(top << max(-unit, 0), bottom << max(unit, 0))
    twice, bottom = 2 * rest, bottom << max(unit, 0)
    if twice > bottom or (twice == bottom and quotient & 1):
        quotient += 1
    sign = -1 if value < 0 else 1
    if quotient.bit_length() + unit > target.highest:
        return sign * inf
    # Exact: the quotient has at most `digits` bits (or is a power of two) and the unit is a float.
    return sign * float(quotient * 2**unit if unit >= 0 else Fraction(quotient, 2**-unit))


def round_all(numerators: Sequence[int], denominators: Sequence[int], target: Precision) -> np.ndarray:
    """`round_to` of many fractions at once: a float64 array whose entries are numbers of the target format.

    Python's integer division is correctly rounded to float64.  Rounding that again differs from rounding once only
    where the float64 stands exactly between two numbers of the target, or is itself rounded below its normal range;
    those few are done by `round_to`.
    """
    try:
        wide = np.array([a / b for a, b in zip(numerators, denominators, strict=True)], dtype=np.float64)
    except OverflowError:
        return np.array([round_to(Fraction(a, b), target) for a, b in zip(numerators, denominators, strict=True)])
    if target.digits == 53:
        return wide
    _, exponents = np.frexp(wide)
    units = np.maximum(exponents - target.digits, target.lowest)
    scaled = np.ldexp(wide, -units)
    nearest = np.rint(scaled)
    result = np.ldexp(nearest, units)
    result[np.abs(result) >= 2.0**target.highest] *= inf
    doubtful = (np.abs(scaled - nearest) == 0.5) | ((wide != 0) & (np.abs(wide) < 2.0**-1000))
    for i in np.flatnonzero(doubtful).tolist():
        result[i] = round_to(Fraction(numerators[i], denominators[i]), target)
    return np.asarray(result)


@dataclass(frozen=True)
class Touched:
    """What rounding did to one named tensor.

    entries  how many entries it changed, of `total`
    largest  the largest relative change, exact (1 where an entry became zero)
    """

    entries: int
    total: int
    largest: Fraction


@dataclass(frozen=True, eq=False)
class Lowered:
    """The weights of a construction in floats.

    layers   per stored layer, per head: tensors W, P, Q : (m, m) and M : (N, N) by name
    scale    1/n in the same format
    touched  tensor name, as in a state_dict -> what rounding changed; names of untouched tensors are absent
    """

    layers: tuple[tuple[dict[str, torch.Tensor], ...], ...]
    scale: float
    touched: dict[str, Touched]

    def summary(self) -> dict[str, Any]:
        """Plain data: tensors and entries touched, and the largest relative change."""
        changes = list(self.touched.values())
        return {
            "tensors_touched": len(changes),
            "entries_touched": sum(c.entries for c in changes),
            "largest_relative_change": float(max((c.largest for c in changes), default=Fraction(0))),
        }


class _Rounder:
    """Rounds rational matrices, each distinct number once and each shared matrix once."""

    def __init__(self, target: Precision):
        self.target = target
        self._entries: dict[tuple[int, int], tuple[float, Fraction]] = {}
        self._matrices: dict[int, tuple[Any, np.ndarray, Touched | None]] = {}

    def entry(self, top: int, bottom: int) -> tuple[float, Fraction]:
        """The rounded number and its relative change."""
        found = self._entries.get((top, bottom))
        if found is None:
            exact = Fraction(top, bottom)
            rounded = round_to(exact, self.target)
            if not exact:
                change = Fraction(0)
            else:  # an overflow is a change of 1 or more: it is reported as 1
                change = abs(Fraction(rounded) / exact - 1) if abs(rounded) != inf else Fraction(1)
            found = self._entries[top, bottom] = rounded, change
        return found

    def matrix(self, exact: Any) -> tuple[np.ndarray, Touched | None]:
        """A rational matrix as float64 entries of the target format, and what that changed."""
        known = self._matrices.get(id(exact))
        if known is None:
            bottom = int(exact.den)
            tops = [int(x) for x in exact.num.entries()]
            rounded = {top: self.entry(top, bottom) for top in set(tops)}
            values = np.array([rounded[top][0] for top in tops]).reshape(exact.shape)
            count = sum(1 for top in tops if rounded[top][1])
            largest = max((change for _, change in rounded.values()), default=Fraction(0))
            # The matrix itself is kept, so that its identity stays taken.
            known = self._matrices[id(exact)] = exact, values, Touched(count, len(tops), largest) if count else None
        return known[1], known[2]


def lower(construction: Construction, dtype: torch.dtype, device: torch.device | str) -> Lowered:
    """A construction's exact weights, correctly rounded to `dtype`; every tensor has its own storage."""
    rounder, touched, layers = _Rounder(precision(dtype)), {}, []
    for number, heads in enumerate(construction.layers):
        stored = []
        for h, head in enumerate(heads):
            tensors = {}
            for name in ("W", "P", "Q", "M"):
                values, change = rounder.matrix(getattr(head, name))
                # A copy for each: a tensor shared between layers would let one layer's edit change another.
                tensors[name] = torch.tensor(values, dtype=dtype, device=device)
                if change:
                    touched[f"layers.{number}.heads.{h}.{name}"] = change
            stored.append(tensors)
        layers.append(tuple(stored))
    return Lowered(tuple(layers), rounder.entry(1, construction.layout.n)[0], touched)


def _parts(numbers: Iterable[Any]) -> tuple[list[int], list[int]]:
    rationals = list(numbers)
    return [int(x.num) for x in rationals], [int(x.den) for x in rationals]


def lower_prompt(setup: Problem, dtype: torch.dtype, device: torch.device | str) -> torch.Tensor:
    """The prompt Z_0 : (m, N) of a rational problem, every entry correctly rounded to `dtype`."""
    tops = [int(x) for x in setup.X.num.entries()]
    bottoms = [int(setup.X.den)] * len(tops)
    for row in setup.rows(setup.start):
        above, below = _parts(row)
        tops += above
        bottoms += below
    values = round_all(tops, bottoms, precision(dtype)).reshape(setup.layout.m, setup.layout.n + 1)
    return torch.tensor(values, dtype=dtype, device=device)


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
        magnitudes = [abs(v) << lift for v in values]
        bits = max(m.bit_length() for m in magnitudes)
        words = bits // 64 + 2
        raw = np.frombuffer(b"".join(m.to_bytes(8 * words, "little") for m in magnitudes), dtype="<u8")
        raw = raw.reshape(len(values), words)
        sign = np.array([-1 if v < 0 else 1 for v in values], dtype=np.int64)
        parts = []
        for i in range(bits // width + 1):
            word, bit = divmod(width * i, 64)
            part = raw[:, word] >> np.uint64(bit)
            if bit:
                part = part | (raw[:, word + 1] << np.uint64(64 - bit))
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

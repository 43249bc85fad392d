"""Exact weights and prompts to floats, correctly rounded, and an account of what rounding changed.

Rounding is to nearest, ties to even, decided on integers: a value never passes through a second format on the way,
which would round twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import inf
from typing import Any

import numpy as np
import torch

from ..symbolic.attention import Head
from ..symbolic.construction import Construction
from ..symbolic.exact import nearest
from ..symbolic.identity.exact import Problem
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

    Python's integer division is correctly rounded to float64.
    """
    try:
        wide = np.array([a / b for a, b in zip(numerators, denominators, strict=True)], dtype=np.float64)
    except OverflowError:
        return np.array([round_to(Fraction(a, b), target) for a, b in zip(numerators, denominators, strict=True)])
    return _from_float64(wide, target, lambda i: Fraction(numerators[i], denominators[i]))


def round_matrices(matrices: Sequence[Any], target: Precision) -> np.ndarray:
    """`round_all` of matrices over Q, all of one shape: (len(matrices), rows, columns)."""
    shape = len(matrices), matrices[0].num.nrows(), matrices[0].num.ncols()
    each = [m.num.entries() for m in matrices]
    try:
        tops = np.fromiter(chain.from_iterable(each), np.int64).reshape(len(each), -1)
        bottoms = np.array([int(m.den) for m in matrices], np.int64)[:, None]
        short = max(tops.max(initial=0), -tops.min(initial=0), bottoms.max()) <= 2**53
    except OverflowError:
        short = False
    if short:  # both are float64 numbers, so that their quotient is rounded once

        def exact(place: int) -> Fraction:
            which, entry = divmod(place, tops.shape[1])
            return Fraction(int(tops[which, entry]), int(bottoms[which, 0]))

        return _from_float64((tops / bottoms).ravel(), target, exact).reshape(shape)
    dens = [int(m.den) for m, entries in zip(matrices, each, strict=True) for _ in entries]
    return round_all([int(x) for x in chain.from_iterable(each)], dens, target).reshape(shape)


@np.errstate(all="ignore")  # what is beyond the range or lost below it is put right at the end
def _from_float64(wide: np.ndarray, target: Precision, exact: Callable[[int], Fraction]) -> np.ndarray:
    """Fractions that were correctly rounded to float64, correctly rounded to the target format.

    Rounding again differs from rounding once only where the float64 stands exactly between two numbers of the target,
    or is itself rounded below its normal range; those few are done by `round_to`.
    """
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
        result[i] = round_to(exact(i), target)
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
            "largest_relative_change": nearest(max((c.largest for c in changes), default=Fraction(0))),
        }


class _Rounder:
    """Rounds rational matrices, each distinct number once and each shared matrix once."""

    def __init__(self, target: Precision):
        self.target = target
        self._matrices: dict[int, tuple[Any, np.ndarray, Touched | None]] = {}

    def matrix(self, exact: Any) -> tuple[np.ndarray, Touched | None]:
        """A rational matrix as float64 entries of the target format, and what that changed."""
        known = self._matrices.get(id(exact))
        if known is None:
            bottom = int(exact.den)
            entries = exact.num.entries()
            held = [i for i, x in enumerate(entries) if x]  # zeros stay zeros, and most entries are
            tops = [int(entries[i]) for i in held]
            distinct = list(set(tops))
            rounded = dict(
                zip(distinct, round_all(distinct, [bottom] * len(distinct), self.target).tolist(), strict=True)
            )
            flat = np.zeros(len(entries))
            flat[held] = [rounded[top] for top in tops]
            values = flat.reshape(exact.shape)
            changes = {top: c for top, x in rounded.items() if (c := _change(top, bottom, x))[0]}
            touched = None
            if changes:
                # Python's division rounds correctly and so keeps the order: the largest is one of these.
                sizes = {top: a / b for top, (a, b) in changes.items()}
                most = max(sizes.values())
                largest = max(Fraction(*changes[top]) for top, size in sizes.items() if size == most)
                touched = Touched(sum(top in changes for top in tops), len(entries), largest)
            # The matrix itself is kept, so that its identity stays taken.
            known = self._matrices[id(exact)] = exact, values, touched
        return known[1], known[2]


def _change(top: int, bottom: int, rounded: float) -> tuple[int, int]:
    """|rounded / (top / bottom) - 1| as a quotient of integers; an overflow is reported as 1."""
    if abs(rounded) == inf:
        return 1, 1
    above, below = rounded.as_integer_ratio()
    return abs(above * bottom - top * below), abs(top) * below


def lower(construction: Construction, dtype: torch.dtype, device: torch.device | str) -> Lowered:
    """A construction's exact weights, correctly rounded to `dtype`; every tensor has its own storage."""
    return lower_layers(construction.layers, Fraction(1, construction.layout.n), dtype, device)


def lower_layers(
    stored: Sequence[Sequence[Head]], scale: Fraction, dtype: torch.dtype, device: torch.device | str
) -> Lowered:
    """The heads of several layers over Q, and the factor of a layer's change, correctly rounded to `dtype`."""
    rounder, touched, layers = _Rounder(precision(dtype)), {}, []
    for number, heads in enumerate(stored):
        lowered = []
        for h, head in enumerate(heads):
            tensors = {}
            for name in ("W", "P", "Q", "M"):
                values, change = rounder.matrix(getattr(head, name))
                # A copy for each: a tensor shared between layers would let one layer's edit change another.
                tensors[name] = torch.tensor(values, dtype=dtype, device=device)
                if change:
                    touched[f"layers.{number}.heads.{h}.{name}"] = change
            lowered.append(tensors)
        layers.append(tuple(lowered))
    return Lowered(tuple(layers), round_to(scale, rounder.target), touched)


def lower_matrix(matrix: Any, dtype: torch.dtype, device: torch.device | str) -> torch.Tensor:
    """A matrix over Q, every entry correctly rounded to `dtype`."""
    return torch.tensor(round_matrices([matrix], precision(dtype))[0], dtype=dtype, device=device)


def lower_prompt(setup: Problem, dtype: torch.dtype, device: torch.device | str) -> torch.Tensor:
    """The prompt Z_0 : (m, N) of a rational problem, every entry correctly rounded to `dtype`."""
    return lower_prompts([setup], dtype, device)[0]


def lower_prompts(setups: Sequence[Problem], dtype: torch.dtype, device: torch.device | str) -> torch.Tensor:
    """The prompts Z_0 of rational problems of one size, every entry correctly rounded to `dtype`: (B, m, N)."""
    blocks = [s.X for s in setups], [s.row_matrix(s.start) for s in setups]
    values = np.concatenate([round_matrices(each, precision(dtype)) for each in blocks], axis=1)
    return torch.tensor(values, dtype=dtype, device=device)

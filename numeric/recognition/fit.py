"""The parameters with which an algorithm's tensors are nearest to a network's, and how near: found in floats, then
rounded to rationals, for which the distance is computed exactly.  A distance is therefore never told too small.

Norms are of the tensor symmetrised in value and key: an entry with b > r stands for two halves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite, lcm, sqrt
from typing import Any

import numpy as np

from ...symbolic.exact import nearest
from ...symbolic.recognition.families import Family
from ...symbolic.recognition.fitted import Fitted
from ...symbolic.recognition.masks import MaskSpace
from ...symbolic.recognition.tensor import Entries, Tensor

BITS = 40
"""Fitted parameters are rounded to multiples of 2^-40."""
SEARCHED = 2.0**100
"""The largest kappa that is looked at: its sixth power is far inside the range of floats."""
USUAL = 60
"""Numbers of so many bits, or the reciprocals of such, are taken as they are."""


@dataclass(frozen=True, eq=False)
class Near:
    """A fit and what it leaves.

    squares : of each stored layer (what is left, the whole), exact
    kappas  : what each layer by itself would have kappa be, where it shows one
    """

    fitted: Fitted
    rests: tuple[Entries, ...]
    squares: tuple[tuple[Fraction, Fraction], ...]
    kappas: tuple[float, ...] = ()

    @property
    def shares(self) -> tuple[float, ...]:
        """The part of each layer's squared norm that is the algorithm's; 1 of a layer that does nothing."""
        return tuple(1.0 if not whole else 1 - nearest(left / whole) for left, whole in self.squares)

    @property
    def distance(self) -> float:
        """The root mean square over layers of |T - algorithm's T| / |T|."""
        live = [left / whole for left, whole in self.squares if whole]
        return sqrt(nearest(sum(live, Fraction(0)) / len(live))) if live else 1.0


def square(entries: Mapping[Any, Fraction], space: MaskSpace) -> Fraction:
    """The squared norm of a tensor, exactly."""
    if not entries:
        return Fraction(0)
    scale = lcm(*{x.denominator for x in entries.values()})
    groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    sums: dict[tuple[int, int], int] = {}
    for place, exact in entries.items():
        groups.setdefault(place[:4], []).append((place[4], exact.numerator * (scale // exact.denominator)))
    for quad, vector in groups.items():
        weight = 2 if quad[1] == quad[2] else 1
        for k, x in vector:
            for other, y in vector:
                if other >= k:
                    sums[k, other] = sums.get((k, other), 0) + x * y * (weight if other == k else 2 * weight)
    return sum((x * space.inner(*pair) for pair, x in sums.items()), Fraction(0)) / (2 * scale * scale)


@dataclass(frozen=True, eq=False)
class _Layer:
    """Products of a layer's tensor with each unit, and the units' squares, by powers of kappa : (units, 4) each."""

    dots: np.ndarray
    squares: np.ndarray
    whole: float


@np.errstate(all="ignore")  # what is beyond the range of floats fits badly, and how badly is measured exactly
def nearest_fit(
    family: Family, layers: Sequence[Tensor], wholes: Sequence[Fraction], most: Fraction, kappa: Fraction | None = None
) -> Near:
    """The nearest member of a family.

    wholes : the squared norm of each layer's tensor
    kappa  : the only one that may be; None for any from 0 to `most`, of which `SEARCHED` at most is looked at
    """
    highest = min(nearest(most), SEARCHED)
    space = layers[0].space
    products = [[space.inner(i, j) for j in range(len(space.basis))] for i in range(len(space.basis))]
    norm = unit_of(x for row in products for x in row)
    gram = np.array([[nearest(x / norm) for x in row] for row in products])
    sizes = [unit_of(t.entries.values()) for t in layers]
    made = [
        _products(family, k, t, gram, nearest(whole / norm / size**2), size)
        for k, (t, whole, size) in enumerate(zip(layers, wholes, sizes, strict=True))
    ]
    if kappa is None and family.discounted and any(layer.squares[:, 1:].any() for layer in made):
        kappa = rounded(_best(made, highest))
    value = 1.0 if kappa is None else min(nearest(kappa), SEARCHED)
    powers = value ** np.arange(4)
    steps = []
    for units, layer, size in zip(family.layers, made, sizes, strict=True):
        below = layer.squares @ powers**2
        x = np.divide(layer.dots @ powers, below, out=np.zeros(len(below)), where=below > 0)
        steps.append(
            {
                (u.name, u.row, u.column): rounded(v) * size / unit_of(u.entries.values())
                for u, v in zip(units, x.tolist(), strict=True)
            }
        )
    fitted = Fitted(family, kappa, tuple(steps))
    shown = [x for x in made if x.whole > 0 and x.squares[:, 1:].any()] if family.discounted else []
    return replace(measured(fitted, layers, wholes), kappas=tuple(_best([x], highest) for x in shown))


def measured(fitted: Fitted, layers: Sequence[Tensor], wholes: Sequence[Fraction]) -> Near:
    """What exact parameters leave, exactly."""
    rests = tuple(fitted.rest(k, t.entries) for k, t in enumerate(layers))
    space = layers[0].space
    left: list[Fraction] = []
    for k, (t, rest, whole) in enumerate(zip(layers, rests, wholes, strict=True)):
        # The norm is a sum over rows that meet: only what the algorithm touches has changed.
        parts = [unit.entries for unit in fitted.family.layers[k]] + list(fitted.family.fixed[k : k + 1])
        touched = {place[:4] for entries in parts for place in entries}
        before, after = ({at: x for at, x in e.items() if at[:4] in touched} for e in (t.entries, rest))
        left.append(whole - square(before, space) + square(after, space))
    return Near(fitted, rests, tuple(zip(left, wholes, strict=True)))


def rounded(x: float) -> Fraction:
    """A float with few digits, exactly; zero for one that is not finite."""
    return Fraction(round(x * 2**BITS), 2**BITS) if isfinite(x * 2**BITS) else Fraction(0)


def unit_of(values: Iterable[Fraction]) -> Fraction:
    """The power of two near the largest of these where that is very large or small, and 1 where it is not."""
    e = max((x.numerator.bit_length() - x.denominator.bit_length() for x in values if x), default=0)
    return Fraction(2) ** e if abs(e) > USUAL else Fraction(1)


def _products(family: Family, number: int, tensor: Tensor, gram: np.ndarray, whole: float, size: Fraction) -> _Layer:
    """The products, with the tensor in units of `size` and each unit in its own."""
    units = family.layers[number]
    dots, squares = np.zeros((len(units), 4)), np.zeros((len(units), 4))
    groups: dict[tuple[int, ...], dict[int, float]] = {}
    wanted = {place[:4] for unit in units for place in unit.entries}
    for place, exact in family.without_fixed(number, tensor.entries).items():
        if place[:4] in wanted:
            groups.setdefault(place[:4], {})[place[4]] = nearest(exact if size == 1 else exact / size)
    for u, unit in enumerate(units):
        own: dict[tuple[int, ...], dict[int, float]] = {}
        scale = unit_of(unit.entries.values())
        for place, entry in unit.entries.items():
            own.setdefault(place[:4], {})[place[4]] = nearest(entry if scale == 1 else entry / scale)
        for quad, vector in own.items():
            weight, power = (1 if quad[1] == quad[2] else 0.5), family.power(quad)
            for k, x in vector.items():
                squares[u, power] += weight * x * sum(y * gram[k, j] for j, y in vector.items())
                dots[u, power] += weight * x * sum(y * gram[k, j] for j, y in groups.get(quad, {}).items())
    return _Layer(dots, squares, whole)


def _explained(made: Sequence[_Layer], kappas: np.ndarray) -> np.ndarray:
    """The mean share over layers for each kappa."""
    powers = kappas[:, None] ** np.arange(4)
    total = np.zeros(len(kappas))
    for layer in made:
        if layer.whole > 0:
            top, below = (layer.dots @ powers.T) ** 2, layer.squares @ (powers**2).T
            total += np.divide(top, below, out=np.zeros_like(top), where=below > 0).sum(0) / layer.whole
    return total


def _best(made: Sequence[_Layer], most: float) -> float:
    low, high = 0.0, most
    for _ in range(8):  # a grid, finer and finer around its best point
        grid = np.linspace(low, high, 65)
        at = int(np.argmax(_explained(made, grid)))
        low, high = float(grid[max(at - 1, 0)]), float(grid[min(at + 1, 64)])
    return _polished(made, (low + high) / 2)


def _polished(made: Sequence[_Layer], kappa: float) -> float:
    """A maximum that is flat in floats, found where its derivative vanishes: steps and kappa in turn."""
    p, first = np.arange(4), kappa
    for _ in range(60):
        slope = bend = 0.0
        for layer in made:
            if not layer.whole > 0:
                continue
            below = layer.squares @ kappa ** (2 * p)
            x = np.divide(layer.dots @ kappa**p, below, out=np.zeros(len(below)), where=below > 0) / layer.whole**0.5
            dots, squares = (x / layer.whole**0.5) @ layer.dots, x**2 @ layer.squares
            slope += float(sum(k * (kappa ** (2 * k - 1) * squares[k] - kappa ** (k - 1) * dots[k]) for k in (1, 2, 3)))
            bend += float(sum(k * (2 * k - 1) * kappa ** (2 * k - 2) * squares[k] for k in (1, 2, 3)))
        if not bend > 0 or not 0 < kappa <= SEARCHED:
            break
        kappa -= slope / bend
    return kappa if 0 <= kappa <= SEARCHED else first  # nan too

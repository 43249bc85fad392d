"""Parameters of an algorithm's tensors: what they leave of a network's, and those with which nothing is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .families import Family
from .tensor import Entries


@dataclass(frozen=True, eq=False)
class Fitted:
    """Parameters of a family, exact: `steps` {(preconditioner, i, j): value} of each stored layer."""

    family: Family
    kappa: Fraction | None
    steps: tuple[Mapping[tuple[str, int, int], Fraction], ...]

    def rest(self, layer: int, entries: Mapping[Any, Fraction]) -> Entries:
        """What is left of a layer's tensor without the algorithm's."""
        left = dict(self.family.without_fixed(layer, entries))
        kappa = Fraction(1) if self.kappa is None else self.kappa
        powers = [kappa**k for k in range(4)]
        for unit in self.family.layers[layer]:
            x = self.steps[layer].get((unit.name, unit.row, unit.column), Fraction(0))
            if x:
                for place, u in unit.entries.items():
                    left[place] = left.get(place, Fraction(0)) - x * u * powers[self.family.power(place)]
        return {place: x for place, x in left.items() if x}

    @property
    def law_discount(self) -> Fraction | None:
        """The discount of the prompts for which the weights are the algorithm, where they tell it; else None."""
        decay = self.family.decay
        if "gamma" in self.family.free:
            return self.family.free["gamma"]
        if self.family.member.masked != "gamma" or decay is None or self.kappa == 0:
            return None
        return decay / (Fraction(1) if self.kappa is None else self.kappa)

    def matrices(self, layer: int, d: int) -> dict[str, Any]:
        """The preconditioners of a stored layer by name: rows of numbers, or a number; zero where nothing is seen."""
        algorithm = self.family.member.algorithm
        told = self.family.told[layer] if self.family.told else {}
        step = {**self.steps[layer], **{(name, 0, 0): x for name, x in told.items()}}
        zero = Fraction(0)
        return {
            name: step.get((name, 0, 0), zero)
            if name in algorithm.scalar_preconditioners
            else [[step.get((name, i, j), zero) for j in range(d)] for i in range(d)]
            for name in algorithm.preconditioners
        }


def exact_fit(family: Family, layers: Sequence[Mapping[Any, Fraction]]) -> Fitted | None:
    """Parameters with which the algorithm's tensors are exactly these, or None when there are none.

    A `kappa` of None is one that no entry shows.  No two units of an algorithm share a place.
    """
    nets = [family.without_fixed(k, entries) for k, entries in enumerate(layers)]
    kappa = _kappa(family, nets)
    if kappa is _WRONG:
        return None
    value: Fraction | None = None if kappa is None else kappa
    steps = []
    for units, entries in zip(family.layers, nets, strict=True):
        step = {}
        for unit in units:
            place = min(unit.entries, key=family.power)
            scale = (Fraction(1) if value is None else value) ** family.power(place)
            x = entries.get(place, Fraction(0))
            if scale == 0 and x:
                return None
            step[unit.name, unit.row, unit.column] = x / (unit.entries[place] * scale) if scale else Fraction(0)
        steps.append(step)
    fit = Fitted(family, value, tuple(steps))
    if any(fit.rest(k, entries) for k, entries in enumerate(layers)):
        return None
    return fit


_WRONG = object()


def _kappa(family: Family, layers: Sequence[Mapping[Any, Fraction]]) -> Any:
    """The factor of the discount that the first telling pair of entries shows; None where none does."""
    if not family.discounted:
        return None
    for units, entries in zip(family.layers, layers, strict=True):
        for unit in units:
            by_power: dict[int, Any] = {}
            for place in unit.entries:
                by_power.setdefault(family.power(place), place)
            for k, place in by_power.items():
                if k + 1 in by_power and entries.get(place):
                    above = by_power[k + 1]
                    low = entries[place] / unit.entries[place]
                    return entries.get(above, Fraction(0)) / unit.entries[above] / low
            if 0 not in by_power and any(entries.get(place) for place in unit.entries):
                return _WRONG if len(by_power) > 1 else None
    return None

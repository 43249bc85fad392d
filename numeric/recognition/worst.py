"""A bound on how far a network's prediction can be from an algorithm's, over all prompts with entries in [-1, 1].

Row by row: an algorithm's rows stay within B, the difference of the two within D, and a layer adds to each what its
tensor's entries in absolute value can make of them.  All in rationals that are rounded up.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ...symbolic.exact import nearest
from ...symbolic.recognition.fitted import Fitted
from ...symbolic.recognition.masks import MaskSpace
from ...symbolic.recognition.network import Network
from ...symbolic.recognition.prompts import holds_data
from ...symbolic.recognition.reach import everything, reaches
from ...symbolic.recognition.rebuild import rebuilt
from ...symbolic.recognition.tensor import tensors

BITS = 60


def worst_case(network: Network, fitted: Fitted) -> dict[str, Any]:
    """The bound after all layers, and what the algorithm's own prediction is bounded by; undecided when vacuous.

    A bound that is not below that size says nothing.
    """
    layout, space = network.layout, MaskSpace()
    reach = everything(network)
    own, other = tensors(network, space, reach), tensors(rebuilt(network, fitted), space, reach)
    row = layout.accumulator(network.readout.row)
    known = {layout.accumulator(name) for name in holds_data(network.prompt)}
    B = [Fraction(int(i < layout.p or i in known)) for i in range(layout.m)]
    D = [Fraction(0)] * layout.m
    sizes = [sum((abs(x) for x in mask.values()), Fraction(0)) / layout.n for mask in space.basis]
    last = reaches(network)[-1][-1]
    for number in range(network.depth):
        k = 0 if network.looped else number
        asked = last.asked if number == network.depth - 1 else None
        B, D = _step(own[k].entries, other[k].entries, sizes, B, D, row if asked is not None else None, asked)
    bound, size = D[row], B[row]
    return {
        "bound": nearest(bound),
        "size": nearest(size),
        "verdict": "bounded" if bound < size or bound == 0 else "undecided",
        "prompts": "entries of phi, gamma phi' and R in [-1, 1]",
    }


def _step(
    own: Mapping[Any, Fraction], other: Mapping[Any, Fraction], sizes: list[Fraction], B: list[Fraction],
    D: list[Fraction], only: int | None, asked: frozenset[int] | None,
) -> tuple[list[Fraction], list[Fraction]]:  # fmt: skip
    new_B, new_D = list(B), list(D)
    both = [x + y for x, y in zip(B, D, strict=True)]
    for place in {**own, **other}:
        a, b, r, s, k = place
        if (only is not None and a != only) or (asked is not None and s not in asked):
            continue
        theirs = other.get(place, Fraction(0))
        left = abs(own.get(place, Fraction(0)) - theirs)
        whole, mine = both[b] * both[r] * both[s], B[b] * B[r] * B[s]
        new_B[a] += abs(theirs) * sizes[k] * mine
        new_D[a] += sizes[k] * (left * whole + abs(theirs) * (whole - mine))
    return [_up(x) for x in new_B], [_up(x) for x in new_D]


def _up(x: Fraction) -> Fraction:
    """At least x, with few digits."""
    shift = max(0, x.numerator.bit_length() - x.denominator.bit_length())
    scale = Fraction(2) ** (BITS - shift)
    return -((-x * scale).__floor__()) / scale

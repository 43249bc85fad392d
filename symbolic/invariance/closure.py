"""The smallest invariant affine family through the algorithm's own weights, and what one step can reach from there.

Ranks are taken at random points modulo a prime, where they can only be smaller than over Q: every dimension found
here is really there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import nmod_mat

from ..arithmetics.arithmetic import PRIME_FIELD
from ..arithmetics.prime_field import PRIME, element
from .samples import Outer, Trajectory
from .sets import WeightSet
from .span import Direction
from .update import sample_update
from .weights import Point, WeightSpace

IDLE = 3
"""How many random samples in a row must add nothing before the rank is taken as reached."""
SMALL = 2**20
"""The largest numerator and denominator of a direction's entry: another number passes for one with chance 2^-19."""


@dataclass(frozen=True, eq=False)
class Reached:
    """What expected updates span.

    flow       dimension spanned by the updates at the algorithm's own weights, over all symmetric laws
    dimension  of the smallest affine family that contains the algorithm's weights and is closed under the updates at
               all of its points: a lower bound (rank modulo a prime), certain in that direction
    directions the family's directions when they are simple rationals, else None
    """

    flow: int
    dimension: int
    directions: tuple[Direction, ...] | None


def field_trajectory(space: WeightSpace, rng: random.Random) -> Trajectory:
    """A trajectory with uniform entries of the prime field."""
    n, d = space.layout.n, space.layout.d
    features = tuple(tuple(element(rng.randrange(PRIME)) for _ in range(d)) for _ in range(n + 3))
    rewards = tuple(element(rng.randrange(PRIME)) for _ in range(n + 2))
    return Trajectory(features, rewards, drawn_extras(space, lambda: element(rng.randrange(PRIME))))


def drawn_extras(space: WeightSpace, draw: Callable[[], Any]) -> tuple[tuple[str, bool, tuple[Any, ...]], ...]:
    """What else the algorithm's transitions carry, at n + 1 steps, each number by `draw`."""
    n, d = space.layout.n, space.layout.d
    return tuple(
        (name, is_vector, tuple(tuple(draw() for _ in range(d)) if is_vector else draw() for _ in range(n + 1)))
        for name, is_vector in space.algorithm.extras
    )


def reach(space: WeightSpace, whole: WeightSet, start: Point, outer: Outer, seed: int = 0) -> Reached:
    """Collect updates, averaged over the group by projection on its commutant `whole`, until nothing new appears.

    `start` must lie in the commutant; the projection is the average only because the update is equivariant
    (`check_equivariance`).
    """
    rng = random.Random(f"layerproof closure {seed}")
    origin = [element(x) for x in start]
    flow = _collect(space, whole, outer, rng, lambda rows: origin)
    rows = flow
    while True:
        basis = _echelon(rows, whole.dimension)

        def anywhere(known: Sequence[Sequence[int]]) -> list[Any]:
            point = list(origin)
            for row in known:
                scale = rng.randrange(PRIME)
                for c, v in zip(row, whole.directions, strict=True):
                    if c:
                        for k, x in v.items():
                            point[k] = point[k] + element(x) * (c * scale % PRIME)
            return point

        grown = _echelon(_collect(space, whole, outer, rng, anywhere, basis), whole.dimension)
        if len(grown) == len(basis):
            break
        rows = grown
    return Reached(len(_echelon(flow, whole.dimension)), len(basis), _rational(basis, whole))


def _collect(
    space: WeightSpace, whole: WeightSet, outer: Outer, rng: random.Random, choose: Any, known: Sequence[list[int]] = ()
) -> list[list[int]]:
    rows, idle = [list(row) for row in known], 0
    while idle < IDLE and len(rows) < whole.dimension:
        found = sample_update(space, choose(rows), field_trajectory(space, rng), outer, PRIME_FIELD).update
        grown = _echelon([*rows, [int(c) for c in whole.span.coefficients(found, PRIME_FIELD)]], whole.dimension)
        idle = idle + 1 if len(grown) == len(rows) else 0
        rows = grown
    return rows


def _echelon(rows: Sequence[Sequence[int]], width: int) -> list[list[int]]:
    if not rows:
        return []
    echelon, rank = nmod_mat(len(rows), width, [x for row in rows for x in row], PRIME).rref()
    return [[int(x) for x in row] for row in echelon.tolist()[:rank]]


def _rational(basis: Sequence[Sequence[int]], whole: WeightSet) -> tuple[Direction, ...] | None:
    """The reduced basis with each entry as a rational of small denominator, when all are."""
    result = []
    for row in basis:
        total: dict[int, Fraction] = {}
        for c, v in zip(row, whole.directions, strict=True):
            if not c:
                continue
            q = small_rational(c)
            if q is None:
                return None
            for k, x in v.items():
                total[k] = total.get(k, Fraction(0)) + q * x
        result.append(total)
    return tuple(result)


def small_rational(x: int) -> Fraction | None:
    """The rational a/b = x modulo the prime with |a| and b at most `SMALL`, or None: half of Euclid's algorithm."""
    r, rest, b, following = PRIME, x % PRIME, 0, 1
    while rest > SMALL:
        q = r // rest
        r, rest, b, following = rest, r - q * rest, following, b - q * following
    return Fraction(rest, following) if 0 < abs(following) <= SMALL else None

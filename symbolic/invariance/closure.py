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
from ..errors import WorkLimitError
from .samples import Outer, Trajectory
from .sets import AffineSet, WeightSet
from .span import Direction
from .update import sample_update
from .weights import Point, WeightSpace

IDLE = 3
"""How many random samples of a batch must add nothing before the rank is taken as reached."""
REACH_LIMIT = 1000
"""The largest dimension of a commutant inside which updates are collected."""
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
    (`check_equivariance`).  Raises `WorkLimitError` for a commutant of more than `REACH_LIMIT` dimensions.
    """
    if whole.dimension > REACH_LIMIT:
        raise WorkLimitError(
            f"the commutant has dimension {whole.dimension} at d = {space.layout.d}, and what is reached inside it is "
            f"computed up to {REACH_LIMIT}: ask for fewer features or a larger group, or about the set commutant"
        )
    rng = random.Random(f"layerproof closure {seed}")
    origin = [element(x) for x in start]
    flow = _collect(space, whole, outer, rng, lambda rows, count: [origin] * count)
    rows = flow
    while True:
        grown = _collect(space, whole, outer, rng, lambda known, n: random_points(whole, origin, known, n, rng), rows)
        if len(grown) == len(rows):
            break
        rows = grown
    return Reached(len(flow), len(rows), rational_directions(rows, whole))


def random_points(
    whole: AffineSet[Any], origin: Sequence[Any], rows: Sequence[Sequence[int]], count: int, rng: random.Random
) -> list[list[Any]]:
    """Random points of the affine family through `origin` along the rows, each row a combination of the directions."""
    if not rows:
        return [list(origin)] * count
    basis = nmod_mat(len(rows), whole.dimension, [x for row in rows for x in row], PRIME)
    scales = nmod_mat(count, len(rows), [rng.randrange(PRIME) for _ in range(count * len(rows))], PRIME)
    points = []
    for line in (scales * basis).tolist():
        point = list(origin)
        for c, v in zip(line, whole.directions, strict=True):
            if int(c):
                for k, x in v.items():
                    point[k] = point[k] + element(x) * int(c)
        points.append(point)
    return points


def _collect(
    space: WeightSpace, whole: WeightSet, outer: Outer, rng: random.Random, choose: Any, known: Sequence[list[int]] = ()
) -> list[list[int]]:
    """An echelon basis of the rows and what updates add to them, in growing batches: each costs one elimination."""
    rows, size = [list(row) for row in known], IDLE
    while len(rows) < whole.dimension:
        batch = []
        for point in choose(rows, size):
            change = sample_update(space, point, field_trajectory(space, rng), outer, PRIME_FIELD).update
            batch.append([int(c) for c in whole.span.coefficients(change, PRIME_FIELD)])
        grown = echelon([*rows, *batch], whole.dimension)
        added, rows = len(grown) - len(rows), grown
        if size - added >= IDLE:
            break
        size = min(2 * size, max(IDLE, len(rows) // 2))
    return rows


def echelon(rows: Sequence[Sequence[int]], width: int) -> list[list[int]]:
    """The reduced basis, modulo the prime, of what rows span."""
    if not rows:
        return []
    reduced, rank = nmod_mat(len(rows), width, [x for row in rows for x in row], PRIME).rref()
    return [[int(x) for x in row] for row in reduced.tolist()[:rank]]


def rational_directions(basis: Sequence[Sequence[int]], whole: AffineSet[Any]) -> tuple[Direction, ...] | None:
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

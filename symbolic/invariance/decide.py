"""Is a set of weights invariant? A small rational witness when it is not; exact or random evidence when it is."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

from ..arithmetics.arithmetic import PRIME_FIELD, RATIONALS
from ..arithmetics.prime_field import PRIME, element
from ..exact import as_fraction
from .closure import drawn_extras, field_trajectory
from .samples import Outer, Trajectory
from .sets import AffineSet, WeightSet, commutant
from .symmetry import SymmetryGroup
from .update import averaged_update, check_equivariance, sample_update
from .weights import Point, WeightSpace

ORBIT_LIMIT = 400
"""The largest group whose orbit of a sample is enumerated: signed permutations up to d = 4 have 384."""
ATTEMPTS = 12
"""How many samples are tried for a witness before the set is taken to be worth proving."""


@dataclass(frozen=True, eq=False)
class InvarianceWitness:
    """A point of the set and a sample whose orbit's expected update leaves the set.

    update   the expected update, flat; residual: its part outside the set, {position: value}
    """

    point: Point
    sample: Trajectory
    update: tuple[Fraction, ...]
    residual: dict[int, Fraction]


@dataclass(frozen=True)
class RandomInvariance:
    """The averaged update at a random point of the set and a random sample, modulo a prime: quick, and the first asked.

    residual   positions where it leaves the set: none when it holds
    degree     bounds the degree of every polynomial tested
    checks     how many identities were tested at a random point: one, and one for each generator where the update's
               equivariance stands behind a projection; probability = checks * degree / prime
    averaged   by enumeration of the group, or by projection on its commutant after an equivariance check
    """

    residual: tuple[int, ...]
    degree: int
    averaged: str
    checks: int = 1

    @property
    def holds(self) -> bool:
        """Whether nothing left the set."""
        return not self.residual

    @property
    def probability(self) -> Fraction:
        """A bound on the chance that a set that is not invariant (over the field) passes."""
        return Fraction(self.degree * self.checks, PRIME)


def update_degree(depth: int, several_heads: bool) -> int:
    """A bound on the degree of the outer update in the weights, features and rewards together.

    Z_0 has degree 1 and each layer takes degree k to 3 k + 2, or 3 k + 3 when W is trained too.
    """
    degree = 1
    for _ in range(depth):
        degree = 3 * degree + (3 if several_heads else 2)
    return 2 * degree


def inside_commutant(weights: WeightSet, whole: WeightSet) -> bool:
    """Whether every point of the set lies in the commutant, so that averages may be taken by projection."""
    if weights.frozen:
        return False
    base = {k: x for k, x in enumerate(weights.base) if x}
    return whole.span.contains(base) and all(whole.span.contains(v) for v in weights.directions)


@lru_cache(maxsize=32)
def equivariant(space: WeightSpace, group: SymmetryGroup, outer: Outer, seed: int = 0) -> str | None:
    """`check_equivariance` at a random point, of no set, and a random sample modulo a prime; None when it holds."""
    rng = random.Random(f"layerproof equivariance {seed}")
    point = [element(rng.randrange(PRIME)) for _ in range(space.size)]
    return check_equivariance(space, point, field_trajectory(space, rng), outer, group, PRIME_FIELD)


def enumerable(group: SymmetryGroup) -> bool:
    """Whether the group is small enough to move a sample by every one of its elements."""
    return group.order is not None and group.order <= ORBIT_LIMIT


def find_witness(
    weights: WeightSet,
    group: SymmetryGroup,
    outer: Outer,
    start: Point,
    seed: int = 0,
    attempts: int = ATTEMPTS,
) -> InvarianceWitness | None:
    """A point of the set and a sample of small numbers whose averaged update leaves the set, made plain; else None.

    The algorithm's own weights are tried first when the set has them.  A group too large to enumerate is averaged by
    projection for sets inside its commutant; for others None is returned, and says nothing.
    """
    space = weights.space
    whole = commutant(space, group)
    projected = not enumerable(group)
    if projected and (not inside_commutant(weights, whole) or equivariant(space, group, outer) is not None):
        return None
    rng = random.Random(f"layerproof witness {seed}")

    def averaged(point: Point, sample: Trajectory) -> list[Any]:
        if projected:
            moved = sample_update(space, point, sample, outer, RATIONALS).update
            return [x - y for x, y in zip(moved, whole.span.residual(moved, RATIONALS), strict=True)]
        return averaged_update(space, point, sample, outer, group.elements or (), RATIONALS)

    def leaves(point: Point, sample: Trajectory) -> bool:
        return any(x != 0 for x in weights.span.residual(averaged(point, sample), RATIONALS))

    for attempt in range(attempts):
        point = start if attempt % 2 == 0 and weights.has(start) else small_point(weights, rng)
        sample = _small_sample(space, rng)
        if leaves(point, sample):
            sample = _plainer(sample, partial(leaves, point))
            update = averaged(point, sample)
            return InvarianceWitness(point, sample, tuple(map(as_fraction, update)), outside(weights, update))
    return None


def single_sample(
    space: WeightSpace, group: SymmetryGroup, outer: Outer, start: Point, seed: int = 0, anywhere: bool = False
) -> InvarianceWitness | None:
    """One sample's update without any average, at the algorithm's weights or (`anywhere`) at random small ones.

    The residual is its part outside the commutant; None when every sample tried stays inside (one that never does
    cannot be found, which says nothing).
    """
    rng = random.Random(f"layerproof single sample {seed}")
    whole = commutant(space, group)
    for _ in range(ATTEMPTS):
        point = tuple(Fraction(rng.randint(-2, 2)) for _ in range(space.size)) if anywhere else start
        sample = _small_sample(space, rng)
        update = sample_update(space, point, sample, outer, RATIONALS).update
        residual = outside(whole, update)
        if residual or (anywhere and any(x != 0 for x in update)):
            return InvarianceWitness(point, sample, tuple(map(as_fraction, update)), residual)
    return None


def outside(weights: AffineSet[Any], update: Sequence[Any]) -> dict[int, Fraction]:
    """What an update over Q has outside a set, {position: value}."""
    return {k: as_fraction(x) for k, x in enumerate(weights.span.residual(update, RATIONALS)) if x != 0}


def small_point(weights: AffineSet[Any], rng: random.Random) -> Point:
    """A point of the set with small coefficients, none of them zero."""
    draw = [Fraction(rng.choice((-2, -1, 1, 2))) for _ in range(weights.dimension)]
    return weights.point(draw, [Fraction(rng.randint(-1, 1)) for _ in weights.frozen])


def field_point(weights: AffineSet[Any], rng: random.Random) -> Sequence[Any]:
    """A point of the set with uniform coefficients of the prime field."""
    frozen = [element(rng.randrange(PRIME)) for _ in weights.frozen]
    return weights.point([element(rng.randrange(PRIME)) for _ in weights.directions], frozen, element)


def small_sample(space: WeightSpace, seed: int = 0) -> Trajectory:
    """A sample of small whole numbers."""
    return _small_sample(space, random.Random(f"layerproof small sample {seed}"))


def generic_point(weights: WeightSet, seed: int = 0) -> Point:
    """`small_point`, the same one for the same seed."""
    return small_point(weights, random.Random(f"layerproof generic point {seed}"))


def _small_sample(space: WeightSpace, rng: random.Random) -> Trajectory:
    n, d = space.layout.n, space.layout.d
    features = tuple(tuple(Fraction(rng.randint(-2, 2)) for _ in range(d)) for _ in range(n + 3))
    rewards = tuple(Fraction(rng.randint(-2, 2)) for _ in range(n + 2))
    return Trajectory(features, rewards, drawn_extras(space, lambda: Fraction(rng.randint(-2, 2))))


def _plainer(sample: Trajectory, fails: Callable[[Trajectory], bool]) -> Trajectory:
    return sample.with_numbers(plainer(sample.numbers, lambda numbers: fails(sample.with_numbers(numbers))))


def plainer(entries: Sequence[Fraction], fails: Callable[[Sequence[Fraction]], bool]) -> list[Fraction]:
    """Entries replaced by 0, else by 1, one after the other, wherever what they make still fails."""
    plain = list(entries)
    for k, x in enumerate(entries):
        for least in (Fraction(0), Fraction(1)):
            if x == least:
                break
            attempt = [*plain[:k], least, *plain[k + 1 :]]
            if fails(attempt):
                plain = attempt
                break
    return plain


def random_invariance(weights: WeightSet, group: SymmetryGroup, outer: Outer, seed: int = 0) -> RandomInvariance | None:
    """Evaluate the averaged update's part outside the set at one random point; None where no average can be taken."""
    space = weights.space
    rng = random.Random(f"layerproof random invariance {seed}")
    point = field_point(weights, rng)
    sample = field_trajectory(space, rng)
    degree = update_degree(space.depth, len(space.masks) > 1)
    whole = commutant(space, group)
    if inside_commutant(weights, whole):
        wrong = equivariant(space, group, outer, seed)
        if wrong is None:
            update = sample_update(space, point, sample, outer, PRIME_FIELD).update
            update = [x - y for x, y in zip(update, whole.span.residual(update, PRIME_FIELD), strict=True)]
            how = "by projection on the commutant, after an equivariance check"
            return _judged(weights, update, degree, how, 1 + len(group.generators))
    if not enumerable(group):
        return None
    update = averaged_update(space, point, sample, outer, group.elements or (), PRIME_FIELD)
    return _judged(weights, update, degree, f"over all {len(group.elements or ())} elements")


def _judged(weights: WeightSet, update: Sequence[Any], degree: int, averaged: str, checks: int = 1) -> RandomInvariance:
    left = weights.span.residual(update, PRIME_FIELD)
    return RandomInvariance(tuple(k for k, x in enumerate(left) if x != 0), degree, averaged, checks)

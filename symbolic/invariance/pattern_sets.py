"""Which sets of trained weights of layers with patterns an expected update keeps: averages, sets, witnesses.

The law moves the features of one sample by every element of a group, and leaves chain, rewards and pattern: a kernel of
the scores x . y does not change under an orthogonal map of all features.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

from flint import Ordering, fmpq_mpoly_ctx

from ..arithmetics.arithmetic import PRIME_FIELD, RATIONALS, Arithmetic
from ..arithmetics.prime_field import PRIME, element
from ..exact import as_fraction
from ..identity.entrywise import polynomial_arithmetic
from ..patterns.kernels import EXACT, exact_pattern
from ..patterns.layer import Layer
from .closure import IDLE, echelon, random_points, rational_directions
from .decide import ATTEMPTS, field_point, outside, plainer, small_point, update_degree
from .pattern_training import COLUMN, KERNEL, PatternSpace, gradient, prompts, seed_at, states, target, taught
from .samples import Outer, Trajectory
from .sets import AffineSet, commutant, scaled_weights, zero_pattern
from .symmetry import SymmetryGroup

PatternSet = AffineSet[PatternSpace]


@dataclass(frozen=True)
class Drawn:
    """A sample: a trajectory, with the state "w" that a column starts from, and the pattern of each prompt."""

    trajectory: Trajectory
    patterns: tuple[Any, ...]

    def moved(self, g: Any, number: Callable[[Any], Any]) -> Drawn:
        """The sample with g applied to every feature vector."""
        return Drawn(self.trajectory.moved(g, number), self.patterns)


def drawn(space: PatternSpace, draw: Callable[[], Any], opaque: bool = True) -> Drawn:
    """A sample with every number drawn; the patterns are drawn too, or those of a kernel that is rational."""
    d, n = space.d, space.n

    def vector() -> tuple[Any, ...]:
        return tuple(draw() for _ in range(d))

    features = tuple(vector() for _ in range(n + 3))
    extras = (("w", True, (vector(),)),) if space.kind == COLUMN else ()
    trajectory = Trajectory(features, tuple(draw() for _ in range(n + 2)), extras)
    if space.kind == COLUMN:
        return Drawn(trajectory, ())
    if opaque:
        K = [[[draw() for _ in range(n + 1)] for _ in range(n + 1)] for _ in range(2)]
        return Drawn(trajectory, tuple(K))
    return with_kernel(space, trajectory)


def with_kernel(space: PatternSpace, trajectory: Trajectory) -> Drawn:
    """The sample whose patterns are those of the first of the algorithm's kernels that is rational, else polynomial."""
    kernel = kernel_of(space)
    last = space.n if space.form.algorithm.chained else space.n + 1
    patterns = []
    for first in (0, 1):
        features = [*trajectory.features[first : first + space.n], trajectory.features[first + last]]
        patterns.append(exact_pattern(kernel, features))
    return Drawn(trajectory, tuple(patterns))


def kernel_of(space: PatternSpace) -> str:
    """The kernel that a witness is made with."""
    return next((k for k in space.form.algorithm.kernels if k in EXACT), "polynomial")


def update(space: PatternSpace, layers: Sequence[Layer], sample: Drawn, outer: Outer | str, a: Arithmetic) -> list[Any]:
    """The update of the layers at a point on one sample, flat, one number a trained entry."""
    n = space.n
    window = outer.window if isinstance(outer, Outer) else "sliding"
    made = prompts(space, a, sample.trajectory, window, sample.patterns)
    ran = [states(layers, s) for s in made]
    shape, nothing = (space.m, n + 1), a.number(0)

    def at(Z: Any, i: int) -> Any:
        x = a.at(Z, i, n)
        return nothing if x is None else x

    if space.kind == COLUMN:
        ((reached, K),) = ran
        rows = column_rows(space)
        wanted = taught(space, made[0])
        errors = {(i, n): made[0].arithmetic.number(x) - at(reached[-1], i) for i, x in zip(rows, wanted, strict=True)}
        return gradient(space, reached, layers, K, seed_at(a, shape, errors), a)
    assert isinstance(outer, Outer) and space.read is not None  # of a kernel
    row, factor = space.read
    back = a.number(1 / factor)
    predictions = [at(reached[-1], row) * back for reached, _ in ran]
    delta = outer.error(a, target(space, sample.trajectory), *predictions)
    seed = seed_at(a, shape, {(row, n): back})
    total: list[Any] | None = None
    for factor_of, (reached, K) in zip(outer.coefficients(a, delta), ran, strict=True):
        if factor_of is not None:
            here = [factor_of * g for g in gradient(space, reached, layers, K, seed, a)]
            total = here if total is None else [x + y for x, y in zip(total, here, strict=True)]
    return total or []


def column_rows(space: PatternSpace) -> range:
    """The rows that hold the state in its column."""
    (held,) = space.form.held
    return next(rows for name, rows, _ in space.blocks if name == held)


def average(
    space: PatternSpace, point: Sequence[Any], sample: Drawn, outer: Outer | str, group: SymmetryGroup, a: Arithmetic
) -> list[Any]:
    """The expected update under the law that moves one sample by every element of the group with equal probability."""
    elements, layers = group.elements or (), space.layers(point, a)
    total: list[Any] = []
    for g in elements:
        updated = update(space, layers, sample.moved(g, a.number), outer, a)
        total = updated if not total else [x + y for x, y in zip(total, updated, strict=True)]
    share = a.number(Fraction(1, len(elements)))
    return [x * share for x in total]


def degree(space: PatternSpace) -> int:
    """A bound on the degree of the update in weights, patterns, features, rewards and states together."""
    return 2 * (1 + 2 * space.depth) if space.kind == KERNEL else update_degree(space.depth, several_heads=False)


@dataclass(frozen=True, eq=False)
class PatternWitness:
    """A point of the set and a sample whose orbit's expected update leaves it, by `residual`."""

    point: tuple[Fraction, ...]
    sample: Drawn
    update: tuple[Fraction, ...]
    residual: dict[int, Fraction]


def find_witness(
    weights: PatternSet, group: SymmetryGroup, outer: Outer | str, seed: int, attempts: int = ATTEMPTS
) -> PatternWitness | None:
    """A point of the set and a small sample whose averaged update leaves the set, made plain; else None."""
    space, rng = weights.space, random.Random(f"layerproof pattern witness {seed}")

    def leaves(point: Sequence[Fraction], sample: Drawn) -> bool:
        return bool(outside(weights, average(space, point, sample, outer, group, RATIONALS)))

    for attempt in range(attempts):
        point = small_point(weights, rng)
        if attempt % 2 == 0 and weights.has(space.start):
            point = space.start
        sample = drawn(space, lambda: Fraction(rng.randint(-2, 2)), opaque=False)
        if leaves(point, sample):
            sample = _plainer(space, sample, partial(leaves, point))
            moved = average(space, point, sample, outer, group, RATIONALS)
            return PatternWitness(point, sample, tuple(map(as_fraction, moved)), outside(weights, moved))
    return None


def _plainer(space: PatternSpace, sample: Drawn, fails: Callable[[Drawn], bool]) -> Drawn:
    """Rewards and features replaced by 0, else by 1, wherever the sample still leaves the set."""
    t = sample.trajectory
    starts = [x for _, _, (start,) in t.extras for x in start]
    end = len(t.numbers)

    def rebuilt(values: Sequence[Fraction]) -> Drawn:
        extras = tuple((name, v, (tuple(values[end:]),)) for name, v, _ in t.extras)
        made = replace(t.with_numbers(values[:end]), extras=extras)
        return Drawn(made, ()) if space.kind == COLUMN else with_kernel(space, made)

    return rebuilt(plainer([*t.numbers, *starts], lambda attempt: fails(rebuilt(attempt))))


def _field_sample(space: PatternSpace, rng: random.Random) -> Drawn:
    return drawn(space, lambda: element(rng.randrange(PRIME)))


def random_residual(weights: PatternSet, group: SymmetryGroup, outer: Outer | str, seed: int) -> list[int]:
    """Where the averaged update leaves the set at one random point and sample modulo the prime, patterns included."""
    space, rng = weights.space, random.Random(f"layerproof random pattern invariance {seed}")
    averaged = average(space, field_point(weights, rng), _field_sample(space, rng), outer, group, PRIME_FIELD)
    return [k for k, x in enumerate(weights.span.residual(averaged, PRIME_FIELD)) if x != 0]


@dataclass(frozen=True)
class Expanded:
    """The averaged update of one layer as polynomials: how many entries and variables, and what leaves the set."""

    compared: int
    variables: int
    left: dict[int, str]


def polynomials(weights: PatternSet, group: SymmetryGroup, outer: Outer | str) -> Expanded:
    """The averaged update outside the set with every number a variable: weights, features, rewards, pattern, state."""
    space = weights.space
    count = weights.dimension + len(weights.frozen)
    size = (space.n + 3) * space.d + space.n + 2 + (space.d if space.kind == COLUMN else 2 * (space.n + 1) ** 2)
    context = fmpq_mpoly_ctx.get([f"s{k}" for k in range(count)] + [f"x{k}" for k in range(size)], Ordering.lex)
    a, variables = polynomial_arithmetic(context), iter(context.gens())
    frozen = [next(variables) for _ in weights.frozen]
    coefficients = [next(variables) for _ in weights.directions]
    point = weights.point(coefficients, frozen, lambda x: a.number(x) if x else 0)
    averaged = average(space, point, drawn(space, lambda: next(variables)), outer, group, a)
    left = {k: str(x)[:200] for k, x in enumerate(weights.span.residual(averaged, a)) if len(x)}
    return Expanded(sum(1 for x in averaged if len(x)), count + size, left)


# the sets


def moved_directions(
    space: PatternSpace, whole: PatternSet, group: SymmetryGroup, outer: Outer | str, seed: int
) -> list[int]:
    """Which directions of the commutant the update moves at a random point of it: the others it moves nowhere.

    A direction that a non-zero polynomial moves is missed with the chance of `degree` in 2^61.
    """
    rng = random.Random(f"layerproof moved directions {seed}")
    averaged = average(space, field_point(whole, rng), _field_sample(space, rng), outer, group, PRIME_FIELD)
    return [k for k, x in enumerate(whole.span.coefficients(averaged, PRIME_FIELD)) if x != 0]


def seen_set(
    space: PatternSpace, group: SymmetryGroup, outer: Outer | str, name: str, meaning: str, seed: int
) -> PatternSet:
    """The commutant's directions that the update moves; others as in the algorithm's own weights."""
    whole = commutant(space, group)
    moved = moved_directions(space, whole, group, outer, seed)
    return _through(space, whole, moved, name, meaning)


def _through(space: PatternSpace, whole: PatternSet, kept: Sequence[int], name: str, meaning: str) -> PatternSet:
    base = list(space.start)
    for k in kept:
        for j in whole.directions[k]:
            base[j] = Fraction(0)
    return AffineSet(
        name, meaning, space, tuple(base), tuple(whole.directions[k] for k in kept),
        labels=tuple(whole.labels[k] for k in kept),
    )  # fmt: skip


def one_layer_set(space: PatternSpace, group: SymmetryGroup, outer: Outer | str, seed: int) -> PatternSet:
    """What one layer's update moves, in every stored layer; others as in the algorithm's own weights."""
    single = replace(space, depth=1, looped=True)
    moved = moved_directions(single, commutant(single, group), group, outer, seed)
    whole = commutant(space, group)
    size = whole.dimension // space.stored
    kept = [layer * size + k for layer in range(space.stored) for k in moved]
    meaning = "what one layer's update moves, in every layer; other entries as in the algorithm's own weights"
    return _through(space, whole, kept, "one-layer", meaning)


def smallest_set(space: PatternSpace, group: SymmetryGroup, outer: Outer | str, seed: int) -> PatternSet | None:
    """The smallest affine family through the algorithm's own weights that is closed under the update.

    Ranks modulo a prime can only be smaller than over Q; None where its directions are no simple rationals.
    """
    whole, rng = commutant(space, group), random.Random(f"layerproof pattern closure {seed}")
    origin = [element(x) for x in space.start]
    rows: list[list[int]] = []
    idle = 0
    while idle < IDLE and len(rows) < whole.dimension:
        (point,) = random_points(whole, origin, rows, 1, rng)
        averaged = average(space, point, _field_sample(space, rng), outer, group, PRIME_FIELD)
        new = [int(x) for x in whole.span.coefficients(averaged, PRIME_FIELD)]
        grown = echelon([*rows, new], whole.dimension)
        idle, rows = (0 if len(grown) > len(rows) else idle + 1), grown
    directions = rational_directions(rows, whole)
    if directions is None:
        return None
    meaning = "the smallest affine family through the algorithm's own weights that the update keeps"
    if not rows:
        meaning += ": these weights alone, where it is zero"
    return AffineSet("smallest", meaning, space, space.start, directions)


def named_set(space: PatternSpace, group: SymmetryGroup, outer: Outer | str, name: str, seed: int) -> PatternSet | None:
    """A set by its name."""
    if name == "weights":
        return scaled_weights(space, space.start)
    if name == "zero-pattern":
        return zero_pattern(space, group, space.start)
    if name == "one-layer":
        return one_layer_set(space, group, outer, seed)
    if name == "last-layer":
        meaning = "the commutant, with what the update never moves as in the algorithm's own weights"
        return seen_set(space, group, outer, name, meaning, seed)
    return commutant(space, group) if name == "commutant" else smallest_set(space, group, outer, seed)


def single_sample(space: PatternSpace, group: SymmetryGroup, outer: Outer | str, seed: int) -> PatternWitness | None:
    """One sample's update without any average, at small weights of the commutant, that leaves it; else None."""
    whole, rng = commutant(space, group), random.Random(f"layerproof pattern single sample {seed}")
    for _ in range(ATTEMPTS):
        point = small_point(whole, rng)
        sample = drawn(space, lambda: Fraction(rng.randint(-2, 2)), opaque=False)
        moved = update(space, space.layers(point, RATIONALS), sample, outer, RATIONALS)
        residual = outside(whole, moved)
        if residual:
            return PatternWitness(point, sample, tuple(map(as_fraction, moved)), residual)
    return None


def balance_rates(space: PatternSpace, outer: Outer | str, seed: int) -> list[Any]:
    """For each head of each stored layer 2 (<u_V, V> - <u_Q, Q>) at a random point and sample, modulo the prime.

    It is zero where the gradient flow conserves ||V||^2 - ||Q||^2.
    """
    rng = random.Random(f"layerproof pattern balance {seed}")
    point = [element(rng.randrange(PRIME)) for _ in range(space.size)]
    moved = update(space, space.layers(point, PRIME_FIELD), _field_sample(space, rng), outer, PRIME_FIELD)
    products = [x * y for x, y in zip(moved, point, strict=True)]
    size = space.m**2
    sums = [sum(products[k : k + size], element(0)) for k in range(0, len(products), size)]
    return [2 * (v - q) for v, q in zip(sums[::2], sums[1::2], strict=True)]

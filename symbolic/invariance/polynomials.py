"""One layer, entry by entry: the averaged update's part outside a set, as polynomials in every entry (FLINT).

Weights of the set, features and rewards are all variables; the set is invariant at this d and n exactly when every
polynomial is zero.  Nothing is assumed about the update's symmetry: the average over the group is taken in the
polynomials.  The update is the outer error times a gradient.  Where the group leaves the error as it is, which is seen
in the error's own polynomial (so it is when the set commutes with the group), the average is the error times the
gradient's average, and no product is formed.  Else the two factors are moved, which have few terms, and multiplied.
Sign flips keep the monomials of even degree in each feature's coordinate, so only terms of equal parity are ever
multiplied; the other elements permute or mix the variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq_mpoly_ctx

from ..arithmetics.arithmetic import RATIONALS
from ..errors import WorkLimitError
from ..identity.entrywise import polynomial_arithmetic
from ..identity.exact import Problem
from .gradient import gradients, read_out
from .moved import Mover
from .samples import Outer, Trajectory, prompts
from .sets import WeightSet
from .symmetry import SymmetryGroup
from .update import along, predict, prompt_matrix, seeds
from .weights import WeightSpace

EXPANSION_LIMIT = 100_000_000
"""The most exponents, terms times variables, that are written down."""


@dataclass(frozen=True)
class PolynomialResult:
    """The residual polynomials of one layer's averaged update.

    compared  : coordinates whose update is not identically zero before the average
    terms     : terms of what was averaged, all coordinates together
    variables : generic entries
    nonzero   : {position: residual as text, shortened} of the coordinates that leave the set
    factored  : whether the group leaves the outer error as it is, so that the gradient alone was averaged
    """

    compared: int
    terms: int
    variables: int
    nonzero: dict[int, str]
    factored: bool

    @property
    def holds(self) -> bool:
        """Whether every residual is the zero polynomial."""
        return not self.nonzero


def residual_polynomials(weights: WeightSet, group: SymmetryGroup, outer: Outer) -> PolynomialResult:
    """Expand the part of the averaged update that lies outside the set, for L = 1.

    Raises `WorkLimitError` when too many terms would be formed, `ValueError` for L > 1 or an infinite group.
    """
    space = weights.space
    if space.depth != 1 or group.order is None:
        raise ValueError("the polynomials are expanded for one layer and a finite group")
    n, d = space.layout.n, space.layout.d
    context, point, sample, held, count = _generic(weights)
    arithmetic = polynomial_arithmetic(context)
    what = f"d = {d}, n = {n}"
    now, later = prompts(space, arithmetic, sample, outer.window)
    _within(space, point, now, weights.dimension, len(context.gens()))
    layers = space.heads(point, arithmetic)
    prediction, before = predict(space, layers, now)
    following, before_later = predict(space, layers, later)
    delta = outer.error(arithmetic, sample.rewards[-1], prediction, following)
    factors = outer.coefficients(arithmetic, arithmetic.number(1))
    moved = along(space, layers, (before, before_later), factors, arithmetic)
    left = {k: x for k, x in enumerate(weights.span.residual(moved, arithmetic)) if len(x)}

    mover = Mover(context, group, held, count, what)
    factored = mover.leaves(delta)
    averages = mover.averages(list(left.values())) if factored else mover.products(delta, list(left.values()))
    nonzero = {}
    for k, rest in zip(left, averages, strict=True):
        if len(rest) and len(delta):
            text = str(rest)
            shown = text[:200] + (" ..." if len(text) > 200 else "")
            nonzero[k] = f"the outer error times ({shown})" if factored else shown
    return PolynomialResult(
        sum(1 for x in moved if len(x)), sum(map(len, left.values())) if factored else sum(map(len, averages)),
        len(context.gens()), nonzero, factored,
    )  # fmt: skip


def _generic(weights: WeightSet) -> tuple[Any, tuple[Any, ...], Trajectory, int, int]:
    """A generic point of the set and a generic sample: the context, both, the first variable that a vector of the
    sample has, and how many vectors the group moves."""
    space = weights.space
    n, d = space.layout.n, space.layout.d
    frozen = sorted(weights.frozen)
    names = [f"s{k}" for k in range(weights.dimension)] + [f"z{k}" for k in frozen]
    held = len(names)
    carried = space.algorithm.extras
    moved = [f"f{t}" for t in range(n + 3)] + [f"{name}{t}" for name, v in carried if v for t in range(n + 1)]
    count = len(moved)  # vectors that the symmetry moves
    names += [f"{v}_{i}" for v in moved for i in range(d)] + [f"r{t}" for t in range(1, n + 3)]
    names += [f"{name}{t}" for name, is_vector in carried if not is_vector for t in range(n + 1)]
    context = fmpq_mpoly_ctx.get(names, Ordering.lex)
    generators = context.gens()
    number = polynomial_arithmetic(context).number
    free, fixed = generators[: weights.dimension], generators[weights.dimension : held]
    point = weights.point(free, fixed, lambda x: number(x) if x else 0)
    vectors = [tuple(generators[held + t * d : held + (t + 1) * d]) for t in range(count)]
    numbers = list(generators[held + count * d :])
    rest, scalars = vectors[n + 3 :], numbers[n + 2 :]
    extras = []
    for name, is_vector in carried:
        source = rest if is_vector else scalars
        extras.append((name, is_vector, tuple(source[: n + 1])))
        del source[: n + 1]
    sample = Trajectory(tuple(vectors[: n + 3]), tuple(numbers[: n + 2]), tuple(extras))
    return context, point, sample, held, count


def _within(space: WeightSpace, point: Sequence[Any], setup: Problem, dimension: int, variables: int) -> None:
    """Refuse an expansion that would be too large: terms are counted by the same computation on numbers of terms."""

    def terms(x: Any) -> int:
        return 0 if x is None or isinstance(x, int) else len(x)

    masks = tuple(tuple(tuple(Fraction(bool(x)) for x in row) for row in mask) for mask in space.masks)
    counting = replace(space, masks=masks, readout=replace(space.readout, sign=1))
    Z = RATIONALS.matrix([[terms(x) for x in row] for row in prompt_matrix(setup).rows])
    (heads,) = counting.heads([terms(x) for x in point], RATIONALS)
    row, column, seed = seeds(counting, RATIONALS)
    one = RATIONALS.number(1)
    results = [
        read_out(Z, heads, one, row, column),
        *(m for g in gradients([Z], [heads], one, seed)[0] for m in (g.W, g.P, g.Q)),
    ]
    formed = sum(int(x) for m in results for line in m.fractions() for x in line)
    if formed * variables > EXPANSION_LIMIT:
        raise WorkLimitError(
            f"the update at d = {space.layout.d}, n = {space.layout.n} would have up to {formed} terms in {variables} "
            f"variables, {dimension} of them the set's dimension, above the limit of {EXPANSION_LIMIT} exponents: ask "
            "for fewer features, a shorter context or a larger group, whose commutant is smaller"
        )

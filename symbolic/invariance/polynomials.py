"""One layer, entry by entry: the averaged update's part outside a set, as polynomials in every entry (FLINT).

Weights of the set, features and rewards are all variables; the set is invariant at this d and n exactly when every
polynomial is zero.  Nothing is assumed about the update's symmetry: the average over the group is taken in the
polynomials.  Sign flips keep the monomials of even degree in each feature's coordinate, so only terms of equal parity
are ever multiplied; the other elements permute or mix the variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx

from ..errors import WorkLimitError
from ..identity.entrywise import polynomial_arithmetic
from .samples import Outer, Trajectory, prompts
from .sets import WeightSet
from .symmetry import Square, SymmetryGroup, identity
from .update import gradient, predict

TERM_LIMIT = 20_000_000
"""The most products of terms that are formed."""
Parity = tuple[int, ...]


@dataclass(frozen=True)
class PolynomialResult:
    """The residual polynomials of one layer's averaged update.

    compared  : coordinates whose update is not identically zero before the average
    terms     : terms of the averaged update, all coordinates together
    variables : generic entries
    nonzero   : {position: residual as text, shortened} of the coordinates that leave the set
    """

    compared: int
    terms: int
    variables: int
    nonzero: dict[int, str]

    @property
    def holds(self) -> bool:
        """Whether every residual is the zero polynomial."""
        return not self.nonzero


def residual_polynomials(weights: WeightSet, group: SymmetryGroup, outer: Outer) -> PolynomialResult:
    """Expand the part of the averaged update that lies outside the set, for L = 1.

    Raises `WorkLimitError` when the products would have more than `TERM_LIMIT` terms, `ValueError` for L > 1 or an
    infinite group.
    """
    space = weights.space
    if space.depth != 1 or group.order is None:
        raise ValueError("the polynomials are expanded for one layer and a finite group")
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
    arithmetic = polynomial_arithmetic(context)
    number = arithmetic.number
    point: list[Any] = [number(x) if x else 0 for x in weights.base]
    for k, x in zip(frozen, generators[weights.dimension : held], strict=True):
        point[k] = x
    for s, v in zip(generators[: weights.dimension], weights.directions, strict=True):
        for k, x in v.items():
            point[k] = point[k] + s * number(x)
    vectors = [tuple(generators[held + t * d : held + (t + 1) * d]) for t in range(count)]
    numbers = list(generators[held + count * d :])
    rest, scalars = vectors[n + 3 :], numbers[n + 2 :]
    extras = []
    for name, is_vector in carried:
        source = rest if is_vector else scalars
        extras.append((name, is_vector, tuple(source[: n + 1])))
        del source[: n + 1]
    sample = Trajectory(tuple(vectors[: n + 3]), tuple(numbers[: n + 2]), tuple(extras))
    layers = space.heads(point, arithmetic)
    now, later = prompts(space, arithmetic, sample, outer.window)
    prediction, before = predict(space, layers, now)
    following, before_later = predict(space, layers, later)
    delta = outer.error(arithmetic, sample.rewards[-1], prediction, following)
    here, there = outer.coefficients(arithmetic, delta)
    parts = [(here, gradient(space, layers, before, arithmetic))]
    if there is not None:
        parts.append((there, gradient(space, layers, before_later, arithmetic)))

    columns = [tuple(held + t * d + i for t in range(count)) for i in range(d)]  # the variables of each coordinate
    flips, cosets = _split(group)
    images = 1 if cosets is None else len(cosets)
    work = images * sum(len(x) * len(g) for x, gs in parts for g in gs if g is not None) // (2**d if flips else 1)
    if work > TERM_LIMIT:
        raise WorkLimitError(
            f"the averaged update would take {work} products of terms, above the limit of {TERM_LIMIT}: "
            "ask for fewer features or a shorter context"
        )
    by_parity = [_by_parity(context, x, columns) for x, _ in parts] if flips else [{}] * len(parts)
    averaged: list[Any] = [number(0)] * space.size
    compared = terms = 0
    for k in range(space.size):
        total = None
        for (x, gs), left in zip(parts, by_parity, strict=True):
            if gs[k] is not None and len(gs[k]):
                product = _even_product(context, left, gs[k], columns) if flips else x * gs[k]
                total = product if total is None else total + product
        if total is None:
            continue
        compared += 1
        averaged[k] = _average(context, total, cosets, held, count, d)
        terms += len(averaged[k])
    nonzero = {}
    for k, rest in enumerate(weights.span.residual(averaged, arithmetic)):
        if len(rest):
            text = str(rest)
            nonzero[k] = text[:200] + (" ..." if len(text) > 200 else "")
    return PolynomialResult(compared, terms, len(names), nonzero)


def _split(group: SymmetryGroup) -> tuple[bool, list[Square] | None]:
    """Whether all sign flips are in the group, and then one element of each coset of theirs (else all elements).

    None stands for all permutations.
    """
    d = group.d
    if group.is_monomial:
        flips = group.name != "permutations"
        return flips, [identity(d)] if group.name == "sign-flips" else None
    known = set(group.elements or ())
    if not all(
        tuple(tuple(Fraction((-1 if i == k else 1) * (i == j)) for j in range(d)) for i in range(d)) in known
        for k in range(d)
    ):
        return False, list(known)
    # Sign flips are applied after g, to its rows: g and g' share a coset when their rows agree up to signs.
    cosets: dict[Any, Square] = {}
    for g in known:
        signs = (next(x for x in row if x) > 0 for row in g)
        cosets.setdefault(tuple(row if up else tuple(-x for x in row) for up, row in zip(signs, g, strict=True)), g)
    return True, list(cosets.values())


def _by_parity(context: Any, polynomial: Any, columns: Sequence[tuple[int, ...]]) -> dict[Parity, Any]:
    classes: dict[Parity, dict[tuple[int, ...], Any]] = {}
    for exponents, coefficient in polynomial.to_dict().items():
        parity = tuple(sum(exponents[v] for v in column) % 2 for column in columns)
        classes.setdefault(parity, {})[exponents] = coefficient
    return {parity: context.from_dict(terms) for parity, terms in classes.items()}


def _even_product(context: Any, left: dict[Parity, Any], y: Any, columns: Sequence[tuple[int, ...]]) -> Any:
    """The terms of x y that every sign flip keeps; left holds x by parity."""
    right = _by_parity(context, y, columns)
    total = context.constant(0)
    for parity, part in left.items():
        if parity in right:
            total = total + part * right[parity]
    return total


def _average(context: Any, polynomial: Any, cosets: Sequence[Square] | None, held: int, count: int, d: int) -> Any:
    """The mean over the cosets of the polynomial with every feature vector moved by the element.

    For all permutations each monomial stands for its orbit's mean, written with its columns sorted: the mean of a
    polynomial is zero exactly when this is, and no d! images are formed.
    """
    if cosets is None:
        return _orbits(context, polynomial, held, count, d)
    generators = context.gens()
    total = context.constant(0)
    for g in cosets:
        images = list(generators)
        for t in range(count):
            old = generators[held + t * d : held + (t + 1) * d]
            for i in range(d):
                image = context.constant(0)
                for j in range(d):
                    if g[i][j]:
                        image = image + old[j] * context.constant(_flint(g[i][j]))
                images[held + t * d + i] = image
        total = total + polynomial.compose(*images, ctx=context)
    return total * context.constant(_flint(Fraction(1, len(cosets))))


def _orbits(context: Any, polynomial: Any, held: int, count: int, d: int) -> Any:
    """Every monomial replaced by its orbit's representative: the exponents of each coordinate, in sorted order."""
    last = held + count * d
    sums: dict[tuple[int, ...], Any] = {}
    for exponents, coefficient in polynomial.to_dict().items():
        columns = sorted(exponents[held + i : last : d] for i in range(d))
        middle = [columns[i][t] for t in range(count) for i in range(d)]
        key = (*exponents[:held], *middle, *exponents[last:])
        sums[key] = sums.get(key, 0) + coefficient
    return context.from_dict({key: c for key, c in sums.items() if c})


def _flint(x: Fraction) -> Any:
    return fmpq(x.numerator, x.denominator)

"""Equations between what rows hold and what an update demands, brought to ones whose left sides hold no parameter."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from .coefficients import Part, Power, Sum
from .contraction import Algebra
from .scalar import Scalar
from .words import Exponents

Unknown = TypeVar("Unknown", bound=Hashable)
Right = TypeVar("Right", bound=Hashable)


@dataclass(frozen=True)
class Divided(Generic[Unknown, Right]):
    """One equation after its division by `divisor`, a monomial in the parameters; () where it was not divided."""

    left: dict[Unknown, Fraction]
    right: dict[Right, Part]
    divisor: Exponents


def without_parameters(
    a: Algebra, left: Mapping[Unknown, Part], right: Mapping[Right, Part]
) -> Divided[Unknown, Right] | None:
    """sum left[u] u = right, divided by the monomial in the parameters that all of `left` share; None if they do not.

    A row that holds R - v.phi + beta v.phi' meets v.phi' in equations of its own, each beta times one without it.
    """
    by_monomial: dict[Exponents, dict[Unknown, Fraction]] = {}
    for u, part in left.items():
        for exponents, c in part.items():
            by_monomial.setdefault(exponents, {})[u] = c
    return over_shared(a, by_monomial, right)


def over_shared(
    a: Algebra, left: Mapping[Exponents, dict[Unknown, Fraction]], right: Mapping[Right, Part]
) -> Divided[Unknown, Right] | None:
    """`without_parameters` of a left side that is sorted by its monomials in the parameters."""
    if len(left) > 1:
        return None
    divisor, plain = next(iter(left.items()), ((), {}))
    if not divisor:
        return Divided(plain, dict(right), divisor)
    return Divided(plain, {k: _divided(a, part, divisor) for k, part in right.items()}, divisor)


def _divided(a: Algebra, part: Part, divisor: Exponents) -> Part:
    """A polynomial in the parameters over a monomial in them."""
    names = {name for exponents in (*part, divisor) for name, _ in exponents}
    if any(isinstance(name, (Power, Sum)) for name in names):
        inverse = a.monomials({divisor: Fraction(1)}).inverse()
        total: Scalar = a.monomials(part) * inverse
        return total.parts().get((), {})
    result: dict[Exponents, Fraction] = {}
    for exponents, c in part.items():
        powers = dict(exponents)
        for name, exponent in divisor:
            powers[name] = powers.get(name, 0) - exponent
        result[tuple(sorted((name, e) for name, e in powers.items() if e))] = c
    return result


def common_denominator(a: Algebra, scalars: Sequence[Scalar]) -> Scalar | None:
    """The least product of sums that clears all these scalars of inverses of sums; None where there are none."""
    most: dict[str, int] = {}
    for scalar in scalars:
        for part in scalar.parts().values():
            for exponents in part:
                for name, exponent in exponents:
                    if isinstance(name, Sum):
                        most[name] = max(most.get(name, 0), -exponent)
    if not most:
        return None
    result = a.number(1)
    for name, exponent in most.items():
        result = result * a.named(name) ** exponent
    return result

"""A scalar or a vector as a combination of others, with coefficients in the parameters."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..arithmetics.linear import Equation, Inconsistent, solve
from .coefficients import Part
from .contraction import Algebra
from .matching import common_denominator, without_parameters
from .scalar import Scalar
from .vectors import Vector


def _coefficients(value: Any) -> dict[Any, dict[Any, Fraction]]:
    """A scalar or vector as {(place, monomial): {parameter monomial: coefficient}}."""
    if isinstance(value, Vector):
        return {(key, m): part for key, s in value.terms.items() for m, part in s.parts().items()}
    return {(None, m): part for m, part in value.parts().items()}


def express(a: Algebra, value: Any, candidates: dict[Any, Any], dividing: bool = True) -> dict[Any, Scalar] | None:
    """`value` as a combination of `candidates` with coefficients in the parameters, or None when it is none.

    Where candidates hold parameters, each place must hold one monomial in them, by which it is divided; without
    `dividing`, none.  Free coefficients are set to zero.
    """
    denominator = common_denominator(a, list(value.terms.values()) if isinstance(value, Vector) else [value])
    if denominator is not None:
        value = value * denominator
    left: dict[Any, dict[Any, Part]] = {}
    for name, candidate in candidates.items():
        for place, part in _coefficients(candidate).items():
            left.setdefault(place, {})[name] = part
    right = _coefficients(value)
    equations = []
    for place in {**left, **right}:
        shared = without_parameters(a, left.get(place, {}), {(): right.get(place, {})})
        if shared is None or (shared.divisor and not dividing):
            return None
        equations.append(Equation(shared.left, dict(shared.right.get((), {})), place))
    solution = solve(equations)
    if isinstance(solution, Inconsistent):
        return None
    result = {}
    for name, row in solution.values.items():
        total = a.monomials(row)
        if total.poly:
            result[name] = total if denominator is None else total * denominator.inverse()
    return result

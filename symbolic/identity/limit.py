"""The fixed point of one prompt's iterates, exactly, and their distances to it: |w_l - w*| for every layer.

An update is affine in its weights, w -> T_l w + c_l.  Its fixed point solves (I - T_l) w = c_l, a linear system over Q;
where the layers step with different preconditioners it must be the fixed point of each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isqrt
from typing import Any

from flint import fmpq, fmpq_mat

from ..arithmetics.arithmetic import RATIONALS
from ..exact import decimal_text, nearest
from .exact import Problem, textbook

Weights = list[Fraction]
SMALLEST = 2.0**-1074


@dataclass(frozen=True)
class Limit:
    """The iterates of one prompt and their limit point.

    squares : |w_l - w*|^2 for l = 0, ..., L, exact; empty where there is no w*
    point   : w*, all weights in one vector
    reason  : why there is none, else empty
    """

    squares: tuple[Fraction, ...]
    point: tuple[Fraction, ...]
    reason: str = ""

    @property
    def distances(self) -> tuple[float, ...]:
        """|w_l - w*|, rounded."""
        return tuple(root(x) for x in self.squares)


def root(square: Fraction) -> float:
    """The square root of a rational of any size, to about fifteen digits; only zero's is 0."""
    if not square:
        return 0.0
    shift = max(0, 128 - square.numerator.bit_length() + square.denominator.bit_length())
    shift += shift % 2
    whole = isqrt((square.numerator << shift) // square.denominator)
    return nearest(Fraction(whole, 1 << (shift // 2))) or SMALLEST


def root_text(square: Fraction, digits: int) -> str:
    """The square root of a rational as a decimal of so many digits, also beyond the range of floats.

    >>> root_text(Fraction(10) ** 800, 3), root_text(Fraction(9, 4), 3)
    ('1e+400', '1.5')
    """
    near = root(square)
    if near == 0 or 1e-300 < near < 1e300:
        return f"{near:.{digits}g}"
    return decimal_text(Fraction(isqrt(square.numerator << 256), isqrt(square.denominator << 256)), digits)


def limit(setup: Problem, steps: Sequence[Any], looped: bool) -> Limit:
    """The limit of a textbook loop that takes these steps, one a layer (the same each time where it is `looped`)."""
    if setup.algorithm.selections:
        return Limit((), (), "every layer reads other tokens, so the layers are no one iteration")
    first = _affine(setup, steps[0])
    if first is None:
        return Limit((), (), "the update is not affine in its weights")
    size = len(_flat(setup.start))
    one = fmpq_mat(size, size, [int(i == j) for i in range(size) for j in range(size)])
    T, c = first
    try:
        point = (one - T).solve(c)
    except ZeroDivisionError:
        return Limit((), (), "I - T is singular: the fixed points are not one point, or there is none")
    star = [Fraction(int(x.p), int(x.q)) for x in point.entries()]
    if any(_value(setup, step, star) != star for step in ([] if looped else steps[1:])):
        return Limit((), (), "the layers' updates have no fixed point in common")
    runs = [_flat(setup.start), *(_flat(w) for w in textbook(setup, steps))]
    squares = tuple(sum(((x - y) ** 2 for x, y in zip(w, star, strict=True)), Fraction(0)) for w in runs)
    return Limit(squares, tuple(star))


def _value(setup: Problem, step: Any, w: Sequence[Fraction]) -> Weights:
    """F(w): one pass of the loop from these weights."""
    return _flat(next(iter(textbook(_at(setup, w), [step]))))


def _affine(setup: Problem, step: Any) -> tuple[fmpq_mat, fmpq_mat] | None:
    """T and c with F(w) = T w + c for one pass of the loop, or None when F is not affine (at one generic point)."""
    size = len(_flat(setup.start))

    def value(w: Sequence[Fraction]) -> Weights:
        return _value(setup, step, w)

    zero = [Fraction(0)] * size
    c = value(zero)
    columns = [value([Fraction(int(i == k)) for i in range(size)]) for k in range(size)]
    T = [[columns[k][i] - c[i] for k in range(size)] for i in range(size)]
    probe = [Fraction(2 * k + 3, 7 + k) for k in range(size)]
    if value(probe) != [sum((T[i][k] * probe[k] for k in range(size)), c[i]) for i in range(size)]:
        return None
    return (
        fmpq_mat(size, size, [fmpq(x.numerator, x.denominator) for row in T for x in row]),
        fmpq_mat(size, 1, [fmpq(x.numerator, x.denominator) for x in c]),
    )


def _at(setup: Problem, w: Sequence[Fraction]) -> Problem:
    """The same prompt with other starting weights."""
    parts, k = [], 0
    for value in setup.start:
        if hasattr(value, "fractions"):
            d = len(value.fractions())
            parts.append(RATIONALS.vector(list(w[k : k + d])))
            k += d
        else:
            parts.append(RATIONALS.number(w[k]))
            k += 1
    return replace(setup, start=tuple(parts))


def _flat(weights: Sequence[Any]) -> Weights:
    return [x for w in weights for x in (w.fractions() if hasattr(w, "fractions") else [w.fraction()])]

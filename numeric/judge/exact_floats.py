"""Between floats and rationals, without losing or hiding anything: floats as rationals, and quotients as floats."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nextafter
from typing import Any

import numpy as np
from flint import arb_mat, ctx, fmpz, fmpz_mat

from ...symbolic.arithmetics.rational import RationalMatrix


def integers(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Finite floats, of any shape, as Python integers times 2^exponent, exponent <= 0.

    >>> integers(np.array([0.5, 3.0]))[0].tolist() == [1 << 52, 6 << 52]
    True
    """
    mantissas, exponents = np.frexp(values)
    low = int((exponents - 53).min(initial=0, where=values != 0))
    lift = np.where(values == 0, 0, exponents - 53 - low).astype(object)
    return np.ldexp(mantissas, 53).astype(np.int64).astype(object) << lift, low


def dyadic_matrix(values: np.ndarray) -> RationalMatrix:
    """Finite floats (rows, columns) as the rationals that they are, over one power of two."""
    whole, low = integers(values)
    return RationalMatrix(fmpz_mat(*values.shape, whole.reshape(-1).tolist()), fmpz(1) << -low)


def up(value: Fraction) -> float:
    """A float that is at least the value, infinite beyond the range."""
    nearest = quotient(value.numerator, value.denominator)
    return nearest if nearest in (inf, -inf) or Fraction(nearest) >= value else nextafter(nearest, inf)


def quotient(top: int, bottom: int) -> float:
    """top / bottom correctly rounded, infinite beyond the range: a bound with it is then infinite too."""
    try:
        return top / bottom
    except OverflowError:
        return inf if top > 0 else -inf


def near_floats(matrix: Any) -> np.ndarray:
    """A matrix over Q in float64, off by a relative 2^-52 at most (and 2^-1074 where it underflows): see `floats`.

    A ball of 64 bits holds each quotient, so that no long integer passes through Python.
    """
    with ctx.workprec(64):
        balls = (arb_mat(matrix.num) / matrix.den).entries()
    return np.array([float(x) for x in balls]).reshape(matrix.shape)


def floats(matrix: Any) -> np.ndarray:
    """A matrix over Q with every entry correctly rounded, infinite beyond the range."""
    bottom, entries = int(matrix.den), matrix.num.entries()
    result = np.zeros(len(entries))
    for i, x in enumerate(entries):
        if x:  # masks and heads are mostly zeros
            result[i] = quotient(int(x), bottom)
    return result.reshape(matrix.shape)

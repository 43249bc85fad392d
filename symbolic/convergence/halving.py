"""Where an exact decision changes, found by halving: for what floats and enclosures cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

BITS = 50


def threshold(below: Callable[[Fraction], bool]) -> Fraction:
    """About the t > 0, to 50 bits of it, with below(x) for 0 < x < t and not for x > t.

    >>> round(float(threshold(lambda x: x * x < 2)), 12)
    1.414213562373
    """
    step = 1
    while below(_power(step)) or not below(_power(-step)):
        step *= 2
    low, high = -step, step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if below(_power(middle)) else (low, middle)
    lower, upper = _power(low), _power(high)
    for _ in range(BITS):
        half = (lower + upper) / 2
        lower, upper = (half, upper) if below(half) else (lower, half)
    return (lower + upper) / 2


def _power(exponent: int) -> Fraction:
    return Fraction(2**exponent) if exponent >= 0 else Fraction(1, 2**-exponent)

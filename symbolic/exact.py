"""What counts as an exact number in what a user writes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .errors import ContentError


def as_fraction(value: Any) -> Fraction:
    """A rational number of any arithmetic here, or a float as what it is, as a Fraction."""
    found: Fraction = value.fraction() if hasattr(value, "fraction") else Fraction(value)
    return found


def exact_number(x: Any, where: str) -> Fraction:
    """An int, a Fraction or a text such as "1/2" as a Fraction; `ContentError` for a float or anything else.

    >>> exact_number("1/2", "an entry")
    Fraction(1, 2)
    """
    if hasattr(x, "fraction"):
        x = x.fraction()
    if isinstance(x, bool) or not isinstance(x, (int, Fraction, str)):
        raise ContentError(
            f"{where} holds {str(x)[:40]!r}, wanted an exact number: an int, a Fraction or a text such as '1/2'"
        )
    try:
        return Fraction(x)
    except (ValueError, ZeroDivisionError):
        raise ContentError(f"{where} holds {str(x)[:40]!r}, wanted a rational number such as '-3/7'") from None

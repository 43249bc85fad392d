"""What counts as an exact number in what a user writes, and the readers of such numbers."""

from __future__ import annotations

import decimal
import re
from collections.abc import Sequence
from fractions import Fraction
from math import inf
from typing import Any

from .errors import ArgumentError, ContentError
from .plain_text import shown

MAX_NUMBER_LENGTH = 1000
MAX_EXPONENT = 400
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+/(?P<denominator>[0-9]+)|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?(?P<exponent>[0-9]+))?)"
)


def as_fraction(value: Any) -> Fraction:
    """A rational number of any arithmetic here, or a float as what it is, as a Fraction."""
    exact: Fraction = value.fraction() if hasattr(value, "fraction") else Fraction(value)
    return exact


def nearest(x: Fraction) -> float:
    """The float64 nearest to a rational of any size, an infinity beyond the range of float64.

    >>> nearest(Fraction(1, 3)), nearest(Fraction(-(10**400)))
    (0.3333333333333333, -inf)
    """
    try:
        return float(x)
    except OverflowError:
        return inf if x > 0 else -inf


def decimal_text(x: Fraction, digits: int = 10) -> str:
    """A rational as a decimal of so many significant digits, from the exact number: never "0" or "inf" for another.

    >>> decimal_text(Fraction(1, 3), 3), decimal_text(Fraction(10) ** 400), decimal_text(Fraction(1, 10**400))
    ('0.333', '1e+400', '1e-400')
    """
    near = nearest(x)
    if near == x or 1e-300 < abs(near) < 1e300:
        return f"{near:.{digits}g}"
    context = decimal.Context(prec=digits, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
    wide = context.divide(decimal.Decimal(x.numerator), decimal.Decimal(x.denominator)).normalize(context)
    return f"{wide:e}"


def bound_text(x: Fraction, digits: int, up: bool) -> str:
    """A rational as a decimal of so many significant digits that is not below it (`up`), or not above it.

    >>> bound_text(Fraction(1, 3), 3, True), bound_text(Fraction(1, 3), 3, False), bound_text(Fraction(3, 4), 3, True)
    ('0.334', '0.333', '0.75')
    """
    rounding = decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR
    context = decimal.Context(digits, rounding, decimal.MIN_EMIN, decimal.MAX_EMAX)
    near = context.divide(decimal.Decimal(x.numerator), decimal.Decimal(x.denominator)).normalize(context)
    return f"{near:f}" if -5 <= near.adjusted() < digits else f"{near:e}"


def exact_number(x: Any, where: str) -> Fraction:
    """An int, a Fraction or a text such as "1/2" as a Fraction; `ContentError` for a float or anything else.

    >>> exact_number("1/2", "an entry")
    Fraction(1, 2)
    """
    if hasattr(x, "fraction"):
        x = x.fraction()
    if isinstance(x, bool) or not isinstance(x, (int, Fraction, str)):
        raise ContentError(
            f"{where} holds {shown(x)}, wanted an exact number: an int, a Fraction or a text such as '1/2'"
        )
    try:
        return Fraction(x)
    except (ValueError, ZeroDivisionError):
        raise ContentError(f"{where} holds {shown(x)}, wanted a rational number such as '-3/7'") from None


def whole_number(name: str, value: object, least: int, most: int | None = None) -> int:
    """`value` when it is an integer in [least, most]; raises `ArgumentError` that calls it `name` (bool is refused)."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value and (most is None or value <= most):
        return value
    wanted = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise ArgumentError(f"{name} is {shown(value)}, wanted an integer {wanted}")


def parse_rational(text: str, name: str) -> Fraction:
    """The exact value of an integer, decimal or rational p/q in ASCII digits, else `ContentError` that calls it `name`.

    Refused before any conversion: more than 1000 characters, a decimal exponent beyond 400, a denominator of zero.

    >>> parse_rational("-0.75", "gamma"), parse_rational("3/7", "gamma")
    (Fraction(-3, 4), Fraction(3, 7))
    >>> parse_rational("nan", "gamma")
    Traceback (most recent call last):
    layerproof.symbolic.errors.ContentError: gamma is 'nan', wanted a number such as 3, -0.25, 1e-3 or 3/7
    """
    if not isinstance(text, str):
        raise ContentError(f"{name} is {kind(text)}, wanted a number such as 3, -0.25, 1e-3 or 3/7")
    if len(text) > MAX_NUMBER_LENGTH:
        raise ContentError(f"{name} is {shortened(text)}, wanted a number of at most {MAX_NUMBER_LENGTH} characters")
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ContentError(f"{name} is {shortened(text)}, wanted a number such as 3, -0.25, 1e-3 or 3/7")
    if int(match["exponent"] or 0) > MAX_EXPONENT:
        raise ContentError(f"{name} is {shortened(text)}, wanted a decimal exponent of at most {MAX_EXPONENT} in size")
    if match["denominator"] is not None and int(match["denominator"]) == 0:
        raise ContentError(f"{name} is {shortened(text)}, wanted a denominator other than zero")
    return Fraction(text)


def shortened(text: str) -> str:
    """`text` in ASCII quotes, cut to 40 characters, so that a hostile value cannot flood or garble the message."""
    return ascii(text) if len(text) <= 40 else f"{text[:40]!a}... ({len(text)} characters)"


def kind(value: object) -> str:
    """What a parsed JSON value is, in the user's words."""
    names = {bool: "true or false", type(None): "null", dict: "an object", list: "a list", str: "a number or string"}
    return names.get(type(value), f"of type {type(value).__name__}")


def exact_rows(rows: Any, height: int, width: int, where: str) -> list[list[Fraction]]:
    """Rows of exact numbers of a given shape, from lists, an array or an exact matrix; else `ContentError`."""
    if hasattr(rows, "fractions"):
        rows = rows.fractions()
    rows = rows.tolist() if hasattr(rows, "tolist") else rows
    if (
        not isinstance(rows, Sequence)
        or [len(r) if isinstance(r, Sequence) else None for r in rows] != [width] * height
    ):
        raise ContentError(f"{where} has the wrong shape, wanted {height} rows of {width} numbers")
    return [[exact_number(x, where) for x in row] for row in rows]

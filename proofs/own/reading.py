"""Answers are read as hostile: every value is checked for its type, its size and its form before it is used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ...symbolic.errors import ContentError
from ...symbolic.plain_text import shown as of_any_size

NAME, LINE, TEXT = 100, 1_000, 20_000
"""The most characters of a name, of a line of text and of a text of several lines."""
MANY = 200
"""The most names in one list."""
_RATIONAL = re.compile(r"(-?)(0x[0-9a-f]+|[0-9]{1,4000})(?:/(0x[0-9a-f]+|[0-9]{1,4000}))?")


def shown(value: Any) -> str:
    """A value in a message: short, and plain text whatever is in it."""
    try:
        return ascii(value)[:60]
    except ValueError:  # a number that is too long for Python to write
        return of_any_size(value)


def text(value: Any, where: str, most: int = LINE, empty: bool = False, lines: bool = False) -> str:
    """A printable text of at most `most` characters; `ContentError` that names it otherwise.

    lines : it may be several lines
    """
    if not isinstance(value, str) or (not value and not empty):
        raise ContentError(f"the {where} is {shown(value)}, wanted a printable text")
    if len(value) > most:
        raise ContentError(f"the {where} has {len(value)} characters, wanted at most {most}: {shown(value)}")
    parts = value.replace("\t", " ").split("\n") if lines else [value]
    if not all(part.isprintable() for part in parts):
        raise ContentError(f"the {where} is {shown(value)}, wanted a printable text")
    return value


def sequence(value: Any, where: str, most: int = MANY) -> list[Any]:
    """A list of at most `most` values."""
    if not isinstance(value, list):
        raise ContentError(f"{where} is {shown(value)}, wanted a list")
    if len(value) > most:
        raise ContentError(f"{where} has {len(value)} entries, wanted at most {most}")
    return value


def exactly(value: Any, where: str, count: int) -> list[Any]:
    """A list of exactly `count` values."""
    values = sequence(value, where, count)
    if len(values) != count:
        raise ContentError(f"{where} has {len(values)} entries, wanted {count}")
    return values


def names(value: Any, where: str, most: int = MANY) -> tuple[str, ...]:
    """A list of names."""
    return tuple(text(x, f"name in {where}", NAME) for x in sequence(value, where, most))


def mapping(value: Any, where: str, keys: Sequence[str] | None = None) -> dict[str, Any]:
    """An object with exactly these keys, or with any names as its keys."""
    if not isinstance(value, dict) or len(value) > MANY:
        raise ContentError(f"{where} is {shown(value)}, wanted an object")
    if keys is not None and set(value) != set(keys):
        raise ContentError(f"{where} has the keys {shown(sorted(value))}, wanted {', '.join(keys)}")
    return value


def flag(value: Any, where: str) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ContentError(f"{where} is {shown(value)}, wanted True or False")
    return value


def whole(value: Any, where: str, least: int = 0, most: int = 10**9) -> int:
    """A whole number in a range."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ContentError(f"{where} is {shown(value)}, wanted a whole number from {least} to {most}")
    return value


def rational(value: Any, where: str) -> Fraction:
    """An exact number as `protocol.number` sends it.

    >>> rational("-3/7", "it"), rational("0x10", "it")
    (Fraction(-3, 7), Fraction(16, 1))
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    match = _RATIONAL.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ContentError(f"{where} holds {shown(value)}, wanted an exact number such as '-3/7'")
    sign, top, bottom = match.groups()
    below = 1 if bottom is None else int(bottom, 0 if bottom.startswith("0x") else 10)
    if below == 0:
        raise ContentError(f"{where} holds {shown(value)}, wanted a rational number such as '-3/7'")
    return Fraction(int(top, 0 if top.startswith("0x") else 10) * (-1 if sign else 1), below)


def rationals(value: Any, where: str, count: int) -> list[Fraction]:
    """A list of `count` exact numbers."""
    if not isinstance(value, list) or len(value) != count:
        raise ContentError(f"{where} has the wrong shape, wanted {count} numbers")
    known: dict[Any, Fraction] = {}  # the same few texts come again and again
    result = []
    for x in value:
        key = x if isinstance(x, str) else None
        number = known.get(key) if key is not None else None
        if number is None:
            number = rational(x, where)
            if key is not None:
                known[key] = number
        result.append(number)
    return result


def rows(value: Any, where: str, height: int, width: int) -> list[list[Fraction]]:
    """Rows of exact numbers, of a given shape."""
    if not isinstance(value, list) or len(value) != height:
        raise ContentError(f"{where} has the wrong shape, wanted {height} rows of {width} numbers")
    try:
        return [rationals(row, where, width) for row in value]
    except ContentError as error:
        if "wrong shape" in str(error):
            raise ContentError(f"{where} has the wrong shape, wanted {height} rows of {width} numbers") from None
        raise


def printable(value: Any, most: int = TEXT) -> str:
    """A text of several lines made harmless: what is not printable is shown as such; empty when it is no text."""
    if not isinstance(value, str):
        return ""
    kept = value[:most].expandtabs(4).split("\n")
    return "\n".join("".join(c if c.isprintable() else "\ufffd" for c in part) for part in kept)

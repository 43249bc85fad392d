"""Fields of a file of weights, each checked as it is read (`ContentError` names the first wrong one); its limits."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import chain
from typing import Any

from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.errors import ContentError
from ...symbolic.strict_json import rational_text

FORMAT = "layerproof-weights"
MAX_ENTRIES = 4 * 10**6
MAX_NUMBER_LENGTH = 10**5
_INTEGER = "(?:0x[0-9a-f]+|0|[1-9][0-9]{0,999})"
_NUMBER = re.compile(f"(?P<top>-?{_INTEGER})(?:/(?P<bottom>{_INTEGER}))?")


def checked(value: Any, kind: type, name: str) -> Any:
    """A value of a kind; true and false are no integers."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ContentError(f"{name} is of type {type(value).__name__}, wanted {kind.__name__}")
    return value


def typed(data: dict[str, Any], name: str, kind: type) -> Any:
    """The value of a key, of a kind."""
    if name not in data:
        raise ContentError(f"key {name} is missing")
    return checked(data[name], kind, name)


def text(value: Any, name: str) -> str:
    """A text."""
    return str(checked(value, str, name))


def whole(data: dict[str, Any], name: str) -> int:
    """The value of a key, an integer from 1 to 100000."""
    value = typed(data, name, int)
    if not 1 <= value <= 10**5:
        raise ContentError(f"{name} is {value}, wanted an integer from 1 to 100000")
    return int(value)


def rational(value: Any, name: str) -> Fraction:
    """A rational, written as this project writes them."""
    if isinstance(value, str) and len(value) <= MAX_NUMBER_LENGTH and (match := _NUMBER.fullmatch(value)):
        bottom = int(match["bottom"] or "1", 0)
        if bottom:
            return Fraction(int(match["top"], 0), bottom)
    shown = ascii(value[:40] if isinstance(value, str) else value)
    raise ContentError(f'{name} is {shown[:60]}, wanted a rational such as "-3/7", large numbers in hexadecimal')


def matrix(value: Any, size: int, name: str) -> RationalMatrix:
    """A square matrix of rationals."""
    rows = checked(value, list, name)
    if len(rows) != size or any(not isinstance(row, list) or len(row) != size for row in rows):
        raise ContentError(f"{name} has the wrong shape, wanted {size} x {size}")
    return RationalMatrix.of([[rational(x, name) for x in row] for row in rows])


def texts(matrix: RationalMatrix) -> list[list[str]]:
    """A matrix as a file has it: each different entry is written once, for a mask has few and as many as n^2."""
    entries = [[int(x) for x in row] for row in matrix.num.tolist()]
    written = {x: rational_text(Fraction(x, int(matrix.den))) for x in set(chain(*entries))}
    return [[written[x] for x in row] for row in entries]


def rationals(data: dict[str, Any], name: str) -> dict[str, Fraction]:
    """The value of a key, an object of rationals."""
    return {key: rational(value, f"{name}.{key}") for key, value in typed(data, name, dict).items()}

"""JSON as layerproof writes and reads it: canonical out, strict in. Files are data: nothing in them is ever run."""

from __future__ import annotations

import json
from fractions import Fraction
from math import isfinite
from typing import Any, NoReturn

from .errors import ContentError


def dumps(document: Any) -> str:
    """Canonical JSON: sorted keys, two spaces, a final newline; the same document gives the same bytes.

    A float that is not finite becomes null, which JSON has in its place; what is not printable is escaped.

    >>> dumps({"b": float("inf"), "a": [1]})
    '{\\n  "a": [\\n    1\\n  ],\\n  "b": null\\n}\\n'
    """
    text = json.dumps(_finite(document), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _finite(value: Any) -> Any:
    """The same document with null for every float that is not finite."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(x) for key, x in value.items()}
    return [_finite(x) for x in value] if isinstance(value, (list, tuple)) else value


def rational_text(value: Fraction) -> str:
    """A rational in lowest terms: "-3/7"; numerators or denominators beyond 1000 digits are written in hexadecimal.

    >>> rational_text(Fraction(-6, 14)), rational_text(Fraction(4))
    ('-3/7', '4')
    """

    def integer(x: int) -> str:
        return str(x) if x.bit_length() < 3300 else hex(x)

    return integer(value.numerator) + ("" if value.denominator == 1 else f"/{integer(value.denominator)}")


def loads(text: str, numbers_as_text: bool = False) -> Any:
    """Parse JSON strictly: duplicate keys, NaN, Infinity and deep nesting raise `ContentError`.

    numbers_as_text : keep every number as it was written, so that it can be read exactly.
    """
    try:
        hooks: dict[str, Any] = {"parse_float": str, "parse_int": str} if numbers_as_text else {}
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates, **hooks)
    except json.JSONDecodeError as error:
        raise ContentError(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ContentError("is nested too deeply, wanted lists of lists of numbers") from None
    except ValueError as error:  # an integer literal beyond Python's digit limit
        if isinstance(error, ContentError):
            raise
        raise ContentError(f"has a number that cannot be read: {error}") from None


def _no_constant(name: str) -> NoReturn:
    raise ContentError(f"{name} is no number that can be used, wanted finite numbers only")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ContentError(f"key {key[:40]!a} is given twice, wanted each key once")
        result[key] = value
    return result

"""JSON as layerproof writes and reads it: canonical out, strict in. Files are data: nothing in them is ever run."""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from .errors import ContentError

MAX_FILE_BYTES = 16 * 2**20


def dumps(document: Any) -> str:
    """Canonical JSON: sorted keys, two spaces, no NaN, a final newline; the same document gives the same bytes."""
    return json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


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


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a regular UTF-8 file of at most `MAX_FILE_BYTES`, without a byte order mark; else `ContentError`."""
    path = Path(path)
    try:
        if path.is_dir():
            raise ContentError("is a directory, wanted a file")
        if not path.exists():
            raise ContentError("there is no such file")
        if not path.is_file():
            raise ContentError("is no regular file, wanted one: copy its content to a file")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise ContentError(f"is larger than {MAX_FILE_BYTES} bytes, the limit: split it or give less")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContentError(f"byte {error.start} is not UTF-8: save the file as UTF-8") from None
    if not text.strip():
        raise ContentError("is empty")
    return text


def _no_constant(name: str) -> NoReturn:
    raise ContentError(f"{name} is no number that can be used, wanted finite numbers only")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ContentError(f"key {key[:40]!a} is given twice, wanted each key once")
        result[key] = value
    return result

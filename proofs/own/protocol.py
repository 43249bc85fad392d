"""What the judge and a file's process say to each other: a line of JSON each way, over pipes of their own.

A question is {"number": k, "ask": KIND, ...}, its answer {"number": k, "answer": ...} or {"number": k, "error":
{"kind", "message", "line"}}.  Numbers are exact: an integer, or a text such as "-3/7" where it is none or is large.
This side is light: the file's process loads it, and neither SymPy nor FLINT nor torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from ...symbolic.prompt import Context
from ...symbolic.strict_json import rational_text

MAX_LINE = 64 * 2**20
"""The most bytes of one line."""
SMALL = 2**53
"""Integers below it are written as JSON numbers."""


def line(document: dict[str, Any]) -> bytes:
    """One line of JSON; only ASCII, no NaN."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def number(value: Any) -> int | str:
    """An exact number as it is sent.

    >>> number(Fraction(-6, 14)), number(Fraction(4))
    ('-3/7', 4)
    """
    exact = Fraction(value)
    if exact.denominator == 1 and -SMALL < exact.numerator < SMALL:
        return exact.numerator
    return rational_text(exact)


def vector(values: Iterable[Any]) -> list[int | str]:
    """Exact numbers as they are sent."""
    return [number(x) for x in values]


def matrix(rows: Iterable[Sequence[Any]]) -> list[list[int | str]]:
    """Rows of exact numbers as they are sent."""
    return [vector(row) for row in rows]


def context_data(context: Context) -> dict[str, Any]:
    """A context as it is sent."""

    def sent(values: Iterable[Any]) -> list[Any]:
        return [vector(x) if isinstance(x, (tuple, list)) else number(x) for x in values]

    return {
        "features": sent(context.features),
        "next_features": sent(context.next_features),
        "rewards": sent(context.rewards),
        "query": sent(context.query),
        "extras": {name: sent(x) for name, x in context.extras},
    }

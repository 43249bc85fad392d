"""The plain data of a certificate, read strictly: `ContentError` names what is not as it should be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ...symbolic.errors import ContentError
from ...symbolic.exact import parse_rational
from ...symbolic.prompt import Context

MOST_DIGITS = 200_000
"""The longest number that is read, in characters."""


def short(value: Any) -> str:
    """A value in ASCII, shortened."""
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def number(x: Any, where: str) -> Fraction:
    """A rational written as text, in decimal or hexadecimal digits."""
    if not isinstance(x, str):
        raise ContentError(f"{where} holds {short(x)}, wanted a number as text, such as '-3/7'")
    if len(x) <= 1000:
        return parse_rational(x, where)
    top, _, bottom = x.partition("/")
    try:
        if len(x) > MOST_DIGITS:
            raise ValueError
        return Fraction(int(top, 0), int(bottom, 0) if bottom else 1)
    except (ValueError, ZeroDivisionError):
        raise ContentError(f"{where} holds {short(x)}, wanted a number as text, such as '-3/7'") from None


def items(x: Any, where: str) -> list[Any]:
    """The value when it is a list."""
    if not isinstance(x, list):
        raise ContentError(f"{where} is {short(x)}, wanted a list")
    return x


def keyed(x: Any, where: str) -> dict[str, Any]:
    """The value when it is an object."""
    if not isinstance(x, dict):
        raise ContentError(f"{where} is {short(x)}, wanted an object")
    return x


def pair(x: Any, where: str) -> list[Any]:
    """The value when it is a list of two."""
    both = items(x, where)
    if len(both) != 2:
        raise ContentError(f"{where} has {len(both)} numbers, wanted two")
    return both


def vector(x: Any, length: int, where: str) -> list[Fraction]:
    """A list of so many rationals."""
    entries = [number(y, where) for y in items(x, where)]
    if len(entries) != length:
        raise ContentError(f"{where} has {len(entries)} numbers, wanted {length}")
    return entries


def rows(x: Any, size: int, where: str) -> list[list[Fraction]]:
    """A square matrix of rationals, by rows."""
    lines = [vector(y, size, where) for y in items(x, where)]
    if len(lines) != size:
        raise ContentError(f"{where} has {len(lines)} rows, wanted {size}")
    return lines


def context_of(content: Any) -> Context:
    """A prompt in the form of a prompt file."""
    prompt = keyed(content, "prompt")
    if not {"features", "next_features", "rewards", "query"} <= set(prompt) <= {
        "features", "next_features", "rewards", "query", "extras",
    }:  # fmt: skip
        raise ContentError(f"prompt has the keys {short(sorted(prompt))}")

    def entries(x: Any, where: str) -> list[Fraction]:
        return [number(y, where) for y in items(x, where)]

    extras = {
        name: [entries(x, f"extras.{name}") if isinstance(x, list) else number(x, f"extras.{name}")
               for x in items(given, f"extras.{name}")]
        for name, given in keyed(prompt.get("extras", {}), "extras").items()
    }  # fmt: skip
    return Context.of(
        [entries(v, "features") for v in items(prompt["features"], "features")],
        [entries(v, "next_features") for v in items(prompt["next_features"], "next_features")],
        entries(prompt["rewards"], "rewards"), entries(prompt["query"], "query"), extras,
    )  # fmt: skip

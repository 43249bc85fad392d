"""Sums such as 2 a - 1/2 b + 3, read without running anything: an optional sign, number and atom for each term."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction

from ..errors import ArgumentError

_NUMBER = r"\s*([+-]?)\s*(?:(\d+(?:/[1-9]\d*)?)\s*\*?\s*)?"


def term_pattern(atom: str) -> re.Pattern[str]:
    """The pattern of one term whose atom matches `atom`; the atom's own groups start at 4."""
    return re.compile(_NUMBER + f"({atom})?" + r"\s*", re.ASCII)


def small_number(text: str) -> Fraction:
    """A number of a set: at most 9 digits above and below, so that it does not vanish modulo a prime of 19 digits.

    Raises `ArgumentError` when it has more.
    """
    if any(len(part) > 9 for part in text.split("/")):
        raise ArgumentError(f"the number {text[:40]} has more than 9 digits: give smaller ones")
    return Fraction(text)


def signed_terms(
    text: str, pattern: re.Pattern[str], refusal: Callable[[str], str]
) -> Iterator[tuple[Fraction, re.Match[str]]]:
    """(coefficient, match) of each term; group 3 of the match is the atom, None for a plain number.

    Raises `ArgumentError`, with `refusal` of the text from where no term can be read.
    """
    position, first = 0, True
    while position < len(text) or first:
        term = pattern.match(text, position)
        if term is None or term.end() == position or not (term[2] or term[3]) or not (first or term[1]):
            raise ArgumentError(refusal(text[position:]))
        yield small_number(term[2] or "1") * (-1 if term[1] == "-" else 1), term
        position, first = term.end(), False

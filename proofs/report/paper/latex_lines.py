"""Long formulas broken into lines before a relation or a sum's sign, as a typesetter would by hand."""

from __future__ import annotations

import re

from ...formula.commands import OPERATORS, RELATIONS

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_BREAKS = {"+", "-", "=", *(f"\\{name}" for name, sign in OPERATORS.items() if sign in RELATIONS)} - {"\\in", "\\to"}
_WIDE = ("\\quad", "\\qquad")


def width(latex: str) -> float:
    """About how many letters wide a formula is; a fraction counts with both its parts, so that it errs to wide."""
    scripts: list[int] = []
    size, depth = 0.0, 0
    for token in _TOKEN.findall(latex):
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            while scripts and scripts[-1] >= depth:
                scripts.pop()
        elif token in "^_":
            scripts.append(depth)
            continue
        elif token.strip() and token not in (
            "\\left",
            "\\right",
            "\\frac",
            "\\tfrac",
            "\\mathrm",
            "\\mathit",
            "\\text",
        ):
            size += 2 if token in _WIDE or token in _BREAKS else 0.6 if scripts else 1
            while scripts and scripts[-1] >= depth:
                scripts.pop()
    return size


def lines(latex: str, limit: float) -> list[str]:
    r"""The formula in pieces of about `limit` letters at most where it can be broken; joined they are the formula.

    >>> lines("a = b + c", 4)
    ['a = b ', '+ c']
    """
    if width(latex) <= limit:
        return [latex]
    places = _places(latex)
    result, start = [], 0
    while width(latex[start:]) > limit:
        fitting = [(at, inner) for at, inner in places if at > start and width(latex[start:at]) <= limit]
        later = [(at, inner) for at, inner in places if at > start]
        if not later:
            break
        apart = [at for at, inner in fitting if inner < 0 and width(latex[start:at]) > limit / 3]
        outer = apart or [at for at, inner in fitting if inner <= 0 and width(latex[start:at]) > limit / 3]
        cut = outer[-1] if outer else fitting[-1][0] if fitting else later[0][0]
        result.append(latex[start:cut])
        start = cut
    return [*result, latex[start:]]


def _places(latex: str) -> list[tuple[int, int]]:
    """Where a line may begin, each with how many parentheses are open there; -1 before wide spaces, the best places."""
    found, depth, inner, before = [], 0, 0, ""
    for match in _TOKEN.finditer(latex):
        token = match.group()
        if token in ("{", "\\left", "\\begin"):
            depth += 1
        elif token in ("}", "\\right", "\\end"):
            depth -= 1
        elif depth == 0 and token in "([":
            inner += 1
        elif depth == 0 and token in ")]":
            inner -= 1
        elif depth == 0 and token in _WIDE and before not in _WIDE:
            found.append((match.start(), -1))
        elif depth == 0 and token in _BREAKS and before and before not in _BREAKS and before not in "([,^_":
            found.append((match.start(), inner))
        if token.strip():
            before = token
    return found

"""Long formulas broken into lines before a relation or a sum's sign, as a typesetter would by hand."""

from __future__ import annotations

from itertools import accumulate, zip_longest

from .commands import RELATIONS
from .nodes import (
    Accent,
    Fenced,
    Grid,
    Node,
    Quotient,
    Root,
    Row,
    Scripts,
    Sign,
    Space,
    Spoken,
    Symbol,
    Verbatim,
    Words,
    core,
    parts,
    plain,
    sign,
)

_BREAKS = (RELATIONS | {"+", "−"}) - {"∈", "→"}
_SCRIPT = 0.6
_GAP = 1.4
"""Between the columns of a matrix, in letters."""


def width(node: Node) -> float:
    """About how many letters wide a formula is; a fraction counts with both its parts, so that it errs to wide."""
    match node:
        case Spoken(_, shown) | Symbol(_, _, shown):
            return width(shown)
        case Row(items):
            return sum(map(width, items))
        case Sign(kind, text):
            return 2 if text in _BREAKS else 0 if not text else len(text) if kind in ("number", "function") else 1
        case Words(text) | Verbatim(text):
            return len(text)
        case Space(room):
            return max(round(2 * room), 1)
        case Scripts(base, below, above, primes):
            return width(base) + primes + sum(_small(x) for x in (below, above) if x is not None)
        case Quotient(above, below):
            return width(above) + width(below)
        case Root(body) | Accent(_, body):
            return width(body) + 1
        case Fenced(left, body, right):
            return width(body) + len(left) + len(right)
        case Grid(environment, rows):
            widths = [max(map(width, column)) for column in zip_longest(*rows, fillvalue=Row(()))]
            small = 0.7 if environment == "smallmatrix" else 1
            return small * sum(widths) + _GAP * max(len(widths) - 1, 0)


def _small(node: Node) -> float:
    """The width of an index: its letters are smaller, its signs keep their room."""
    inner = plain(node)
    if isinstance(inner, Row):
        return sum(map(_small, inner.items))
    return width(inner) if _breaks(inner) else _SCRIPT * width(inner)


def lines(node: Node, limit: float) -> list[Node]:
    """The formula in pieces of about `limit` letters at most where it can be broken; joined they are the formula.

    >>> from .latex import latex
    >>> from .reader import read
    >>> [latex(line) for line in lines(read("a = b + c"), 4)]
    ['a = b', '+c']
    """
    items = parts(node)
    reach = [0.0, *accumulate(map(width, items))]
    if reach[-1] <= limit or len(items) == 1:
        return [node]
    places = _places(items)
    result: list[Node] = []
    start = 0
    while reach[-1] - reach[start] > limit:
        later = [(at, inner) for at, inner in places if at > start]
        if not later:
            break
        fitting = [(at, inner) for at, inner in later if reach[at] - reach[start] <= limit]
        whole = [(at, inner) for at, inner in fitting if inner <= 0 and reach[at] - reach[start] > limit / 3]
        best = [x for x in whole if x[1] < 0] or whole or fitting or later[:1]
        result.append(Row(items[start : best[-1][0]]))
        start = best[-1][0]
    return [*result, Row(items[start:])]


def _places(items: tuple[Node, ...]) -> list[tuple[int, int]]:
    """Where a line may begin, each with how many parentheses are open there; -1 before wide spaces, the best places."""
    places: list[tuple[int, int]] = []
    inner = 0
    before: Node | None = None
    for at, item in enumerate(items):
        node = core(item)
        if bracket := sign(node, "open", "close"):
            inner += 1 if bracket.kind == "open" else -1
        elif isinstance(node, Space) and node.width >= 1 and before is not None and not isinstance(before, Space):
            places.append((at, -1))
        elif _breaks(node) and before is not None and not _holds(before):
            places.append((at, inner))
        before = node
    return places


def _breaks(node: Node) -> bool:
    return isinstance(node, Sign) and node.kind == "operator" and node.text in _BREAKS


def _holds(node: Node) -> bool:
    """Whether a sign behind it belongs to a number, or to what it opens."""
    return _breaks(node) or (isinstance(node, Sign) and (node.kind == "open" or node.text == ","))

"""Formulas as Typst math: signs are written as characters, every text as a string literal."""

from __future__ import annotations

from functools import lru_cache

from ...formula.commands import BIG
from ...formula.escape import visible
from ...formula.formula import Formula
from ...formula.lines import lines
from ...formula.nodes import (
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
    merged,
    named,
    parts,
    plain,
    separates,
)

LINE = 72
"""About how many letters of a displayed formula fit on a line of the page."""
_ACCENTS = {
    "hat": "hat", "widehat": "hat", "bar": "macron", "overline": "overline", "tilde": "tilde", "widetilde": "tilde",
    "vec": "arrow", "dot": "dot", "ddot": "dot.double", "underline": "underline", "overbrace": "overbrace",
    "underbrace": "underbrace",
}  # fmt: skip
THIN = "#h(0.1667em)"
EMPTY = 'upright("")'
_STYLES = {"text": "upright", "rm": "upright", "it": "italic", "bf": "bold", "tt": "mono"}


def literal(text: str, also: str = "") -> str:
    r"""A string literal of Typst: the text, and nothing of it read as markup or code; `also` is let through.

    >>> literal('#read("x")')
    '"#read(\\"x\\")"'
    """
    shown = (
        "".join(c if c in also else visible(c) for c in text)
        .replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("\n", "\\n")
        .replace("\t", "\\t")
    )
    return f'"{shown}"'


def typst_math(formula: Formula, display: bool = False) -> str:
    """A formula as Typst markup, or its text in a typewriter face where its LaTeX is not one that we set."""
    if formula.set_as_text:
        return f"#raw({literal(formula.text)})"
    return _display(formula.tree) if display else f"${_inline(formula.tree) or EMPTY}$"


@lru_cache(maxsize=65536)
def _inline(tree: Node) -> str:
    return _set(tree)


@lru_cache(maxsize=4096)
def _display(tree: Node) -> str:
    pieces = [_inline(piece) for piece in lines(tree, LINE)]
    if len(pieces) == 1:
        return f"$ {pieces[0] or EMPTY} $"
    return "$ &" + " \\ &quad ".join(pieces) + " $"


def _set(node: Node) -> str:
    match node:
        case Spoken() | Symbol():
            return _set(plain(node))
        case Row():
            return _row(parts(node))
        case Sign():
            return _sign(node)
        case Words(text, style):
            return f"{_STYLES[style]}({literal(text)})"
        case Verbatim(text):
            return f"mono({literal(text)})"
        case Space(width):
            return f"#h({width}em)"
        case Scripts():
            return _scripts(node)
        case Quotient(above, below, style):
            fraction = f"frac({_set(above) or EMPTY}, {_set(below) or EMPTY})"
            return {"frac": fraction, "tfrac": f"inline({fraction})", "dfrac": f"display({fraction})"}[style]
        case Root(body):
            return f"sqrt({_set(body) or EMPTY})"
        case Accent(name, body):
            return f"{_ACCENTS[name]}({_set(body) or EMPTY})"
        case Fenced(left, body, right):
            return f"lr({_delimiter(left)} {_set(body)} {_delimiter(right)})"
        case Grid():
            return _grid(node)


def _row(items: tuple[Node, ...]) -> str:
    shown: list[str] = []
    for before, item in zip((None, *items), items, strict=False):
        apart = before is not None and (named(item) or named(before)) and not separates(before) and not separates(item)
        shown += [THIN, _set(item)] if apart else [_set(item)]
    return " ".join(shown)


def _sign(sign: Sign) -> str:
    if sign.size:
        return f"lr(size: #{round(sign.size * 100)}%, {_delimiter(sign.text)})"
    if sign.kind == "function":
        limits = "true" if sign.text in ("max", "min", "sup", "inf", "lim", "limsup", "liminf", "det") else "false"
        return f"op({literal(sign.text)}, limits: #{limits})"
    if sign.text in "|‖":
        return f'class("normal", {sign.text})'
    if sign.kind == "number" or sign.text.isalpha():
        return sign.text
    return _delimiter(sign.text)


def _delimiter(text: str) -> str:
    """Signs, those escaped that Typst would pair with others or read as its own."""
    return "".join(f"\\{c}" if c.isascii() or c in "⟨⟩⌊⌋⌈⌉" else c for c in text)


def _scripts(node: Scripts) -> str:
    node = merged(node)
    below = None if node.below is None else _set(node.below)
    base = plain(node.base)
    if isinstance(base, Accent) and base.name == "underbrace" and below is not None and node.above is None:
        return f"underbrace({_set(base.body)}, {below})"
    if isinstance(base, Accent) and base.name == "overbrace" and node.above is not None and below is None:
        return f"overbrace({_set(base.body)}, {_set(node.above)})"
    above = [f"#math.primes({node.primes})"] if node.primes else []
    above += [] if node.above is None else [_set(node.above)]
    limits = isinstance(base, Sign) and (base.text in BIG or base.kind == "function")
    under, over = ("b", "t") if limits else ("br", "tr")
    shown = [_set(base) or EMPTY]
    shown += [f"{under}: {below or EMPTY}"] if below is not None else []
    shown += [f"{over}: {' '.join(above) or EMPTY}"] if above else []
    return f"attach({', '.join(shown)})"


def _grid(grid: Grid) -> str:
    if not any(grid.rows):
        return EMPTY
    options = ["delim: #none"]
    if grid.environment in ("cases", "aligned"):
        options.append("column-gap: #1em" if grid.environment == "cases" else "column-gap: #0.28em, row-gap: #0.6em")
    rows = []
    for row in grid.rows:
        cells = []
        for column, cell in zip(grid.columns, row, strict=False):
            shown = _set(cell) or EMPTY
            if grid.environment == "aligned":
                shown = f"display({shown})"
            cells.append({"l": f"&{shown}", "r": f"{shown}&", "c": shown}[column])
        rows.append(", ".join(cells + [EMPTY] * (len(grid.columns) - len(cells))))
    return f"mat({', '.join(options)}, {'; '.join(rows)})"

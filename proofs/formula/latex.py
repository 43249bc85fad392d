"""A formula's tree as LaTeX that amsmath and amssymb take: what the reader read comes out as it went in."""

from __future__ import annotations

import re

from .commands import DELIMITERS, ENVIRONMENTS, FANCY, FUNCTIONS, GREEK_AND_LETTERS, OPERATORS, SIZES, SPACES
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
    binary,
    core,
    merged,
    operand,
    operator,
    parts,
    plain,
    sign,
)
from .tex_text import in_formula

_LETTERS = {sign: f"\\{name}" for name, sign in reversed(GREEK_AND_LETTERS.items())} | {
    sign: rf"\{command}{{{letter}}}" for (command, letter), sign in FANCY.items()
}
_OPERATORS = {
    **{sign: f"\\{name}" for name, sign in reversed(OPERATORS.items()) if not sign.isascii()},
    "−": "-", "∗": "*", "‖": r"\|", "[": r"\lbrack", "]": r"\rbrack",
}  # fmt: skip
_DELIMITERS = {sign: name for name, sign in reversed(DELIMITERS.items()) if sign not in "[]"}
_SIZES = {(scale, name[-1]): f"\\{name}" for name, scale in SIZES.items() if name[-1] in "lr"}
_SPACES = {width: f"\\{name}" for name, width in reversed(SPACES.items())}
_STYLES = {"text": "text", "rm": "mathrm", "it": "mathit", "bf": "mathbf", "tt": "mathtt"}
CLOSE = ",;:.!/|‖"
"""Signs without room in front of them."""
_COMMAND_ENDS = re.compile(r"\\[A-Za-z]+$")


def latex(node: Node) -> str:
    r"""The LaTeX of a node.

    >>> from .reader import read
    >>> latex(read(r"w^\top\phi_j+\frac12(x)"))
    'w^\\top \\phi_{j} + \\frac{1}{2}(x)'
    """
    match node:
        case Spoken() | Symbol():
            return latex(plain(node))
        case Row():
            return _row(node)
        case Sign():
            return _sign(node)
        case Words(text, style):
            return rf"\{_STYLES[style]}{{{in_formula(text)}}}"
        case Verbatim(text):
            return rf"\texttt{{{in_formula(text)}}}"
        case Space(width):
            return _SPACES[width]
        case Scripts():
            return _scripts(node)
        case Quotient(above, below, style):
            return rf"\{style}{{{latex(above)}}}{{{latex(below)}}}"
        case Root(body):
            return rf"\sqrt{{{latex(body)}}}"
        case Accent(name, body):
            return rf"\{name}{{{latex(body)}}}"
        case Fenced(left, body, right):
            own = isinstance(body, Grid) and ENVIRONMENTS[body.environment] == (left, right)
            if own:
                return latex(body)
            return rf"\left{_delimiter(left)} {latex(body)} \right{_delimiter(right)}"
        case Grid():
            return _grid(node)


def together(parts: list[str]) -> str:
    """Pieces of LaTeX one behind another; a command is kept apart from the letters behind it."""
    result = ""
    for part in parts:
        result += " " * bool(part[:1].isalpha() and _COMMAND_ENDS.search(result)) + part
    return result


def _row(row: Row, tight: bool = False) -> str:
    pieces: list[str] = []
    before: Node | None = None
    unary = False
    for item in parts(row):
        shown = group(item) if isinstance(item, Row) else latex(item)
        between = binary(before, item)
        if pieces and apart(before, item, between, unary, tight):
            pieces.append(" ")
        pieces.append(shown)
        unary = operator(item) is not None and not between
        before = item
    return together(pieces)


def apart(before: Node | None, item: Node, between: bool, unary: bool, tight: bool) -> bool:
    """Whether there is room between two items of a row.

    between, unary : whether this one is a sign between two operands, and the one before a sign of its own number
    tight          : whether the row is an index or an exponent
    """
    room = core(item)
    if unary or isinstance(room, Space):
        return isinstance(room, Space) and room.width >= 1 and not tight
    if before is not None and isinstance(core(before), Space):
        return not tight
    if opening := sign(item, "open"):
        return not opening.tight and (operand(before) or (_spaced(before) and not tight))
    if sign(before, "number") and sign(item, "number"):
        return True
    if tight:
        return bool(sign(before, "letter") and sign(item, "letter"))
    if second := operator(item):
        return second.text not in CLOSE if between else _spaced(before)
    if operator(before):
        return _spaced(before)
    return operand(before) and not sign(item, "close")


def _spaced(node: Node | None) -> bool:
    mark = operator(node)
    return mark is not None and mark.text not in "/!.|‖"


def group(node: Node) -> str:
    """A node as an argument."""
    node = plain(node)
    return f"{{{_row(node, tight=True) if isinstance(node, Row) else latex(node)}}}"


def _sign(node: Sign) -> str:
    if node.size:
        return _SIZES[node.size, "r" if node.kind == "close" else "l"] + _delimiter(node.text)
    if node.kind == "function":
        return f"\\{node.text}" if node.text in FUNCTIONS else rf"\operatorname{{{in_formula(node.text)}}}"
    if node.kind == "letter":
        return _LETTERS.get(node.text, node.text)
    if node.kind == "operator":
        return _OPERATORS.get(node.text, node.text)
    return node.text if node.text in "()[]" or node.kind == "number" else _DELIMITERS[node.text]


def _delimiter(text: str) -> str:
    return text if text in ("(", ")", "[", "]", "|", "/") else _DELIMITERS[text] if text else "."


def _scripts(node: Scripts) -> str:
    node = merged(node)
    base = plain(node.base)
    shown = group(base) if isinstance(base, Row | Scripts) else latex(base)
    below = "" if node.below is None else f"_{group(node.below)}"
    above = ""
    if node.above is not None:
        mark = plain(node.above)
        single = isinstance(mark, Sign) and not mark.text.startswith("\\") and latex(mark).startswith("\\")
        above = f"^{latex(mark) if single else group(mark)}"
    return shown + "'" * node.primes + (above + below if node.primes else below + above)


def _grid(grid: Grid) -> str:
    body = r" \\ ".join(" & ".join(map(latex, row)) for row in grid.rows)
    return rf"\begin{{{grid.environment}}} {body} \end{{{grid.environment}}}"

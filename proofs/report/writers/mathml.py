"""Formulas as MathML Core: what browsers lay out without a script."""

from __future__ import annotations

from functools import lru_cache
from html import escape

from ...formula.commands import ACCENTS, BIG
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

LINE = 70
"""About how many characters of a displayed formula fit on a line of a page at full width."""
THIN = '<mspace width="0.1667em"/>'
_LIMITS = frozenset({"max", "min", "sup", "inf", "lim", "limsup", "liminf", "det", "gcd", "Pr"})


def mathml(formula: Formula, display: bool = False) -> str:
    """A formula as <math> with its exact text beside it, or as <code> where its LaTeX is not one that we set."""
    exact = escape(visible(formula.text))
    if formula.set_as_text:
        return f'<code class="formula" data-exact="{exact}">{exact}</code>'
    body = _display(formula.tree) if display else _inline(formula.tree)
    block = ' display="block"' if display else ""
    return f'<math{block} data-exact="{exact}">{body}</math>'


@lru_cache(maxsize=65536)
def _inline(tree: Node) -> str:
    return _set(tree)


@lru_cache(maxsize=4096)
def _display(tree: Node) -> str:
    pieces = lines(tree, LINE)
    if len(pieces) == 1:
        return _inline(tree)
    indent = '<mspace width="2em"/>'
    rows = ""
    for place, part in enumerate(pieces):
        shown = _set(part)
        if place:  # the sign that the line begins with joins two terms
            shown = indent + shown.replace(' form="prefix"', ' form="infix"', 1)
        rows += f'<mtr><mtd class="l"><mstyle displaystyle="true">{shown}</mstyle></mtd></mtr>'
    return f"<mtable>{rows}</mtable>"


def _set(node: Node) -> str:
    match node:
        case Spoken() | Symbol():
            return _set(plain(node))
        case Row():
            return f"<mrow>{_row(parts(node))}</mrow>"
        case Sign():
            return _sign(node, prefix=False)
        case Words(text, style):
            return _words(text, style)
        case Verbatim(text):
            return _words(visible(text), "tt")
        case Space(width):
            return f'<mspace width="{width}em"/>'
        case Scripts():
            return _scripts(node)
        case Quotient(above, below, style):
            fraction = f"<mfrac>{_set(above)}{_set(below)}</mfrac>"
            if style == "frac":
                return fraction
            shown = "true" if style == "dfrac" else "false"
            return f'<mstyle displaystyle="{shown}" scriptlevel="0">{fraction}</mstyle>'
        case Root(body):
            return f"<msqrt>{_set(body)}</msqrt>"
        case Accent(name, body):
            under = name in ("underline", "underbrace")
            mark = "‾" if name == "underline" else ACCENTS[name]
            stretchy = "true" if name in ("overline", "underline", "overbrace", "underbrace") else "false"
            attribute = ' accentunder="true"' if under else ' accent="true"'
            tag = "munder" if under else "mover"
            return f'<{tag}{attribute}>{_set(body)}<mo stretchy="{stretchy}">{escape(mark)}</mo></{tag}>'
        case Fenced(left, body, right):
            return f"<mrow>{_fence(left, 'prefix')}{_set(body)}{_fence(right, 'postfix')}</mrow>"
        case Grid():
            return _grid(node)


def _row(items: tuple[Node, ...]) -> str:
    result = ""
    for place, item in enumerate(items):
        before, after = items[place - 1 : place] or (None,), items[place + 1 : place + 2] or (None,)
        if named(item) and not separates(before[0]):
            result += THIN
        node = plain(item)
        stands = next((x for x in reversed(items[:place]) if not isinstance(x, Space)), None)
        result += _sign(node, prefix=_begins(stands)) if isinstance(node, Sign) else _set(item)
        if named(item) and not separates(after[0]) and not named(after[0]):
            result += THIN
    return result


def _begins(before: Node | None) -> bool:
    """Whether a sign after this one stands before its number, as in -1, and not between two."""
    before = None if before is None else plain(before)
    return before is None or (isinstance(before, Sign) and before.kind in ("operator", "open"))


def _sign(sign: Sign, prefix: bool) -> str:
    text = escape(sign.text)
    if sign.kind == "number":
        return f"<mn>{text}</mn>"
    if sign.kind == "letter":
        return f"<mi>{text}</mi>"
    if sign.kind == "function":
        limits = ' movablelimits="true"' if sign.text in _LIMITS else ""
        return f'<mo lspace="0" rspace="0"{limits}>{text}</mo>'
    if sign.kind in ("open", "close"):
        form = "prefix" if sign.kind == "open" else "postfix"
        if sign.size:
            return f'<mo form="{form}" stretchy="true" minsize="{sign.size}em" maxsize="{sign.size}em">{text}</mo>'
        return f'<mo form="{form}" stretchy="false">{text}</mo>'
    if sign.text in "/|‖!":
        return f'<mo stretchy="false" lspace="0" rspace="0">{text}</mo>'
    if sign.text == ".":
        return "<mtext>.</mtext>"
    form = ' form="prefix"' if prefix and sign.text in "+−±∓" else ""
    return f"<mo{form}>{text}</mo>"


def _words(text: str, style: str) -> str:
    shown = escape(text.replace(" ", "\u00a0"))
    if style == "text":
        return f"<mtext>{shown}</mtext>"
    return f'<mi mathvariant="normal" class="{style}">{shown}</mi>'


def _fence(text: str, form: str) -> str:
    return f'<mo form="{form}" fence="true" stretchy="true">{escape(text)}</mo>' if text else ""


def _scripts(node: Scripts) -> str:
    node = merged(node)
    above = node.above
    base = _set(node.base)
    if node.primes:  # beside the base and as large: raised as a script it would be a speck, or read as an exponent
        base = f'<mrow>{base}<mo lspace="0" rspace="0">{"′" * node.primes}</mo></mrow>'
    below = None if node.below is None else _set(node.below)
    top = None if above is None else _set(above)
    inner = plain(node.base)
    limits = (isinstance(inner, Sign) and (inner.text in BIG - {"∫"} or inner.text in _LIMITS)) or (
        isinstance(inner, Accent) and inner.name.endswith("brace")
    )
    under, over, both = ("munder", "mover", "munderover") if limits else ("msub", "msup", "msubsup")
    if below is not None and top is not None:
        return f"<{both}>{base}{below}{top}</{both}>"
    if below is not None:
        return f"<{under}>{base}{below}</{under}>"
    return f"<{over}>{base}{top}</{over}>" if top is not None else base


def _grid(grid: Grid) -> str:
    rows = ""
    for row in grid.rows:
        cells = ""
        for c, cell in enumerate(row):
            tight = " tight" * (grid.environment == "aligned" and c % 2 == 1)
            cells += f'<mtd class="{grid.columns[c]}{tight}">{_set(cell)}</mtd>'
        rows += f"<mtr>{cells}</mtr>"
    display = ' displaystyle="true"' if grid.environment == "aligned" else ""
    return f"<mtable{display}>{rows}</mtable>"

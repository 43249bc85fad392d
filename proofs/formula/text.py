"""A formula's tree as plain text, for terminals and for formats that set no formulas."""

from __future__ import annotations

from .commands import BIG, FANCY, GREEK_AND_LETTERS, OPERATORS
from .latex import apart
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
    sign,
)

TRANSPOSED = "⊤"
_SIGNS = {
    **{sign: letter for (_, letter), sign in FANCY.items()},
    **{sign: name for name, sign in reversed((*GREEK_AND_LETTERS.items(), *OPERATORS.items())) if not sign.isascii()},
    TRANSPOSED: "T", "ℓ": "l", "ε": "epsilon", "φ": "phi", "∞": "infinity",
    "−": "-", "∗": "*", "⋅": "*", "×": "x", "∘": "o", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "→": "->", "←": "<-",
    "⇒": "=>", "⟹": "=>", "⟺": "<=>", "⇔": "<=>", "∣": "|", "…": "...", "⋯": "...", "∈": "in", "‖": "|",
}  # fmt: skip


def text(node: Node) -> str:
    r"""The text of a node: letters by their names, w.x for the transposed w times x, indices as they are.

    >>> from .reader import read
    >>> text(read(r"w_{\ell+1} = w_{\ell} + \frac{1}{n} C_{\ell} \sum_{j=1}^{n} w^\top \phi'_{j} X_j^\top X_j"))
    "w_{l+1} = w_l + (1/n) C_l sum_{j=1..n} w.phi'_j X_j^T X_j"
    """
    match node:
        case Spoken(as_text, _):
            return text(as_text)
        case Symbol():
            return text(node.shown)
        case Row(items):
            return _row(items)
        case Sign():
            return _SIGNS.get(node.text, node.text)
        case Words(words) | Verbatim(words):
            return words
        case Space():
            return " "
        case Scripts():
            return _scripts(node)
        case Quotient(above, below):
            return f"{_factor(above)}/{_single(below)}"
        case Root(body):
            return f"sqrt({text(body)})"
        case Accent(name, body):
            mark = "" if name.endswith(("brace", "line")) else name.removeprefix("wide")
            return f"{text(body)}{mark}"
        case Fenced(left, body, right):
            if isinstance(body, Grid) and body.environment != "cases":
                return f"[{text(body)}]"
            if isinstance(body, Grid):
                return text(body)
            return f"{_SIGNS.get(left, left)}{text(body)}{_SIGNS.get(right, right)}"
        case Grid():
            return _grid(node)


def _row(items: tuple[Node, ...], tight: bool = False) -> str:
    result = ""
    before: Node | None = None
    unary = dotted = False
    for place, item in enumerate(items):
        following = items[place + 1] if place + 1 < len(items) else None
        between = binary(before, item)
        inner = shown = _row(item.items, tight) if isinstance(item, Row) else text(item)
        if before is not None and not dotted and apart(before, item, between, unary, tight):
            inner = f" {inner}"
        if isinstance(item, Quotient) and not sign(item.below, "number") and _factor_of(following):
            inner = f"{inner.removesuffix(shown)}({shown})"
        dotted = _meets(item, following)
        result += inner.removesuffix("^T") + "." if dotted else inner
        unary = operator(item) is not None and not between
        before = item
    return " ".join(result.split())


def _factor_of(node: Node | None) -> bool:
    """Whether it is multiplied by what stands before it."""
    return operand(node) and not isinstance(node, Words) and not sign(node, "close")


def _meets(node: Node, following: Node | None) -> bool:
    """Whether a transposed vector meets another one: w.x; a matrix has a capital letter, and stays transposed."""
    if not isinstance(node, Scripts) or node.above != Sign("letter", TRANSPOSED):
        return False
    return not _is_matrix(node) and following is not None and _opens(following) and not _is_matrix(following)


def _opens(node: Node) -> bool:
    opening = sign(node, "open")
    return operand(node) if opening is None else opening.text in "(["


def _is_matrix(node: Node) -> bool:
    node = core(node)
    while isinstance(node, Row) and len(node.items) == 1:
        node = core(node.items[0])
    letter = sign(node, "letter")
    return letter is not None and letter.text.isupper()


def _scripts(node: Scripts) -> str:
    node = merged(node)
    base = _row(node.base.items) if isinstance(node.base, Row) else text(node.base)
    if len(base.split()) > 1:
        base = f"({base})"
    base += "'" * node.primes
    below = "" if node.below is None else _below(node.below)
    above = "" if node.above is None else _inner(node.above)
    if isinstance(node.base, Sign) and node.base.text in BIG and above:
        return f"{base}_{{{below}..{above}}}"
    base += f"_{below if _short(below) else f'{{{below}}}'}" if below else ""
    if node.above is None:
        return base
    if above == "*":
        return f"{base}*"
    bracketed = above.startswith("(") and above.find(")") == len(above) - 1
    return f"{base}^{above}" if _short(above) or bracketed else f"{base}^({text(node.above)})"


def _inner(node: Node) -> str:
    return _row(node.items, tight=True) if isinstance(node, Row) else text(node)


def _below(node: Node) -> str:
    """An index; several letters beside one another are several indices."""
    items = node.items if isinstance(node, Row) else (node,)
    if all(sign(x, "letter") for x in items):
        return ",".join(map(text, items))
    return _inner(node)


def _short(script: str) -> bool:
    """Whether an index or an exponent needs no brackets."""
    bare = script.removeprefix("-").rstrip("'").replace("_", "")
    return bare.isdigit() or bare.isalpha()


def _is_sum(node: Node) -> bool:
    signs = [operator(x) for x in node.items[1:]] if isinstance(node, Row) else []
    return any(s is not None and s.text in "+−" for s in signs)


def _factor(node: Node) -> str:
    return f"({text(node)})" if _is_sum(node) else text(node)


def _single(node: Node) -> str:
    return f"({text(node)})" if isinstance(node, Row) and len(node.items) > 1 else text(node)


def _grid(grid: Grid) -> str:
    if grid.environment in ("cases", "aligned"):
        return "; ".join(" ".join(" ".join(map(text, row)).split()) for row in grid.rows)
    return ", ".join(f"[{', '.join(map(text, row))}]" for row in grid.rows)

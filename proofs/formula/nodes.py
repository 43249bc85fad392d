"""What a formula is made of: a tree, which `text`, `latex` and the writers of MathML and Typst print."""

from __future__ import annotations

from dataclasses import dataclass

from .commands import BIG, RELATIONS

STANDING = BIG | {"…", "⋯"}
"""Operators that stand in a row as an operand does."""


@dataclass(frozen=True)
class Sign:
    """One symbol.

    kind  : "letter", "number", "operator", "open", "close" or "function"
    size  : scales a delimiter
    tight : an opening delimiter belongs to what stands before it: f(x), not a product
    """

    kind: str
    text: str
    size: float = 0.0
    tight: bool = False


HOLE = Sign("letter", "#1")
"""Where the index of a macro stands in what the macro stands for."""


@dataclass(frozen=True)
class Words:
    """Text in a formula; style: "text", "rm", "it", "bf" or "tt"."""

    text: str
    style: str


@dataclass(frozen=True)
class Space:
    """Room of some em."""

    width: float


@dataclass(frozen=True)
class Row:
    """Nodes side by side."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Scripts:
    """A base with what stands below and above it and its primes."""

    base: Node
    below: Node | None
    above: Node | None
    primes: int = 0


@dataclass(frozen=True)
class Quotient:
    """A fraction; style: "frac", "tfrac" or "dfrac"."""

    above: Node
    below: Node
    style: str


@dataclass(frozen=True)
class Root:
    """A square root."""

    body: Node


@dataclass(frozen=True)
class Accent:
    """A mark over the body, or a brace "overbrace" or "underbrace"."""

    name: str
    body: Node


@dataclass(frozen=True)
class Fenced:
    """A body between delimiters as tall as it is; "" for none."""

    left: str
    body: Node
    right: str


@dataclass(frozen=True)
class Grid:
    """Rows of cells in one of LaTeX's environments."""

    environment: str
    rows: tuple[tuple[Node, ...], ...]

    @property
    def columns(self) -> str:
        """How each column is set: "l", "c" or "r"."""
        width = max(map(len, self.rows), default=0)
        return {"aligned": "rl" * width, "cases": "l" * width}.get(self.environment, "c" * width)[:width]


@dataclass(frozen=True)
class Spoken:
    """What plain text says in another way than a page shows it: td_error for a letter, Y[k, t] for two indices."""

    as_text: Node
    shown: Node


@dataclass(frozen=True)
class Symbol:
    """A symbol that authors may want to write another way: its macro at an index, and what it is."""

    macro: str
    index: Node | None
    shown: Node


@dataclass(frozen=True)
class Verbatim:
    """What is no formula that we set: the gate let its LaTeX not through."""

    text: str


Node = (
    Sign | Words | Space | Row | Scripts | Quotient | Root | Accent | Fenced | Grid
    | Spoken | Symbol | Verbatim
)  # fmt: skip


def plain(node: Node) -> Node:
    """The node as a page shows it."""
    while isinstance(node, Spoken | Symbol):
        node = node.shown
    return node


def parts(node: Node) -> tuple[Node, ...]:
    """The items of a row, and of the rows in it that something else is said for; any other node alone."""
    shown = plain(node) if isinstance(node, Spoken) else node
    if not isinstance(shown, Row):
        return (shown,)
    return tuple(x for item in shown.items for x in (parts(item) if isinstance(item, Spoken) else (item,)))


def named(node: Node | None) -> bool:
    """Whether it is a name of several letters, which needs room on both sides."""
    node = None if node is None else plain(node)
    base = plain(node.base) if isinstance(node, Scripts) else node
    return (isinstance(base, Sign) and base.kind == "function") or (isinstance(base, Words) and base.style != "text")


def separates(node: Node | None) -> bool:
    """Whether a neighbour is told from a name without room between them."""
    node = None if node is None else plain(node)
    if isinstance(node, Sign):
        return node.kind in ("operator", "open", "close")
    return node is None or isinstance(node, Fenced | Space)


def core(node: Node) -> Node:
    """The node as a page shows it, without its scripts: what says how it stands in a row."""
    node = plain(node)
    while isinstance(node, Scripts):
        node = plain(node.base)
    return node


def operand(node: Node | None) -> bool:
    """Whether it stands for something, so that another one behind it is a factor or an argument."""
    node = None if node is None else core(node)
    if isinstance(node, Sign):
        return node.kind in ("letter", "number", "function", "close") or node.text in STANDING
    return node is not None and not isinstance(node, Space)


def sign(node: Node | None, *kinds: str) -> Sign | None:
    """The sign that a node is, its scripts aside, where it is one of these kinds."""
    node = None if node is None else core(node)
    return node if isinstance(node, Sign) and node.kind in kinds else None


def operator(node: Node | None) -> Sign | None:
    """The sign between two operands, or in front of one, that a node is."""
    mark = sign(node, "operator")
    return None if mark is None or mark.text in STANDING else mark


def binary(before: Node | None, item: Node) -> bool:
    """Whether an item of a row is a sign between two operands."""
    mark = operator(item)
    return mark is not None and (operand(before) or mark.text in RELATIONS)


def taken(node: Node) -> tuple[bool, bool]:
    """Whether something stands below and above a node already, in what its symbol stands for too."""
    shown = plain(node)
    if not isinstance(shown, Scripts):
        return False, False
    below, above = taken(shown.base) if isinstance(shown.base, Symbol) else (False, False)
    return below or shown.below is not None, above or shown.above is not None or bool(shown.primes)


def merged(node: Scripts) -> Scripts:
    """Scripts together with those of the symbol that they stand on."""
    shown = plain(node.base) if isinstance(node.base, Symbol) else None
    if not isinstance(shown, Scripts):
        return node
    shown = merged(shown)
    below, above = taken(shown)
    if (below and node.below is not None) or (above and (node.above is not None or node.primes)):
        return node
    return Scripts(shown.base, shown.below or node.below, shown.above or node.above, shown.primes or node.primes)

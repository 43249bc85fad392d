"""What a formula is made of, once its LaTeX has been read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sign:
    """One symbol. kind: "letter", "number", "operator", "open", "close" or "function"; `size` scales a delimiter."""

    kind: str
    text: str
    size: float = 0.0


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
    """Rows of cells; columns: "l", "c", "r" each; before the columns `rules` and the rows `lines` there is a line."""

    environment: str
    columns: str
    rows: tuple[tuple[Node, ...], ...]
    rules: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()


Node = Sign | Words | Space | Row | Scripts | Quotient | Root | Accent | Fenced | Grid


def named(node: Node | None) -> bool:
    """Whether it is a name of several letters, which needs room on both sides."""
    base = node.base if isinstance(node, Scripts) else node
    return (isinstance(base, Sign) and base.kind == "function") or (isinstance(base, Words) and base.style != "text")


def separates(node: Node | None) -> bool:
    """Whether a neighbour is told from a name without room between them."""
    if isinstance(node, Sign):
        return node.kind in ("operator", "open", "close")
    return node is None or isinstance(node, Fenced | Space)

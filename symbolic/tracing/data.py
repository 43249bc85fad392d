"""Expressions as plain data that crosses a process or a file, and read back trusting nothing."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ..errors import ContentError
from ..plain_text import shown
from .expression import ARITY, MATRIX, SCALAR, SOURCES, VECTOR, Expression, NodeTable

MAX_NODES = 100_000
"""How many nodes a tree may have."""
MAX_DIGITS = 2_000
"""How long a number in a tree may be, as text."""
MAX_NAME = 200


def node_data(node: Expression, position: Mapping[int, int]) -> list[Any]:
    """A node as JSON-able data, its operands by their positions."""
    if node.op == "number":
        return ["number", str(node.number)]
    if node.op == "name":
        return ["name", node.source, node.name, node.kind]
    return [node.op, *(position[id(a)] for a in node.args)]


class NodeReader:
    """Reads a list of `node_data` back; what else a document holds names its nodes by position.

    Raises `ContentError` for anything that is no such list.
    """

    def __init__(self, data: Any):
        self.table = NodeTable()
        self.nodes: list[Expression] = []
        for k, entry in enumerate(self.listed(data, "nodes", MAX_NODES)):
            self.nodes.append(self._node(entry, k))

    def _node(self, entry: Any, position: int) -> Expression:
        where = f"nodes[{position}]"
        if not isinstance(entry, list) or not entry or not isinstance(entry[0], str) or entry[0] not in ARITY:
            raise ContentError(f"{where} is {str(entry)[:40]}, wanted an operation with its operands")
        op, *rest = entry
        if op == "number":
            return self.table.number(self._number(rest, where))
        if op == "name":
            if len(rest) != 3 or rest[0] not in list(SOURCES) or rest[2] not in (SCALAR, VECTOR, MATRIX):
                raise ContentError(f"{where} is no symbol: [name, source, name, kind]")
            return self.table.name(rest[0], self.text(rest[1], where), rest[2])
        if len(rest) != ARITY[op]:
            raise ContentError(f"{where} has {len(rest)} operands, wanted {ARITY[op]} for {op}")
        return self.table.make(op, *(self.at(k, where, position) for k in rest))

    def at(self, k: Any, where: str, before: int | None = None) -> Expression:
        """The node that is named by its position."""
        limit = len(self.nodes) if before is None else before
        if not isinstance(k, int) or isinstance(k, bool) or not 0 <= k < limit:
            raise ContentError(f"{where} names the node {str(k)[:40]}, which does not come before it")
        return self.nodes[k]

    @staticmethod
    def _number(rest: list[Any], where: str) -> Fraction:
        (value,) = rest if len(rest) == 1 else (None,)
        if isinstance(value, str) and len(value) <= MAX_DIGITS and value.isascii():
            try:
                number = Fraction(value)
            except (ValueError, ZeroDivisionError):
                number = None
            if number is not None and str(number) == value:
                return number
        raise ContentError(f"{where} holds {shown(value)}, wanted a rational number in lowest terms such as '-3/7'")

    @staticmethod
    def text(value: Any, where: str) -> str:
        """A printable text."""
        if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
            raise ContentError(f"{where} is {ascii(value)[:40]}, wanted a printable text")
        return value

    @staticmethod
    def listed(value: Any, where: str, limit: int = 1_000) -> list[Any]:
        """A list."""
        if not isinstance(value, list) or len(value) > limit:
            raise ContentError(f"{where} is no list of at most {limit} entries")
        return value

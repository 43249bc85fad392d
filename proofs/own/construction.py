"""The functions of an `OwnConstruction` that is in a file: each asks the file's process, for values only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from ...symbolic.attention import Head
from ...symbolic.errors import ContentError
from ...symbolic.exact import as_fraction
from ...symbolic.prompt import Context
from . import reading
from .client import Child
from .heads import heads
from .protocol import context_data, number

MOST_ROWS = 100_000
"""The most rows or columns of a prompt, and the most entries that a reference names after one layer."""


class Asked:
    """Rows, columns, scale, prompt, heads and reference of a construction, as `OwnConstruction` has them."""

    def __init__(self, child: Child):
        self._child = child
        self._known: dict[tuple[Any, ...], Any] = {}

    def rows(self, d: int) -> tuple[str, ...]:
        """A name for every row of Z."""
        return self._names("rows", d)

    def columns(self, d: int, n: int) -> tuple[str, ...]:
        """A name for every column of Z."""
        return self._names("columns", d, n)

    def _names(self, what: str, d: int, n: int = 0) -> tuple[str, ...]:
        if (what, d, n) not in self._known:
            reply = self._child.ask(f"own {what}", d=d, n=n)
            with self._child.naming():
                self._known[what, d, n] = reading.names(reply, what, MOST_ROWS)
        names: tuple[str, ...] = self._known[what, d, n]
        return names

    def scale(self, n: int) -> Fraction:
        """The factor of a layer's change."""
        reply = self._child.ask("own scale", n=n)
        with self._child.naming():
            return reading.rational(reply, "scale")

    def prompt(self, context: Context, p: Any) -> list[list[Fraction]]:
        """The rows of Z_0 on a context."""
        height, width = len(self.rows(context.d)), len(self.columns(context.d, context.n))
        reply = self._child.ask("own prompt", context=context_data(context), parameters=_values(p))
        with self._child.naming():
            return reading.rows(reply, "the prompt", height, width)

    def heads(self, d: int, n: int, p: Any, layer: int) -> list[Head]:
        """The heads of a layer."""
        height, width = len(self.rows(d)), len(self.columns(d, n))
        reply = self._child.ask("own heads", d=d, n=n, parameters=_values(p), layer=layer)
        return heads(self._child, reply, height, width, layer)

    def reference(self, context: Context, p: Any) -> Iterator[Mapping[tuple[str, str], Fraction]]:
        """The entries wanted, a question a layer: the process stands where it was asked last."""
        sent, values, after = context_data(context), _values(p), 0
        while True:
            after += 1
            reply = self._child.ask("own reference", context=sent, parameters=values, after=after)
            if reply is None:
                return
            with self._child.naming():
                yield _entries(reply, f"the reference after layer {after}")


def _entries(reply: Any, where: str) -> dict[tuple[str, str], Fraction]:
    result = {}
    for entry in reading.sequence(reply, where, MOST_ROWS):
        if not isinstance(entry, list) or len(entry) != 3:
            raise ContentError(f"{where} holds {reading.shown(entry)}, wanted a row, a column and a number")
        row, column = (reading.text(x, f"name in {where}", reading.NAME) for x in entry[:2])
        result[row, column] = reading.rational(entry[2], where)
    return result


def _values(p: Any) -> dict[str, int | str]:
    return {name: number(as_fraction(x)) for name, x in vars(p).items()}

"""Answers about what a file defines, as data; runs in the file's process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from ...symbolic import tracing
from ...symbolic.algorithm import Algorithm
from ...symbolic.attention import Head
from ...symbolic.errors import ContentError
from ...symbolic.exact import exact_number, exact_rows
from ...symbolic.own import OwnConstruction
from ...symbolic.plain_text import shown
from ...symbolic.prompt import Context, Layout
from ...symbolic.tracing.heads import trace_heads
from ...symbolic.tracing.judged import values_here
from .protocol import matrix, number
from .reading import rational

REMEMBERED = 32 * 2**20
"""The most characters of matrices that are remembered so that they are sent once."""
WALKS = 4
"""How many iterators of references are kept where they are."""


class Memory:
    """Matrices that have been sent, and references that have been walked along."""

    def __init__(self) -> None:
        self.sent: dict[str, int] = {}
        self.size = 0
        self.walks: dict[str, tuple[int, Iterator[Any]]] = {}

    def matrix(self, rows: list[list[Fraction]]) -> dict[str, Any]:
        """A matrix as it is sent: whole the first time, then by its number."""
        plain = matrix(rows)
        text = json.dumps(plain)
        if text in self.sent:
            return {"same": self.sent[text]}
        if self.size + len(text) > REMEMBERED:
            return {"rows": plain}
        self.size += len(text)
        self.sent[text] = len(self.sent)
        return {"rows": plain, "keep": self.sent[text]}


def _parameters(question: Mapping[str, Any]) -> dict[str, Fraction]:
    return {name: _number(x) for name, x in question["parameters"].items()}


def heads(subject: Algorithm, question: Mapping[str, Any], memory: Memory) -> list[Any]:
    """The heads that an algorithm gives for one layer."""
    from ...symbolic.arithmetics.rational import RationalMatrix  # loads FLINT, which only given heads need

    assert subject.heads is not None  # whoever asks was told
    layout = Layout.of(subject, question["d"], question["n"])
    p = subject.bind(_parameters(question), question["options"])
    step = {
        name: _number(x) if name in subject.scalar_preconditioners else RationalMatrix.of(_rows(x))
        for name, x in question["step"].items()
    }
    given = subject.heads(layout, SimpleNamespace(**step), p, question["layer"])
    return _heads(given, f"heads of {subject.name}", layout.m, layout.n + 1, question["layer"], memory)


def blocks_of_heads(subject: Algorithm, question: Mapping[str, Any], memory: Memory) -> Any:
    """The heads that an algorithm gives, as tables of blocks for every size."""
    return trace_heads(subject, question["options"]).to_data()


def trace(subject: Algorithm, question: Mapping[str, Any], memory: Memory) -> Any:
    """The expressions of an algorithm, for a choice of its options."""
    return tracing.trace(subject, question["options"]).to_data()


def values(subject: Algorithm, question: Mapping[str, Any], memory: Memory) -> list[dict[str, int | str] | None]:
    """What the functions give at each point; None where something is divided by zero or, when quiet, raised."""
    points = [tracing.Point.from_data(content) for content in question["points"]]
    at_points = values_here(subject, question["options"], points, question["quiet"])
    return [None if x is None else {place: number(value) for place, value in x.items()} for x in at_points]


def own_rows(subject: OwnConstruction, question: Mapping[str, Any], memory: Memory) -> list[str]:
    """The names of the rows of Z."""
    return _names(subject.rows(question["d"]), "rows")


def own_columns(subject: OwnConstruction, question: Mapping[str, Any], memory: Memory) -> list[str]:
    """The names of the columns of Z."""
    return _names(subject.columns(question["d"], question["n"]), "columns")


def own_scale(subject: OwnConstruction, question: Mapping[str, Any], memory: Memory) -> int | str:
    """The factor of a layer's change."""
    return number(exact_number(subject.scale(question["n"]), "scale"))


def own_heads(subject: OwnConstruction, question: Mapping[str, Any], memory: Memory) -> list[Any]:
    """The heads of one layer of a construction."""
    d, n = question["d"], question["n"]
    given = subject.heads(d, n, SimpleNamespace(**_parameters(question)), question["layer"])
    height, width = len(subject.rows(d)), len(subject.columns(d, n))
    return _heads(given, f"heads of {subject.name}", height, width, question["layer"], memory)


def own_prompt(subject: OwnConstruction, question: Mapping[str, Any], memory: Memory) -> list[Any]:
    """Z_0 on a context."""
    context = _context(question["context"])
    given = subject.prompt(context, SimpleNamespace(**_parameters(question)))
    height, width = len(subject.rows(context.d)), len(subject.columns(context.d, context.n))
    return matrix(exact_rows(given, height, width, "the prompt"))


def own_reference(subject: OwnConstruction, question: Mapping[str, Any], memory: Memory) -> list[Any] | None:
    """The entries that the reference wants after layer `after`; None when it has come to its end."""
    key = json.dumps([question["context"], question["parameters"]])
    at, walk = memory.walks.pop(key, (1, None))
    if walk is None or at > question["after"]:
        p = SimpleNamespace(**_parameters(question))
        at, walk = 1, iter(subject.reference(_context(question["context"]), p))
    entries: Any = None
    while at <= question["after"]:
        entries, at = next(walk, None), at + 1
    while len(memory.walks) >= WALKS:
        memory.walks.pop(next(iter(memory.walks)))
    memory.walks[key] = (at, walk)
    if entries is None:
        return None
    where = f"the reference after layer {question['after']}"
    if not isinstance(entries, Mapping):
        raise ContentError(f"{where} is {shown(entries)}, wanted a dict {{(row name, column name): entry}}")
    result = []
    for place, value in entries.items():
        if not isinstance(place, tuple) or len(place) != 2 or not all(isinstance(x, str) for x in place):
            raise ContentError(f"{where} names {shown(place)}, wanted (row name, column name)")
        result.append([str(place[0]), str(place[1]), number(exact_number(value, where))])
    return result


def _heads(given: Any, what: str, m: int, columns: int, layer: int, memory: Memory) -> list[Any]:
    if not isinstance(given, Sequence) or not all(isinstance(h, Head) for h in given):
        raise ContentError(f"{what} returned {shown(given)}, wanted a list of Head")
    result = []
    for k, head in enumerate(given):
        where = f"layer {layer + 1}, head {k + 1}"
        square = {
            name: memory.matrix(exact_rows(getattr(head, name), m, m, f"{name} of {where}"))
            for name in ("W", "P", "Q")
            if name != "W" or head.W is not None
        }
        result.append({**square, "M": memory.matrix(exact_rows(head.M, columns, columns, f"M of {where}"))})
    return result


def _names(given: Any, what: str) -> list[str]:
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(x, str) for x in given):
        raise ContentError(f"{what} returned {shown(given)}, wanted a list of names")
    return [str(x) for x in given]


def _number(content: Any) -> Fraction:
    return rational(content, "a number")


def _rows(content: list[list[Any]]) -> list[list[Fraction]]:
    return [[_number(x) for x in row] for row in content]


def _context(content: Mapping[str, Any]) -> Context:
    def values(content: list[Any]) -> list[Any]:
        return [values(x) if isinstance(x, list) else _number(x) for x in content]

    extras = {name: values(x) for name, x in content["extras"].items()}
    return Context.of(
        values(content["features"]), values(content["next_features"]), values(content["rewards"]),
        values(content["query"]), extras,
    )  # fmt: skip


ABOUT: dict[str, Callable[..., Any]] = {
    "trace": trace,
    "values": values,
    "heads": heads,
    "blocks of heads": blocks_of_heads,
    "own rows": own_rows,
    "own columns": own_columns,
    "own scale": own_scale,
    "own heads": own_heads,
    "own prompt": own_prompt,
    "own reference": own_reference,
}
"""What can be asked about a file, besides to load it."""

"""A rule that is in a file: its process runs h, on symbols and on numbers, and what it says is read here as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ...symbolic.approximation.move import Changes
from ...symbolic.approximation.quantity import Monomial, Quantity, from_shared
from ...symbolic.approximation.rule import POLICIES, Rule
from ...symbolic.approximation.samples import (
    Numbers,
    NumericPoint,
    Samples,
    check_process,
    table_of,
)
from ...symbolic.approximation.table import AtomTable
from ...symbolic.approximation.vector import size_of
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.markov.decision import DecisionProcess
from ...symbolic.markov.document import document
from . import reading
from .client import Child
from .protocol import number, vector

KEYS = ("kind", "name", "title", "source", "notes", "parts", "trace_parts", "parameters", "policy", "trace")
MOST_PARTS = 2 * 10**6
"""The most different sums that entries of h may be multiples of, and the most values read at once."""


def rule(child: Child, content: Any) -> Rule:
    """The rule that a file defines, its plain fields checked; h and the trace are asked for."""
    record = reading.mapping(content, "its record", KEYS)
    texts: dict[str, Any] = {
        name: reading.text(record[name], name, reading.NAME if name == "name" else reading.LINE)
        for name in ("name", "title", "source")
    }
    policy = reading.text(record["policy"], "policy", reading.NAME)
    if policy not in POLICIES:
        raise ContentError(f"policy is {reading.shown(policy)}, wanted one of {', '.join(POLICIES)}")
    try:
        return Rule(
            **texts, notes=reading.text(record["notes"], "notes", reading.TEXT, empty=True, lines=True),
            parts=_parts(record["parts"], "parts"), trace_parts=_parts(record["trace_parts"], "trace_parts"),
            parameters=reading.names(record["parameters"], "parameters"), policy=policy, h=_unasked,
            trace=_unasked if reading.flag(record["trace"], "whether there is a trace") else None,
            elsewhere=Asked(child),
        )  # fmt: skip
    except ArgumentError as error:  # names and sizes that are none
        raise ContentError(str(error)) from None


def _unasked(*_: Any) -> Any:
    raise AssertionError("a function of a file is never called here")


def _parts(content: Any, what: str) -> dict[str, str | int]:
    parts: dict[str, str | int] = {}
    for name, size in reading.mapping(content, what).items():
        key = reading.text(name, f"name in {what}", reading.NAME)
        parts[key] = size if isinstance(size, str) else reading.whole(size, f"the size of {key}", 1)
    return parts


class Asked:
    """What a file's process says of h and the trace."""

    def __init__(self, child: Child):
        self._child = child

    def samples(
        self, rule: Rule, process: DecisionProcess, parameters: Mapping[str, Fraction], symbolic_ratio: bool
    ) -> Samples:
        """h and the trace on symbols; raises as `samples` does, errors with the file."""
        transitions = check_process(rule, process)
        reply = self._child.ask(
            "rule samples", process=document(process), parameters=_sent(parameters), symbolic=symbolic_ratio
        )
        table, size, count = table_of(rule, process, symbolic_ratio), _size(rule, process), len(transitions)
        traced = sum(map(size_of, rule.trace_layout(process).values()))
        with self._child.naming():
            record = reading.mapping(reply, "what h gives", ("maxima", "parts", "moves", "traces"))
            sums: list[dict[Monomial, int]] = []
            maxima = reading.sequence(record["maxima"], "its maxima", MOST_PARTS)
            parts = reading.sequence(record["parts"], "its sums", MOST_PARTS)
            for args in maxima:  # arguments are made of variables and of earlier maxima
                read = [_quantity(table, sums, parts, q) for q in reading.sequence(args, "a maximum", MOST_PARTS)]
                if not read:
                    raise ContentError("a maximum is of nothing")
                table.maxima.append(tuple(read))
            moves = _changes(table, sums, parts, record["moves"], count, size, "h")
            traces = _changes(table, sums, parts, record["traces"], count, traced, "the trace")
        return Samples(rule, process, dict(parameters), table, tuple(transitions), moves, traces, symbolic_ratio)

    def values(
        self, rule: Rule, process: DecisionProcess, parameters: Mapping[str, Fraction], points: Sequence[NumericPoint]
    ) -> list[Numbers]:
        """h and the trace on plain numbers."""
        sent = [[k, vector(v), vector(before)] for k, v, before in points]
        reply = self._child.ask("rule values", process=document(process), parameters=_sent(parameters), points=sent)
        size, traced = _size(rule, process), sum(map(size_of, rule.trace_layout(process).values()))
        with self._child.naming():
            answers = reading.exactly(reply, "the values at points", len(points))
            return [
                (_numbers(move, size, "h"), _numbers(after, traced, "the trace"))
                for move, after in (reading.exactly(x, "the values at a point", 2) for x in answers)
            ]


def _size(rule: Rule, process: DecisionProcess) -> int:
    return sum(map(size_of, rule.layout(process).values()))


def _sent(parameters: Mapping[str, Fraction]) -> dict[str, Any]:
    return {name: number(x) for name, x in parameters.items()}


def _numbers(content: Any, size: int, what: str) -> dict[int, Fraction]:
    by_place: dict[int, Fraction] = {}
    for entry in reading.sequence(content, f"the values of {what}", size):
        place, value = reading.exactly(entry, f"a value of {what}", 2)
        at = reading.whole(place, f"a place in {what}", 0, size - 1)
        by_place[at] = reading.rational(value, f"a value of {what}")
    return by_place


def _changes(
    table: AtomTable,
    sums: list[dict[Monomial, int]],
    parts: Sequence[Any],
    content: Any,
    count: int,
    size: int,
    what: str,
) -> tuple[Changes, ...]:
    changes = []
    for move in reading.sequence(content, what, count):
        entries: dict[int, Quantity] = {}
        for entry in reading.sequence(move, what, size):
            place, *q = reading.exactly(entry, f"an entry of {what}", 4)
            entries[reading.whole(place, f"a place in {what}", 0, size - 1)] = _quantity(table, sums, parts, q)
        changes.append(entries)
    if len(changes) != count:
        raise ContentError(f"{what} is told for {len(changes)} transitions of {count}")
    return tuple(changes)


def _quantity(table: AtomTable, sums: list[dict[Monomial, int]], parts: Sequence[Any], content: Any) -> Quantity:
    """A quantity told as [number of a sum, num, den]; sums are read in order, when they first come up."""
    k, num, den = reading.exactly(content, "a quantity", 3)
    place = reading.whole(k, "the number of a sum", 0, len(parts) - 1)
    while len(sums) <= place:
        sums.append({})
        for term in reading.sequence(parts[len(sums) - 1], "a sum", MOST_PARTS):
            monomial, c = reading.exactly(term, "a term", 2)
            atoms = tuple(reading.whole(a, "a variable") for a in reading.sequence(monomial, "a term", 100))
            sums[-1][atoms] = _integer(c)
    return from_shared(table, sums[place], _integer(num), _integer(den))


def _integer(content: Any) -> int:
    value = reading.rational(content, "a coefficient")
    if value.denominator != 1:
        raise ContentError(f"a coefficient is {reading.shown(content)}, wanted a whole number")
    return value.numerator

"""Answers about a rule that a file defines, as data; runs in the file's process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ...symbolic.approximation.move import Changes
from ...symbolic.approximation.quantity import Quantity
from ...symbolic.approximation.rule import Rule
from ...symbolic.approximation.samples import plain, samples
from ...symbolic.errors import ContentError
from ...symbolic.markov.decision import DecisionProcess
from ...symbolic.markov.document import read_document
from .protocol import number
from .reading import rational

CATALOGUE = ("matrices", "operator", "in_context", "why_not", "cited")


def described(rule: Rule) -> dict[str, Any]:
    """Everything but functions; `ContentError` for what only the catalogue's rules say of themselves."""
    given = next((name for name in CATALOGUE if getattr(rule, name)), None)
    if given is not None:
        raise ContentError(f"the rule gives {given}, which is for the catalogue's rules: leave it out")
    if not callable(rule.h) or not (rule.trace is None or callable(rule.trace)):
        raise ContentError("h and trace of the rule are no functions")
    return {
        "kind": "rule", "name": rule.name, "title": rule.title, "source": rule.source, "notes": rule.notes,
        "parts": dict(rule.parts), "trace_parts": dict(rule.trace_parts), "parameters": list(rule.parameters),
        "policy": rule.policy, "trace": rule.trace is not None,
    }  # fmt: skip


def rule_samples(rule: Rule, question: Mapping[str, Any], memory: Any) -> dict[str, Any]:
    """h and the trace on symbols, a transition each; sums that several entries are multiples of are told once."""
    traced = samples(rule, *_asked(question), symbolic_ratio=question["symbolic"])
    told = _Told()
    maxima = [[told.quantity(q) for q in args] for args in traced.table.maxima]
    moves, traces = ([told.changes(x) for x in side] for side in (traced.moves, traced.traces))
    return {"maxima": maxima, "parts": told.parts, "moves": moves, "traces": traces}


def rule_values(rule: Rule, question: Mapping[str, Any], memory: Any) -> list[Any]:
    """h and the trace on plain numbers."""
    points = [(k, _numbers(v), _numbers(before)) for k, v, before in question["points"]]
    return [
        [[[i, number(x)] for i, x in side.items()] for side in values]
        for values in plain(rule, *_asked(question))(points)
    ]


def _asked(question: Mapping[str, Any]) -> tuple[DecisionProcess, dict[str, Fraction]]:
    parameters = {name: rational(x, "a parameter") for name, x in question["parameters"].items()}
    return read_document(question["process"]), parameters


def _numbers(content: Sequence[Any]) -> list[Fraction]:
    return [rational(x, "a number") for x in content]


class _Told:
    def __init__(self) -> None:
        self.parts: list[Any] = []
        self._places: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no identity is taken twice

    def quantity(self, q: Quantity) -> list[Any]:
        if id(q.parts) not in self._places:
            self._places[id(q.parts)] = len(self.parts)
            self._kept.append(q.parts)
            self.parts.append([[list(m), number(c)] for m, c in sorted(q.parts.items())])
        return [self._places[id(q.parts)], number(q.num), number(q.den)]

    def changes(self, values: Changes) -> list[Any]:
        return [[i, *self.quantity(q)] for i, q in values.items()]

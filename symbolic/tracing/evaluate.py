"""Evaluate traced expressions in any arithmetic: the algorithm that everything else sees from there on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ..algorithm import Accumulator, Algorithm, FeatureBlock
from ..errors import ContentError, RefusedError
from ..transitions import Sweep, Transition
from .plain import PlainMatrix, PlainVector
from .program import LoopProgram, Program, keys_of, whole
from .strict import Strict
from .traced import Traced

Choice = tuple[tuple[str, str], ...]
Source = Callable[[Mapping[str, str]], Traced]


def evaluated(record: Algorithm, traced: Traced | Source) -> Algorithm:
    """The record with its functions replaced by the expressions traced from them.

    traced : the expressions, or options -> the expressions, asked for when they are first used
    Raises `ContentError` when the expressions are not about this record; a call with options that nothing is known
    about, or of an update that is no one loop, raises `RefusedError`.
    """
    known = _Known(record, traced)
    features = tuple(
        FeatureBlock(
            block.name,
            RowValue(known, k),
            None if block.query is None else QueryValue(known, k),
            block.scalar,
            block.meaning,
        )
        for k, block in enumerate(record.features)
    )
    accumulators = tuple(
        Accumulator(row.name, AccumulatorValue(known, k), row.meaning, row.symbol)
        for k, row in enumerate(record.accumulators)
    )
    return replace(record, update=Update(known), features=features, accumulators=accumulators)


def is_evaluated(algorithm: Algorithm) -> bool:
    """Whether all functions of an algorithm evaluate expressions."""
    rows = [b.context for b in algorithm.features] + [r.value for r in algorithm.accumulators]
    queries = [b.query for b in algorithm.features if b.query is not None]
    return isinstance(algorithm.update, Update) and all(isinstance(f, _Value) for f in (*rows, *queries))


class _Known:
    """The expressions by choice of options, and the programs made of them."""

    def __init__(self, record: Algorithm, traced: Traced | Source):
        self.record, self._source = record, traced
        self._by_options: dict[Choice, Traced] = {}
        self._programs: dict[Any, Any] = {}
        if isinstance(traced, Traced):
            traced.check(record)
            self._by_options[tuple(sorted(traced.options.items()))] = traced

    def at(self, p: Any) -> tuple[Choice, Traced]:
        options = self.record.options
        choice = tuple(sorted((name, getattr(p, name)) for name in options)) if options else ()
        traced = self._by_options.get(choice)
        if traced is None:
            if isinstance(self._source, Traced):
                raise RefusedError(f"nothing is traced for the options {dict(choice)}", "other", "the options", 0)
            traced = self._source(dict(choice))
            traced.check(self.record)
            self._by_options[choice] = traced
        return choice, traced

    def any(self) -> tuple[Choice, Traced]:
        """Of any choice of options: what does not depend on them."""
        if not self._by_options:
            return self.at(_Options(self.record.choose()))
        return next(iter(self._by_options.items()))

    def program(self, key: Any, make: Callable[[], Any]) -> Any:
        made = self._programs.get(key)
        if made is None:
            made = self._programs[key] = make()
        return made


class _Options:
    def __init__(self, chosen: Mapping[str, str]):
        self.__dict__.update(chosen)


class _Value:
    """A function of the record as an expression to evaluate."""

    def __init__(self, known: _Known, position: int):
        self.known, self.position = known, position


class RowValue(_Value):
    """A feature block's entries in a transition's column."""

    def __call__(self, t: Any, p: Any) -> Any:
        choice, traced = self.known.at(p)
        program, keys = self.known.program(("row", self.position, choice), lambda: self._program(traced))
        return program.run([_of_transition(key, t, p) for key in keys])[0]

    def _program(self, traced: Traced) -> tuple[Program, list[Any]]:
        node = traced.features[self.position].context
        keys = keys_of([node])
        return Program([node], keys), keys


class QueryValue(_Value):
    """A feature block's entries in the query column."""

    def __call__(self, query: Any) -> Any:
        _, traced = self.known.any()
        node = traced.features[self.position].query
        assert node is not None  # there is a function for it
        program = self.known.program(("query", self.position), lambda: Program([node], [("query", "q")]))
        return program.run([query])[0]


class AccumulatorValue(_Value):
    """An accumulator row's entry."""

    def __call__(self, weights: Sequence[Any], token: Any, p: Any) -> Any:
        choice, traced = self.known.at(p)
        program, keys = self.known.program(("accumulator", self.position, choice), lambda: self._program(traced))
        order = self.known.record.weights
        values = [
            weights[order.index(name)] if source == "weight" else getattr(token if source == "token" else p, name)
            for source, name in keys
        ]
        return program.run(values)[0]

    def _program(self, traced: Traced) -> tuple[Program, list[Any]]:
        node = traced.accumulators[self.position][1]
        keys = keys_of([node])
        return Program([node], keys), keys


def _of_transition(key: Any, t: Any, p: Any) -> Any:
    if key[0] == "whole":
        return whole(t.index)
    return getattr(t if key[0] == "transition" else p, key[1])


class Update:
    """The textbook update as the loop that was traced."""

    def __init__(self, known: _Known):
        self.known = known

    def __call__(self, weights: Sequence[Any], preconditioners: Sequence[Any], sweep: Any, p: Any) -> tuple[Any, ...]:
        choice, traced = self.known.at(p)
        loop = traced.update
        if loop is None:
            return self._by_values(traced.reason, weights, preconditioners, sweep, p)
        runner: LoopProgram = self.known.program(("update", choice), lambda: LoopProgram(self.known.record, loop))
        return runner.run(weights, preconditioners, sweep, p)

    def _by_values(
        self, reason: str, weights: Sequence[Any], preconditioners: Sequence[Any], sweep: Any, p: Any
    ) -> tuple[Any, ...]:
        """The record's own update on plain numbers, where the values are rationals: it is no loop to evaluate."""
        record = self.known.record
        if any(isinstance(x, Strict) for x in weights):  # a record made from this one is traced
            return record.update(weights, preconditioners, sweep, p)
        lifted = [plain(x) for x in (*weights, *preconditioners)]
        named = {name: plain(getattr(p, name)) for name in record.parameters}
        if type(sweep) is not Sweep or any(x is None for x in (*lifted, *named.values())):
            raise RefusedError(f"the update is no single loop: {reason}", "iteration", "the update", 0)
        transitions = [
            Transition(
                plain(t.phi), plain(t.phi_next), plain(t.reward), Fraction(int(t.index)),
                {name: plain(getattr(t, name)) for name, _ in record.read},
            )
            for t in sweep
        ]  # fmt: skip
        own = Sweep(transitions)
        own.n = Fraction(int(sweep.n))
        count = len(weights)
        new = record.update(
            tuple(lifted[:count]), tuple(lifted[count:]), own, record.bind(named, options_of(record, p))
        )
        if not isinstance(new, (tuple, list)) or len(new) != count:
            raise ContentError(f"the update of {record.name} returns {type(new).__name__}, wanted one entry a weight")
        return tuple(_back(w, old, name) for w, old, name in zip(new, weights, record.weights, strict=True))


def options_of(record: Algorithm, p: Any) -> dict[str, str]:
    """The options that a parameter object carries."""
    return {name: getattr(p, name) for name in record.options}


def plain(value: Any) -> Any:
    """A rational number, vector or matrix as plain numbers; None when it is of another arithmetic."""
    if isinstance(value, (int, Fraction)):
        return Fraction(value)
    if hasattr(value, "fractions"):
        entries = value.fractions()
        return PlainMatrix(entries) if entries and isinstance(entries[0], list) else PlainVector(entries)
    return value.fraction() if hasattr(value, "fraction") else None


def _back(value: Any, old: Any, name: str) -> Any:
    """A plain value of an update as one of the arithmetic that the old one is of."""
    vector = hasattr(old, "fractions")
    if vector != isinstance(value, PlainVector) or not isinstance(value, (PlainVector, int, Fraction)):
        raise ContentError(f"the new {name} is {type(value).__name__}, wanted a {'vector' if vector else 'number'}")
    if isinstance(value, PlainVector):
        return type(old).of(value.entries)
    return type(old).of(Fraction(value)) if hasattr(old, "fraction") else Fraction(value)

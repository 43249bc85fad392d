"""h on every state of the chain that drives a rule: run once on symbols, a transition at a time."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from ..errors import ContentError, LayerproofError, WorkLimitError
from ..markov.decision import DecisionProcess, Transition
from .move import Changes, Move, plain_and_products
from .quantity import Monomial, Quantity, product
from .rule import Rule, Seen, Tables
from .table import AtomTable
from .vector import PartitionedVector, Shape, Vector, changes, size_of

MAX_TRANSITIONS, MAX_SIZE = 20_000, 400
"""The most transitions of a process, and the most weights and trace entries of a rule on it."""


@dataclass(frozen=True, eq=False)
class Samples:
    """What a rule computes on a process.

    table       : variables are the weights, then the trace's entries, then eta where it is kept a symbol
    transitions : the (s, a, s') that the behaviour policy makes possible
    moves       : for each, {place in v: h there}; polynomials in all variables, the trace as it is after the transition
    traces      : for each, {place in the trace: the new value}, affine in the trace before; equal ones are often one
    known       : what has been worked out about it, by who worked it out
    """

    rule: Rule
    process: DecisionProcess
    parameters: Mapping[str, Fraction]
    table: AtomTable
    transitions: tuple[Transition, ...]
    moves: Sequence[Changes]
    traces: tuple[Changes, ...]
    symbolic_ratio: bool = False
    known: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def layout(self) -> dict[str, Shape]:
        """The shape of each part of the weights."""
        return self.rule.layout(self.process)

    @cached_property
    def size(self) -> int:
        """The number of weights."""
        return sum(map(size_of, self.layout.values()))

    @cached_property
    def trace_size(self) -> int:
        """The number of entries of the trace."""
        return sum(map(size_of, self.rule.trace_layout(self.process).values()))

    @property
    def weights(self) -> range:
        """The variables that are weights."""
        return range(self.size)

    @property
    def trace_entries(self) -> range:
        """The variables that are entries of the trace."""
        return range(self.size, self.size + self.trace_size)

    @cached_property
    def monomials(self) -> frozenset[Monomial]:
        """Every monomial of h anywhere: few, beside its terms."""
        distinct = {id(q.parts): q.parts for move in self.moves for q in move.values()}
        return frozenset().union(*distinct.values())

    @cached_property
    def monomials_before_adding(self) -> frozenset[Monomial]:
        """These, and those that cancel when products are added up: found without adding."""
        monomials_met: set[Monomial] = set()
        factors: dict[int, tuple[Vector, set[Monomial]]] = {}
        for move in self.moves:
            plain, products = plain_and_products(move)
            for q in plain.values():
                monomials_met.update(q.parts)
            for _, q, x in products:
                factors.setdefault(id(x), (x, set()))[1].update(q.parts)
        for x, monomials in factors.values():
            others = {m for entry in x for m in (entry.parts if isinstance(entry, Quantity) else ((),))}
            monomials_met.update(product(m, k) for m in monomials for k in others)
        return frozenset(monomials_met)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each weight."""
        return self.table.names[: self.size]


def variable_names(layout: Mapping[str, Shape]) -> list[str]:
    """w[0], w[1], ..., q[0,1]: a name for each entry; a part that is one number has its name alone."""
    names = []
    for name, shape in layout.items():
        if shape == ():
            names.append(name)
        elif len(shape) == 2:
            names += [f"{name}[{i},{j}]" for i in range(shape[0]) for j in range(shape[1])]
        else:
            names += [f"{name}[{i}]" for i in range(shape[0])]
    return names


def table_of(rule: Rule, process: DecisionProcess, symbolic_ratio: bool) -> AtomTable:
    """The variables of a rule on a process: weights, trace, and eta if asked."""
    names = [*variable_names(rule.layout(process)), *variable_names(rule.trace_layout(process))]
    return AtomTable([*names, "eta"] if symbolic_ratio else names)


def check_process(rule: Rule, process: DecisionProcess) -> list[Transition]:
    """The transitions of a process that a rule can run on.

    Raises `ContentError` where rho is not defined or an on-policy rule is given two policies, `WorkLimitError` for a
    process that is too large.
    """
    if rule.uses_ratio:
        process.check_ratios()
    if rule.policy == "on" and not process.on_policy:
        raise ContentError(
            f"{rule.name} learns about the policy that acts, and the process has a target policy of its own: "
            "give both the same, or ask an off-policy rule"
        )
    transitions = list(process.transitions())
    size = sum(map(size_of, (*rule.layout(process).values(), *rule.trace_layout(process).values())))
    if len(transitions) > MAX_TRANSITIONS or size > MAX_SIZE:
        raise WorkLimitError(
            f"the process has {len(transitions)} transitions and {rule.name} {size} weights and trace entries on it, "
            f"the limits are {MAX_TRANSITIONS} and {MAX_SIZE}"
        )
    return transitions


class Seer:
    """What h sees of each transition; what belongs to a state is made once."""

    def __init__(self, rule: Rule, process: DecisionProcess, parameters: Mapping[str, Any]):
        self.process, self.parameters = process, parameters
        self.features = [Vector(row).kept() for row in process.features]
        self.tables = Tables(process.tables)
        self.ratio = rule.uses_ratio

    def seen(self, t: Transition, traces: Mapping[str, Any]) -> Seen:
        """y, with the trace's parts as they are after t; rho is 1 for a rule that does not use it."""
        process = self.process
        return Seen(
            t.state, t.action, t.next_state, process.reward[t.state][t.action][t.next_state],
            self.features[t.state], self.features[t.next_state],
            process.ratio(t.state, t.action) if self.ratio else Fraction(1), process.interest[t.state],
            process.actions, process.states, self.tables, self.parameters, traces,
        )  # fmt: skip


class Watched:
    """A y that notes what is read of it."""

    __slots__ = ("_read", "_y")

    def __init__(self, y: Seen):
        self._y = y
        self._read: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._y, name)
        self._read[name] = value
        return value


class Onward:
    """The new trace on each transition: run once for all that look alike in what it reads.

    A function that reads the same of two transitions gives the same on both, as long as it is a function: one that is
    none is found out where it runs on plain numbers.
    """

    def __init__(self, rule: Rule, before: Any, layout: Mapping[str, Shape], finish: Callable[[Any], Changes]):
        self._rule, self._before, self._layout, self._finish = rule, before, layout, finish
        self._known: dict[tuple[str, ...], dict[tuple[Any, ...], Changes]] = {}

    def at(self, y: Seen) -> Changes:
        """{place: the new value}."""
        if self._rule.trace is None:
            return {}
        for names, known in self._known.items():
            after = known.get(tuple(_identity(getattr(y, name)) for name in names))
            if after is not None:
                return after
        watched = Watched(y)
        made = self._finish(changes(self._rule.trace(self._before, watched), self._layout, "the trace"))
        key = tuple(_identity(x) for x in watched._read.values())
        self._known.setdefault(tuple(watched._read), {})[key] = made
        return made


def _identity(x: Any) -> Any:
    return x if isinstance(x, (int, Fraction)) else id(x)


def split(stacked: PartitionedVector, layout: Mapping[str, Shape]) -> dict[str, Any]:
    """The parts of a vector by name, kept."""
    parts = {name: getattr(stacked, name) for name in layout}
    for part in parts.values():
        if isinstance(part, Vector):
            part.kept()
    return parts


def samples(
    rule: Rule, process: DecisionProcess, parameters: Mapping[str, Fraction], symbolic_ratio: bool = False
) -> Samples:
    """Run h on every transition, with symbols for the weights, the trace and, if asked, eta.

    Raises `RefusedError` where h asks something of a symbol that no piecewise polynomial answers, `ContentError` for
    what it returns, and as `check_process` does.
    """
    if rule.elsewhere is not None:
        answered: Samples = rule.elsewhere.samples(rule, process, parameters, symbolic_ratio)
        return answered
    transitions = check_process(rule, process)
    layouts = rule.layout(process), rule.trace_layout(process)
    table = table_of(rule, process, symbolic_ratio)
    count = len(table.names) - symbolic_ratio
    code = getattr(rule.h, "__code__", None)
    table.file = "" if code is None else code.co_filename
    size = sum(map(size_of, layouts[0].values()))
    symbols = [table.variable(k) for k in range(count)]
    v, trace = PartitionedVector(symbols[:size], layouts[0]), PartitionedVector(symbols[size:], layouts[1])
    values: dict[str, Any] = {name: parameters[name] for name in rule.parameters}
    if symbolic_ratio:
        values["eta"] = table.variable(count)
    seer, after = Seer(rule, process, values), split(trace, layouts[1])
    split(v, layouts[0])
    onward = Onward(rule, trace, layouts[1], lambda given: _quantities(table, given))
    moves: list[Changes] = []
    traces: list[Changes] = []
    with _uncollected():
        for t in transitions:
            try:
                new = onward.at(seer.seen(t, {})) if rule.trace is not None else {}
                put_off: list[tuple[int, Vector]] = []
                move = changes(rule.h(v, seer.seen(t, after)), layouts[0], put_off=put_off)
            except LayerproofError:
                raise
            except (TypeError, ZeroDivisionError, AttributeError, IndexError, KeyError) as error:
                raise _told(table, error) from error
            if table.refusal is not None:
                raise table.refusal
            placed = [(start, q, x) for start, total in put_off for q, x in total.products or ()]
            moves.append(Move(_quantities(table, move), placed) if placed else _quantities(table, move))
            traces.append(new)
    return Samples(rule, process, dict(parameters), table, tuple(transitions), tuple(moves), tuple(traces),
                   symbolic_ratio)  # fmt: skip


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for cycles: a million small objects come about, all kept, and a fifth of the time went there."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def at_ratio(symbolic: Samples, eta: Fraction) -> Samples | None:
    """Samples with eta as a symbol, at a number; None where a maximum or the trace has eta in it."""
    place = len(symbolic.table.names) - 1
    table = symbolic.table
    steps = {id(step): step for step in symbolic.traces}.values()
    inside = [*(q for args in table.maxima for q in args), *(q for step in steps for q in step.values())]
    if any(place in monomial for q in inside for monomial in q.parts):
        return None
    moves = Substituted(symbolic.moves, Substitution(table, place, eta))
    return replace(symbolic, moves=moves, symbolic_ratio=False, known={})


class Substituted(Sequence[Changes]):
    """h at a number for eta, worked out where it is looked at."""

    def __init__(self, moves: Sequence[Changes], substitution: Substitution):
        self._moves, self._substitution = moves, substitution
        self._known: dict[int, Changes] = {}

    def __len__(self) -> int:
        return len(self._moves)

    def __getitem__(self, k: Any) -> Any:
        if k not in self._known:
            plain, products = plain_and_products(self._moves[k])
            if any(map(self._substitution.inside, {id(x): x for *_, x in products}.values())):
                plain, products = dict(self._moves[k]), ()
            new = {i: self._substitution.at(q) for i, q in plain.items()}
            new = {i: q for i, q in new.items() if q.parts}
            placed = [(start, self._substitution.at(q), x) for start, q, x in products]
            self._known[k] = Move(new, placed) if placed else new
        return self._known[k]


class Substitution:
    """A number for eta, the last variable of a table; each sum is looked at once."""

    def __init__(self, table: AtomTable, place: int, eta: Fraction):
        self._table, self._place, self._eta = table, place, eta
        self._made: dict[int, tuple[dict[Monomial, int], dict[Monomial, int], int]] = {}
        self._vectors: dict[int, tuple[Vector, bool]] = {}

    def inside(self, x: Vector) -> bool:
        """Whether eta is in an entry of a vector."""
        if id(x) not in self._vectors:
            self._vectors[id(x)] = x, any(self._place in m for q in x if isinstance(q, Quantity) for m in q.parts)
        return self._vectors[id(x)][1]

    def at(self, q: Quantity) -> Quantity:
        """The quantity at that number."""
        if id(q.parts) not in self._made:
            self._made[id(q.parts)] = q.parts, *self._substituted(q.parts)
        _, parts, den = self._made[id(q.parts)]
        return Quantity(self._table, parts, q.den * den, q.num)

    def _substituted(self, parts: dict[Monomial, int]) -> tuple[dict[Monomial, int], int]:
        """A sum at a number: whole coefficients, and what they are to be divided by."""
        place, eta = self._place, self._eta
        if not self._table.maxima:  # eta is last in every monomial
            kept = {m[:-1]: c * eta.numerator for m, c in parts.items() if m and m[-1] == place}
            if not kept:
                return parts, 1
            if len(kept) == len(parts) and not any(m and m[-1] == place for m in kept):
                return kept, eta.denominator
        most = max(monomial.count(place) for monomial in parts)
        total: dict[Monomial, int] = {}
        for monomial, c in parts.items():
            k = monomial.count(place)
            left = tuple(a for a in monomial if a != place) if k else monomial
            total[left] = total.get(left, 0) + c * eta.numerator**k * eta.denominator ** (most - k)
        return {m: c for m, c in total.items() if c}, eta.denominator**most


def _told(table: AtomTable, error: Exception) -> Exception:
    """What a rule's own mistake is raised as: a refusal that was caught on the way stays what it is."""
    here = [f for f in traceback.extract_tb(error.__traceback__) if table.file and f.filename == table.file]
    where = f" (line {here[-1].lineno} of {here[-1].name})" if here else ""
    mistake = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return table.refusal or ContentError(f"h raised {mistake}{where}")


def _quantities(table: AtomTable, values: Mapping[int, Any]) -> Changes:
    quantities = {k: x if isinstance(x, Quantity) else table.number(x) for k, x in values.items()}
    return {k: q for k, q in quantities.items() if q.parts}


NumericPoint = tuple[int, Sequence[Fraction], Sequence[Fraction]]
"""The place of a transition, weights, and a trace before, as numbers."""
Numbers = tuple[dict[int, Fraction], dict[int, Fraction]]
"""h and the new trace, as {place: value}."""
Plain = Callable[[Sequence[NumericPoint]], list[Numbers]]


def plain(rule: Rule, process: DecisionProcess, parameters: Mapping[str, Fraction]) -> Plain:
    """h and the trace run on plain numbers."""
    layouts = rule.layout(process), rule.trace_layout(process)
    traced = sum(map(size_of, layouts[1].values()))

    def at(points: Sequence[NumericPoint]) -> list[Numbers]:
        if rule.elsewhere is not None:
            numbers: list[Numbers] = rule.elsewhere.values(rule, process, parameters, points)
            return numbers
        transitions = list(process.transitions())
        seer = Seer(rule, process, {name: parameters[name] for name in rule.parameters})
        result = []
        for k, v, before in points:
            new: dict[int, Any] = {}
            if rule.trace is not None:
                old = PartitionedVector(before, layouts[1])
                new = changes(rule.trace(old, seer.seen(transitions[k], {})), layouts[1], "the trace")
            after = split(PartitionedVector([new.get(j, Fraction(0)) for j in range(traced)], layouts[1]), layouts[1])
            y = seer.seen(transitions[k], after)
            result.append((changes(rule.h(PartitionedVector(v, layouts[0]), y), layouts[0]), new))
        return result

    return at

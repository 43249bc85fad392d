"""h on every state of the chain that drives a rule: run once on symbols, a transition at a time."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from ..errors import ContentError, LayerproofError, WorkLimitError
from ..markov.decision import DecisionProcess, Transition
from .quantity import Quantity, Table
from .rule import Rule, Seen, Tables
from .vector import Shape, Stacked, Vector, changes, size_of

MAX_TRANSITIONS, MAX_SIZE = 20_000, 400
"""The most transitions of a process, and the most weights and trace entries of a rule on it."""
Changes = dict[int, Quantity]


@dataclass(frozen=True, eq=False)
class Samples:
    """What a rule computes on a process.

    table       : variables are the weights, then the trace's entries, then eta where it is kept a symbol
    transitions : the (s, a, s') that the behaviour policy makes possible
    moves       : for each, {place in v: h there}; polynomials in all variables
    traces      : for each, {place in the trace: the new value}, affine in the trace before
    known       : what has been worked out about it, by who worked it out
    """

    rule: Rule
    process: DecisionProcess
    parameters: Mapping[str, Fraction]
    table: Table
    transitions: tuple[Transition, ...]
    moves: tuple[Changes, ...]
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

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each weight."""
        return self.table.names[: self.size]


def variable_names(layout: Mapping[str, Shape]) -> list[str]:
    """w[0], w[1], ..., q[0,1]: a name for each entry; a part that is one number has its name alone."""
    found = []
    for name, shape in layout.items():
        if shape == ():
            found.append(name)
        elif len(shape) == 2:
            found += [f"{name}[{i},{j}]" for i in range(shape[0]) for j in range(shape[1])]
        else:
            found += [f"{name}[{i}]" for i in range(shape[0])]
    return found


def table_of(rule: Rule, process: DecisionProcess, symbolic_ratio: bool) -> Table:
    """The variables of a rule on a process: weights, trace, and eta if asked."""
    names = [*variable_names(rule.layout(process)), *variable_names(rule.trace_layout(process))]
    return Table([*names, "eta"] if symbolic_ratio else names)


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


def seen(process: DecisionProcess, t: Transition, parameters: Mapping[str, Any], ratio: bool = True) -> Seen:
    """What h sees of a transition, without traces; rho is 1 for a rule that does not use it."""
    return Seen(
        t.state, t.action, t.next_state, process.reward[t.state][t.action][t.next_state],
        Vector(process.features[t.state]), Vector(process.features[t.next_state]),
        process.ratio(t.state, t.action) if ratio else Fraction(1), process.interest[t.state],
        process.actions, process.states, Tables(process.tables), parameters,
    )  # fmt: skip


def run(rule: Rule, v: Any, before: Any, y: Seen, layouts: Sequence[Mapping[str, Shape]]) -> tuple[Any, Any]:
    """h and the new trace on one transition, as {place: value} each: symbols or numbers, whatever v and before hold."""
    weights, trace = layouts
    after: dict[int, Any] = {}
    if rule.trace is not None:
        after = changes(rule.trace(before, y), trace, "the trace")
        flat = [after.get(k, Fraction(0)) for k in range(sum(map(size_of, trace.values())))]
        stacked = Stacked(flat, trace)
        y = Seen(**{**vars(y), "traces": {name: getattr(stacked, name) for name in trace}})
    return changes(rule.h(v, y), weights), after


def samples(
    rule: Rule, process: DecisionProcess, parameters: Mapping[str, Fraction], symbolic_ratio: bool = False
) -> Samples:
    """Run h on every transition, with symbols for the weights, the trace and, if asked, eta.

    Raises `RefusedError` where h asks something of a symbol that no piecewise polynomial answers, `ContentError` for
    what it returns, and as `check_process` does.
    """
    if rule.elsewhere is not None:
        found: Samples = rule.elsewhere.samples(rule, process, parameters, symbolic_ratio)
        return found
    transitions = check_process(rule, process)
    layouts = rule.layout(process), rule.trace_layout(process)
    table = table_of(rule, process, symbolic_ratio)
    count = len(table.names) - symbolic_ratio
    code = getattr(rule.h, "__code__", None)
    table.file = "" if code is None else code.co_filename
    size = sum(map(size_of, layouts[0].values()))
    symbols = [table.variable(k) for k in range(count)]
    v, before = Stacked(symbols[:size], layouts[0]), Stacked(symbols[size:], layouts[1])
    values: dict[str, Any] = {name: parameters[name] for name in rule.parameters}
    if symbolic_ratio:
        values["eta"] = table.variable(count)
    moves, traces = [], []
    for t in transitions:
        y = seen(process, t, values, rule.uses_ratio)
        try:
            move, after = run(rule, v, before, y, layouts)
        except LayerproofError:
            raise
        except (TypeError, ZeroDivisionError, AttributeError, IndexError, KeyError) as error:
            raise _told(table, error) from error
        if table.refusal is not None:
            raise table.refusal
        moves.append(_quantities(table, move))
        traces.append(_quantities(table, after))
    return Samples(rule, process, dict(parameters), table, tuple(transitions), tuple(moves), tuple(traces),
                   symbolic_ratio)  # fmt: skip


def _told(table: Table, error: Exception) -> Exception:
    """What a rule's own mistake is raised as: a refusal that was caught on the way stays what it is."""
    here = [f for f in traceback.extract_tb(error.__traceback__) if table.file and f.filename == table.file]
    where = f" (line {here[-1].lineno} of {here[-1].name})" if here else ""
    said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return table.refusal or ContentError(f"h raised {said}{where}")


def _quantities(table: Table, values: Mapping[int, Any]) -> Changes:
    found = {k: x if isinstance(x, Quantity) else table.number(x) for k, x in values.items()}
    return {k: q for k, q in found.items() if q.parts}


NumericPoint = tuple[int, Sequence[Fraction], Sequence[Fraction]]
"""The place of a transition, weights, and a trace before, as numbers."""
Numbers = tuple[dict[int, Fraction], dict[int, Fraction]]
"""h and the new trace, as {place: value}."""
Plain = Callable[[Sequence[NumericPoint]], list[Numbers]]


def plain(rule: Rule, process: DecisionProcess, parameters: Mapping[str, Fraction]) -> Plain:
    """h and the trace run on plain numbers."""
    layouts = rule.layout(process), rule.trace_layout(process)
    values = {name: parameters[name] for name in rule.parameters}

    def at(points: Sequence[NumericPoint]) -> list[Numbers]:
        if rule.elsewhere is not None:
            found: list[Numbers] = rule.elsewhere.values(rule, process, parameters, points)
            return found
        transitions = list(process.transitions())
        result = []
        for k, v, before in points:
            y = seen(process, transitions[k], values, rule.uses_ratio)
            result.append(run(rule, Stacked(v, layouts[0]), Stacked(before, layouts[1]), y, layouts))
        return result

    return at

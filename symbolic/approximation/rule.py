"""A rule of stochastic approximation: v <- v + alpha_k h(v, Y_{k+1}), as data, and what h sees of Y."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

from ..errors import ArgumentError
from ..kinds import FUNCTION, NAMED, NAMES, TEXT
from ..markov.decision import DecisionProcess
from .vector import Shape, Vector

SIZES = ("states", "features", "state-actions")
POLICIES = ("on", "either", "off", "behaviour")
"""on: the policies must be one; either, off: h uses rho (off: the default process has two); behaviour: h ignores pi."""
PARAMETERS = ("gamma", "lam", "eta")


class Elsewhere(Protocol):
    """Another process that runs a rule's h and trace; the arguments are those of `samples.samples` and `plain`."""

    def samples(
        self, rule: Rule, process: DecisionProcess, parameters: Mapping[str, Fraction], symbolic_ratio: bool
    ) -> Any:
        """`Samples`."""

    def values(
        self, rule: Rule, process: DecisionProcess, parameters: Mapping[str, Fraction], points: Sequence[Any]
    ) -> list[Any]:
        """h and the trace at points, see `Plain`."""


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule, written as its source writes it.

    parts   : the weights by name and size: {"w": "features"}; states, features, state-actions, or a whole number
    h       : (v, y) -> what changes: a vector, {index: change}, or {part: either}; see `Seen` for y
    parameters : those of gamma, lam, eta (a ratio of two steps) that it reads
    trace   : (before, y) -> {part: vector or number}, the trace after y, affine in the one before, which starts at zero
    trace_parts : the parts of the trace; y has each as it is after y
    policy  : how it treats the two policies, see `POLICIES`
    matrices: m -> (A, b), the mean field A v + b in the matrices of the literature, see `Matrices`
    operator: (m, v) -> the mean field at v, where it is not affine
    in_context : the algorithm of the catalogue that layers run, where there is one; `why_not` says why there is none
    cited   : {assumption: source} for what no exact check reaches
    notes   : what a reader should know
    elsewhere : who runs h and the trace of a rule in a file, whose functions are never called here
    """

    name: str
    title: str
    source: str
    parts: Mapping[str, str | int]
    h: Callable[[Any, Any], Any]
    parameters: tuple[str, ...] = ("gamma",)
    trace: Callable[[Any, Any], Any] | None = None
    trace_parts: Mapping[str, str | int] = field(default_factory=dict)
    policy: str = "either"
    matrices: Callable[[Any], Any] | None = None
    operator: Callable[[Any, Any], Any] | None = None
    in_context: str = ""
    why_not: str = ""
    cited: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    elsewhere: Elsewhere | None = None

    def __post_init__(self) -> None:
        TEXT.check(name=self.name, title=self.title, source=self.source, notes=self.notes)
        FUNCTION.check(h=self.h)
        FUNCTION.check_given(trace=self.trace, matrices=self.matrices, operator=self.operator)
        NAMED.check(parts=self.parts, trace_parts=self.trace_parts, cited=self.cited)
        NAMES.check(parameters=self.parameters)
        for name, parts in (("parts", self.parts), ("trace_parts", self.trace_parts)):
            for part, size in parts.items():
                if not isinstance(part, str) or not part.isidentifier() or part.startswith("_"):
                    raise ArgumentError(f"{name} names {str(part)[:40]!r}, wanted a short word such as w")
                whole = isinstance(size, int) and not isinstance(size, bool) and 1 <= size <= 10_000
                if not whole and size not in SIZES:
                    raise ArgumentError(
                        f"{name} gives {part} the size {str(size)[:40]!r}, wanted {', '.join(SIZES)} or a whole number"
                    )
        if not self.parts:
            raise ArgumentError('parts is empty, wanted the weights by name and size: {"w": "features"}')
        if self.policy not in POLICIES:
            raise ArgumentError(f"policy is {str(self.policy)[:40]!r}, wanted one of {', '.join(POLICIES)}")
        unknown = next((p for p in self.parameters if p not in PARAMETERS), None)
        if unknown is not None:
            raise ArgumentError(f"parameters has {str(unknown)[:40]!r}, wanted some of {', '.join(PARAMETERS)}")
        if (self.trace is None) != (not self.trace_parts):
            raise ArgumentError("trace goes with trace_parts: give both or neither")

    @property
    def uses_ratio(self) -> bool:
        """Whether h weighs by rho."""
        return self.policy in ("either", "off")

    def layout(self, process: DecisionProcess) -> dict[str, Shape]:
        """The shape of each part of the weights."""
        return shapes(self.parts, process)

    def trace_layout(self, process: DecisionProcess) -> dict[str, Shape]:
        """The shape of each part of the trace."""
        return shapes(self.trace_parts, process)


@dataclass(frozen=True)
class OuterRule:
    """A training-time iteration on the weights theta of a network, as the talk lists it: it has no h on a small vector.

    update       : as text
    not_the_form : why it is no v + alpha h(v, Y); empty where it is one
    """

    name: str
    title: str
    source: str
    update: str
    not_the_form: str = ""
    in_context: str = ""
    why_not: str = ""
    notes: str = ""


def shapes(parts: Mapping[str, str | int], process: DecisionProcess) -> dict[str, Shape]:
    """The shape of each part on a process."""
    known: dict[str, Shape] = {
        "states": (process.states,),
        "features": (process.d,),
        "state-actions": (process.states, process.actions),
    }
    return {
        name: known[size] if isinstance(size, str) else (() if size == 1 else (size,)) for name, size in parts.items()
    }


class Tables:
    """The tables of a process by name: y.tables.bonus[y.state]."""

    __slots__ = ("_tables",)

    def __init__(self, tables: Mapping[str, Any]):
        self._tables = tables

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._tables:
            raise AttributeError(f"the process has no table {name!r}, only {', '.join(self._tables) or 'none'}")
        return self._tables[name]


@dataclass(frozen=True, eq=False)
class Seen:
    """What h sees of one step: y.

    state, action, next_state : whole numbers, which index v and tables;  reward : r(s, a, s')
    x, x_next  : the features of both states;  rho : pi(a|s)/mu(a|s);  interest : i(s)
    actions, states : how many there are;  gamma, lam, eta : the parameters
    tables     : y.tables.NAME, the tables of the process
    traces     : each part of the trace after this step is an attribute too
    """

    state: int
    action: int
    next_state: int
    reward: Fraction
    x: Vector
    x_next: Vector
    rho: Fraction
    interest: Fraction
    actions: int
    states: int
    tables: Tables
    parameters: Mapping[str, Any]
    traces: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__"):
            for named in (self.traces, self.parameters):
                if name in named:
                    return named[name]
        known = ", ".join((*self.__dataclass_fields__, *self.parameters, *self.traces))
        raise AttributeError(f"y has no {name!r}, only {known}")

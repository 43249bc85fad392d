"""The loop as the update has it: what its body does to each loop variable, with the names of the Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ....symbolic.algorithm import Algorithm, Sweep, Transition
from ....symbolic.errors import NotRepresentableError
from .names import Names
from .terms import MATRIX, NUMBER, VECTOR, Term, atom, lift, show


@dataclass(frozen=True)
class Data:
    """What the loop is about, as Rocq's variables: names by the user's names, and the terms that they print as.

    parameters, preconditioners, weights, extras : the user's name -> the file's
    """

    algorithm: Algorithm
    options: dict[str, str]
    parameters: dict[str, str]
    preconditioners: dict[str, str]
    weights: dict[str, str]
    extras: dict[str, str]
    transition: Transition
    p: Any
    w: tuple[Term, ...]
    steps: tuple[Term, ...]

    @staticmethod
    def of(algorithm: Algorithm, options: dict[str, str], names: Names) -> Data:
        """Name everything that the algorithm declares."""
        a = algorithm
        parameters = {x: names.new(x) for x in a.parameters}
        preconditioners = {x: names.new(x) for x in a.preconditioners}
        weights = {x: names.new(x) for x in a.weights}
        extras = {x: names.new(x) for x, _ in a.extras}
        transition = Transition(
            atom(VECTOR, "phi j"), atom(VECTOR, "phi' j"), atom(NUMBER, "R j"), atom(NUMBER, "j.+1%:R", "position"),
            {x: atom(VECTOR if vector else NUMBER, f"{extras[x]} j") for x, vector in a.extras},
        )  # fmt: skip
        return Data(
            a, options, parameters, preconditioners, weights, extras, transition,
            a.bind({x: atom(NUMBER, name) for x, name in parameters.items()}, options),
            tuple(atom(NUMBER if x in a.scalar_weights else VECTOR, name, "weight") for x, name in weights.items()),
            tuple(atom(NUMBER if x in a.scalar_preconditioners else MATRIX, f"{name} l")
                  for x, name in preconditioners.items()),
        )  # fmt: skip

    @property
    def declarations(self) -> list[str]:
        """The section variables, in the order that every theorem takes them."""
        a = self.algorithm
        parameters = f" ({' '.join(self.parameters.values())} : F)" if self.parameters else ""
        lines = [
            f"Variables (F : numFieldType) (d n : nat){parameters}.",
            "Variables (phi phi' : 'I_n -> 'rV[F]_d) (R : 'I_n -> F) (q : 'rV[F]_d).",
        ]
        lines += [f"Variable {self.extras[x]} : 'I_n -> {kind_text(vector)}." for x, vector in a.extras]
        for x, name in self.preconditioners.items():
            lines.append(f"Variable {name} : nat -> {'F' if x in a.scalar_preconditioners else chr(39) + 'M[F]_d'}.")
        return lines

    @property
    def arguments(self) -> str:
        """The section variables, as arguments of a theorem."""
        every = (self.parameters, {"": "phi phi' R q"}, self.extras, self.preconditioners)
        return " ".join(["F d n", *(x for names in every for x in names.values())])

    @property
    def state_type(self) -> str:
        """The type of the weights: one, or a tuple of them."""
        return type_text([w.kind for w in self.w])

    @property
    def several(self) -> bool:
        """Whether there is more than one weight, so that the state is a tuple."""
        return len(self.w) > 1

    @property
    def state(self) -> str:
        """What the state is called in statements: the weight's own name, or s for a tuple."""
        return "s" if self.several else str(self.w[0].args[0])

    @property
    def argument(self) -> str:
        """The state as an argument with its type."""
        return f"({self.state} : state)"

    @property
    def open(self) -> str:
        """The line that takes a tuple of weights apart."""
        return f"  let: {tuple_text([w.args[0] for w in self.w])} := s in\n" if self.several else ""

    @property
    def destructing(self) -> str:
        """The intro pattern that takes a tuple of weights apart."""
        first, *rest = (w.args[0] for w in self.w)
        for x in rest:
            first = f"[{first} {x}]"
        return str(first)


def kind_text(vector: bool) -> str:
    """The type of a vector, or of a number."""
    return "'rV[F]_d" if vector else "F"


def type_text(kinds: list[str]) -> str:
    """The type of one value, or of a tuple of them."""
    texts = [kind_text(k == VECTOR) for k in kinds]
    return texts[0] if len(texts) == 1 else f"({' * '.join(texts)})%type"


def tuple_text(texts: list[str]) -> str:
    """One text, or a tuple of them."""
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


@dataclass(frozen=True, eq=False)
class Loop:
    """One pass of the update on symbols.

    names   the loop variables, the user's name -> the file's; `kinds` what they are
    after   what the body makes of each; `lets` (name, value) the local variables that it names, in order
    finish  the new weights, in terms of `last`, the loop variables after the loop
    """

    names: dict[str, str]
    kinds: dict[str, str]
    after: dict[str, Term]
    lets: tuple[tuple[str, Term], ...]
    last: dict[str, Term]
    finish: tuple[Term, ...]

    @property
    def type(self) -> str:
        """The type of the loop's state."""
        return type_text(list(self.kinds.values()))

    @property
    def pattern(self) -> str:
        """The loop variables as a tuple."""
        return tuple_text(list(self.names.values()))

    @property
    def start(self) -> str:
        """Zeros."""
        return tuple_text(["0"] * len(self.names))

    def body(self) -> str:
        """The body with the local variables of the Python, and a name for each new value that is read again."""
        known: dict[int, str] = {}
        lines = []
        for name, value in self.lets:
            lines.append(f"  let {name} := {show(value, known)} in\n")
            known[id(value)] = name
        return "".join(lines) + "  " + tuple_text([show(v, known) for v in self.after.values()])

    def expanded(self) -> str:
        """The body with nothing named: each new value in terms of the old ones."""
        return "  " + tuple_text([show(v) for v in self.after.values()])

    def new_weights(self) -> str:
        """The weights after the loop."""
        return tuple_text([show(v) for v in self.finish])


class _TermSweep(Sweep):
    """One pass of the loop on opaque loop variables, remembering what was done and what the locals were called."""

    def __init__(self, transition: Transition, names: Names):
        super().__init__([transition])
        self.n = atom(NUMBER, "n%:R")
        self._names = names
        self._displayed: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._after: dict[str, Term] = {}
        self._last: dict[str, Term] = {}
        self._locals: dict[str, Term] = {}

    def __iter__(self) -> Iterator[Transition]:
        start = {k: lift(v) for k, v in vars(self).items() if not k.startswith("_") and k != "n"}
        self._displayed = {k: self._names.new(k) for k in start}
        self._kinds = {k: v.kind for k, v in start.items()}
        for k, kind in self._kinds.items():
            setattr(self, k, atom(kind, self._displayed[k]))
        yield self._transitions[0]
        caller = sys._getframe(1)
        self._locals = {k: v for k, v in caller.f_locals.items() if isinstance(v, Term)}
        del caller
        for k, kind in self._kinds.items():
            value = lift(getattr(self, k))
            self._after[k] = value if value.kind == kind or not value.is_zero else atom(kind, "0", "zero")
            self._last[k] = atom(kind, self._displayed[k])
            setattr(self, k, self._last[k])


def run(data: Data, names: Names) -> Loop:
    """Run the algorithm's own update once on the data's terms."""
    sweep = _TermSweep(data.transition, names)
    new = data.algorithm.update(data.w, data.steps, sweep, data.p)
    if not sweep._after:
        raise NotRepresentableError("the update keeps no loop variable on its sweep")
    return Loop(
        sweep._displayed, sweep._kinds, sweep._after, _lets(sweep, names), sweep._last, tuple(lift(v) for v in new)
    )


def _lets(sweep: _TermSweep, names: Names) -> tuple[tuple[str, Term], ...]:
    """The local variables that the new values are made of, and the new values that others read, oldest first."""
    inside = {id(x) for value in sweep._after.values() for part in value.args if isinstance(part, Term)
              for x in part.parts()}  # fmt: skip
    found: dict[int, tuple[str, Term]] = {}

    def keep(name: str, value: Term) -> None:
        if id(value) in inside and id(value) not in found and any(isinstance(x, (Term, Fraction)) for x in value.args):
            if value.op != "literal":
                found[id(value)] = (names.new(name), value)

    for name, value in sweep._locals.items():
        keep(name, value)
    for name, value in sweep._after.items():
        keep(f"new_{name}", value)
    return tuple(sorted(found.values(), key=lambda item: item[1].serial))

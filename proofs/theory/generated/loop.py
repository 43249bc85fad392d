"""The loop as the update has it: what its body does to each loop variable, with the names of the Python."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.coefficients import LAYER
from ....symbolic.errors import NotRepresentableError
from ....symbolic.tracing import expression, traced
from .columns import Held, held_columns
from .names import Names
from .terms import MATRIX, NUMBER, VECTOR, Reader, Term, atom, show


@dataclass(frozen=True)
class Data:
    """What the loop is about, as Rocq's variables: names by the user's names, and the terms that they print as.

    parameters, preconditioners, weights, extras, selections : the user's name -> the file's
    symbols : as the loop reads them; columns : as context columns hold them, the same but for unit columns
    held    : what all columns hold of each of a transition's entries, where the last d are unit columns
    layered : whether the loop reads what differs from layer to layer: a selection, or a step
    """

    algorithm: Algorithm
    options: dict[str, str]
    parameters: dict[str, str]
    preconditioners: dict[str, str]
    weights: dict[str, str]
    extras: dict[str, str]
    selections: dict[str, str]
    w: tuple[Term, ...]
    symbols: dict[tuple[str, str], Term]
    columns: dict[tuple[str, str], Term]
    held: tuple[Held, ...]
    layered: bool

    @staticmethod
    def of(algorithm: Algorithm, options: dict[str, str], names: Names) -> Data:
        """Name everything that the algorithm declares."""
        a = algorithm
        parameters = {x: names.new(x) for x in a.parameters}
        preconditioners = {x: names.new(x) for x in a.preconditioners}
        weights = {x: names.new(x) for x in a.weights}
        extras = {x: names.new(x) for x, _ in a.extras}
        selections = {x: names.new(x) for x in a.selections}
        w = {x: atom(NUMBER if x in a.scalar_weights else VECTOR, name, "weight") for x, name in weights.items()}
        symbols = {("weight", x): term for x, term in w.items()}
        symbols |= {("parameter", x): atom(NUMBER, name) for x, name in parameters.items()}
        symbols |= {
            ("preconditioner", x): atom(NUMBER if x in a.scalar_preconditioners else MATRIX, f"{name} l")
            for x, name in preconditioners.items()
        }
        symbols |= {("transition", x): atom(VECTOR if vector else NUMBER, f"{extras[x]} j") for x, vector in a.extras}
        symbols |= {("transition", x): atom(NUMBER, f"{name} l j") for x, name in selections.items()}
        symbols |= {
            ("transition", "phi"): atom(VECTOR, "phi j"), ("transition", "phi_next"): atom(VECTOR, "phi' j"),
            ("transition", "reward"): atom(NUMBER, "R j"),
            ("transition", "index"): atom(NUMBER, "j.+1%:R", "position"),
            ("sweep", "n"): atom(NUMBER, "n%:R"), ("query", "q"): atom(VECTOR, "q"),
        }  # fmt: skip
        held = held_columns(a, parameters, extras, names)
        columns = symbols | {("transition", h.of): atom(VECTOR if h.vector else NUMBER, f"{h.name} j") for h in held}
        return Data(
            a, options, parameters, preconditioners, weights, extras, selections,
            tuple(w.values()), symbols, columns, held, bool(selections),
        )  # fmt: skip

    @property
    def count(self) -> str:
        """How many transitions the loop goes over: n, the columns, or the m of them before d unit columns."""
        return "m" if self.held else "n"

    @property
    def lengths(self) -> list[str]:
        """What n is, where it is no variable."""
        return [f"Local Notation n := {COLUMNS}."] if self.held else []

    @property
    def declarations(self) -> list[str]:
        """The section variables, in the order that every theorem takes them."""
        a = self.algorithm
        parameters = f" ({' '.join(self.parameters.values())} : F)" if self.parameters else ""
        lines = [
            f"Variables (F : numFieldType) (d {self.count} : nat){parameters}.",
            f"Variables (phi phi' : 'I_{self.count} -> 'rV[F]_d) (R : 'I_{self.count} -> F) (q : 'rV[F]_d).",
        ]
        lines += [f"Variable {self.extras[x]} : 'I_{self.count} -> {kind_text(vector)}." for x, vector in a.extras]
        lines += [f"Variable {name} : nat -> nat -> F." for name in self.selections.values()]
        for x, name in self.preconditioners.items():
            lines.append(f"Variable {name} : nat -> {'F' if x in a.scalar_preconditioners else chr(39) + 'M[F]_d'}.")
        return lines

    @property
    def types(self) -> dict[str, tuple[str, ...]]:
        """Every section variable in order, with the variables that its type speaks of."""
        a = self.algorithm
        n = self.count
        data = {"phi": ("F", "d", n), "phi'": ("F", "d", n), "R": ("F", n), "q": ("F", "d")}
        return (
            {"F": (), "d": (), n: ()}
            | {name: ("F",) for name in self.parameters.values()}
            | data
            | {self.extras[x]: ("F", "d", n) if vector else ("F", n) for x, vector in a.extras}
            | {name: ("F",) for name in self.selections.values()}
            | {
                name: ("F",) if x in a.scalar_preconditioners else ("F", "d")
                for x, name in self.preconditioners.items()
            }
        )

    @property
    def binders(self) -> str:
        """The section variables as binders of a closed statement."""
        lines = [line.split(" ", 1)[1].removesuffix(".") for line in self.declarations]
        return " ".join(text if text.startswith("(") else f"({text})" for text in lines)

    @property
    def arguments(self) -> str:
        """The section variables, as arguments of a theorem."""
        every = (self.parameters, {"": "phi phi' R q"}, self.extras, self.selections, self.preconditioners)
        return " ".join([f"F d {self.count}", *(x for names in every for x in names.values())])

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
    def layer(self) -> str:
        """The layer as a further argument of the loop's parts, where they read what differs from layer to layer."""
        return " l" if self.layered else ""

    @property
    def layer_argument(self) -> str:
        """The same as an argument with its type."""
        return "(l : nat) " if self.layered else ""

    @property
    def by_layer(self) -> frozenset[str]:
        """The names that a mask may hold of numbers which differ from layer to layer, and the layer's own."""
        return frozenset((*self.selections, *self.algorithm.scalar_preconditioners, LAYER))

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


COLUMNS = "(m + d)%N"
"""How many context columns there are, where d of them are no transitions."""


def outside(text: str, data: Data) -> str:
    """A text outside of the section, where n has to be spelt out if it is no variable."""
    return re.sub(r"(?<![\w'])n(?![\w'])|(?<='I_)n(?![\w'])", COLUMNS, text) if data.held else text


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


def run(data: Data, loop: traced.Loop, names: Names) -> Loop:
    """The traced update on the data's terms.

    Raises `NotRepresentableError` for a loop without variables, or one that does not start at zero.
    """
    if not loop.start:
        raise NotRepresentableError("the update keeps no loop variable on its sweep")
    displayed = {name: names.new(name) for name, _ in loop.start}
    kinds = {name: VECTOR if node.kind == expression.VECTOR else NUMBER for name, node in loop.start}
    before = {name: atom(kinds[name], shown) for name, shown in displayed.items()}
    last = {name: atom(kinds[name], shown) for name, shown in displayed.items()}
    read = Reader({**data.symbols, **{("before", x): t for x, t in before.items()},
                   **{("after", x): t for x, t in last.items()}})  # fmt: skip
    for name, node in loop.start:
        if not read(node).is_zero:
            raise NotRepresentableError(f"the loop variable {name} does not start at zero")
    # the body in the order of the Python: what the named expressions are made of comes before them
    named = [(name, read(node)) for name, node in loop.lets]
    after = {name: read(node) for name, node in loop.body}
    lets = _lets(named, after, names)
    return Loop(displayed, kinds, after, lets, last, tuple(read(node) for _, node in loop.finish))


def _lets(named: list[tuple[str, Term]], after: dict[str, Term], names: Names) -> tuple[tuple[str, Term], ...]:
    """The local variables that the new values are made of, and the new values that others read, oldest first."""
    inside = {id(x) for value in after.values() for part in value.args if isinstance(part, Term) for x in part.parts()}
    by_id: dict[int, tuple[str, Term]] = {}
    for name, value in [*named, *((f"new_{name}", value) for name, value in after.items())]:
        if id(value) in inside and id(value) not in by_id and any(isinstance(x, Term) for x in value.args):
            by_id[id(value)] = (names.new(name), value)
    return tuple(sorted(by_id.values(), key=lambda item: item[1].serial))

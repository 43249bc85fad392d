"""Read printed statements back: the loop as its text says it, on rational numbers, beside the running update.

What the kernel proves is what is printed.  So the text of a statements' file is parsed here, by a reader that shares
nothing with the printer, and run on contexts beside the algorithm's own functions: every loop variable at every step,
every new weight, every entry of a row.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ....symbolic.errors import ContentError
from ....symbolic.tables import entry
from ....symbolic.transitions import Position, Sweep, Transition
from .statements import Statements

SIZES = ((1, 1), (2, 3), (3, 5))
"""(d, number of transitions) of the contexts."""
LAYERS = 6
"""Up to which layer a printed table is held against the record's."""
TRIES = 1000
"""How many draws of the parameters are looked at for one at which nothing is divided by zero."""
TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_']*|\d+|\^\+|\^-1|\^T|%:R|\.\+1|\*m|\*:|:=|[-+*/(),:])")

Node = Any  # ("op", operand, ...), a name or a number


def differs(statements: Statements) -> str | None:
    """Where the printed loop or a printed row is not what the algorithm's own functions do, or None.

    Raises `ContentError` when the text is not of the form that is read here.
    """
    reading = _Reading(statements)
    for step in statements.parts.tabled:
        node = _Parser(step.text).whole()
        for layer in range(LAYERS):
            if _value(node, {"l": layer}) != entry(step.rule, layer + 1, step.of):
                return f"the table of {step.of} at layer {layer + 1} is not what the record says"
    for seed, (d, n) in enumerate(SIZES):
        text = _compare(statements, reading, random.Random(seed), d, n)
        if text is not None:
            return text
    return None


def _compare(statements: Statements, reading: _Reading, draw: random.Random, d: int, m: int) -> str | None:
    algorithm, data = statements.parts.algorithm, statements.parts.data
    n = m + d if data.held else m

    def number() -> Fraction:
        return Fraction(draw.randint(1, 7) * draw.choice((-1, 1)), draw.randint(1, 5))

    def vector() -> Any:
        return np.array([number() for _ in range(d)], dtype=object)

    names = (*algorithm.parameters, *algorithm.scalar_preconditioners)
    drawn = (
        ({x: number() for x in names}, {x: [number() for _ in range(n)] for x in algorithm.selections})
        for _ in range(TRIES)
    )
    nonzero = statements.parts.nonzero
    numbers, read = next(
        (x, read) for x, read in drawn
        if nonzero.holds({**x, **{name: lambda j, table=table: table[j - 1] for name, table in read.items()}}, n)
    )  # fmt: skip
    parameters = {x: numbers[x] for x in algorithm.parameters}
    weights = [number() if w in algorithm.scalar_weights else vector() for w in algorithm.weights]
    steps = [
        numbers[c] if c in algorithm.scalar_preconditioners else np.array([vector() for _ in range(d)], dtype=object)
        for c in algorithm.preconditioners
    ]
    transitions = [
        Transition(vector(), vector(), number(), Position(j + 1),
                   {x: read[x][j] if x in read else vector() if v else number() for x, v in algorithm.read})
        for j in range(n)
    ]  # fmt: skip
    query, p = vector(), algorithm.bind(parameters, data.options)
    units = [_axis(d, k) for k in range(d)] if data.held else []
    columns = algorithm.with_unit_columns(transitions, units, p, Fraction)
    transitions = transitions[:m]
    values: dict[str, Any] = {data.parameters[x]: value for x, value in parameters.items()}
    values |= {
        "phi": [t.phi for t in transitions],
        "phi'": [t.phi_next for t in transitions],
        "q": query,
        "n": n,
        "l": 0,
    }
    values |= {"m": m, "d": d} if data.held else {}
    values |= {"R": [t.reward for t in transitions]}
    values |= {data.extras[x]: [t.extras[x] for t in transitions] for x, _ in algorithm.extras}
    values |= {data.preconditioners[c]: [C] for c, C in zip(algorithm.preconditioners, steps, strict=True)}
    values |= {name: [[t.extras[x] for t in transitions]] for x, name in data.selections.items()}
    watched = _Watched(transitions, n)
    new = algorithm.update(weights, steps, watched, p)
    state = tuple(weights) if data.several else weights[0]
    zero = {"vector": np.array([Fraction(0)] * d, dtype=object), "number": Fraction(0)}
    loop: Any = [zero[k] for k in statements.parts.loop.kinds.values()]
    for j in range(m):
        layer = [0] if data.layered else []
        loop = reading.call("body", values, *layer, state, loop if len(loop) > 1 else loop[0], j)
        loop = list(loop) if isinstance(loop, tuple) else [loop]
        for name, value in zip(statements.parts.loop.names, loop, strict=True):
            if not _equal(value, watched.seen[j][name]):
                return f"the loop variable {name} after step {j + 1} is not what the update makes of it"
    printed = reading.call("step", values | {"after": loop if len(loop) > 1 else loop[0]}, 0, state)
    for name, left, right in zip(algorithm.weights, printed if data.several else [printed], new, strict=True):
        if not _equal(left, right):
            return f"the new weight {name} is not what the update gives"
    values |= {h.name: [reading.call(h.name, values, j) for j in range(n)] for h in data.held}
    for j, t in enumerate(columns):
        token = algorithm.context_token(t, p)
        for name, row in statements.parts.prompt.blocks.items():
            if not _equal(reading.call(row.name, values, j), getattr(token, name)):
                return f"the row {name} in column {j + 1} is not what the algorithm puts there"
        for (name, row), value in zip(
            statements.parts.prompt.accumulators.items(), algorithm.column_values(weights, token, p), strict=True
        ):
            if not _equal(reading.call(row.name, values, state, j), value):
                return f"the row {name} in column {j + 1} is not what the algorithm puts there"
    return None


class _Watched(Sweep):
    """A sweep that keeps what the loop variables are after each step."""

    def __init__(self, transitions: Sequence[Transition], n: int):
        super().__init__(transitions, n)
        self._kept: list[dict[str, Any]] = []

    @property
    def seen(self) -> list[dict[str, Any]]:
        """The loop variables after each step."""
        return self._kept

    def __iter__(self) -> Iterator[Transition]:
        for t in self._transitions:
            yield t
            self._kept.append({k: v for k, v in vars(self).items() if not k.startswith("_") and k != "n"})


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return bool(np.all(np.asarray(left, dtype=object) == np.asarray(right, dtype=object)))
    return bool(left == right)


class _Reading:
    """The definitions of a statements' file, parsed: `Definition NAME (x : T) ... := EXPRESSION.`"""

    def __init__(self, statements: Statements):
        self._parsed: dict[str, tuple[list[str], Node]] = {}
        rows = [
            r.name for r in (*statements.parts.prompt.blocks.values(), *statements.parts.prompt.accumulators.values())
        ]
        for name in ("body", "step", *rows, *(h.name for h in statements.parts.data.held)):
            self._parsed[name] = definition(statements.definitions[name])

    def call(self, name: str, values: Mapping[str, Any], *arguments: Any) -> Any:
        """The value of a definition."""
        names, node = self._parsed[name]
        return _value(node, {**values, **dict(zip(names, arguments, strict=True))})


def definition(text: str) -> tuple[list[str], Node]:
    """The arguments of `Definition NAME (x : T) ... := EXPRESSION.`, and the expression, parsed."""
    head, _, rest = text.partition(":=\n" if ":=\n" in text else ":= ")
    return re.findall(r"\((\w+) : ", head), _Parser(rest.strip().removesuffix(".")).whole()


def value(node: Node, values: Mapping[str, Any]) -> Any:
    """An expression's value; a function among `values` is called with what it is applied to."""
    return _value(node, values)


class _Parser:
    """Recursive descent over the few forms that statements are printed in."""

    def __init__(self, text: str):
        self.tokens: list[str] = []
        position = 0
        text = text.replace("let:", "let").replace("%type", "")
        while position < len(text.rstrip()):
            match = TOKEN.match(text, position)
            if match is None:
                raise ContentError(f"a statement has {text[position : position + 20]!r}, which is not read here")
            self.tokens.append(match[1])
            position = match.end()
        self.at = 0

    def whole(self) -> Node:
        node = self.expression()
        if self.at != len(self.tokens):
            raise ContentError(f"a statement goes on with {self.tokens[self.at]!r}")
        return node

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise ContentError(f"a statement has {token!r}, wanted {wanted or 'more'}")
        self.at += 1
        return token

    def expression(self) -> Node:
        if self.peek() == "let":
            self.take()
            names = [self.take()]
            if names == ["("]:
                names = [self.take()]
                while self.peek() == ",":
                    self.take()
                    names.append(self.take())
                self.take(")")
            self.take(":=")
            value = self.expression()
            self.take("in")
            return ("let", names, value, self.expression())
        if self.peek() == "if":  # if insub (j : nat) is Some t then ... else ...
            for word in ("if", "insub", "("):
                self.take(word)
            column = self.take()
            for word in (":", "nat", ")", "is", "Some"):
                self.take(word)
            name = self.take()
            self.take("then")
            inside = self.expression()
            self.take("else")
            return ("column", column, name, inside, self.expression())
        node = self.product()
        while self.peek() in ("+", "-"):
            node = (self.take(), node, self.product())
        return node

    def product(self) -> Node:
        node = self.negative()
        while self.peek() in ("*", "*:", "/", "*m"):
            node = (self.take(), node, self.negative())
        return node

    def negative(self) -> Node:
        if self.peek() == "-":
            self.take()
            return ("neg", self.negative())
        return self.applied()

    def applied(self) -> Node:
        node = self.powered()
        while self.peek() == "(" or (re.match(r"\w", self.peek()) and self.peek() not in ("in", "let", "then", "else")):
            node = ("call", node, self.powered())
        return node

    def powered(self) -> Node:
        node = self.atom()
        while self.peek() in ("%:R", ".+1", "^-1", "^T", "^+"):
            token = self.take()
            node = (token, node, self.powered()) if token == "^+" else (token, node)
        return node

    def atom(self) -> Node:
        token = self.take()
        if token != "(":
            return int(token) if token.isdigit() else token
        items = [self.expression()]
        while self.peek() == ",":
            self.take()
            items.append(self.expression())
        self.take(")")
        return items[0] if len(items) == 1 else ("tuple", *items)


def _value(node: Node, values: Mapping[str, Any]) -> Any:
    if isinstance(node, int):
        return Fraction(node)
    if isinstance(node, str):
        if node not in values:
            raise ContentError(f"a statement speaks of {node}, which is not defined")
        return values[node]
    op, *rest = node
    if op == "let":
        names, given, inner = rest
        value = _value(given, values)
        bound = {names[0]: value} if len(names) == 1 else dict(zip(names, value, strict=True))
        return _value(inner, {**values, **bound})
    if op == "column":
        column, name, inside, beyond = rest
        j = values[column]
        return _value(inside, {**values, name: j}) if j < values["m"] else _value(beyond, values)
    if op == "call":
        return _called(node, values)
    args = [_value(x, values) for x in rest]
    return _DONE[op](*args)


def _called(node: Node, values: Mapping[str, Any]) -> Any:
    function, *_ = arguments = _spine(node)
    given = [_value(x, values) for x in arguments[1:]]
    if function == "dot":
        zero = any(not isinstance(x, np.ndarray) for x in given)  # the vector zero prints as a number
        return Fraction(0) if zero else given[0] @ given[1]
    if function == "axis":
        return _axis(values["d"], int(given[0]))
    if function == "after":
        return values["after"]
    if isinstance(function, str) and callable(values.get(function)):
        return values[function](*given)
    if isinstance(function, str) and len(given) == 1:
        return values[function][int(given[0])]
    if isinstance(function, str) and len(given) == 2:
        return values[function][int(given[0])][int(given[1])]
    raise ContentError(f"a statement applies {str(function)[:40]}, which is not read here")


def _axis(d: int, k: int) -> Any:
    return np.array([Fraction(int(i == k)) for i in range(d)], dtype=object)


def _spine(node: Node) -> list[Node]:
    return [*_spine(node[1]), node[2]] if isinstance(node, tuple) and node[0] == "call" else [node]


def _over(x: Any) -> Any:
    return Fraction(1) / x if x else Fraction(0)  # 1/0 is 0 in MathComp


_DONE: dict[str, Callable[..., Any]] = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "*:": lambda x, y: y * x,
    "/": lambda x, y: x * _over(y), "*m": lambda x, y: x @ y, "neg": lambda x: -x, "%:R": Fraction,
    ".+1": lambda x: x + 1, "^-1": _over, "^T": lambda x: x.T, "^+": lambda x, k: x ** int(k),
    "tuple": lambda *items: items,
}  # fmt: skip

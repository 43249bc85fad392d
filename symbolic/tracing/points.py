"""The second net: a construction's functions on plain numbers at degenerate points, against the expressions.

It shares nothing with the evaluation of expressions that everything else uses: here a number is a `Fraction`, a vector
is a list of them, and an expression is evaluated node by node.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..algorithm import Algorithm
from ..errors import ContentError
from ..transitions import Sweep, Transition
from .expression import SCALAR, Expression, nodes
from .plain import PlainMatrix, PlainVector
from .traced import Traced

LARGE = 301
"""The one large context length; a counter or a table that starts later is not met."""
SPECIALS = (Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(1, 2))
"""Values that a branch is likely to ask for."""
Vector = tuple[Fraction, ...]


@dataclass(frozen=True)
class Point:
    """One prompt, one set of weights, steps and parameters: exact numbers, a tuple of them for a vector.

    transitions    : n mappings of phi, phi_next, reward and the extras to values; the index is the position
    preconditioners: by name, rows of numbers or a number
    """

    query: Vector
    transitions: tuple[Mapping[str, Any], ...]
    weights: Mapping[str, Any]
    preconditioners: Mapping[str, Any]
    parameters: Mapping[str, Fraction]

    @property
    def n(self) -> int:
        """The context length."""
        return len(self.transitions)

    @property
    def d(self) -> int:
        """The feature dimension."""
        return len(self.query)

    def to_data(self) -> dict[str, Any]:
        """As JSON-able data: rationals as text such as "-3/7"."""
        return {
            "query": _plain(self.query),
            "transitions": [{k: _plain(v) for k, v in t.items()} for t in self.transitions],
            "weights": {k: _plain(v) for k, v in self.weights.items()},
            "preconditioners": {k: _plain(v) for k, v in self.preconditioners.items()},
            "parameters": {k: _plain(v) for k, v in self.parameters.items()},
        }

    @staticmethod
    def from_data(data: Any) -> Point:
        """From `to_data`'s form; `ContentError` for anything else."""
        try:
            return Point(
                _exact(data["query"]),
                tuple({k: _exact(v) for k, v in t.items()} for t in data["transitions"]),
                *(
                    {k: _exact(v) for k, v in data[part].items()}
                    for part in ("weights", "preconditioners", "parameters")
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError):
            raise ContentError("a point holds something that is no rational number, or lacks a part") from None


def _plain(value: Any) -> Any:
    return [_plain(x) for x in value] if isinstance(value, tuple) else str(value)


def _exact(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_exact(x) for x in value)
    if not isinstance(value, str):
        raise TypeError
    return Fraction(value)


def _lift(value: Any) -> Any:
    """A value of a point as the functions get it."""
    if not isinstance(value, tuple):
        return Fraction(value)
    return PlainMatrix(value) if value and isinstance(value[0], tuple) else PlainVector(value)


def _number(value: Any, what: str) -> Fraction:
    if isinstance(value, (int, Fraction)):
        return Fraction(value + 0)
    raise ContentError(f"{what} is {type(value).__name__} on plain numbers, wanted a number")


def _put(values: dict[str, Fraction], place: str, value: Any, d: int, scalar: bool) -> None:
    if scalar:
        values[place] = _number(value, place)
        return
    if not isinstance(value, PlainVector) or len(value) != d:
        raise ContentError(f"{place} is {type(value).__name__} on plain numbers, wanted a vector of {d} entries")
    for i, x in enumerate(value.entries):
        values[f"{place}, entry {i + 1}"] = x


def values_at(record: Algorithm, options: Mapping[str, str], point: Point) -> dict[str, Fraction]:
    """What the functions of a record give at a point, by place: rows, accumulators at these weights, new weights.

    The functions get plain `Fraction`s, the index and n among them, and vectors of such; a zero is falsy.  Raises
    whatever they raise, and `ContentError` when one gives something else than numbers.
    """
    values: dict[str, Fraction] = {}

    def parameters() -> Any:
        return record.bind({name: _lift(point.parameters[name]) for name in record.parameters}, options)

    def transitions() -> list[Transition]:
        return [
            Transition(
                _lift(t["phi"]), _lift(t["phi_next"]), _lift(t["reward"]), Fraction(j),
                {name: _lift(t[name]) for name, _ in record.read},
            )
            for j, t in enumerate(point.transitions, 1)
        ]  # fmt: skip

    def weights() -> tuple[Any, ...]:
        return tuple(_lift(point.weights[w]) for w in record.weights)

    tokens: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
    for j, t in enumerate(transitions(), 1):
        blocks = {block.name: block.context(t, parameters()) for block in record.features}
        tokens.append((f"token {j}", blocks, {x: _lift(point.transitions[j - 1][x]) for x in record.token_numbers}))
    blocks = {}
    for block in record.features:
        zero: Any = Fraction(0) if block.scalar else PlainVector([0] * point.d)
        blocks[block.name] = zero if block.query is None else block.query(_lift(point.query))
    tokens.append(("the query", blocks, dict.fromkeys(record.token_numbers, Fraction(0))))
    for where, entries, numbers in tokens:
        for block in record.features:
            _put(values, f"the row {block.name} at {where}", entries[block.name], point.d, block.scalar)
        for row in record.accumulators:
            value = row.value(weights(), record.token(entries, numbers), parameters())
            _put(values, f"the accumulator {row.name} at {where}", value, point.d, True)
    steps = tuple(_lift(point.preconditioners[c]) for c in record.preconditioners)
    sweep = Sweep(transitions())
    sweep.n = Fraction(point.n)
    new = record.update(weights(), steps, sweep, parameters())
    if not isinstance(new, (tuple, list)) or len(new) != len(record.weights):
        raise ContentError(f"the update returns {type(new).__name__}, wanted an entry for each weight")
    for w, value in zip(record.weights, new, strict=True):
        _put(values, f"the new {w}", value, point.d, w in record.scalar_weights)
    return values


def traced_values(traced: Traced, point: Point) -> dict[str, Fraction]:
    """What the expressions give at a point, by the places of `values_at`; no new weights where there is no loop."""
    places: dict[str, Fraction] = {}
    d = point.d
    outer = {("parameter", k): _lift(v) for k, v in point.parameters.items()}
    weights = {("weight", k): _lift(v) for k, v in point.weights.items()}
    steps = [
        {("transition", k): _lift(v) for k, v in t.items()} | {("transition", "index"): Fraction(j)}
        for j, t in enumerate(point.transitions, 1)
    ]
    numbers = [{("token", k): _lift(v) for k, v in t.items() if not isinstance(v, tuple)} for t in point.transitions]
    columns = [
        (f"token {j}", Values(outer | step), carried)
        for j, (step, carried) in enumerate(zip(steps, numbers, strict=True), 1)
    ]
    columns.append(("the query", Values({("query", "q"): _lift(point.query)}), dict.fromkeys(numbers[0], Fraction(0))))
    for where, values, carried in columns:
        token: dict[Any, Any] = dict(carried)
        for row in traced.features:
            node = row.context if where != "the query" else row.query
            zero: Any = Fraction(0) if row.scalar else PlainVector([0] * d)
            entry = token["token", row.name] = zero if node is None else values.at(node)
            _put(places, f"the row {row.name} at {where}", entry, d, row.scalar)
        held = Values(outer | weights | token)
        for name, node in traced.accumulators:
            _put(places, f"the accumulator {name} at {where}", held.at(node), d, True)
    if traced.update is None:
        return places
    loop = traced.update
    outer |= weights | {("preconditioner", k): _lift(v) for k, v in point.preconditioners.items()}
    outer["sweep", "n"] = Fraction(point.n)
    before = Values(outer)
    state = {name: before.at(node) for name, node in loop.start}
    for step in steps:
        now = Values(outer | step | {("before", name): value for name, value in state.items()})
        state = {name: now.at(node) for name, node in loop.body}
    last = Values(outer | {("after", name): value for name, value in state.items()})
    for name, node in loop.finish:
        _put(places, f"the new {name}", last.at(node), d, node.kind == SCALAR)
    return places


class Values:
    """The values of expressions where the symbols have these."""

    def __init__(self, symbols: Mapping[tuple[str, str], Any]):
        self._symbols, self._known = symbols, {}  # type: ignore[var-annotated]

    def at(self, root: Expression) -> Any:
        known = self._known
        for node in nodes([root], known):
            if id(node) in known:
                continue
            match node.op:
                case "number":
                    value: Any = node.number
                case "name":
                    value = self._symbols[node.source, node.name]
                case "neg":
                    value = -known[id(node.args[0])]
                case "transpose":
                    value = known[id(node.args[0])].T
                case _:
                    value = _apply(node.op, known[id(node.args[0])], known[id(node.args[1])])
            known[id(node)] = value
        return known[id(root)]


def _apply(op: str, a: Any, b: Any) -> Any:
    match op:
        case "add":
            return a + b
        case "sub":
            return a - b
        case "mul":
            return a * b
        case "div":
            return a / b
        case "pow":
            return a ** int(b)
        case _:
            return a @ b


def differs(traced: Traced, point: Point, values: Mapping[str, Any]) -> str | None:
    """The first place where `values` are not what the expressions give at the point, in words; None where all agree.

    Raises `ZeroDivisionError` when the expressions divide by zero at the point: it then says nothing.
    """
    wanted = traced_values(traced, point)
    missing = [place for place in wanted if place not in values]
    loose = {place for place in values if place not in wanted and not (traced.update is None and "the new " in place)}
    if missing or loose:
        return f"{(missing or sorted(loose))[0]} is given on one side only"
    for place, value in wanted.items():
        if values[place] != value:
            return f"{place} is {values[place]}, its expression gives {value}"
    return None


def points(record: Algorithm, seed: int = 0, traced: Traced | None = None) -> Iterator[Point]:
    """Degenerate points: zeros, ones, flags, equal features, repeated transitions, every n from 1 to 12, a large one.

    traced : its expressions, where known: a loop that squares its variables is run on few transitions only
    """
    draw = _Draw(record, random.Random(f"layerproof points {record.name} {seed}"))
    for n in range(1, 13):
        yield draw.point(1 + n % 3, n)
    scalars, vectors = _carried(record)
    for name in (*scalars, *vectors, *record.parameters, *record.weights, *record.preconditioners):
        for value in SPECIALS:
            yield draw.point(2, 3, {name: value})
            if name in scalars or name in vectors:
                yield draw.point(1, 2, {name: value}, only=draw.rng.randrange(2))
    for value in SPECIALS:
        yield draw.point(2, 2, dict.fromkeys((*scalars, *vectors), value))
    for first, second in zip((*scalars, *record.parameters), (*scalars, *record.parameters)[1:], strict=False):
        for pair in ((0, 0), (0, 1), (1, 0), (1, 1)):
            yield draw.point(2, 3, {first: Fraction(pair[0]), second: Fraction(pair[1])})
    for _ in range(2):
        yield draw.repeated(2, 4)
        yield draw.equal_features(2, 3)
        yield draw.own_successors(2, 3)
    yield draw.point(2, 6, flags=True)
    yield draw.point(1, 12, flags=True)
    if traced is None or _affine(traced):
        yield draw.point(1, LARGE)


def simple_points(record: Algorithm) -> Iterator[Point]:
    """Points of one or two transitions, one special value each."""
    draw = _Draw(record, random.Random(f"layerproof simple points {record.name}"))
    scalars, vectors = _carried(record)
    yield from (draw.point(2, n) for n in (1, 2))
    for name in (*scalars, *vectors, *record.parameters):
        for value in SPECIALS:
            yield draw.point(2, 1, {name: value})
    for name in scalars:
        for value in SPECIALS[:2]:
            yield draw.point(2, 2, {name: value})


def _carried(record: Algorithm) -> tuple[list[str], list[str]]:
    """The names of the numbers and of the vectors of a prompt."""
    scalars = ["reward", *(name for name, vector in record.read if not vector)]
    return scalars, ["phi", "phi_next", "query", *(name for name, vector in record.read if vector)]


def _affine(traced: Traced) -> bool:
    """Whether a step is affine in the loop variables: else numbers grow as the length of the loop's power of two."""
    if traced.update is None:
        return False
    degree: dict[int, int] = {}
    for node in nodes(node for _, node in traced.update.body):
        below = [degree[id(a)] for a in node.args]
        if node.op in ("mul", "dot", "apply", "product"):
            degree[id(node)] = sum(below)
        elif (node.op == "div" and below[1]) or (node.op == "pow" and below[0]):
            degree[id(node)] = 2
        else:
            degree[id(node)] = max(below, default=int(node.source == "before"))
    return all(degree[id(node)] <= 1 for _, node in traced.update.body)


class _Draw:
    """Draws points of a record."""

    def __init__(self, record: Algorithm, rng: random.Random):
        self.record, self.rng = record, rng

    def number(self, flag: bool = False) -> Fraction:
        if flag:
            return Fraction(self.rng.randrange(2))
        return Fraction(self.rng.choice((-3, -2, -1, 1, 2, 3, 5)), self.rng.choice((1, 1, 2, 3)))

    def vector(self, d: int, flag: bool = False) -> Vector:
        return tuple(self.number(flag) for _ in range(d))

    def point(
        self, d: int, n: int, put: Mapping[str, Fraction] | None = None, only: int | None = None, flags: bool = False
    ) -> Point:
        """A point; what `put` names has that value, everywhere or in transition `only`."""
        put, record = dict(put or {}), self.record

        def scalar(name: str, j: int | None = None) -> Fraction:
            known = name in put and (only is None or j is None or j == only)
            return put[name] if known else self.number(flags and j is not None)

        def vector(name: str, j: int | None = None) -> Vector:
            known = name in put and (only is None or j is None or j == only)
            return (put[name],) * d if known else self.vector(d, flags and j is not None)

        transitions = tuple(
            {
                "phi": vector("phi", j), "phi_next": vector("phi_next", j), "reward": scalar("reward", j),
                **{name: vector(name, j) if v else scalar(name, j) for name, v in record.read},
            }
            for j in range(n)
        )  # fmt: skip
        weights = {w: scalar(w) if w in record.scalar_weights else vector(w) for w in record.weights}
        steps: dict[str, Any] = {}
        for c in record.preconditioners:
            if c in record.scalar_preconditioners:
                steps[c] = scalar(c)
            elif c in put:
                steps[c] = tuple(tuple(put[c] * (i == k) for k in range(d)) for i in range(d))
            else:
                steps[c] = tuple(self.vector(d) for _ in range(d))
        values = {name: put.get(name, Fraction(self.rng.randrange(1, 7), 7)) for name in record.parameters}
        return Point(vector("query"), transitions, weights, steps, values)

    def repeated(self, d: int, n: int) -> Point:
        """One transition n times."""
        drawn = self.point(d, n)
        return _with(drawn, tuple(drawn.transitions[0] for _ in range(n)))

    def equal_features(self, d: int, n: int) -> Point:
        """All features are the query's, all successors' too."""
        drawn = self.point(d, n)
        return _with(drawn, tuple({**t, "phi": drawn.query, "phi_next": drawn.query} for t in drawn.transitions))

    def own_successors(self, d: int, n: int) -> Point:
        """Every state is its own successor."""
        drawn = self.point(d, n)
        return _with(drawn, tuple({**t, "phi_next": t["phi"]} for t in drawn.transitions))


def _with(point: Point, transitions: tuple[Mapping[str, Any], ...]) -> Point:
    return Point(point.query, transitions, point.weights, point.preconditioners, point.parameters)

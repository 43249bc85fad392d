"""Run a construction's functions once on strict values and keep what they computed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from ..algorithm import Algorithm
from ..errors import ContentError
from ..transitions import Sweep, Transition
from .expression import SCALAR, VECTOR, Expression, nodes, text
from .strict import Strict, Tape
from .traced import Loop, Named, Row, Traced, declared

REPEATS = 64
"""How often the loop's body is traced: it must do the same each time."""
FRESH = 4
"""How many steps read symbols that no other step reads; the others share as many again in turn."""
AGAIN = 3
"""How often in a second run of the update, which must give the same."""
ON_THE_SWEEP = (
    "keep every loop variable on the sweep, so that the general step can be read off: sweep.total = 0 * w before the "
    "loop, sweep.total = sweep.total + ... in it, and sweep.total after it"
)


def trace(algorithm: Algorithm, options: Mapping[str, str] | None = None) -> Traced:
    """The expressions of a construction with these options (defaults for the rest).

    Raises `RefusedError` when one of its functions compares a value or asks something else of it that no polynomial
    answers, also when the file catches the refusal; `ContentError` when one returns something of another kind.
    An update that is no single loop with its state on the sweep is None, with the reason.
    """
    chosen, known, tape = algorithm.choose(options), declared(algorithm), Tape()
    features = tuple(
        Row(
            block.name,
            block.scalar,
            _row(tape, algorithm, chosen, known, block),
            _query(tape, block),
        )
        for block in algorithm.features
    )
    accumulators = tuple(
        (row.name, _accumulator(tape, algorithm, chosen, known, row)) for row in algorithm.accumulators
    )
    loop, reason = _update(tape, algorithm, chosen, known, REPEATS)
    if loop is not None:
        again, _ = _update(tape, algorithm, chosen, known, AGAIN)
        if again is None or [*again.roots()] != [*loop.roots()]:
            loop, reason = None, "the update does something else when it is run again"
    traced = Traced(loop, features, accumulators, chosen, reason)
    traced.check(algorithm)
    return traced


def _parameters(tape: Tape, algorithm: Algorithm, options: Mapping[str, str]) -> SimpleNamespace:
    return algorithm.bind({name: tape.name("parameter", name, SCALAR) for name in algorithm.parameters}, options)


def _transition(tape: Tape, algorithm: Algorithm, known: Mapping[tuple[str, str], str], step: int) -> Transition:
    def symbol(name: str) -> Any:
        return tape.name("transition", name, known["transition", name], step)

    extras = {name: symbol(name) for name, _ in algorithm.read}
    return Transition(symbol("phi"), symbol("phi_next"), symbol("reward"), symbol("index"), extras)


def _row(tape: Tape, algorithm: Algorithm, options: Any, known: Any, block: Any) -> Expression:
    role = f"the row {block.name}"
    p = _parameters(tape, algorithm, options)
    value = tape.run(role, block.context, _transition(tape, algorithm, known, 0), p)
    return tape.node(value, SCALAR if block.scalar else VECTOR, role)


def _query(tape: Tape, block: Any) -> Expression | None:
    if block.query is None:
        return None
    role = f"the row {block.name} at the query"
    value = tape.run(role, block.query, tape.name("query", "q", VECTOR))
    return tape.node(value, SCALAR if block.scalar else VECTOR, role)


def _accumulator(tape: Tape, algorithm: Algorithm, options: Any, known: Any, row: Any) -> Expression:
    role = f"the accumulator {row.name}"
    weights = tuple(tape.name("weight", w, known["weight", w]) for w in algorithm.weights)
    blocks = {block.name: tape.name("token", block.name, known["token", block.name]) for block in algorithm.features}
    token = algorithm.token(blocks, {name: tape.name("token", name, SCALAR) for name in algorithm.token_numbers})
    value = tape.run(role, row.value, weights, token, _parameters(tape, algorithm, options))
    return tape.node(value, SCALAR, role)


class _NotOneLoopError(Exception):
    """The update is no single pass over its transitions; the sweep keeps the reason."""


class TracedSweep(Sweep):
    """A sweep whose loop variables are symbols, and which remembers what the loop's body made of them.

    Each of the `repeats` passes over the body reads symbols of its own, so that what is carried from one to the next
    anywhere but on the sweep shows.
    """

    def __init__(self, tape: Tape, algorithm: Algorithm, known: Mapping[tuple[str, str], str], repeats: int):
        self._tape, self._algorithm, self._known, self._repeats = tape, algorithm, known, repeats
        self.n = tape.name("sweep", "n", SCALAR)
        self._start: dict[str, Expression] = {}
        self._body: dict[str, Expression] = {}
        self._lets: dict[str, Expression] = {}
        self._passes, self._ended, self._reason = 0, False, ""
        self._compared: dict[int, dict[str, Expression]] = {}

    def _variables(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if not k.startswith("_") and k != "n"}

    def _fail(self, reason: str) -> None:
        self._reason = self._reason or reason
        raise _NotOneLoopError(self._reason)

    def _taken(self) -> dict[str, Expression]:
        nodes = {}
        for name, value in self._variables().items():
            if isinstance(value, float):
                self._tape.inexact(value)
            if isinstance(value, Strict) and value._node.kind in (SCALAR, VECTOR):
                nodes[name] = value._node
            elif isinstance(value, (int, Fraction)):
                nodes[name] = self._tape.table.number(value + 0)
            else:
                self._fail(f"the loop variable {name} is {type(value).__name__}, wanted a number or a vector")
        return nodes

    def __iter__(self) -> Iterator[Transition]:
        self._passes += 1
        if self._passes > 1:
            self._fail("the update goes over its transitions more than once")
        return self._run()

    def _run(self) -> Iterator[Transition]:
        tape = self._tape
        self._start = self._taken()
        for number in range(self._repeats):
            step = number if number < FRESH else FRESH + number % FRESH
            for name in self._variables():
                if name not in self._start:
                    delattr(self, name)  # set by the body alone: it is read before it is set, or not at all
            for name, node in self._start.items():
                setattr(self, name, tape.name("before", name, node.kind, step))
            yield _transition(tape, self._algorithm, self._known, step)
            if not step:
                self._lets = _locals(sys._getframe(1))
            taken = self._taken()
            if any(name not in taken for name in self._start):
                self._fail("the loop's body removes a loop variable")
            self._compare(number, step, {name: taken[name] for name in self._start})
        for name, node in self._start.items():
            setattr(self, name, tape.name("after", name, node.kind))
        self._ended = True

    def _compare(self, number: int, step: int, after: dict[str, Expression]) -> None:
        if not number:
            self._body = after
        if self._compared.get(step) == after:
            return
        self._compared[step] = after
        table, first = self._tape.table, {}
        for node in nodes(after.values()):
            if node.op == "name" and node.source in ("transition", "before"):
                if node.step != step:
                    self._other(number)
                first[id(node)] = table.name(node.source, node.name, node.kind)
            elif node.args and any(first[id(a)] is not a for a in node.args):
                first[id(node)] = table.make(node.op, *(first[id(a)] for a in node.args))
            else:
                first[id(node)] = node
        if any(first[id(node)] is not self._body[name] for name, node in after.items()):
            self._other(number)

    def _other(self, number: int) -> None:
        self._fail(f"step {number + 1} of the loop is not the first one over again: {ON_THE_SWEEP}")


def _locals(frame: Any) -> dict[str, Expression]:
    """What the function that runs the loop keeps in variables of its own: its names for parts of the body."""
    named = {k: v._node for k, v in frame.f_locals.items() if isinstance(v, Strict)}
    return {name: node for name, node in named.items() if node.args and node.kind in (SCALAR, VECTOR)}


def _update(tape: Tape, algorithm: Algorithm, options: Any, known: Any, repeats: int) -> tuple[Loop | None, str]:
    weights = tuple(tape.name("weight", w, known["weight", w]) for w in algorithm.weights)
    steps = tuple(tape.name("preconditioner", c, known["preconditioner", c]) for c in algorithm.preconditioners)
    sweep = TracedSweep(tape, algorithm, known, repeats)
    try:
        new = tape.run("the update", algorithm.update, weights, steps, sweep, _parameters(tape, algorithm, options))
    except _NotOneLoopError:
        return None, sweep._reason
    except Exception:
        if sweep._reason:
            return None, sweep._reason
        raise
    if sweep._reason:
        return None, sweep._reason
    if not isinstance(new, (tuple, list)) or len(new) != len(algorithm.weights):
        wanted = ", ".join(algorithm.weights)
        kind = type(new).__name__.replace("Strict", "").lower()
        count = f"{len(new)} entries" if isinstance(new, (tuple, list)) else "None" if new is None else f"a {kind}"
        more = '; another weight vector is declared, weights=("w", "u")' if count.endswith("entries") else ""
        raise ContentError(
            f"the update of {algorithm.name} returns {count}, wanted a tuple with one entry for each of {wanted}: "
            f"return ({wanted}{',' if len(algorithm.weights) == 1 else ''}){more}"
        )
    if sweep._passes and not sweep._ended:
        return None, "the update leaves its loop before the last transition"
    finish: Named = tuple(
        (w, tape.node(value, known["weight", w], f"the new {w} that the update of {algorithm.name} returns"))
        for w, value in zip(algorithm.weights, new, strict=True)
    )
    for node in nodes(node for _, node in finish):
        if node.op == "name" and node.source in ("transition", "before"):
            return None, f"the new weights hold {text(node)} of a single transition: {ON_THE_SWEEP}"
    start, body = tuple(sweep._start.items()), tuple(sweep._body.items())
    used = {id(node) for node in nodes(node for _, node in body)}
    shown = {id(node) for _, node in body}
    lets = tuple((k, node) for k, node in sweep._lets.items() if id(node) in used and id(node) not in shown)
    return Loop(start, body, finish, lets), ""

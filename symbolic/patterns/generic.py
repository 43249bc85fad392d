"""Tokens whose entries are all symbols of the contraction algebra, and what one step of the textbook loop adds.

The loop is run once on a generic token of the context, with whatever it has kept so far a symbol; that it adds
something of that token alone, and that what comes after the loop is affine in what it kept, gives the sum over any
number of tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from ..derivation.coefficients import LENGTH
from ..derivation.contraction import Algebra
from ..derivation.scalar import Scalar
from ..derivation.vectors import Matrix, Vector
from ..derivation.words import Word
from ..errors import NotPolynomialError
from .record import Keys, PatternAlgorithm, Row

IDENTITY: Word = ()

WEIGHT = "K"
"""The generator that stands for a token's weight for the token that is updated."""


@dataclass(frozen=True, eq=False)
class Generic:
    """An algorithm on symbols.

    key      a token of the context that is summed over
    own      family -> the token that is updated
    after    family -> the token that follows the one that is updated, for the shift of rows
    change   family -> what the token `key` adds to the state of the token `own`
    by_length  whether all of it is divided by n, which then is the layer's scale and not in `change`
    """

    algorithm: PatternAlgorithm
    algebra: Algebra
    p: Any
    key: Any
    own: dict[str, Any]
    after: dict[str, Any]
    change: dict[str, Any]
    by_length: bool


def generic(algorithm: PatternAlgorithm) -> Generic:
    """Run the update on symbols; `NotPolynomialError` when it is no sum over tokens."""
    algebra = Algebra((*algorithm.parameters, LENGTH))
    p = algorithm.bind({name: algebra.parameter(name) for name in algorithm.parameters})
    C = algebra.matrix("C") if algorithm.preconditioned else None
    key = _token(algorithm, algebra, "context", "k", p)
    if algorithm.kernels:
        key.weight = algebra.scalar(WEIGHT)
    states = [f for f in algorithm.families if f != "context" or not algorithm.column]
    own = {family: _token(algorithm, algebra, family, "t", p) for family in algorithm.families}
    after = {f: _token(algorithm, algebra, f, "t+1", p) for f in algorithm.families if f != "parameter"}
    for token in after.values():
        if not algorithm.column:
            token.state = _next_state(algorithm, algebra, "t", p)
    change = {}
    for family in states:
        if algorithm.column:
            key.state = own[family].state
        change[family] = _change(algorithm, algebra, own[family], C, key, p)
    by_length = all(_divided(x) for x in change.values())
    if by_length:
        n = algebra.parameter(LENGTH)
        change = {family: x * n for family, x in change.items()}
    return Generic(algorithm, algebra, p, key, own, after, change, by_length)


def _token(algorithm: PatternAlgorithm, algebra: Algebra, family: str, place: str, p: Any) -> SimpleNamespace:
    token = SimpleNamespace()
    if family != "parameter":
        token.phi = algebra.vector(f"phi_{place}" if family == "context" else "q")
    if family == "context":
        # gamma phi' and gamma v(S') are the symbols, so that gamma never has to be divided out
        discount = getattr(p, "gamma", None)
        following = algebra.vector(f"phi'_{place}")
        token.phi_next = following if discount is None else following / discount
        token.reward = algebra.scalar(f"R_{place}")
        token.next_state = _next_state(algorithm, algebra, place, p)
    if not algorithm.column:
        suffix = place if family == "context" else "q"
        number = algorithm.numbers
        token.state = algebra.scalar(f"v_{suffix}") if number else algebra.vector(f"w_{suffix}")
    elif family == "parameter":
        token.state = algebra.vector("w")
    return token


def _next_state(algorithm: PatternAlgorithm, algebra: Algebra, place: str, p: Any) -> Any:
    if algorithm.column:
        return None
    number = algorithm.numbers
    value = algebra.scalar(f"v_{place}+1") if number else algebra.vector(f"w_{place}+1")
    return value / p.gamma if hasattr(p, "gamma") else value


class _OneStep(Keys):
    """The loop run for one generic token: from `old` values of what it keeps, and ended with `ended` ones."""

    def __init__(self, algebra: Algebra, key: Any, ends: dict[str, Any] | None):
        super().__init__([key], algebra.parameter(LENGTH))
        self._algebra, self._ends = algebra, ends
        self._start: dict[str, Any] = {}
        self._added: dict[str, Any] = {}

    def kept(self) -> dict[str, Any]:
        return {name: x for name, x in vars(self).items() if not name.startswith("_") and name != "n"}

    def __iter__(self) -> Iterator[Any]:
        self._start = self.kept()
        old = {name: _symbol(self._algebra, f"old {name}", x) for name, x in self._start.items()}
        vars(self).update(old)
        yield from self._keys
        new = self.kept()
        if new.keys() != old.keys():
            raise NotPolynomialError(
                f"the loop keeps {sorted(new.keys() ^ old.keys())[0]}, which it does not start with"
            )
        self._added = {name: new[name] - old[name] for name in old}
        for name, x in self._added.items():
            if any(f"old {other}" in _names(x) for other in old):
                raise NotPolynomialError(
                    f"the loop's {name} is no sum over tokens: what a step adds depends on the steps before it"
                )
        vars(self).update(self._start if self._ends is None else self._ends)


def _change(algorithm: PatternAlgorithm, algebra: Algebra, own: Any, C: Matrix | None, key: Any, p: Any) -> Any:
    def run(ends: dict[str, Any] | None) -> tuple[Any, _OneStep]:
        sweep = _OneStep(algebra, key, ends)
        with algebra.updating():
            return algorithm.update(own, C, sweep, p), sweep

    nothing, sweep = run(None)
    start, added = sweep._start, sweep._added
    if not added:
        raise NotPolynomialError("the update keeps nothing on its sweep: write sweep.total = ... before the loop")
    first = {name: _symbol(algebra, f"first {name}", x) for name, x in start.items()}
    second = {name: _symbol(algebra, f"second {name}", x) for name, x in start.items()}
    apart = [run({name: start[name] + part[name] for name in start})[0] for part in (first, second)]
    both = run({name: start[name] + first[name] + second[name] for name in start})[0]
    if not both - apart[0] - apart[1] + nothing == 0 * own.state:
        raise NotPolynomialError("what the update does after its loop is not affine in what the loop kept")
    if not nothing - own.state == 0 * own.state:
        raise NotPolynomialError("over no tokens at all the update changes the state: nothing but a sum is covered")
    return run({name: start[name] + added[name] for name in start})[0] - own.state


def _symbol(algebra: Algebra, name: str, like: Any) -> Any:
    return algebra.vector(name) if isinstance(like, Vector) else algebra.scalar(name)


def _names(value: Any) -> set[str]:
    """The names of the scalars and vectors in a value."""
    if isinstance(value, Vector):
        inside = {atom for _, atom in value.terms}
        return inside.union(*(_names(x) for x in value.terms.values()))
    return {part for key in value.generators() for part in key[1:] if isinstance(part, str)}


def _divided(value: Any) -> bool:
    """Whether every term is divided by n exactly once."""
    scalars = list(value.terms.values()) if isinstance(value, Vector) else [value]
    powers = [dict(e).get(LENGTH, 0) for s in scalars for part in s.parts().values() for e in part]
    return bool(powers) and all(x == -1 for x in powers)


def is_zero(value: Any) -> bool:
    """Whether a scalar or vector of the algebra, or None, is zero."""
    return value is None or not (value.terms if isinstance(value, Vector) else Scalar.parts(value))


def demanded(g: Generic, row: Row, family: str) -> Any:
    """What one token of the context adds to a row of a token of a family, as the update says; None for nothing."""
    token, change = g.own[family], g.change.get(family)
    before = row.entry(family, token, g.p)
    if change is None or not isinstance(before, (Scalar, Vector)):
        return None
    moved = SimpleNamespace(**{**vars(token), "state": token.state + change})
    after: Any = row.entry(family, moved, g.p)
    return after - before


def shifted(g: Generic) -> list[Row]:
    """The rows that hold the next token's state, which a shift of rows writes after the heads."""
    token = g.own["context"]
    if g.algorithm.column:
        return []
    other = SimpleNamespace(**{**vars(token), "next_state": token.next_state + token.next_state})
    return [
        row
        for row in g.algorithm.rows
        if isinstance(entry := row.entry("context", token, g.p), (Scalar, Vector))
        and not is_zero(_entry(row, other, g) - entry)
    ]


def _entry(row: Row, token: Any, g: Generic) -> Any:
    return row.entry("context", token, g.p)


def touched(g: Generic) -> frozenset[str]:
    """The rows that hold a state, the token's own or the next one's: layers write them, so no pattern reads them."""
    own = (r.name for r in g.algorithm.rows if any(not is_zero(demanded(g, r, f)) for f in g.algorithm.families))
    return frozenset((*own, *(row.name for row in shifted(g))))


def as_key(g: Generic, family: str) -> Any:
    """A token of a family in the place of the one that is summed over: `key` itself for the context."""
    return g.key if family == "context" else g.own[family]


def applied(g: Generic, word: Word, value: Any) -> Any:
    """A word in C on a vector; a plain number as a scalar of the algebra."""
    C = g.algebra.matrix("C")
    for _, transposed in reversed(word):
        value = (C.T if transposed else C) @ value
    return value if isinstance(value, (Scalar, Vector)) else g.algebra.number(value)


def score(g: Generic, key: Any, query: Any, word: Word, scalar: bool) -> Any:
    """key^T W query, or their product for rows of one number; zero where either is None."""
    if key is None or query is None:
        return g.algebra.number(0)
    return applied(g, IDENTITY, key) * query if scalar else key @ applied(g, word, query)

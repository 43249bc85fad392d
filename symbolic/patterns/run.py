"""Layer l equals iterate l on concrete numbers: every layer, row and column, in any arithmetic.

The textbook side runs the record's update and never sees a head; the layers never see the update.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from ..arithmetics.arithmetic import Arithmetic
from ..arithmetics.entries import EntryMatrix
from ..errors import ArgumentError
from ..identity.exact import Mismatch
from ..prompt import Context
from .heads import PatternForm
from .kernels import EXACT, masked_pattern
from .layer import Layer, layer_of, pattern_layer
from .prefix import one_pass
from .record import KEYS, SEES, Keys, PatternAlgorithm

States = Sequence[Any]
"""The state of every token, or the one state: numbers or vectors of an arithmetic."""
COMPARED = 2
"""In so many layers each token's loop runs in full: the second starts from states that are not all zero."""


@dataclass(frozen=True, eq=False)
class Setup:
    """One prompt in one arithmetic.

    tokens   the n tokens of the context, and the query's where there is one: phi, phi_next, reward
    K        the weights of the tokens for each other, (n+1, n+1) rows of numbers, or None
    start    the states that the iteration starts from
    """

    algorithm: PatternAlgorithm
    arithmetic: Arithmetic
    p: Any
    d: int
    n: int
    tokens: tuple[Any, ...]
    K: Sequence[Sequence[Any]] | None
    start: States

    @cached_property
    def together(self) -> tuple[Any, list[Any]]:
        """A vector of ones, one for each token, and each key's weights for all tokens as a vector."""
        assert self.K is not None  # whoever asks has looked
        a = self.arithmetic
        return a.vector([a.number(1)] * (self.n + 1)), [a.vector(row) for row in self.K[: self.n]]


def chained(context: Context) -> Context:
    """The same states as one trajectory: each token's successor is the next one, the last one's is the query."""
    return Context(
        context.features, (*context.features[1:], context.query), context.rewards, context.query, context.extras
    )


def setup(
    algorithm: PatternAlgorithm, arithmetic: Arithmetic, data: Any, start: Sequence[Any], values: Any, K: Any = None
) -> Setup:
    """A prompt set up in an arithmetic.

    data  : a `Context`, or (features, next_features, rewards, query) in numbers of the arithmetic
    start : a number or list of d numbers for each of the n + 1 tokens, or the one of a state in a column of its own
    Raises `ArgumentError` where a chained algorithm's transitions are not those of one trajectory.
    """
    if isinstance(data, Context):
        if algorithm.chained and data != chained(data):
            raise ArgumentError(
                f"prompt: {algorithm.name} wants the transitions of one trajectory: each next_features the features of "
                "the transition after it, the last one's those of the query"
            )
        data = (data.features, data.next_features, data.rewards, data.query)
    features, following, rewards, query = data
    number, vector = arithmetic.number, arithmetic.vector
    tokens = [
        SimpleNamespace(phi=vector(f), phi_next=vector(g), reward=number(r))
        for f, g, r in zip(features, following, rewards, strict=True)
    ]
    if not algorithm.column:
        tokens.append(SimpleNamespace(phi=vector(query)))
    states = [vector(x) if isinstance(x, (list, tuple)) else number(x) for x in start]
    weights = None if K is None else [[number(x) for x in row] for row in K]
    n = len(features)
    return Setup(algorithm, arithmetic, algorithm.bind(values), len(query), n, tuple(tokens), weights, states)


def two_patterns(algorithm: PatternAlgorithm) -> tuple[str, str] | None:
    """The kernels of the update's weights and of the layer, where the layer attends by another pattern."""
    layer = algorithm.layer
    if layer is None or not algorithm.kernels:
        return None
    other = layer.kernel or algorithm.kernels[0]
    return (algorithm.kernels[0], other) if other != algorithm.kernels[0] or layer.mask_first else None


def patterns_of(algorithm: PatternAlgorithm, context: Context, exp: Any) -> tuple[list[list[Any]], list[list[Any]]]:
    """The update's weights and what the layer attends by, each of its own kernel under its own mask.

    exp : a rational -> its exponential, where one of the kernels needs it
    """
    layer, kernels = algorithm.layer, two_patterns(algorithm)
    assert layer is not None and kernels is not None  # whoever asks has looked
    X, n = (*context.features, context.query), context.n
    seen, keys = ([count(t, n) for t in range(1, n + 2)] for count in (SEES[algorithm.sees], KEYS[layer.keys]))
    return masked_pattern(kernels[0], X, seen, exp), masked_pattern(kernels[1], X, keys, exp, layer.mask_first)


def are_rational(kernels: tuple[str, str]) -> bool:
    """Whether both of two kernels are rational at rational scores."""
    return all(kernel in EXACT for kernel in kernels)


def prompt(s: Setup, states: States, only: Collection[str] | None = None) -> Any:
    """Z (m, N) at the given states: what the rows hold, entry by entry; the row blocks in `only` where given."""
    columns = []
    for t in range(s.n + 1):
        family = s.algorithm.families[int(t == s.n)]
        token = SimpleNamespace(**vars(s.tokens[t])) if t < len(s.tokens) else SimpleNamespace()
        if not s.algorithm.column:
            token.state = states[t]
            if t < s.n:
                token.next_state = states[t + 1]
        elif t == s.n:
            token.state = states[0]
        column: list[Any] = []
        for row in s.algorithm.rows if only is None else [r for r in s.algorithm.rows if r.name in only]:
            value = row.entry(family, token, s.p)
            if value is None:
                column += [s.arithmetic.number(0)] * (1 if row.scalar else s.d)
            else:
                column += (
                    [s.arithmetic.number(value) if isinstance(value, int) else value]
                    if row.scalar
                    else (s.arithmetic.entries(value))
                )
        columns.append(column)
    return s.arithmetic.matrix([list(row) for row in zip(*columns, strict=True)])


def textbook(s: Setup, steps: Sequence[Any]) -> Iterator[States]:
    """The states after each update; steps : C as a matrix of the arithmetic (or None), one a layer.

    In the first layers every token's own loop runs, and is compared with what one pass for all of them gives.
    """
    states, shared = s.start, s.K is None and not s.algorithm.column and s.arithmetic.maps
    for number, C in enumerate(steps, 1):
        if _together(s):
            states = _all(s, states, C)
            yield states
            continue
        keys = [_key(s, states, j) for j in range(s.n)]
        new: States | None = None
        if shared:
            seen = [SEES[s.algorithm.sees](t + 1, s.n) for t in range(len(states))]
            new = one_pass(s.algorithm.update, states, C, keys, seen, s.arithmetic.position(s.n), s.p)
        if new is None or number <= COMPARED:
            loops = [_updated(s, states, C, keys, t) for t in range(len(states))]
            shared = new is not None and all(x == y for x, y in zip(new, loops, strict=True))
            new = loops
        states = new
        yield states


def _key(s: Setup, states: States, j: int) -> SimpleNamespace:
    """A token of the context as it is summed over, without its weight."""
    if s.algorithm.column:
        return SimpleNamespace(**vars(s.tokens[j]), state=states[0])
    return SimpleNamespace(**vars(s.tokens[j]), state=states[j], next_state=states[j + 1])


def _updated(s: Setup, states: States, C: Any, keys: Sequence[Any], t: int) -> Any:
    keys = keys[: s.n if s.algorithm.column else SEES[s.algorithm.sees](t + 1, s.n)]
    if s.K is not None:
        keys = [SimpleNamespace(**vars(key), weight=s.K[j][t]) for j, key in enumerate(keys)]
    return s.algorithm.update(SimpleNamespace(state=states[t]), C, Keys(keys, s.arithmetic.position(s.n)), s.p)


def _together(s: Setup) -> bool:
    """Whether numbers of all tokens can be updated as one vector: they sum over the same tokens, by weights alone."""
    return s.K is not None and s.algorithm.sees == "context" and s.algorithm.numbers


def _all(s: Setup, states: States, C: Any) -> States:
    """Every token's update at once: the own state and the weights as vectors over the tokens."""
    a, keys = s.arithmetic, []
    one, weights = s.together
    for j in range(s.n):
        key = _key(s, states, j)
        key.weight = Each(a, weights[j], one)
        keys.append(key)
    own = SimpleNamespace(state=Each(a, a.vector(states), one))
    new = s.algorithm.update(own, C, Keys(keys, a.position(s.n)), s.p)
    after = a.entries(new.vector) if isinstance(new, Each) else [new] * len(states)
    return [a.number(x) if isinstance(x, (int, Fraction)) else x for x in after]


class Each:
    """A number of every token, as one vector: what is done to it is done to each."""

    __slots__ = ("arithmetic", "one", "vector")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, arithmetic: Arithmetic, vector: Any, one: Any):
        self.arithmetic, self.vector, self.one = arithmetic, vector, one

    def _made(self, vector: Any) -> Each:
        return Each(self.arithmetic, vector, self.one)

    def __add__(self, other: Any) -> Each:
        return self._made(self.vector + (other.vector if isinstance(other, Each) else self.one * other))

    __radd__ = __add__

    def __neg__(self) -> Each:
        return self._made(-self.vector)

    def __sub__(self, other: Any) -> Each:
        return self._made(self.vector - (other.vector if isinstance(other, Each) else self.one * other))

    def __rsub__(self, other: Any) -> Each:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Each:
        if not isinstance(other, Each):
            return self._made(self.vector * other)
        a = self.arithmetic
        pairs = zip(a.entries(self.vector), a.entries(other.vector), strict=True)
        return self._made(a.vector([x * y for x, y in pairs]))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Each:
        return self._made(self.vector / other)

    def __pow__(self, exponent: Any) -> Each:
        a = self.arithmetic
        return self._made(a.vector([x**exponent for x in a.entries(self.vector)]))


def mismatches(
    s: Setup,
    form: PatternForm,
    steps: Sequence[Any],
    values: Any,
    tamper: Callable[[Layer], Layer] = lambda layer: layer,
    pattern: Sequence[Sequence[Any]] | None = None,
) -> Iterator[Mismatch | None]:
    """For each layer the first entry of Z that is not what the iterate demands, or None.

    steps : C as rows of numbers, one a layer; None where the algorithm has none
    values : the parameters as numbers of the arithmetic
    tamper : changes each layer before it runs, to plant a fault
    pattern : what the layers attend by, where it is another than the update's weights; the mask is in it
    """
    a = s.arithmetic
    Z = prompt(s, s.start)
    names = row_names(s.algorithm, s.d)
    written = [i for i, name in enumerate(names) if name.partition("[")[0] in form.held]
    frozen = [i for i in range(len(names)) if i not in written]
    fixed = Z.take_rows(frozen)
    attended = s.K if pattern is None else pattern
    K = None if attended is None else a.matrix(attended)
    matrices = [None if C is None else a.matrix(C) for C in steps]
    made: dict[int, Any] = {}
    for number, (C, states) in enumerate(zip(steps, textbook(s, matrices), strict=True), start=1):
        if id(C) not in made:
            layer = layer_of(form, a, s.d, s.n, C, values)
            given = s.algorithm.layer
            if pattern is not None and given is not None and given.mask_first:  # no head has scores of its own
                layer = replace(layer, mask=[[1] * (s.n + 1)] * (s.n + 1))
            made[id(C)] = tamper(layer)
        Z = pattern_layer(Z, made[id(C)], K)
        same = _same(a, Z.take_rows(written), prompt(s, states, form.held)) and _same(a, Z.take_rows(frozen), fixed)
        yield None if same else _first(s, Z, prompt(s, states), number)


def _same(a: Arithmetic, left: Any, right: Any) -> bool:
    """Whether two matrices agree; entry by entry where the arithmetic's matrices cannot be compared as wholes."""
    if not isinstance(left, EntryMatrix):
        return bool(left == right)
    height, width = left.shape
    return all(a.at(left, i, t) == a.at(right, i, t) for i in range(height) for t in range(width))


def row_names(algorithm: PatternAlgorithm, d: int) -> list[str]:
    """A name for each row of Z."""
    return [r.name if r.scalar else f"{r.name}[{i + 1}]" for r in algorithm.rows for i in range(1 if r.scalar else d)]


def column_name(algorithm: PatternAlgorithm, t: int, n: int) -> str:
    """What a column of Z is."""
    return f"context token {t + 1}" if t < n else ("the parameter column" if algorithm.column else "the query")


def _first(s: Setup, Z: Any, wanted: Any, number: int) -> Mismatch:
    at = s.arithmetic.at
    for i, name in enumerate(row_names(s.algorithm, s.d)):
        for t in range(s.n + 1):
            if at(Z, i, t) != at(wanted, i, t):
                where = column_name(s.algorithm, t, s.n)
                return Mismatch(number, name, t, where, at(Z, i, t), at(wanted, i, t))
    raise AssertionError("two matrices differ and none of their entries do")

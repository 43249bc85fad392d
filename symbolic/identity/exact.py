"""Layer l equals iterate l, on concrete numbers: every layer, every column, every row, compared with `==`.

The reference side is the textbook loop; it sees the transitions and the preconditioners, never the weights.
The transformer side is the attention formula on the weights; it never sees the recurrence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from types import SimpleNamespace
from typing import Any

from ..algorithm import Algorithm
from ..arithmetics.affine import Map, Rows, Step, height
from ..arithmetics.affine import weights as weights_as_forms
from ..arithmetics.arithmetic import Arithmetic
from ..arithmetics.rational import RationalMatrix
from ..attention import iterate, layer
from ..construction import Construction, Steps
from ..errors import ArgumentError
from ..prompt import Context, Layout
from ..readout import Readout
from ..transitions import Transition
from .together import all_of_context, all_tokens, all_transitions, joined

LAYERS_FOR_A_MAP = 4
"""From so many layers on, and a few for every number of the weights, one loop on forms costs less than a loop each."""


@dataclass(frozen=True)
class Mismatch:
    """A place where layer and iterate differ: row and column of Z after `layer` layers (0 is the prompt itself)."""

    layer: int
    row: str
    column: int
    column_name: str
    layer_value: Any
    iterate_value: Any


@dataclass(frozen=True, eq=False)
class Problem:
    """One prompt in one arithmetic, with the weights that the iteration starts from.

    read    : gives the context's columns, once: what the textbook loop reads, and unit columns after it
    query   : (d,) features of the query
    X       : (p, n+1) feature rows
    start   : the starting weights, one vector (or scalar) each
    every   : all tokens as a single one, with `Columns` in it, where the arithmetic has them
    whole   : all transitions as a single one, likewise
    """

    algorithm: Algorithm
    arithmetic: Arithmetic
    p: Any
    layout: Layout
    read: Callable[[], tuple[Transition, ...]]
    query: Any
    X: Any
    start: tuple[Any, ...]
    every: SimpleNamespace | None = None
    whole: Transition | None = None

    @cached_property
    def transitions(self) -> tuple[Transition, ...]:
        """The context's columns: what the textbook loop reads, and unit columns after it."""
        return self.read()

    @cached_property
    def tokens(self) -> tuple[Any, ...]:
        """The columns of the prompt, the query last."""
        return _tokens(self.algorithm, self.arithmetic, self.transitions, self.query, self.p)

    def rows(self, weights: Sequence[Any]) -> list[list[Any]]:
        """The accumulator rows that the prompt must hold when the weights are `weights`: K lists of n+1 numbers."""
        columns = [self.algorithm.column_values(weights, token, self.p) for token in self.tokens]
        return [list(row) for row in zip(*columns, strict=True)]

    def many_rows(self) -> Callable[[Sequence[Any]], Any]:
        """`row_matrix` where it is asked for often: the accumulators are evaluated once, on affine forms.

        At the starting weights it is held against `rows`; where it is no map, it is `row_matrix` itself.
        """
        space, forms = weights_as_forms(self.start, self.arithmetic.matrix, self.arithmetic.number)
        try:
            affine = Rows(space, [self.algorithm.column_values(forms, token, self.p) for token in self.tokens])
        except (TypeError, ValueError, AttributeError, ArithmeticError):
            return self.row_matrix
        return affine if affine(self.start) == self.arithmetic.matrix(self.rows(self.start)) else self.row_matrix

    def row_matrix(self, weights: Sequence[Any]) -> Any:
        """`rows` as a matrix (K, n+1), each row evaluated for all columns at once where that can be done."""
        columns = self.arithmetic.columns
        if columns is not None and self.every is not None:
            try:
                return columns.matrix(self.algorithm.column_values(weights, self.every, self.p), self.layout.n + 1)
            except TypeError:  # an operation that `Columns` lacks
                pass
        return self.arithmetic.matrix(self.rows(weights))


def problem(
    algorithm: Algorithm,
    arithmetic: Arithmetic,
    data: Context | tuple[Any, ...],
    start: Sequence[Any],
    values: Mapping[str, Any],
    options: Mapping[str, str],
) -> Problem:
    """A prompt set up in an arithmetic.

    data  : a `Context`, or (features, next_features, rewards, query, extras) as numbers of the arithmetic; extras are
            {name: n numbers or vectors} and may be left out where the algorithm's transitions carry none
    start : starting weights as lists of numbers (a number for a scalar weight)
    Raises `ArgumentError` when something that the transitions carry is missing.
    """
    context = data if isinstance(data, Context) else None
    if isinstance(data, Context):
        data = (data.features, data.next_features, data.rewards, data.query, dict(data.extras))
    features, following, rewards, query, *rest = data
    extras = rest[0] if rest else {}
    _refuse_other_extras(algorithm, extras)
    n, d = len(features), len(query)
    p = algorithm.bind(values, options)

    @cache
    def transitions() -> tuple[Transition, ...]:
        columns = _transitions(algorithm, arithmetic, features, following, rewards, extras)
        vector, number = arithmetic.vector, arithmetic.number
        units = [vector([number(int(i == k)) for i in range(d)]) for k in range(d)] if algorithm.unit_columns else []
        return algorithm.with_unit_columns(columns, units, p, number)

    def tokens() -> tuple[Any, ...]:
        return _tokens(algorithm, arithmetic, transitions(), asked, p)

    asked = arithmetic.vector(query)
    layout = Layout.of(algorithm, d, n)
    every, whole, columns = None, None, arithmetic.columns
    if columns is None:
        X = arithmetic.matrix(_feature_rows(algorithm, arithmetic, tokens()))
    else:
        names = tuple(name for name, _ in algorithm.extras)
        if algorithm.unit_columns:
            whole = joined(columns, transitions(), names)
        elif context is not None:
            whole = all_of_context(columns, context, names)
        else:
            whole = all_transitions(columns, features, following, rewards, {name: extras[name] for name in names})
        every = all_tokens(algorithm, arithmetic, whole, asked, p, layout)
        if every is None:  # an operation that `Columns` lacks
            each = tokens()
            every = SimpleNamespace(**{k: columns.of([getattr(t, k) for t in each]) for k in vars(each[0])})
        X = columns.matrix([getattr(every, block.name) for block in algorithm.features], n + 1)
    weights = tuple(
        _scalar(arithmetic, w) if name in algorithm.scalar_weights else arithmetic.vector(w)
        for name, w in zip(algorithm.weights, start, strict=True)
    )
    return Problem(algorithm, arithmetic, p, layout, transitions, asked, X, weights, every, whole)


def _refuse_other_extras(algorithm: Algorithm, extras: Mapping[str, Sequence[Any]]) -> None:
    """Raise `ArgumentError` where what the transitions carry is missing, or is no number or vector as it should be."""
    missing = [name for name, _ in algorithm.extras if name not in extras]
    if missing:
        raise ArgumentError(f"the prompt has no {missing[0]}, wanted one for every transition of {algorithm.name}")
    for name, is_vector in algorithm.extras:
        if any(isinstance(x, (tuple, list)) != is_vector for x in extras[name]):
            kind = "vector" if is_vector else "number"
            raise ArgumentError(f"{name} of the prompt is no {kind} at every transition, as {algorithm.name} wants it")


def _transitions(
    algorithm: Algorithm,
    arithmetic: Arithmetic,
    features: Sequence[Any],
    following: Sequence[Any],
    rewards: Sequence[Any],
    extras: Mapping[str, Sequence[Any]],
) -> tuple[Transition, ...]:
    """The transitions in numbers of the arithmetic, one by one."""
    made: dict[int, Any] = {}  # a trajectory has the few vectors of its states many times over

    def once(numbers: Any) -> Any:
        if id(numbers) not in made:
            made[id(numbers)] = numbers, arithmetic.vector(numbers)  # held, so that the identity stays taken
        return made[id(numbers)][1]

    return tuple(
        Transition(
            once(features[j]),
            once(following[j]),
            _scalar(arithmetic, rewards[j]),
            arithmetic.position(j + 1),
            {
                name: once(extras[name][j]) if is_vector else _scalar(arithmetic, extras[name][j])
                for name, is_vector in algorithm.extras
            },
        )
        for j in range(len(features))
    )


def _tokens(
    algorithm: Algorithm, arithmetic: Arithmetic, transitions: Sequence[Transition], query: Any, p: Any
) -> tuple[Any, ...]:
    return (
        *(algorithm.context_token(t, p) for t in transitions),
        algorithm.query_token(query, arithmetic.number(0)),
    )


def _feature_rows(algorithm: Algorithm, arithmetic: Arithmetic, tokens: Sequence[Any]) -> list[list[Any]]:
    columns = []
    for token in tokens:
        column: list[Any] = []
        for block in algorithm.features:
            value = getattr(token, block.name)
            column += [value] if block.scalar else arithmetic.entries(value)
        columns.append(column)
    return [list(row) for row in zip(*columns, strict=True)]


def generic_data(
    algorithm: Algorithm, n: int, vector: Callable[[str], Any], number: Callable[[str], Any]
) -> tuple[Any, ...]:
    """The data of a prompt of n transitions for `problem`, each entry by its name: phi[0], next[0], R[0], q, rho[0].

    No other name has brackets, so that no two of these are one.
    """
    return (
        [vector(f"phi[{j}]") for j in range(n)],
        [vector(f"next[{j}]") for j in range(n)],
        [number(f"R[{j}]") for j in range(n)],
        vector("q"),
        {
            name: [vector(f"{name}[{j}]") if is_vector else number(f"{name}[{j}]") for j in range(n)]
            for name, is_vector in algorithm.extras
        },
    )


def _scalar(arithmetic: Arithmetic, value: Any) -> Any:
    return arithmetic.number(value) if isinstance(value, int) or hasattr(value, "numerator") else value


def textbook(setup: Problem, steps: Iterator[Steps] | Sequence[Steps]) -> Iterator[tuple[Any, ...]]:
    """The iterates w_1, w_2, ...: the algorithm's own update, run once for each entry of `steps`.

    Where there are many, the arithmetic lets it and every layer reads the same transitions, the update runs once on
    affine forms of the weights, and the map that it is so found to be is applied again and again.
    """
    weights = setup.start
    once = _once(setup, len(steps)) if isinstance(steps, Sequence) else None
    last, ready = None, ()
    for number, step in enumerate(steps, 1):
        if step is not last:  # a looped transformer repeats one step: it is set up once
            last = step
            ready = _ready(setup, step)
        before = weights
        if once is None or number == 1:
            weights = _updated(setup, weights, ready, number)
        else:
            weights = once(weights, _named(setup, ready))
        if number == 1 and once is not None and once(before, _named(setup, ready)) != weights:
            once = None  # no map, whatever it did on forms
        yield weights


def _ready(setup: Problem, step: Steps) -> tuple[Any, ...]:
    algorithm, arithmetic = setup.algorithm, setup.arithmetic
    return tuple(
        _scalar(arithmetic, c) if name in algorithm.scalar_preconditioners else arithmetic.matrix(c)
        for name, c in zip(algorithm.preconditioners, step, strict=True)
    )


def _named(setup: Problem, ready: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(setup.algorithm.preconditioners, ready, strict=True))


def _updated(setup: Problem, weights: Sequence[Any], ready: Sequence[Any], number: int) -> tuple[Any, ...]:
    algorithm = setup.algorithm
    transitions = algorithm.at_layer(setup.transitions, number)
    return algorithm.update(weights, ready, algorithm.sweep(transitions, setup.layout.d), setup.p)


def _often(setup: Problem, layers: int) -> bool:
    """Whether forms can be had, and pay over so many layers."""
    return setup.arithmetic.maps and layers >= LAYERS_FOR_A_MAP + sum(map(height, setup.start)) // 4


def _once(setup: Problem, layers: int) -> Map | None:
    """The update as one map of weights and preconditioners, or None where that is not to be had or does not pay."""
    algorithm, arithmetic = setup.algorithm, setup.arithmetic
    heights = [height(w) for w in setup.start]
    if algorithm.selections or not _often(setup, layers):
        return None
    space, forms = weights_as_forms(setup.start, arithmetic.matrix, arithmetic.number)
    steps = [Step(space, name, name in algorithm.scalar_preconditioners) for name in algorithm.preconditioners]
    try:
        return Map(space, _updated(setup, forms, steps, 1), heights)
    except (TypeError, ValueError, AttributeError, ArithmeticError):
        return None  # it does what forms cannot; a fault of its own is met when it runs on the weights


def mismatches(
    setup: Problem,
    states: Iterator[Any],
    steps: Sequence[Steps],
    names: Sequence[str],
    readout: Readout,
) -> Iterator[Mismatch | None]:
    """For each layer the first place where Z is not what the iterate demands, or None; the prediction comes last.

    states : what the layers return, row by row as in `names`; a feature row among them must be the prompt's own
    """
    at, layout = setup.arithmetic.at, setup.layout
    fixed = len(names) - len(layout.accumulators)
    reads = names.index(readout.row)
    row_matrix = setup.many_rows() if _often(setup, len(steps)) else setup.row_matrix
    for number, (Z, weights) in enumerate(zip(states, textbook(setup, steps), strict=True), start=1):
        mismatch = None
        rows = Z.take_rows(range(fixed, len(names))) if fixed else Z
        if rows != row_matrix(weights) or (fixed and Z.take_rows(range(fixed)) != setup.X):
            wanted = [*(_matrix_rows(setup, setup.X) if fixed else []), *setup.rows(weights)]
            # There is a first one, or `next` fails: the matrices differ.
            mismatch = next(
                Mismatch(number, name, t, layout.column_name(t), at(Z, i, t), value)
                for i, (name, row) in enumerate(zip(names, wanted, strict=True))
                for t, value in enumerate(row)
                if at(Z, i, t) != value
            )
        prediction, value = at(Z, reads, layout.n) * readout.sign, weights[0] @ setup.query
        if mismatch is None and prediction != value:
            where = f"the query (read as {'-' if readout.sign < 0 else '+'}{readout.row})"
            mismatch = Mismatch(number, "prediction", layout.n, where, prediction, value)
        yield mismatch


def check_construction(construction: Construction, setup: Problem, steps: Sequence[Steps]) -> Iterator[Mismatch | None]:
    """Run a construction on a prompt and compare it with the textbook loop after every layer, one entry a layer.

    steps : the preconditioners that the loop uses, one a layer (or one for all); they come from the caller and not
            from the weights
    A construction that changes feature rows is run in full, and its feature rows are compared too.
    """
    scale = setup.arithmetic.number(1) / setup.layout.n
    each = list(steps) * construction.depth if len(steps) == 1 else list(steps)
    # The prompt column by column, so that it shares nothing with the rows that it is compared with.
    Y = setup.arithmetic.matrix(setup.rows(setup.start))
    split = construction.row_heads()
    states: Iterator[Any]
    if split is not None:
        layers = (split[0 if construction.looped else number] for number in range(construction.depth))
        states, names = iterate(setup.X, Y, layers, scale), setup.layout.accumulators
    else:
        states, names = _dense(construction, setup, Y, scale), setup.layout.row_names()
    yield from mismatches(setup, states, each, names, construction.readout)


def _matrix_rows(setup: Problem, matrix: Any) -> list[list[Any]]:
    height, width = matrix.shape
    return [[setup.arithmetic.at(matrix, i, j) for j in range(width)] for i in range(height)]


def _dense(construction: Construction, setup: Problem, Y: Any, scale: Any) -> Iterator[Any]:
    Z = RationalMatrix.of([*_matrix_rows(setup, setup.X), *_matrix_rows(setup, Y)])
    for number in range(construction.depth):
        Z = layer(Z, construction.heads(number), scale).lowest_terms()
        yield Z

"""Updates that no layer does: a combination of prompts that every layer's answer cancels in, and the update's does not.

One layer changes row k of the prompt Z at token t by
    sum over k', i, r, j, s of T[k; k', i, r, j, s] * Z[k', i] * Z[r, j] * Z[s, t],
with T = (1/n) sum_h (W_h P_h)[k, k'] M_h[i, j] Q_h[r, s] the same for every prompt and token: linear in T, whatever the
heads, the weights W, P, Q and the masks M are.  So multipliers of (prompt, token) pairs for which every product
Z[k', i] * Z[r, j] * Z[s, t] sums to zero annihilate every layer's answer.  If the changes that the update demands do
not sum to zero with them, no layer does one iterate on all of these prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from math import gcd, lcm
from operator import mul
from typing import Any

from flint import fmpz_mat

from ..algorithm import Algorithm
from ..arithmetics.arithmetic import Arithmetic
from ..arithmetics.entries import EntryMatrix, EntryVector
from ..errors import LayerproofError
from ..prompt import Context
from ..transitions import Position
from .exact import problem

PLAIN = Arithmetic(
    "plain rationals",
    Fraction,
    lambda entries: EntryVector([Fraction(x) for x in entries]),
    EntryMatrix,
    lambda v: v.entries,
    lambda m, i, j: m.rows[i][j],
    index=Position,
)
"""Rationals that can also be compared: an update with a maximum in it has values here."""

State = tuple[Any, ...]
Run = Callable[[Context, State], Sequence[Any] | None]
SIZE = 2
"""The feature dimension and the context length at which prompts are tried."""


@dataclass(frozen=True)
class Sample:
    """One prompt at one token, and what the update demands there.

    column : 0-based; n is the query
    Z      : rows of the prompt at the starting weights, (p + K, n + 1)
    new    : the weights after the update
    change : what the accumulator row must gain in that column, by row
    """

    context: Context
    start: State
    new: tuple[Any, ...]
    column: int
    Z: tuple[tuple[Fraction, ...], ...]
    change: tuple[Fraction, ...]


@dataclass(frozen=True)
class Unreachable:
    """Why no layer does one iterate: sum of multiplier * (change of `row`) is zero for every layer, `total` here.

    rows    : the names of the rows of Z
    steps   : the preconditioners that the update was run with
    """

    row: str
    rows: tuple[str, ...]
    values: Mapping[str, Fraction]
    steps: tuple[tuple[str, Any], ...]
    multipliers: tuple[Fraction, ...]
    samples: tuple[Sample, ...]
    changes: tuple[Fraction, ...]
    total: Fraction

    def sentence(self) -> str:
        """What was found, in words."""
        return (
            f"no layer does one iterate, whatever its heads, weights and masks are: on {len(self.samples)} prompts of "
            f"n = {SIZE} transitions the changes of row {self.row} times {', '.join(map(str, self.multipliers))} sum "
            f"to zero for every layer, and to {self.total} for the update"
        )


def unreachable(
    algorithm: Algorithm, options: Mapping[str, str], values: Mapping[str, Fraction], run: Run | None = None
) -> Unreachable | None:
    """A proof that no layer with these rows does one iterate, or None when none of the prompts tried gives one.

    values : the parameters
    run    : (context, starting weights) -> new weights, None where there are none; by default the algorithm's update
    """
    steps = _steps(algorithm)
    for family in _families(algorithm):
        samples: list[Sample] = []
        try:
            for context, start in family:
                samples += _samples(algorithm, options, values, steps, context, start, run)
        except (LayerproofError, TypeError, AttributeError):
            return None  # rows that no prompt has, or values that are no exact numbers
        annihilator = _annihilator(samples)
        if annihilator is not None:
            return _report(algorithm, *annihilator, values, steps, samples)
    return None


def _steps(algorithm: Algorithm) -> tuple[tuple[str, Any], ...]:
    one = [[Fraction(int(i == j)) for j in range(SIZE)] for i in range(SIZE)]
    scalar = algorithm.scalar_preconditioners
    return tuple((name, Fraction(1) if name in scalar else one) for name in algorithm.preconditioners)


def _samples(
    algorithm: Algorithm,
    options: Mapping[str, str],
    values: Mapping[str, Fraction],
    steps: tuple[tuple[str, Any], ...],
    context: Context,
    start: State,
    run: Run | None,
) -> list[Sample]:
    setup = problem(algorithm, PLAIN, context, start, values, options)
    ready = [C if isinstance(C, Fraction) else EntryMatrix(C) for _, C in steps]
    try:
        if run is None:
            sweep = algorithm.sweep(algorithm.at_layer(setup.transitions, 1), setup.layout.d)
            new: Any = algorithm.update(setup.start, ready, sweep, setup.p)
        else:
            given = run(context, start)
            if given is None:
                return []
            new = tuple(EntryVector(list(w)) if isinstance(w, (list, tuple)) else w for w in given)
        before, after = setup.rows(setup.start), setup.rows(new)
    except ZeroDivisionError:
        return []  # the update has no value there
    X = [[_exact(x) for x in row] for row in setup.X.rows]
    Z = tuple(tuple(row) for row in [*X, *([_exact(x) for x in row] for row in before)])
    plain = tuple(tuple(w.entries) if isinstance(w, EntryVector) else w for w in new)
    return [
        Sample(
            context, start, plain, t, Z, tuple(_exact(y[t]) - _exact(x[t]) for x, y in zip(before, after, strict=True))
        )
        for t in range(context.n + 1)
    ]


def _exact(x: Any) -> Fraction:
    if x is None:
        return Fraction(0)
    if isinstance(x, bool) or not isinstance(x, (int, Fraction)):
        raise TypeError("no exact number")
    return Fraction(x)


def _products(samples: Sequence[Sample]) -> set[tuple[int, ...]]:
    """Z[k', i] * Z[r, j] * Z[s, t] over the samples, for all k', i, r, j, s; each different column once.

    Every row of Z is multiplied by a number of its own first, the same for all samples, so that all are integers: the
    same multipliers annihilate the products.
    """
    rows = []
    for row in zip(*(s.Z for s in samples), strict=True):  # one row of every sample's Z
        scale = lcm(*(x.denominator for line in row for x in line))
        rows.append([[int(x * scale) for x in line] for line in row])
    entries = {column for row in rows for column in zip(*row, strict=True) if any(column)}
    own = {tuple(line[s.column] for s, line in zip(samples, row, strict=True)) for row in rows}
    columns = set()
    listed = sorted(entries)
    for k, x in enumerate(listed):
        for y in listed[k:]:
            pair = tuple(map(mul, x, y))
            columns |= {tuple(map(mul, pair, z)) for z in own}
    return {column for column in columns if any(column)}


def _annihilator(samples: Sequence[Sample]) -> tuple[int, list[tuple[int, Fraction]]] | None:
    """An accumulator row, and multipliers of few samples with which all products sum to zero and its changes do not."""
    kept = [k for k, s in enumerate(samples) if any(s.change) or any(row[s.column] for row in s.Z)]
    nulls = _null_vectors([samples[k] for k in kept])
    for number, _ in enumerate(samples[0].change if samples else ()):
        support = _fitting([samples[k] for k in kept], nulls, number)
        if support is None:
            continue
        chosen = [kept[k] for k, _ in support]
        left = len(chosen) - 1
        while left >= 0:  # drop what is not needed
            fewer = chosen[:left] + chosen[left + 1 :]
            again = _fitting([samples[k] for k in fewer], _null_vectors([samples[k] for k in fewer]), number)
            if again is not None:
                chosen, support = [fewer[k] for k, _ in again], again
            left = min(left, len(chosen)) - 1
        return number, [(k, x) for k, (_, x) in zip(chosen, support, strict=True)]
    return None


def _fitting(
    samples: Sequence[Sample], vectors: Sequence[Sequence[Fraction]], number: int
) -> list[tuple[int, Fraction]] | None:
    """The shortest of the vectors that does not annihilate the changes, as (position, multiplier)."""
    changes = [s.change[number] for s in samples]
    fit = [v for v in vectors if sum(x * y for x, y in zip(v, changes, strict=True))]
    if not fit:
        return None
    return [(k, x) for k, x in enumerate(min(fit, key=lambda v: sum(map(bool, v)))) if x]


def _null_vectors(samples: Sequence[Sample]) -> list[list[Fraction]]:
    """A basis of what is orthogonal to all products, in echelon form: each vector has few entries."""
    count = len(samples)
    columns = _products(samples) if count else set()
    if not columns:
        return [[Fraction(int(i == j)) for j in range(count)] for i in range(count)]
    reduced, denominator, rank = fmpz_mat(len(columns), count, [x for c in columns for x in c]).rref()
    pivots = [next(j for j in range(count) if reduced[i, j]) for i in range(rank)]
    vectors = []
    for free in sorted(set(range(count)) - set(pivots)):
        vector = [Fraction(0)] * count
        vector[free] = Fraction(1)
        for i, pivot in enumerate(pivots):
            vector[pivot] = -Fraction(int(reduced[i, free]), int(denominator))
        vectors.append(vector)
    return vectors


def _report(
    algorithm: Algorithm,
    k: int,
    annihilator: list[tuple[int, Fraction]],
    values: Mapping[str, Fraction],
    steps: tuple[tuple[str, Any], ...],
    samples: Sequence[Sample],
) -> Unreachable:
    scale = Fraction(lcm(*(x.denominator for _, x in annihilator)), gcd(*(x.numerator for _, x in annihilator)))
    total = sum((x * samples[i].change[k] for i, x in annihilator), Fraction(0)) * scale
    sign = 1 if total > 0 else -1
    used = [(samples[i], x * scale * sign) for i, x in annihilator]
    multipliers = tuple(x for _, x in used)
    kept = tuple(s for s, _ in used)
    if any(sum(map(mul, multipliers, column)) for column in _products(kept)):
        raise AssertionError("the multipliers do not annihilate every layer's answer")
    blocks = [(b.name, 1 if b.scalar else SIZE) for b in algorithm.features]
    names = [f"{name}[{i + 1}]" if size > 1 else name for name, size in blocks for i in range(size)]
    return Unreachable(
        algorithm.accumulators[k].name,
        (*names, *(r.name for r in algorithm.accumulators)),
        dict(values),
        steps,
        multipliers,
        kept,
        tuple(s.change[k] for s, _ in used),
        total * sign,
    )


# which prompts are tried


Entry = tuple[str, int]  # (what, transition): ("reward", 0), ("w", 0) for a weight
LINES = ((0, 1, 2, 3), (-2, -1, 0, 1, 2, 3), (1, 2, 3, 4, 5, 6))
GRID = (0, 1, 2)


def _families(algorithm: Algorithm) -> Iterator[list[tuple[Context, State]]]:
    """Sets of prompts along lines, and then in grids: entries of few transitions, scaled.

    A layer's answer has a bounded degree in the entries of a token, so that differences along a line annihilate it.
    """
    kinds = ("phi", "phi'", "reward", *(name for name, _ in algorithm.extras))
    plain = {(kind, 0): 1 for kind in kinds} | {("query", 0): 1}
    weights: dict[Entry, int] = {(name, 0): 1 for name in algorithm.weights}
    both = plain | {(kind, 1): 1 for kind in kinds}
    for base in (plain, plain | weights, both, both | weights):
        lines: list[tuple[Entry, ...]] = [(entry,) for entry in base if entry[0] != "query"]
        lines += [tuple((kind, j) for kind in kinds) for j in range(SIZE) if (kinds[0], j) in base]
        if weights.keys() <= base.keys():
            lines.append(tuple(weights))
        for line in LINES:
            for group in lines:
                yield [_prompt(algorithm, base | dict.fromkeys(group, s)) for s in line]
    for base in (plain | weights, both | weights):
        wholes = [tuple((kind, j) for kind in kinds) for j in range(SIZE) if (kinds[0], j) in base]
        groups = [*combinations(wholes, 2), *((whole, tuple(weights)) for whole in wholes)]
        groups += combinations([(entry,) for entry in base if entry[0] != "query"], 2)
        for query in (1, 0):
            for first, second in groups:
                yield [
                    _prompt(
                        algorithm,
                        base | {("query", 0): query} | dict.fromkeys(first, x) | dict.fromkeys(second, y),
                    )
                    for x, y in product(GRID, repeat=2)
                ]


def _prompt(algorithm: Algorithm, entries: Mapping[Entry, int]) -> tuple[Context, State]:
    """A prompt whose vectors lie on the first axis, and starting weights, with these coordinates; the others zero."""

    def vector(name: str, j: int) -> list[int]:
        return [entries.get((name, j), 0), *([0] * (SIZE - 1))]

    each = range(SIZE)
    extras = {
        name: [vector(name, j) if is_vector else entries.get((name, j), 0) for j in each]
        for name, is_vector in algorithm.extras
    }
    context = Context.of(
        [vector("phi", j) for j in each],
        [vector("phi'", j) for j in each],
        [entries.get(("reward", j), 0) for j in each],
        vector("query", 0),
        extras,
    )
    start = tuple(
        Fraction(entries.get((w, 0), 0)) if w in algorithm.scalar_weights else tuple(Fraction(x) for x in vector(w, 0))
        for w in algorithm.weights
    )
    return context, start

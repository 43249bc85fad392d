"""Seeded rational problems for any algorithm, ways to plant a fault, and plain-Fraction arithmetic for tests by hand.

Everything here is generic on purpose: d >= 2, a non-symmetric C for each layer, gamma and lambda outside {0, 1},
non-zero starting weights. The arithmetic on lists shares no code with the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.arithmetics.rational import Rational, RationalMatrix
from layerproof.symbolic.attention import layer
from layerproof.symbolic.construction import Construction, construct
from layerproof.symbolic.derivation.derive import Derivation, derive
from layerproof.symbolic.derivation.loop import loop_form
from layerproof.symbolic.derivation.state import SymbolicState
from layerproof.symbolic.identity.exact import Mismatch, Problem, check_construction, problem, textbook
from layerproof.symbolic.invariance.own_weights import own_construction, own_point
from layerproof.symbolic.invariance.weights import Point, WeightSpace
from layerproof.symbolic.prompt import Context
from layerproof.symbolic.sizes import nearest

GAMMA, LAM = Fraction(9, 10), Fraction(2, 3)
OTHERS = sorted({p for a in catalogue().values() for p in a.parameters} - {"gamma", "lam"})
PARAMETERS = {"gamma": GAMMA, "lam": LAM, **{name: Fraction(3, 7 + k) for k, name in enumerate(OTHERS)}}

Vector = list[Fraction]
Matrix = list[list[Fraction]]


# every algorithm, once for each choice of its options


@dataclass(frozen=True)
class Case:
    """An algorithm of the catalogue with one choice of options."""

    name: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def algorithm(self) -> Algorithm:
        return catalogue()[self.name]

    @property
    def derivation(self) -> Derivation:
        return derive(self.algorithm, dict(self.options))

    def __str__(self) -> str:
        return "-".join([self.name, *(value for _, value in self.options)])


CASES = tuple(
    Case(a.name, tuple(zip(a.options, chosen, strict=True)))
    for a in catalogue().values()
    for chosen in product(*a.options.values())
)
each_case = pytest.mark.parametrize("case", CASES, ids=str)
"""For laws of the mathematics, which are cheap: a case costs them milliseconds."""
each_case_with_steps = pytest.mark.parametrize("case", [c for c in CASES if c.algorithm.preconditioners], ids=str)
"""For laws about step matrices, and about layers that differ by them."""
each_case_alike = pytest.mark.parametrize("case", [c for c in CASES if not c.algorithm.selections], ids=str)
"""For laws about layers that differ by their steps alone, so that they may be looped, stacked or repeated."""
_BOTH = [(c, looped) for looped in (True, False) for c in CASES if not (looped and c.algorithm.selections)]
each_case_looped_or_not = pytest.mark.parametrize(
    ("case", "looped"), _BOTH, ids=[f"{'looped' if looped else 'sequential'}-{c}" for c, looped in _BOTH]
)
"""For laws that looped and sequential layers share; layers that read other tokens each are never looped."""


def sizes_for(algorithm: Algorithm, d: int, n: int, depth: int) -> dict[str, int]:
    """The nearest sizes that the algorithm is stated for, by letter."""
    return nearest(algorithm.name, algorithm.size_constraints, {"d": d, "n": n, "L": depth})


def maps_rows(algorithm: Algorithm, options: Iterable[tuple[str, str]] = ()) -> bool:
    """Whether old weight vectors are mixed, so that heads over a constant row map accumulator rows token by token."""
    constant = any(b.scalar for b in algorithm.features)
    return constant and bool(loop_form(SymbolicState(algorithm, dict(options))).mixing)


def traits(algorithm: Algorithm, options: Iterable[tuple[str, str]]) -> set[Any]:
    """What code that is handed rows, masks and numbers can tell one algorithm from another by.

    What transitions carry further has reached the rows by then: `whole/test_examples.py` follows it all the way.
    """
    vectors = len(algorithm.weights) - len(algorithm.scalar_weights)
    blocks = {("block", b.scalar, b.query is not None) for b in algorithm.features}
    return {
        ("vector weights", vectors), ("rows", len(algorithm.accumulators)), ("blocks", len(algorithm.features) > 1),
        ("scalar weights", bool(algorithm.scalar_weights)), ("scalar steps", bool(algorithm.scalar_preconditioners)),
        ("heads", algorithm.heads is not None), ("discount", "gamma" in algorithm.parameters), *blocks, *options,
        ("maps rows", maps_rows(algorithm, options)),
    }  # fmt: skip


def _kinds() -> tuple[Case, ...]:
    """TD(0), then whatever has a trait that none before it has; those with heads over a constant row come last."""
    chosen, seen = [], set[Any]()
    for case in sorted(CASES, key=lambda c: (c.name != "td0", maps_rows(c.algorithm, c.options))):
        has = traits(case.algorithm, case.options)
        if not has <= seen:
            chosen.append(case)
            seen |= has
    return tuple(chosen)


KINDS = _kinds()
each_kind = pytest.mark.parametrize("case", KINDS, ids=str)
"""For what is costly, floats, pages and commands: one case of each kind, so that an algorithm more costs nothing."""
NAMES = tuple(dict.fromkeys(case.name for case in KINDS))
each_kind_by_name = pytest.mark.parametrize("name", NAMES)


def trained(
    name: str, d: int, n: int, depth: int, parameters: Mapping[str, Fraction], looped: bool = True, scales: Any = None
) -> tuple[WeightSpace, Point]:
    """What deep TD trains of an algorithm of the catalogue, and its own weights (C = I, times a scale a layer)."""
    construction = own_construction(catalogue()[name], {}, d, n, depth, parameters, looped, scales)
    return WeightSpace.of(catalogue()[name], construction), own_point(construction)


# random problems


def random_rational(rng: Random) -> Fraction:
    """A non-zero rational with a small numerator and denominator."""
    return Fraction(rng.choice((-1, 1)) * rng.randint(1, 9), rng.randint(1, 7))


def random_vector(rng: Random, d: int) -> Vector:
    return [random_rational(rng) for _ in range(d)]


def random_matrix(rng: Random, d: int) -> Matrix:
    return [random_vector(rng, d) for _ in range(d)]


def random_context(d: int, n: int, seed: int, algorithm: Algorithm | None = None) -> Context:
    """n transitions with no structure: phi' has nothing to do with phi; with what `algorithm`'s transitions carry."""
    rng = Random(f"context {d} {n} {seed}")
    context = Context.of(
        [random_vector(rng, d) for _ in range(n)],
        [random_vector(rng, d) for _ in range(n)],
        random_vector(rng, n),
        random_vector(rng, d),
    )
    return context if algorithm is None else carrying(context, algorithm, seed)


def carrying(context: Context, algorithm: Algorithm, seed: int = 0) -> Context:
    """The context with whatever further numbers and vectors the algorithm's transitions carry, where it has none."""
    rng, known = Random(f"extras {context.d} {context.n} {seed}"), dict(context.extras)
    for name, vector in algorithm.extras:
        drawn = [random_vector(rng, context.d) if vector else random_rational(rng) for _ in range(context.n)]
        known.setdefault(name, tuple(map(tuple, drawn)) if vector else tuple(drawn))
    return replace(context, extras=tuple(sorted(known.items())))


def random_steps(algorithm: Algorithm, d: int, count: int, seed: int) -> list[tuple[Any, ...]]:
    """Preconditioners for `count` layers: a generic matrix or scalar each."""
    rng = Random(f"steps {d} {seed}")
    return [
        tuple(
            random_rational(rng) if name in algorithm.scalar_preconditioners else random_matrix(rng, d)
            for name in algorithm.preconditioners
        )
        for _ in range(count)
    ]


def random_start(algorithm: Algorithm, d: int, seed: int) -> list[Any]:
    """Non-zero starting weights."""
    rng = Random(f"start {d} {seed}")
    return [random_rational(rng) if w in algorithm.scalar_weights else random_vector(rng, d) for w in algorithm.weights]


def zero_start(algorithm: Algorithm, d: int) -> list[Any]:
    return [Fraction(0) if w in algorithm.scalar_weights else [Fraction(0)] * d for w in algorithm.weights]


@dataclass(frozen=True, eq=False)
class Trial:
    """One algorithm on one prompt: everything that both sides of the identity are given."""

    case: Case
    context: Context
    steps: list[tuple[Any, ...]]
    start: list[Any]
    depth: int
    parameters: Mapping[str, Fraction]

    @property
    def setup(self) -> Problem:
        """The reference's side."""
        return problem(
            self.case.algorithm, RATIONALS, self.context, self.start, self.parameters, self.case.derivation.options
        )

    @property
    def construction(self) -> Construction:
        """The transformer's side."""
        d, n = self.context.d, self.context.n
        looped = len(self.steps) != self.depth
        return construct(self.case.derivation, d, n, self.depth, self.steps, self.parameters, looped)

    def check(self, construction: Construction | None = None, update: Any = None) -> list[Mismatch | None]:
        """One entry a layer, with `construction` for the derived one or `update` for the textbook's."""
        setup = self.setup
        if update is not None:
            setup = replace(setup, algorithm=replace(setup.algorithm, update=update))
        return list(check_construction(construction or self.construction, setup, self.steps))

    def iterates(self) -> list[tuple[Any, ...]]:
        """The textbook's weights after each layer, as Fractions."""
        return [plain_weights(w) for w in textbook(self.setup, self.steps * (self.depth // len(self.steps)))]


def trial(
    case: Case,
    d: int = 2,
    n: int = 3,
    depth: int = 3,
    seed: int = 0,
    *,
    looped: bool = False,
    context: Context | None = None,
    start: list[Any] | None = None,
    parameters: Mapping[str, Fraction] = PARAMETERS,
) -> Trial:
    context = carrying(context or random_context(d, n, seed), case.algorithm, seed)
    steps = random_steps(case.algorithm, context.d, 1 if looped else depth, seed)
    start = start or random_start(case.algorithm, context.d, seed)
    return Trial(case, context, steps, start, depth, parameters)


def plain_weights(weights: Sequence[Any]) -> tuple[Any, ...]:
    """Weights of the exact arithmetic as Fractions and lists of Fractions."""
    return tuple(w.fraction() if isinstance(w, Rational) else w.fractions() for w in weights)


def run_layers(construction: Construction, Z: Matrix) -> list[Matrix]:
    """The prompt after each layer, by the attention formula as written, all rows."""
    state, states = RationalMatrix.of(Z), []
    for number in range(construction.depth):
        state = layer(state, construction.heads(number), Rational.of(Fraction(1, construction.layout.n)))
        states.append(state.fractions())
    return states


def prediction(construction: Construction, Z: Matrix) -> Fraction:
    """What the construction's read-out says about Z."""
    readout = construction.readout
    return readout.sign * Z[construction.layout.accumulator(readout.row)][-1]


# planting faults


def with_matrix(construction: Construction, number: int, head: int, **matrices: RationalMatrix) -> Construction:
    """The construction with matrices (W, P, Q or M) of one head of one layer replaced."""
    layers = [list(heads) for heads in construction.layers]
    layers[number][head] = replace(layers[number][head], **matrices)
    return replace(construction, layers=tuple(tuple(heads) for heads in layers))


def entry_changed(matrix: RationalMatrix, i: int, j: int, change: Any) -> RationalMatrix:
    rows = matrix.fractions()
    rows[i][j] = change(rows[i][j])
    return RationalMatrix.of(rows)


# plain arithmetic on lists, for iterates by hand


def td_prompt(context: Context, w: Sequence[Fraction]) -> list[list[Any]]:
    """Columns (phi; gamma phi'; R + gamma w.phi' - w.phi) and the query's (q; 0; -w.q)."""
    columns = [
        [*x, *times(GAMMA, y), r + GAMMA * dot(w, y) - dot(w, x)]
        for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True)
    ]
    return transposed([*columns, [*context.query, *[0] * len(w), -dot(w, context.query)]])


def dot(u: Sequence[Fraction], v: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(u, v, strict=True)), Fraction(0))


def times(c: Fraction, v: Sequence[Fraction]) -> Vector:
    return [c * x for x in v]


def plus(*vectors: Sequence[Fraction]) -> Vector:
    return [sum(entries, Fraction(0)) for entries in zip(*vectors, strict=True)]


def apply(C: Matrix, v: Sequence[Fraction]) -> Vector:
    return [dot(row, v) for row in C]


def transposed(C: Matrix) -> Matrix:
    return [list(column) for column in zip(*C, strict=True)]


def negated(C: Matrix) -> Matrix:
    return [times(Fraction(-1), row) for row in C]


def block_matrix(sizes: Sequence[int], blocks: Mapping[tuple[int, int], Matrix]) -> Matrix:
    """The square matrix with the given blocks, numbered from 0, and zero blocks elsewhere."""
    offsets = [sum(sizes[:k]) for k in range(len(sizes) + 1)]
    result = [[Fraction(0)] * offsets[-1] for _ in range(offsets[-1])]
    for (a, b), block in blocks.items():
        assert (len(block), len(block[0])) == (sizes[a], sizes[b])
        for i, row in enumerate(block):
            for j, x in enumerate(row):
                result[offsets[a] + i][offsets[b] + j] = Fraction(x)
    return result


# hypothesis

rationals = st.fractions(min_value=-3, max_value=3, max_denominator=12)


def vectors(d: int) -> st.SearchStrategy[Vector]:
    return st.lists(rationals, min_size=d, max_size=d)


def matrices(height: int, width: int) -> st.SearchStrategy[Matrix]:
    return st.lists(vectors(width), min_size=height, max_size=height)


def contexts(d: int, n: int) -> st.SearchStrategy[Context]:
    return st.builds(Context.of, matrices(n, d), matrices(n, d), vectors(n), vectors(d))


def td_solution(context: Context, gamma: Fraction) -> list[Fraction]:
    """G w = b of TD(0), solved by hand for d = 2."""
    G = [[Fraction(0)] * 2 for _ in range(2)]
    b = [Fraction(0)] * 2
    for phi, after, reward in zip(context.features, context.next_features, context.rewards, strict=True):
        for i in range(2):
            b[i] += phi[i] * reward
            for j in range(2):
                G[i][j] += phi[i] * (phi[j] - gamma * after[j])
    det = G[0][0] * G[1][1] - G[0][1] * G[1][0]
    return [(b[0] * G[1][1] - b[1] * G[0][1]) / det, (G[0][0] * b[1] - G[1][0] * b[0]) / det]

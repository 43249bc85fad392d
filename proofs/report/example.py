"""A run small enough to follow by hand: exact numbers at d = 2, n = 3, L = 2, with everything in between.

The layers run the attention formula on the weights; the loop runs the textbook update on the transitions.  Neither
sees the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.attention import Head, layer
from ...symbolic.construction import Construction, Steps, construct
from ...symbolic.errors import LayerproofError
from ...symbolic.given import exact_head, exact_matrix, given_construction
from ...symbolic.identity.exact import Mismatch, Problem, check_construction, problem
from ...symbolic.own import OwnConstruction
from ...symbolic.own_layers import own_mismatches
from ...symbolic.prompt import Context, with_unit_columns
from ...symbolic.transitions import Sweep, Transition
from ..case import Case, Settings
from ..own_claims import own_values

D, N, L = 2, 3, 2
SMALL = {"gamma": Fraction(1, 2), "lam": Fraction(1, 2)}
"""The parameters of the example, so that its numbers stay small."""
_FEATURES = ((1, 0), (0, 1), (1, 1))
_NEXT = ((0, 1), (1, 1), (1, -1))
_REWARDS, _QUERY = (3, -3, 6), (2, 1)
_HALF = Fraction(1, 2)
STEPS = (((1, 0), (_HALF, 1)), ((_HALF, _HALF), (0, 1)))
_SCALARS = (Fraction(1), _HALF)
_EXTRA_NUMBERS, _EXTRA_VECTORS = (1, 2, _HALF), ((1, 1), (0, 2), (-1, 1))
Rows = list[list[Fraction]]


@dataclass(frozen=True)
class HeadStep:
    """What one head does in one layer.

    values : P Z : (m, n+1);  mask : (n+1, n+1);  scores : Z^T Q Z : (n+1, n+1);  output : W P Z M (Z^T Q Z) : (m, n+1)
    """

    W: Rows
    P: Rows
    Q: Rows
    mask: Rows
    values: Rows
    scores: Rows
    output: Rows


@dataclass(frozen=True)
class LayerStep:
    """One layer: what its heads do, the change (scale times their sum) and the prompt after it, (m, n+1) each."""

    heads: tuple[HeadStep, ...]
    change: Rows
    after: Rows


@dataclass(frozen=True)
class LoopStep:
    """One pass of the textbook loop.

    preconditioners : of this pass, by name: rows of numbers, or a number
    variables       : for each transition the loop's variables after it, by name: a list of d numbers, or a number
    weights         : after the pass, by name
    """

    preconditioners: dict[str, Any]
    variables: tuple[dict[str, Any], ...]
    weights: dict[str, Any]


@dataclass(frozen=True)
class Example:
    """The worked example of an algorithm.

    wanted   : for each layer the accumulator rows that the prompt must hold at the loop's weights, (K, n+1)
    mismatch : where the layers and the loop first differ, None when they agree
    """

    context: Context
    parameters: dict[str, Fraction]
    construction: Construction
    rows: tuple[str, ...]
    features: int
    start: Rows
    layers: tuple[LayerStep, ...]
    loop: tuple[LoopStep, ...]
    start_weights: dict[str, Any]
    wanted: tuple[Rows, ...]
    mismatch: Mismatch | None


@dataclass(frozen=True)
class OwnExample:
    """The worked example of an `OwnConstruction`: `scale` is the layers' factor, `wanted` what its reference gives."""

    context: Context
    parameters: dict[str, Fraction]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    start: Rows
    layers: tuple[LayerStep, ...]
    wanted: tuple[dict[tuple[str, str], Fraction], ...]
    mismatch: Mismatch | None
    scale: Fraction


def example_context(extras: Sequence[tuple[str, bool]] = ()) -> Context:
    """The transitions of the example, each state the successor of the one before; extras get small numbers too."""
    carried: dict[str, Sequence[Any]] = {
        name: _EXTRA_VECTORS if is_vector else _EXTRA_NUMBERS for name, is_vector in extras
    }
    return Context.of(_FEATURES, _NEXT, _REWARDS, _QUERY, carried)


def example_steps(algorithm: Algorithm) -> list[Steps]:
    """Preconditioners of two layers, different and not symmetric."""

    def step(number: int) -> Steps:
        rows = [[Fraction(x) for x in row] for row in STEPS[number]]
        return tuple(
            _SCALARS[number] if name in algorithm.scalar_preconditioners
            else rows if k % 2 == 0 else [list(row) for row in zip(*rows, strict=True)]
            for k, name in enumerate(algorithm.preconditioners)
        )  # fmt: skip

    return algorithm.prescribed([step(number) for number in range(L)])


def example_parameters(algorithm: Algorithm, settings: Settings) -> dict[str, Fraction]:
    """gamma and lambda of one half; the settings' or the algorithm's own values for others."""
    return algorithm.values({**SMALL, **settings.values})


def small_example(case: Case) -> Example:
    """Run the derived (or given) weights and the textbook loop on the example's prompt, from zero weights."""
    algorithm, options = case.algorithm, case.algorithm.choose(case.options)
    steps, values = example_steps(algorithm), example_parameters(case.algorithm, case.settings)
    if algorithm.heads is not None:
        weights = given_construction(algorithm, options, D, N, L, steps, values, False)
    else:
        weights = construct(case.derivation, D, N, L, steps, values)
    return run_example(algorithm, weights, options)


def run_example(algorithm: Algorithm, weights: Construction, options: dict[str, str]) -> Example:
    """As `small_example`, of any weights at the example's sizes."""
    context = with_unit_columns(algorithm, example_context(algorithm.extras), weights.parameters)
    zero = [Fraction(0) if w in algorithm.scalar_weights else [Fraction(0)] * D for w in algorithm.weights]
    setup = problem(algorithm, RATIONALS, context, zero, weights.parameters, options)
    Z = RationalMatrix.of([*setup.X.fractions(), *setup.rows(setup.start)])
    layers = tuple(_layers(Z, [weights.heads(k) for k in range(L)], Fraction(1, N)))
    passes = list(_passes(setup, weights.steps))
    mismatch = next((m for m in check_construction(weights, setup, weights.steps) if m is not None), None)
    return Example(
        context=context,
        parameters=dict(weights.parameters),
        construction=weights,
        rows=setup.layout.row_names(),
        features=setup.layout.p,
        start=Z.fractions(),
        layers=layers,
        loop=tuple(step for step, _ in passes),
        start_weights=_named(algorithm.weights, setup.start),
        wanted=tuple(RationalMatrix.of(setup.rows(w)).fractions() for _, w in passes),
        mismatch=mismatch,
    )


def own_example(own: OwnConstruction, settings: Settings) -> OwnExample:
    """Run a construction of a user's own, for two layers or as many as it has, on the example's prompt."""
    context, values = example_context(), own_values(own, replace(settings, gamma=SMALL["gamma"], lam=SMALL["lam"]))
    depth = min(L, own.layers or L)
    rows, columns = tuple(own.rows(D)), tuple(own.columns(D, N))
    p = SimpleNamespace(**values)
    Z = exact_matrix(own.prompt(context, p), len(rows), len(columns), "the prompt")
    heads = [
        [exact_head(h, len(rows), len(columns), f"layer {k + 1}") for h in own.heads(D, N, p, k)] for k in range(depth)
    ]
    wanted = []
    reference = iter(own.reference(context, p))
    for _ in range(depth):
        wanted.append({at: Fraction(x) for at, x in next(reference).items()})
    mismatch = next((m for m in own_mismatches(own, context, values, depth) if m is not None), None)
    scale = Fraction(own.scale(N))
    layers = tuple(_layers(Z, heads, scale))
    return OwnExample(context, values, rows, columns, Z.fractions(), layers, tuple(wanted), mismatch, scale)


def _layers(Z: RationalMatrix, layers: Sequence[Sequence[Head]], scale: Fraction) -> Iterator[LayerStep]:
    for heads in layers:
        steps, total = [], None
        for h in heads:
            values, scores = h.P @ Z, Z.mT @ h.Q @ Z
            output = h.W @ (values @ h.M @ scores)
            total = output if total is None else total + output
            parts = (h.W, h.P, h.Q, h.M, values, scores, output)
            steps.append(HeadStep(*(part.fractions() for part in parts)))
        after = layer(Z, heads, scale).lowest_terms()
        change = after + (-Z)
        if total is not None and total * scale != change:
            raise LayerproofError("the heads of a layer do not add up to its change: please report this")
        yield LayerStep(tuple(steps), change.fractions(), after.fractions())
        Z = after


class _Recording(Sweep):
    """A sweep that notes its variables after every transition."""

    def __init__(self, sweep: Sweep):
        super().__init__(sweep._transitions, sweep.n)
        self._seen: list[dict[str, Any]] = []

    def __iter__(self) -> Iterator[Transition]:
        for transition in self._transitions:
            yield transition
            variables = {k: v for k, v in vars(self).items() if not k.startswith("_") and k != "n"}
            self._seen.append({name: _plain(value) for name, value in variables.items()})


def _passes(setup: Problem, steps: Sequence[Steps]) -> Iterator[tuple[LoopStep, tuple[Any, ...]]]:
    algorithm, weights = setup.algorithm, setup.start
    for number, step in enumerate(steps, 1):
        ready = tuple(
            RATIONALS.number(c) if name in algorithm.scalar_preconditioners else RATIONALS.matrix(c)
            for name, c in zip(algorithm.preconditioners, step, strict=True)
        )
        sweep = _Recording(algorithm.sweep(algorithm.at_layer(setup.transitions, number), setup.layout.d))
        weights = algorithm.update(weights, ready, sweep, setup.p)
        named = dict(zip(algorithm.preconditioners, step, strict=True))
        yield LoopStep(named, tuple(sweep._seen), _named(algorithm.weights, weights)), weights


def _named(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in zip(names, values, strict=True)}


def _plain(value: Any) -> Any:
    if hasattr(value, "fractions"):
        return value.fractions()
    return value.fraction() if hasattr(value, "fraction") else Fraction(value)

"""A run of layers with patterns that can be followed by hand: exact numbers at d = 2, n = 3, L = 2.

The layers run on their matrices and a pattern; the loop runs the textbook update on the tokens.  Neither sees
the other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import matmul
from typing import Any

from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.errors import LayerproofError
from ...symbolic.identity.exact import Mismatch
from ...symbolic.patterns.heads import PatternForm
from ...symbolic.patterns.kernels import EXACT, exact_pattern
from ...symbolic.patterns.layer import Layer, layer_of, pattern_layer, under
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.patterns.run import chained, mismatches, prompt, row_names, setup, textbook, two_patterns
from ...symbolic.prompt import Context
from ..case import Settings
from .example import SMALL, STEPS, D, L, N, Rows, example_context

_NUMBERS, _VECTORS = (1, -1, 0, 2), ((1, 0), (0, 1), (1, 1), (-1, 0))


@dataclass(frozen=True)
class PatternHeadStep:
    """What one head does in one layer.

    V : (m, m);  Q : (m, m), None for a head that attends by K;  pattern : A (N, N), masked;  output : V Z A (m, N)
    """

    V: Rows
    Q: Rows | None
    pattern: Rows
    output: Rows


@dataclass(frozen=True)
class PatternStep:
    """One layer: its heads, the change (scale times their sum), and the prompt after it and after its shift of rows."""

    heads: tuple[PatternHeadStep, ...]
    change: Rows
    after: Rows


@dataclass(frozen=True)
class PatternExample:
    """The worked example of an algorithm that attends by patterns.

    K       : the pattern of heads without scores, before the mask; None where there is none
    opaque  : whether random rationals stand for a kernel that is not rational
    held    : the rows that layers change;  shifted : whether some of them move between tokens
    states  : the textbook's iterates, from the start: for each token, or one
    wanted  : the prompt at each iterate after the start, (m, N)
    """

    context: Context
    parameters: dict[str, Fraction]
    steps: tuple[Rows | None, ...]
    K: Rows | None
    kernel: str
    opaque: bool
    rows: tuple[str, ...]
    held: frozenset[int]
    start: Rows
    layers: tuple[PatternStep, ...]
    states: tuple[tuple[Any, ...], ...]
    wanted: tuple[Rows, ...]
    scale: Fraction
    shifted: bool
    mismatch: Mismatch | None


def opaque_pattern(size: int = N + 1) -> Rows:
    """K (N, N) of small rationals without any structure."""
    rng = random.Random("layerproof worked example of a pattern")
    return [[Fraction(rng.choice((-3, -2, -1, 1, 2, 3)), 4) for _ in range(size)] for _ in range(size)]


def pattern_example(form: PatternForm, settings: Settings, tamper: Any = lambda layer: layer) -> PatternExample | None:
    """Run layers and loop on the example's prompt; None where a layer attends by another pattern than the update's.

    tamper : changes each layer before it runs, to plant a fault
    """
    algorithm = form.algorithm
    if two_patterns(algorithm) is not None:
        return None
    context = chained(example_context()) if algorithm.chained else example_context()
    values = {k: Fraction(x) for k, x in algorithm.values({**SMALL, **settings.values}).items()}
    numbers = {k: RATIONALS.number(x) for k, x in values.items()}
    kernel = algorithm.kernels[0] if algorithm.kernels else ""
    opaque = bool(kernel) and kernel not in EXACT
    K = (
        None
        if not kernel
        else opaque_pattern()
        if opaque
        else exact_pattern(kernel, (*context.features, context.query))
    )
    steps = tuple(_step(k) if algorithm.preconditioned else None for k in range(L))
    s = setup(algorithm, RATIONALS, context, _start(algorithm), numbers, K)
    Z = prompt(s, s.start)
    layers = [tamper(layer_of(form, RATIONALS, D, N, C, numbers)) for C in steps]
    names = tuple(row_names(algorithm, D))
    ready = [None if C is None else RATIONALS.matrix(C) for C in steps]
    iterates = [s.start, *textbook(s, ready)]
    first_mismatch = next((m for m in mismatches(s, form, steps, numbers, tamper) if m is not None), None)
    return PatternExample(
        context=context, parameters=values, steps=steps, K=K, kernel=kernel, opaque=opaque, rows=names,
        held=frozenset(i for i, name in enumerate(names) if name.partition("[")[0] in form.held),
        start=Z.fractions(), layers=tuple(_layers(Z, layers, None if K is None else RATIONALS.matrix(K))),
        states=tuple(tuple(map(_plain, x)) for x in iterates),
        wanted=tuple(prompt(s, x).fractions() for x in iterates[1:]),
        scale=_plain(layers[0].scale), shifted=layers[0].shift is not None, mismatch=first_mismatch,
    )  # fmt: skip


def _step(k: int) -> Rows:
    return [[Fraction(x) for x in row] for row in STEPS[k]]


def _start(algorithm: PatternAlgorithm) -> list[Any]:
    """States that are not zero."""
    states: list[Any] = [Fraction(x) for x in _NUMBERS]
    if not algorithm.numbers:
        states = [[Fraction(x) for x in vector] for vector in _VECTORS]
    return states[:1] if algorithm.column else states


def _layers(Z: RationalMatrix, layers: Sequence[Layer], K: Any) -> Iterator[PatternStep]:
    for layer in layers:
        total, heads = Z * 0, []
        for V, scores in layer.heads:
            whole = K if scores is None else reduce(matmul, scores.factors(Z))
            A = under(whole, layer.mask)
            term = V @ Z @ A
            heads.append(PatternHeadStep(V.fractions(), None if scores is None else scores.Q.fractions(),
                                         A.fractions(), term.fractions()))  # fmt: skip
            total = total + term
        change = total * layer.scale
        after = Z + change
        if layer.shift is not None:
            kept, moved = layer.shift
            after = kept @ after + moved @ after @ layer.back
        if after != pattern_layer(Z, layer, K):
            raise LayerproofError("the parts of a layer do not add up to the layer: this is a bug")
        yield PatternStep(tuple(heads), change.fractions(), after.fractions())
        Z = after


def _plain(value: Any) -> Any:
    if hasattr(value, "fractions"):
        return value.fractions()
    return value.fraction() if hasattr(value, "fraction") else Fraction(value)

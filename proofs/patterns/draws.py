"""What is drawn for an algorithm that attends by patterns: C of each layer, states to start from, prompts."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

from ...numeric.data.draws import BITS, contexts, generic_step
from ...numeric.data.processes import stream
from ...symbolic.patterns.heads import PatternForm
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.patterns.run import chained
from ...symbolic.prompt import Context
from ..case import Settings


def drawn_steps(form: PatternForm, s: Settings) -> list[Any]:
    """C of each layer, as rows of rationals; None where the algorithm has none."""
    if not form.algorithm.preconditioned:
        return [None] * s.layers
    rng = stream("pattern preconditioners", s.seed)
    drawn = [generic_step(rng, s.features) for _ in range(1 if s.looped else s.layers)]
    return drawn * s.layers if s.looped else drawn


def drawn_start(algorithm: PatternAlgorithm, d: int, n: int, kind: str, seed: int) -> tuple[Any, ...]:
    """The states to start from: zero on trajectories and given prompts, k / 2^10 in [-1, 1] on generic ones."""
    rng, scale = stream("pattern states", seed), 1 << BITS

    def entry() -> Fraction:
        return Fraction(rng.randint(-scale, scale), scale) if kind == "generic" else Fraction(0)

    count = 1 if algorithm.column else n + 1
    return tuple(entry() if algorithm.numbers else [entry() for _ in range(d)] for _ in range(count))


def drawn_prompts(
    algorithm: PatternAlgorithm, s: Settings, count: int
) -> Iterator[tuple[str, Context, tuple[Any, ...]]]:
    """Prompts with the states that they start from: generic ones and those of a trajectory in turn."""
    drawn = contexts(s.features, s.context, s.seed, s.process, s.prompt)
    for kind, number, context in islice(drawn, count):
        if kind != "given" and algorithm.chained:
            context = chained(context)
        yield kind, context, drawn_start(algorithm, s.features, s.context, kind, s.seed + number)

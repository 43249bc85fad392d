"""Seeded exact numbers for a check: preconditioners with a bounded spectrum, starting weights, prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Steps
from ...symbolic.prompt import Context
from .processes import MarkovRewardProcess, process_named, stream
from .prompts import enumeration_context, generic_context, trajectory_context, with_extras

BITS = 10
SMALLEST = 3
"""States that every named process can have."""
STATES = 10
"""States of the process that trajectory prompts are drawn from: the published experiments' 10 or fewer."""
KEPT, LARGEST_KEPT = 128, 20_000
"""Contexts that are kept once they are drawn, and the entries n d that one of them may have."""


def preconditioners(algorithm: Algorithm, d: int, count: int, seed: int) -> list[Steps]:
    """`count` layers' preconditioners: C = I/2 + E with E generic, not symmetric, |E_ij| <= 1/(4d).

    Every row sums to at most 3/4 in absolute value, so iterates do not blow up however many layers there are.
    Scalar steps lie in [1/4, 3/4], but for those that a table prescribes.  All entries are k / (4 d 2^10).
    """
    rng = stream("preconditioners", seed)
    drawn: list[Steps] = [
        tuple(
            generic_step(rng, 1)[0][0] if name in algorithm.scalar_preconditioners else generic_step(rng, d)
            for name in algorithm.preconditioners
        )
        for _ in range(count)
    ]
    return algorithm.prescribed(drawn)


def generic_step(rng: Random, d: int) -> list[list[Fraction]]:
    """I/2 + E, E generic with |E_ij| <= 1/(4d) : (d, d)."""
    scale = 1 << BITS
    return [
        [Fraction(int(i == j), 2) + Fraction(rng.randint(-scale, scale), 4 * d * scale) for j in range(d)]
        for i in range(d)
    ]


def starting_weights(algorithm: Algorithm, d: int, seed: int) -> tuple[Any, ...]:
    """Non-zero weights to start from, entries k / 2^10 in [-1, 1]."""
    rng = stream("starting weights", seed)

    def entry() -> Fraction:
        return Fraction(rng.randint(1, 1 << BITS) * rng.choice((-1, 1)), 1 << BITS)

    return tuple(entry() if w in algorithm.scalar_weights else [entry() for _ in range(d)] for w in algorithm.weights)


def zero_weights(algorithm: Algorithm, d: int) -> tuple[Any, ...]:
    """The weights that the papers start from: zero, so that the prompt holds nothing but data."""
    return tuple(Fraction(0) if w in algorithm.scalar_weights else [Fraction(0)] * d for w in algorithm.weights)


def process_for(name: str, d: int, seed: int) -> MarkovRewardProcess:
    """The named process with its default number of states."""
    process: MarkovRewardProcess = process_named(name)(STATES, d, seed)
    return process


def contexts(
    d: int, n: int, seed: int, process: str, given: Context | None = None, extras: Sequence[tuple[str, bool]] = ()
) -> Iterator[tuple[str, int, Context]]:
    """Endless (kind, number, context): the given one first, then generic ones, with trajectories in turn if none is."""
    if given is not None:
        yield "given", 0, given
    draw = _kept if n * d <= LARGEST_KEPT else _context
    number = 0
    while True:
        yield "generic", number, draw("", d, n, seed + number, tuple(extras))
        if given is None:
            yield "trajectory", number, draw(process, d, n, seed + number, tuple(extras))
        number += 1


def _context(process: str, d: int, n: int, seed: int, extras: tuple[tuple[str, bool], ...]) -> Context:
    """The context of one seed, generic where no process is named."""
    if extras:
        draw = _kept if n * d <= LARGEST_KEPT else _context
        return with_extras(draw(process, d, n, seed, ()), extras, seed)
    return generic_context(d, n, seed) if not process else trajectory_context(process_for(process, d, seed), n, seed)


_kept = lru_cache(KEPT)(_context)
"""Every algorithm and every kind of evidence asks for the same ones, and they take as long to draw as to run."""


def enumerations(d: int, seed: int, process: str) -> Iterator[tuple[str, int, Context]]:
    """Endless (kind, number, context) in which each of the d states of a process stands once."""
    named = process_named(process if d >= SMALLEST else "random-ergodic")
    number = 0
    while True:
        yield "enumeration", number, enumeration_context(named(d, d, seed + number), (seed + number) % d)
        number += 1


def prompts(
    algorithm: Algorithm, d: int, n: int, seed: int, process: str, given: Context | None = None
) -> Iterator[tuple[str, Context, tuple[Any, ...]]]:
    """Endless (kind, context, starting weights): the given prompt first, then generic and trajectory in turn.

    Generic prompts start from non-zero weights, the given one and trajectories of the process from zero, as published.
    Where the algorithm enumerates states, all prompts do: from non-zero weights and from zero in turn.
    """
    if algorithm.enumerates and given is None:
        for kind, number, context in enumerations(d, seed, process):
            zero = number % 2 == 1
            yield kind, context, zero_weights(algorithm, d) if zero else starting_weights(algorithm, d, seed + number)
    for kind, number, context in contexts(d, n, seed, process, given, algorithm.extras):
        start = starting_weights(algorithm, d, seed + number) if kind == "generic" else zero_weights(algorithm, d)
        yield kind, context, start

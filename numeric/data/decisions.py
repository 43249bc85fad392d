"""Decision processes drawn from a seed: one of the processes for each action, and policies that are positive."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from ...symbolic.exact import whole_number
from ...symbolic.markov.decision import DecisionProcess
from .processes import process_named, stream

BITS = 4
"""Bits of what is drawn: short numbers, which can be read."""


def draw_decisions(
    name: str,
    states: int,
    d: int,
    seed: int,
    *,
    actions: int = 1,
    off_policy: bool = False,
    features: str = "uniform",
    bits: int = BITS,
) -> DecisionProcess:
    """A decision process whose actions are processes of one kind, with the features of the first.

    off_policy : a target policy of its own; otherwise the behaviour, which is positive everywhere
    Raises `ArgumentError` for a name that is not known or a size outside its domain.
    """
    whole_number("actions", actions, 1, 50)
    whole_number("states", states, 1, 200)
    maker = process_named(name)
    drawn = [
        maker(states, d, seed if k == 0 else 10**6 * k + seed, bits=bits, features=features) for k in range(actions)
    ]
    rng = stream("policies", seed)
    behaviour, target = ([_positive(rng, actions, bits) for _ in range(states)] for _ in range(2))
    return DecisionProcess.of(
        name,
        [[p.transition[s] for p in drawn] for s in range(states)],
        [[p.reward[s] for p in drawn] for s in range(states)],
        drawn[0].features,
        behaviour,
        target if off_policy else behaviour,
    )


def _positive(rng: Random, size: int, bits: int) -> list[Fraction]:
    drawn = [rng.randint(1, 1 << bits) for _ in range(size)]
    return [Fraction(x, sum(drawn)) for x in drawn]

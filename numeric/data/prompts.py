"""Prompts with a seed: n transitions of one trajectory of a process, or generic numbers with no process behind them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise
from math import lcm
from random import Random

from ...symbolic.exact import whole_number
from ...symbolic.prompt import Context
from .processes import MarkovRewardProcess, Vector, dyadic, dyadics, stream


def _cumulative(distribution: Vector) -> list[int]:
    """The distribution function in integers, (s,): its last entry stands for probability 1."""
    scale = lcm(*(p.denominator for p in distribution))
    return list(accumulate(int(p * scale) for p in distribution))


def _draw(rng: Random, cumulative: list[int]) -> int:
    """A state with exactly the probability its distribution gives it, by inverting the distribution function."""
    return bisect_right(cumulative, rng.randrange(cumulative[-1]))


def trajectory_context(process: MarkovRewardProcess, n: int, seed: int) -> Context:
    """The prompt of one trajectory S_0, ..., S_{n+1}: n transitions, and the state after them as the query.

    Transition j is (phi(S_j), phi(S_{j+1}), r(S_j)), so next_features[j] == features[j+1]; S_0 is drawn from
    process.initial and the query is phi(S_{n+1}), one step beyond the last transition.
    n >= 1 and seed >= 0, else `ArgumentError`. Source: the published code of arXiv 2405.13861.
    """
    whole_number("n", n, 1)
    rng = stream("trajectory", seed)
    rows = [_cumulative(row) for row in process.transition]
    path = [_draw(rng, _cumulative(process.initial))]
    for _ in range(n + 1):
        path.append(_draw(rng, rows[path[-1]]))
    steps = list(pairwise(path[:-1]))
    return Context(
        tuple(process.features[s] for s, _ in steps),
        tuple(process.features[s] for _, s in steps),
        tuple(process.reward[s] for s, _ in steps),
        process.features[path[-1]],
    )


def enumeration_context(process: MarkovRewardProcess, query: int) -> Context:
    """The prompt in which each of the n = d states stands once: phi_j = e_j, phi'_j row j of P, R_j its reward.

    query : which state is asked for
    Source: Wang, Chandra, Zhang 2025 (arXiv 2509.18389).
    """
    basis = tuple(tuple(Fraction(int(i == j)) for i in range(process.states)) for j in range(process.states))
    return Context(basis, process.transition, process.reward, basis[query])


def generic_context(d: int, n: int, seed: int, bits: int = 10) -> Context:
    """A prompt of independent random entries k/2^bits in [-1, 1]: phi' has nothing to do with phi.

    d, n >= 1, seed >= 0 and bits in 1..53, else `ArgumentError`. A wrong weight has no structure to hide behind.

    >>> context = generic_context(2, 3, seed=0)
    >>> context.d, context.n, context == generic_context(2, 3, seed=0)
    (2, 3, True)
    """
    whole_number("d", d, 1)
    whole_number("n", n, 1)
    rng = stream("generic", seed)

    features = tuple(dyadics(rng, bits, d) for _ in range(n))
    next_features = tuple(dyadics(rng, bits, d) for _ in range(n))
    return Context(features, next_features, dyadics(rng, bits, n), dyadics(rng, bits, d))


def with_extras(context: Context, extras: Sequence[tuple[str, bool]], seed: int, bits: int = 10) -> Context:
    """The context with everything further that the transitions carry drawn at random: entries k/2^bits in [-1, 1].

    extras : (name, whether it is a vector), as an algorithm declares them; those that the context has are kept
    """
    rng = stream("extras", seed)
    known = dict(context.extras)
    for name, is_vector in extras:
        drawn = [dyadics(rng, bits, context.d) if is_vector else dyadic(rng, bits) for _ in range(context.n)]
        known.setdefault(name, tuple(drawn))
    return replace(context, extras=tuple(sorted(known.items())))

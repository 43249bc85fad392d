"""The iteration in the limit of long contexts: sums over transitions become expectations under the stationary law.

For an update whose change is the mean of what single transitions would give, that is the mean under D(s) P(s, s').
For traces e_j = sum_k c^k phi_{j-k} it is Phi^T D (I - c P)^-1 (...), and prefix means of rewards become D.r.
Source: Tsitsiklis and Van Roy 1997, 1999.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from flint import fmpq_mat

from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.construction import Steps
from ...symbolic.convergence.iteration import Iteration, affine_map
from ...symbolic.convergence.rationals import column, fraction, identity, matrix, rational, row
from ...symbolic.errors import ArgumentError
from ...symbolic.prompt import Context
from ..data.processes import MarkovRewardProcess, stationary_distribution
from ..data.prompts import trajectory_context


def population(
    algorithm: Algorithm,
    process: MarkovRewardProcess,
    context: Context,
    step: Steps,
    values: Mapping[str, Fraction],
    options: Mapping[str, str],
    start: fmpq_mat,
) -> Iteration | None:
    """The iteration on an endless stationary context of the process; None where it is not known.

    context : the prompt that it is the limit of, by which the update is seen to be a mean over transitions
    """
    try:
        D = stationary_distribution(process)
    except ArgumentError:
        return None
    if algorithm.extras or algorithm.unit_columns:
        return None
    one = Alone(algorithm, context.query, step, values, options)
    if one.is_mean(context):
        T, c = 0 * identity(start.nrows()), 0 * start
        for s, weight in enumerate(D):
            for after, chance in enumerate(process.transition[s]):
                if weight * chance:
                    U, e = one.map(process.features[s], process.features[after], process.reward[s])
                    T, c = T + U * rational(weight * chance), c + e * rational(weight * chance)
    elif catalogue().get(algorithm.name) is algorithm and algorithm.name in ("td-lambda", "average-reward-td"):
        moments = _known(algorithm, process, D, step, values, options)
        if moments is None:
            return None
        T, c = moments
    else:
        return None
    read = row([*context.query, *[0] * (start.nrows() - context.d)])
    parts = tuple((w, 1 if w in algorithm.scalar_weights else context.d) for w in algorithm.weights)
    return Iteration(T, c, start, read, parts, ((T, c),))


def one_hot_values(
    algorithm: Algorithm, process: MarkovRewardProcess, values: Mapping[str, Fraction], options: Mapping[str, str]
) -> tuple[Fraction, ...] | None:
    """The values that the update has as its fixed point on an endless context with a feature of its own for each state.

    None where the endless context is not known, or the fixed point is not one point.
    """
    s = process.states
    rows = [[Fraction(int(i == j)) for j in range(s)] for i in range(s)]
    hot = replace(process, features=tuple(map(tuple, rows)))
    step = tuple(Fraction(1) if c in algorithm.scalar_preconditioners else rows for c in algorithm.preconditioners)
    size = sum(1 if w in algorithm.scalar_weights else s for w in algorithm.weights)
    it = population(algorithm, hot, trajectory_context(hot, 2, 0), step, values, options, column([0] * size))
    try:
        return None if it is None else tuple(map(fraction, (identity(size) - it.T).solve(it.c).entries()[:s]))
    except ZeroDivisionError:
        return None


class Alone:
    """The maps of single transitions, each computed once."""

    def __init__(
        self, algorithm: Algorithm, query: Sequence[Fraction], step: Steps, values: Mapping[str, Fraction],
        options: Mapping[str, str],
    ):  # fmt: skip
        self.algorithm, self.query, self.step, self.values, self.options = algorithm, query, step, values, options
        self._known: dict[Any, tuple[fmpq_mat, fmpq_mat]] = {}

    def map(
        self, phi: tuple[Fraction, ...], after: tuple[Fraction, ...], reward: Fraction
    ) -> tuple[fmpq_mat, fmpq_mat]:
        """T and c on the context of this one transition."""
        key = (phi, after, reward)
        if key not in self._known:
            context = Context((phi,), (after,), (reward,), tuple(self.query))
            self._known[key] = affine_map(self.algorithm, context, self.step, self.values, self.options)
        return self._known[key]

    def is_mean(self, context: Context) -> bool:
        """Whether the map on a context is the mean of its transitions' maps: on all of it, compared exactly."""
        T, c = affine_map(self.algorithm, context, self.step, self.values, self.options)
        U, e, share = 0 * T, 0 * c, rational(Fraction(1, context.n))
        for phi, after, reward in zip(context.features, context.next_features, context.rewards, strict=True):
            one, add = self.map(phi, after, reward)
            U, e = U + one * share, e + add * share
        return bool(U == T and e == c)


def _known(
    algorithm: Algorithm, process: MarkovRewardProcess, D: Sequence[Fraction], step: Steps,
    values: Mapping[str, Fraction], options: Mapping[str, str],
) -> tuple[fmpq_mat, fmpq_mat] | None:  # fmt: skip
    """TD(lambda), with either trace, and average-reward TD: T and c of w <- w + C (b - G w)."""
    P, Phi, s = matrix(process.transition), matrix(process.features), process.states
    weight = matrix([[D[i] if i == j else 0 for j in range(s)] for i in range(s)])
    rewards, gamma = list(process.reward), Fraction(1)
    left = Phi.transpose() * weight
    if algorithm.name == "td-lambda":
        gamma = values["gamma"]
        decay = values["lam"] * (gamma if options["trace"] == "gamma-lam" else 1)
        if decay == 1:
            return None  # traces that never decay have no stationary law
        left = left * (identity(s) - P * rational(decay)).inv()
    else:
        mean = sum((d * r for d, r in zip(D, rewards, strict=True)), Fraction(0))
        rewards = [r - mean for r in rewards]
    G = left * (identity(s) - P * rational(gamma)) * Phi
    C = matrix(step[0])
    return identity(Phi.ncols()) - C * G, C * left * column(rewards)

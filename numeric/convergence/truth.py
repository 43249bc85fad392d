"""The true values of a process, and how far an iterate is from them: what layers, context and features each leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq_mat

from ...symbolic.algorithm import Algorithm
from ...symbolic.blocks import NEXT
from ...symbolic.convergence.rationals import column, fraction, matrix
from ...symbolic.errors import ArgumentError
from ..data.processes import MarkovRewardProcess, stationary_distribution, value_function

Values = tuple[Fraction, ...]


@dataclass(frozen=True)
class Split:
    """v_L - v_true at every state, in four parts that add up exactly.

    kind     : which values are the true ones, in words
    layers   : v_L - v*, what more layers would remove;  context : v* - v_D, what more context would
    features : v_D - v_hot, what better features would
    bias     : v_hot - v_true, what the update tends to even with a feature of its own for every state
    D        : the stationary distribution;  state : the query's state, where it is known
    """

    kind: str
    layers: Values
    context: Values
    features: Values
    bias: Values
    D: Values
    state: int | None

    def square(self, part: Sequence[Fraction]) -> Fraction:
        """sum_s D(s) part(s)^2."""
        return sum((d * x * x for d, x in zip(self.D, part, strict=True)), Fraction(0))


def true_values(
    algorithm: Algorithm, process: MarkovRewardProcess, values: Mapping[str, Fraction]
) -> tuple[str, Values, bool] | None:
    """What the process's values are for this algorithm: words, the values, whether they count up to a constant only.

    None where they are not defined: gamma = 1, or a process without a single closed class.
    """
    follows = any(block.name == NEXT.name for block in algorithm.features)
    try:
        if "gamma" in algorithm.parameters:
            return "discounted values", value_function(process, values["gamma"]), False
        if not follows:
            return "expected rewards", process.reward, False
        D = stationary_distribution(process)
    except ArgumentError:
        return None
    rate = sum((d * r for d, r in zip(D, process.reward, strict=True)), Fraction(0))
    s = process.states
    # (I - P + 1 D) h = r - rate has the one solution with D.h = 0
    rows = [[int(i == j) - process.transition[i][j] + D[j] for j in range(s)] for i in range(s)]
    return "differential values, up to a constant", _solved(rows, [r - rate for r in process.reward]), True


def _solved(rows: list[list[Fraction]], right: list[Fraction]) -> Values:
    return tuple(fraction(x) for x in matrix(rows).solve(column(right)).entries())


def split(
    process: MarkovRewardProcess, truth: tuple[str, Values, bool], iterate: fmpq_mat, limit: fmpq_mat,
    long: fmpq_mat, query: Sequence[Fraction], hot: Values | None = None,
) -> Split:  # fmt: skip
    """The parts for w_L, the limit on the prompt and the limit on an endless context.

    hot : the values that the update tends to there with one-hot features; the true ones when left out
    """
    kind, true, centred = truth
    hot = true if hot is None else hot
    D = stationary_distribution(process)

    def at(w: fmpq_mat) -> Values:
        values = tuple(sum((x * fraction(w[k, 0]) for k, x in enumerate(phi)), Fraction(0)) for phi in process.features)
        return middle(values)

    def middle(v: Values) -> Values:
        if not centred:
            return v
        mean = sum((d * x for d, x in zip(D, v, strict=True)), Fraction(0))
        return tuple(x - mean for x in v)

    def minus(left: Values, right: Values) -> Values:
        return tuple(x - y for x, y in zip(left, right, strict=True))

    last, star, endless = at(iterate), at(limit), at(long)
    here = [s for s, phi in enumerate(process.features) if phi == tuple(query)]
    return Split(
        kind, minus(last, star), minus(star, endless), minus(endless, middle(hot)),
        minus(middle(hot), middle(true)), D,
        here[0] if len(here) == 1 else None,
    )  # fmt: skip

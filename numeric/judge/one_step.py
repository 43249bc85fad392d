"""Every layer of a float run against the exact layer of the state that came in, entry by entry over Q."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from ...symbolic.exact import decimal_text
from ...symbolic.strict_json import rational_text
from ..device import Precision
from .bounds import WIDE, growth
from .exact_floats import dyadic_matrix, quotient, up
from .float_result import Distance, FloatResult, Judgement
from .places import Place


@dataclass(frozen=True, eq=False)
class Steps:
    """Layers as their judge needs them.

    rows, columns : names of what they act on
    exact : (layer, trial, Z) -> the layer's exact value at a state Z (m, N) over Q
    bound : (layer, trial, Z) -> what its error is at most at every entry, (m, N), rounded up; Z : (m, N) in float64
    Layers and trials are counted from 0.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    exact: Callable[[int, int, Any], Any]
    bound: Callable[[int, int, np.ndarray], np.ndarray]

    def place(self, trial: int, number: int, row: int, column: int) -> Place:
        """An entry of the state after layer `number`, by its names."""
        return Place(trial, number, self.rows[row], self.columns[column])


def judge_steps(steps: Steps, states: np.ndarray, k: int, target: Precision) -> Judgement:
    """What is to be said of a run, states : (L+1, T, m, N); k : the roundings that its bound counts."""
    judgement = _first_wrong(steps, states)
    if judgement is not None and judgement.where is not None and judgement.where.layer > 1:
        earlier = _judge(steps, states[: judgement.where.layer])
        judgement = earlier if earlier.status == "exceeded" else judgement
    judgement = judgement or _judge(steps, states)
    if judgement.status == "within" and growth(k, target) >= WIDE:
        judgement = replace(judgement, status="vacuous")
    return judgement


def _first_wrong(steps: Steps, states: np.ndarray) -> Judgement | None:
    bad = np.argwhere(~np.isfinite(states))
    if not len(bad):
        return None
    number, trial, row, column = (int(i) for i in bad[0])
    where = steps.place(trial, number, row, column)
    return Judgement("not-finite", where, None, None, str(states[number, trial, row, column]), "")


def _judge(steps: Steps, states: np.ndarray) -> Judgement:
    """The first layers, as many as there are states after the prompt, each against its bound."""
    worst: tuple[float, Judgement] | None = None
    unbounded = False
    came = [dyadic_matrix(Z) for Z in states[0]]
    for number in range(len(states) - 1):
        for trial in range(states.shape[1]):
            exact = steps.exact(number, trial, came[trial])
            came[trial] = dyadic_matrix(states[number + 1, trial])
            difference = came[trial] - exact
            tops, bottom = [abs(int(x)) for x in difference.num.entries()], int(difference.den)
            bound = steps.bound(number, trial, states[number, trial])
            # What is zero throughout has only underflow in its bound, which holds it against 1.
            unbounded |= not bound.max() < (np.abs(states[number + 1, trial]).max() or 1.0)
            errors, limits = np.array([quotient(top, bottom) for top in tops]), bound.ravel()
            # An infinite bound leaves everything open, even where an exact entry is beyond the range.
            ratio = np.where(np.isfinite(limits), errors / limits, 0.0)
            # Rounding keeps the order, so only an error that rounds to its bound or more can be above it.
            close = np.flatnonzero(np.isfinite(limits) & (errors >= limits))
            exceeded = any(Fraction(tops[i], bottom) > Fraction(float(limits[i])) for i in close)
            at = int(np.argmax(ratio))
            if worst is None or ratio[at] > worst[0] or exceeded:
                row, column = divmod(at, states.shape[3])
                computed = Fraction(float(states[number + 1, trial, row, column]))
                wanted = Fraction(int(exact.num[row, column]), int(exact.den))
                status = "exceeded" if exceeded else "within"
                where = steps.place(trial, number + 1, row, column)
                limit, error = float(bound[row, column]), up(Fraction(tops[at], bottom))
                worst = float(ratio[at]), Judgement(status, where, limit, error, str(computed), short(wanted))
            if exceeded:  # the layer that leaves the algorithm first is the one to name
                return worst[1]
    if worst is None:
        return Judgement("within", None, 0.0, 0.0, "0", "0")
    return replace(worst[1], status="vacuous") if unbounded else worst[1]


def one_step_result(
    judgement: Judgement, k: int, trials: int, target: Precision, device: torch.device, surroundings: dict[str, str],
    *, pattern: str = "", distance: Distance | None = None, lowering: Mapping[str, Any] | None = None,
) -> FloatResult:  # fmt: skip
    """A judgement as a result; pattern : what its formula says besides."""
    power = target.unit_roundoff.denominator.bit_length() - 1
    return FloatResult(
        status=judgement.status,
        device=str(device),
        dtype=target.name,
        trials=trials,
        where=judgement.where,
        bound=judgement.bound,
        error=judgement.error,
        ratio=judgement.error / judgement.bound if judgement.bound and judgement.error is not None else None,
        computed=judgement.computed,
        exact=judgement.exact,
        formula=f"((1+u)^k - 1) S + underflow on all of Z, u = 2^-{power}, k = {k}{pattern}",
        k=k,
        growth=growth(k, target),
        distance=distance,
        loop_distance=None,
        lowering=dict(lowering or {}),
        environment=surroundings,
        fault="layer" if judgement.status == "exceeded" else None,
    )


def short(value: Fraction) -> str:
    """A fraction as text, or about what it is when it is long."""
    text = rational_text(value)
    return text if len(text) < 1300 else f"about {decimal_text(value, 17)}"

"""What a network computes on prompts, beside algorithms: distances exactly, fits of parameters in floats.

The network runs by the attention formula over Q; the nearest algorithm by its textbook loop, with the parameters that
its weights show.  Prompts of a law come from independent processes, one each, so that an order statistic bounds a
quantile whatever the law is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from random import Random
from typing import Any

import numpy as np

from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.attention import layer
from ...symbolic.exact import nearest
from ...symbolic.identity.exact import problem, textbook
from ...symbolic.prompt import Context
from ...symbolic.recognition.families import Member, members
from ...symbolic.recognition.fitted import Fitted
from ...symbolic.recognition.network import Network
from ...symbolic.strict_json import rational_text
from ..data.draws import process_for
from ..data.prompts import trajectory_context, with_extras
from .fit import unit_of
from .outputs import Moments, fitted_outputs

QUANTILE, CONFIDENCE = 0.95, 0.95
Told = Callable[[str], None]


def drawn(
    process: str, d: int, n: int, trials: int, seed: int, extras: Sequence[tuple[str, bool]] = ()
) -> Iterator[Context]:
    """Independent prompts of a law: each of a process of its own, or of independent Gaussian entries.

    extras : what else the prompt's transitions carry, by name, and whether it is a vector
    """
    for k in range(seed, seed + trials):
        plain = _gaussian(d, n, k) if process == "gaussian" else trajectory_context(process_for(process, d, k), n, k)
        yield with_extras(plain, extras, k)


def _gaussian(d: int, n: int, seed: int) -> Context:
    """Independent standard normal entries, rounded to multiples of 2^-20."""
    rng = Random(f"gaussian {seed}")

    def vector(length: int) -> tuple[Fraction, ...]:
        return tuple(Fraction(round(rng.gauss(0, 1) * 2**20), 2**20) for _ in range(length))

    return Context(tuple(vector(d) for _ in range(n)), tuple(vector(d) for _ in range(n)), vector(n), vector(d))


@dataclass(frozen=True, eq=False)
class Run:
    """One prompt: what the network predicts after each layer, what the algorithm does, and how features change.

    moved : after each layer the largest change of a feature entry
    """

    network: tuple[Fraction, ...]
    algorithm: tuple[Fraction, ...] | None
    moved: tuple[float, ...]
    Z: np.ndarray


def run(network: Network, context: Context, gamma: Fraction, fitted: Fitted | None) -> Run:
    """Both sides on one prompt, exactly; the weights start at zero."""
    Z, states = _prompt(network, context, gamma), []
    row, n, p = network.layout.accumulator(network.readout.row), network.layout.n, network.layout.p
    start = Z
    moved = []
    for number in range(network.depth):
        Z = layer(Z, network.heads(number), Fraction(1, n)).lowest_terms()
        states.append(network.readout.sign * Fraction(int(Z.num[row, n]), int(Z.den)))
        change = (Z.take_rows(range(p)) - start.take_rows(range(p))).fractions()
        moved.append(max(abs(nearest(x)) for line in change for x in line))
    values = None if fitted is None else tuple(iterates(network, context, gamma, fitted))
    floats = np.array([[nearest(x) for x in line] for line in start.fractions()])
    return Run(tuple(states), values, tuple(moved), floats)


def _prompt(network: Network, context: Context, gamma: Fraction) -> RationalMatrix:
    algorithm = network.prompt.algorithm
    values = {name: gamma for name in algorithm.parameters}  # rows at zero weights hold no other parameter
    zero = [0 if name in algorithm.scalar_weights else [0] * context.d for name in algorithm.weights]
    setup = problem(algorithm, RATIONALS, context, zero, values, algorithm.choose(None))
    return RationalMatrix.of([*setup.X.fractions(), *setup.rows(setup.start)])


def iterates(network: Network, context: Context, gamma: Fraction, fitted: Fitted) -> Iterator[Fraction]:
    """The predictions w_l . q of the algorithm's textbook loop with fitted parameters."""
    member = fitted.family.member
    algorithm = member.algorithm
    discount = gamma * (1 if fitted.kappa is None else fitted.kappa)
    values = {**fitted.family.values(), **({"gamma": discount} if "gamma" in algorithm.parameters else {})}
    if member.traces_discount and discount:
        values["lam"] /= discount  # the weights tell gamma lam
    zero = [0 if name in algorithm.scalar_weights else [0] * context.d for name in algorithm.weights]
    options = member.options
    setup = problem(algorithm, RATIONALS, context, zero, values, options)
    named = [fitted.matrices(k, context.d) for k in range(len(network.layers))]
    steps = [tuple(step[c] for c in algorithm.preconditioners) for step in named]
    each = steps * network.depth if len(steps) == 1 else steps
    for weights in textbook(setup, each):
        yield (weights[0] @ setup.query).fraction()


@np.errstate(all="ignore")  # what is beyond the range of floats is not fitted, and is null in documents
def function(
    network: Network,
    fitted: Fitted | None,
    contexts: Sequence[Context],
    gamma: Fraction,
    law: bool,
    told: Told,
) -> dict[str, Any]:
    """The answer about the function, as plain data.

    law : whether the prompts are independent draws of one law
    """
    runs = []
    for k, context in enumerate(contexts):
        told(f"function: {k + 1} of {len(contexts)} prompts")
        runs.append(run(network, context, gamma, fitted))
    layers = []
    moments = Moments.of(network, [r.Z for r in runs])
    for number in range(network.depth):
        outputs = np.array([nearest(r.network[number]) for r in runs])
        stated = [m for m in members(network.prompt) if m.stated_for(network)]
        tried = [_fit(network, m, moments, outputs, number + 1, fitted) for m in stated]
        fits = sorted((f for f in tried if f is not None), key=lambda f: -f["explained"])
        own = None
        if fitted is not None:
            size = unit_of(r.network[number] for r in runs)
            values = np.array([nearest(r.algorithm[number] / size) for r in runs if r.algorithm is not None])
            own = explained(np.array([nearest(r.network[number] / size) for r in runs]), values)
        layers.append(
            {
                "layer": number + 1,
                "explained": own,
                "fits": fits,
                "feature_change": max(r.moved[number] for r in runs),
            }
        )
    result: dict[str, Any] = {"prompts": len(runs), "gamma": rational_text(gamma), "layers": layers}
    if fitted is not None:
        distances = [abs(r.network[-1] - r.algorithm[-1]) for r in runs if r.algorithm is not None]
        result["distances"] = [nearest(x) for x in distances]
        result["distances_exact"] = all(x == 0 for x in distances)
        result["size"] = max(abs(nearest(r.network[-1])) for r in runs)
        result["quantile"] = quantile_bound([nearest(x) for x in distances]) if law else None
    return result


def explained(outputs: np.ndarray, values: np.ndarray) -> float | None:
    """The share of the outputs' mean square that values explain; None where the outputs are all zero."""
    whole = float((outputs**2).sum())
    return None if whole == 0 else 1 - float(((outputs - values) ** 2).sum()) / whole


def _fit(
    network: Network, member: Member, moments: Moments, outputs: np.ndarray, depth: int, fitted: Fitted | None
) -> Mapping[str, Any] | None:
    decay = None
    if member.masked:
        if fitted is None or fitted.family.decay is None:
            return None
        decay = fitted.family.decay
    free = fitted.family.free if fitted is not None and fitted.family.member is member else {}
    if member.free and not free:  # what the weights say of it is not asked of another algorithm's outputs
        return None
    fitted_steps = fitted_outputs(network, member, decay, free, moments, outputs, depth)
    if fitted_steps is None:
        return None
    steps, kappa, values = fitted_steps
    share = explained(outputs, values)
    if share is None:
        return None
    named = dict(zip(member.steps, steps, strict=True))
    return {"algorithm": member.algorithm.name, "steps": named, "discount_factor": kappa, "explained": share}


def quantile_bound(distances: Sequence[float]) -> dict[str, Any]:
    """An order statistic that is at least the 95 % quantile with 95 % confidence, whatever the law; else undecided."""
    N = len(distances)
    ordered = sorted(distances)
    below = 0.0
    for r in range(1, N + 1):
        below += comb(N, r - 1) * QUANTILE ** (r - 1) * (1 - QUANTILE) ** (N - r + 1)
        if below >= CONFIDENCE:
            return {"quantile": QUANTILE, "confidence": CONFIDENCE, "bound": ordered[r - 1], "verdict": "bounded"}
    return {"quantile": QUANTILE, "confidence": CONFIDENCE, "bound": None, "verdict": "undecided"}

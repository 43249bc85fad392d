"""Outputs of algorithms on many prompts at once, in floats, and the steps and discount with which they fit a network's.

Whatever the heads, a layer acts on every token by one matrix, z <- G z with G = I + (1/n) sum_h V_h S_h Q_h and
S_h = Z M_h Z^T, so a prompt is its S_h and its query column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...symbolic.exact import nearest
from ...symbolic.recognition.families import Family, Member
from ...symbolic.recognition.fitted import Fitted
from ...symbolic.recognition.network import Network
from ...symbolic.recognition.rebuild import rebuilt

STARTS = ((0.25, 1.0), (1.0, 1.0), (4.0, 1.0), (1.0, 0.5))
"""(steps, discount factor) from which a fit begins; the best end counts."""
ROUNDS = 30
MOST = 2.0
"""A fitted discount factor is from 0 to this."""


@dataclass(frozen=True, eq=False)
class Moments:
    """The prompts (T, m, N) of a network, in floats."""

    Z: np.ndarray

    @staticmethod
    def of(network: Network, prompts: Sequence[np.ndarray]) -> Moments:
        """From the prompts' rows."""
        return Moments(np.stack(prompts))


def _dense(matrix: Any) -> np.ndarray:
    return np.array([[nearest(x) for x in row] for row in matrix.fractions()])


@dataclass(frozen=True, eq=False)
class _Heads:
    """An algorithm's heads: V, Q without any step, then by preconditioner, each the identity, and prompts' S.

    parts : of each stored layer
    """

    parts: tuple[tuple[tuple[tuple[np.ndarray, np.ndarray, int], ...], ...], ...]
    S: tuple[np.ndarray, ...]
    discounted: np.ndarray
    query: np.ndarray
    row: int
    sign: int
    n: int


def _heads(
    network: Network, member: Member, decay: Fraction | None, free: Mapping[str, Fraction], moments: Moments
) -> _Heads:
    d = network.layout.d
    algorithm = member.algorithm
    masks: list[np.ndarray] = []
    held = network.prompt.discounted & set(member.blocks)
    discounted = frozenset(i for b in held for i in network.layout.block(b))
    told = member.prescribed(network) or ()
    family = Family(member, decay, tuple(() for _ in network.layers), discounted, free, told=told)
    alike = not algorithm.layered_names

    def heads(step: Mapping[Any, Fraction], layer: int) -> list[tuple[np.ndarray, np.ndarray, int]]:
        triples = []
        for head in rebuilt(network, Fitted(family, None, tuple(step for _ in network.layers))).layers[layer]:
            V, Q, M = _dense(head.W @ head.P), _dense(head.Q), _dense(head.M)
            if V.any() and Q.any():
                which = next((k for k, known in enumerate(masks) if np.array_equal(known, M)), len(masks))
                if which == len(masks):
                    masks.append(M)
                triples.append((V, Q, which))
        return triples

    layers = []
    for layer in range(1 if alike else len(network.layers)):
        # over a constant row: there whatever the steps are, and so no part of what a step scales
        still = heads({}, layer)
        parts = [tuple(still)]
        for name in member.steps:
            one = {(name, i, i): Fraction(1) for i in range(1 if name in algorithm.scalar_preconditioners else d)}
            parts.append((*heads(one, layer), *((-V, Q, k) for V, Q, k in still)))
        layers.append(tuple(parts))
    factor = np.array([float(i in discounted) for i in range(network.layout.m)])
    S = tuple(moments.Z @ M @ moments.Z.transpose(0, 2, 1) for M in masks)
    row = network.layout.accumulator(network.readout.row)
    return _Heads(tuple(layers), S, factor, moments.Z[:, :, -1], row, network.readout.sign, network.layout.n)


def _outputs(heads: _Heads, steps: np.ndarray, kappa: float, depth: int) -> np.ndarray:
    """Predictions (T,) after `depth` layers with scalar steps."""
    scale = np.where(heads.discounted > 0, kappa, 1.0)
    S, z = list(heads.S), heads.query
    for number in range(depth):
        parts = heads.parts[number if len(heads.parts) > 1 else 0]
        G = np.eye(len(scale)) + sum(
            (step / heads.n) * (V @ S[k] @ (Q * scale[:, None] * scale[None, :]))
            for step, part in zip((1.0, *steps), parts, strict=True)
            for V, Q, k in part
        )
        z = (G @ z[:, :, None])[:, :, 0]
        S = [G @ s @ G.transpose(0, 2, 1) for s in S]
    result: np.ndarray = heads.sign * z[:, heads.row]
    return result


def fitted_outputs(
    network: Network, member: Member, decay: Fraction | None, free: Mapping[str, Fraction], moments: Moments,
    outputs: np.ndarray, depth: int,
) -> tuple[list[float], float | None, np.ndarray] | None:  # fmt: skip
    """Scalar steps, the same in every layer, and the discount's factor that explain outputs best, and what they give.

    None where the algorithm's prediction is still zero at that depth.
    """
    heads = _heads(network, member, decay, free, moments)
    count = len(heads.parts[0]) - 1
    discounts = bool(heads.discounted.any())
    best: tuple[float, np.ndarray] | None = None
    with np.errstate(all="ignore"):
        for step, kappa in STARTS if discounts else [s for s in STARTS if s[1] == 1.0]:
            x = np.array([step] * count + ([kappa] if discounts else []))
            x, left = _descend(lambda v: _outputs(heads, v[:count], v[count] if discounts else 1.0, depth) - outputs, x)
            sound = not discounts or 0 <= x[count] <= MOST
            if sound and np.isfinite(left) and (best is None or left < best[0]):
                best = left, x
    if best is None:
        return None
    x = best[1]
    discount = float(x[count]) if discounts else None
    values = _outputs(heads, x[:count], 1.0 if discount is None else discount, depth)
    return (x[:count].tolist(), discount, values) if values.any() else None


def _descend(residual: Any, x: np.ndarray) -> tuple[np.ndarray, float]:
    """Levenberg and Marquardt's method with differences for derivatives."""
    r = residual(x)
    left, damping = float(r @ r), 1e-3
    for _ in range(ROUNDS):
        J = np.stack([(residual(x + h) - r) / h.sum() for h in np.eye(len(x)) * 1e-6], axis=1)
        if not np.isfinite(J).all():
            break
        normal = J.T @ J
        for _ in range(8):
            step = np.linalg.lstsq(normal + damping * np.diag(np.diag(normal) + 1e-12), -J.T @ r, rcond=None)[0]
            trial = residual(x + step)
            now = float(trial @ trial)
            if np.isfinite(now) and now < left:
                break
            damping *= 4
        else:
            break
        gained, x, r, left, damping = left - now, x + step, trial, now, damping / 4
        if gained <= 1e-14 * (left + 1e-300):
            break
    return x, left

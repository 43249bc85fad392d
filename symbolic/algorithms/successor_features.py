"""In-context successor features, batch form: a weight vector and a row for each cumulant, one head for them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..algorithm import Accumulator, Algorithm
from ..blocks import DISCOUNTED_NEXT, PHI


def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> tuple[Any, ...]:
    """w_k <- w_k + (1/n) C sum_j (c_kj + gamma w_k.phi'_j - w_k.phi_j) phi_j for each cumulant c_k, with one C.

    c_1 is the reward entry; the transition's numbers c2, ..., cT are the other cumulants.
    """
    (C,) = preconditioners
    cumulants = ["reward", *(f"c{k}" for k in range(2, len(weights) + 1))]
    for k, w in enumerate(weights, 1):
        setattr(sweep, f"total_{k}", 0 * w)
    for t in sweep:
        for k, (w, name) in enumerate(zip(weights, cumulants, strict=True), 1):
            delta = getattr(t, name) + p.gamma * (w @ t.phi_next) - w @ t.phi
            setattr(sweep, f"total_{k}", getattr(sweep, f"total_{k}") + delta * t.phi)
    return tuple(w + C @ getattr(sweep, f"total_{k}") / sweep.n for k, w in enumerate(weights, 1))


def _error(k: int) -> Callable[[Any, Any, Any], Any]:
    name = "reward" if k == 1 else f"c{k}"
    return lambda weights, x, p: getattr(x, name) + weights[k - 1] @ x.gamma_phi_next - weights[k - 1] @ x.phi


def successor_features(cumulants: int) -> Algorithm:
    """Successor features of T = `cumulants` numbers, the reward entry the first: T rows, and still one head."""
    every = range(1, cumulants + 1)
    return Algorithm(
        name="successor-features",
        title=f"Successor features (of {cumulants} cumulants)",
        source="Barreto et al. 2017, Successor features for transfer in reinforcement learning, the Bellman equation "
        "of psi; Dayan 1993",
        transition_scalars=tuple(f"c{k}" for k in every if k > 1),
        features=(PHI, DISCOUNTED_NEXT),
        accumulators=tuple(
            Accumulator(
                f"td_error_{k}",
                _error(k),
                meaning=("R_j" if k == 1 else f"c_{{{k}j}}") + rf" + \gamma w_{k}^\top \phi'_j - w_{k}^\top \phi_j",
                symbol=rf"\delta^{{({k})}}",
            )
            for k in every
        ),
        weights=tuple(f"w{k}" for k in every),
        parameters=("gamma",),
        symbols={f"w{k}": f"w^{{({k})}}" for k in every} | {f"c{k}": f"c^{{({k})}}" for k in every if k > 1},
        update=update,
        group="prediction",
        differs="The papers learn psi(s, a), T numbers for each state and action, step after every transition; here "
        "psi_k(s) = w_k.phi(s) is linear and all w_k move at once, by means over the context, with one C = alpha I. "
        "The first cumulant stands in the reward entry, and the read-out is its value; the other rows' entries at the "
        "query are minus the other components. successor_features(T) in its module gives T rows.",
    )


ALGORITHM = successor_features(2)

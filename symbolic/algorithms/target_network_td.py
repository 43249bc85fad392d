"""In-context TD(0) with a soft target network, batch form: the target weights u follow w at the rate tau."""

from ..algorithm import Accumulator, Algorithm
from ..blocks import CONSTANT, DISCOUNTED_NEXT, PHI


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma u.phi'_j - w.phi_j) phi_j and u <- u + tau (w - u), both with the old w."""
    w, u = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (u @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return w + C @ sweep.total / sweep.n, u + p.tau * (w - u)


ALGORITHM = Algorithm(
    name="target-network-td",
    title="TD(0) with a target network",
    source="Mnih et al. 2015 (target networks); Lillicrap et al. 2016, Continuous control with deep reinforcement "
    "learning, algorithm 1: theta' <- tau theta + (1 - tau) theta'",
    features=(PHI, DISCOUNTED_NEXT, CONSTANT),
    accumulators=(
        Accumulator(
            "td_error",
            lambda weights, x, p: x.reward + weights[1] @ x.gamma_phi_next - weights[0] @ x.phi,
            meaning=r"R_j + \gamma u^\top \phi'_j - w^\top \phi_j",
        ),
        Accumulator(
            "gap",
            lambda weights, x, p: weights[0] @ x.gamma_phi_next - weights[1] @ x.gamma_phi_next,
            meaning=r"\gamma (w - u)^\top \phi'_j",
        ),
    ),
    weights=("w", "u"),
    parameters=("gamma", "tau"),
    defaults={"tau": "1/4"},
    update=update,
    notes="The paper moves the target towards the new w; here both move at once, from the old w, as one layer does.",
    group="prediction",
    differs="The paper moves the target towards the new w; here both move at once, from the old w.",
)

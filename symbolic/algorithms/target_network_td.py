"""In-context TD(0) with a target network, batch form: the target u is renewed within the last layer of a period."""

from ..algorithm import Accumulator, Algorithm
from ..blocks import CONSTANT, DISCOUNTED_NEXT, PHI


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma u.phi'_j - w.phi_j) phi_j, then u <- u + sync_l (w - u), the new w.

    sync_l is 1 at the last layer of a period and 0 at the others, so that u is renewed by the iterate that it is of.
    """
    w, u = weights
    C, sync = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (u @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    new = w + C @ sweep.total / sweep.n
    return new, u + sync * (new - u)


ALGORITHM = Algorithm(
    name="target-network-td",
    title="TD(0) with a target network",
    source="Mnih et al. 2015, Human-level control through deep reinforcement learning, algorithm 1, with its reset of "
    "the target network every C steps, for linear value functions of one policy",
    features=(PHI, DISCOUNTED_NEXT, CONSTANT),
    accumulators=(
        Accumulator(
            "td_error",
            lambda weights, x, p: x.reward + weights[1] @ x.gamma_phi_next - weights[0] @ x.phi,
            meaning=r"R_j + \gamma u^\top \phi'_j - w^\top \phi_j",
            symbol=r"\delta",
        ),
        Accumulator(
            "gap",
            lambda weights, x, p: weights[0] @ x.gamma_phi_next - weights[1] @ x.gamma_phi_next,
            meaning=r"\gamma (w - u)^\top \phi'_j",
            symbol="g",
        ),
    ),
    weights=("w", "u"),
    preconditioners=("C", "sync"),
    scalar_preconditioners=("sync",),
    parameters=("gamma",),
    tables={"sync": ("0", "1")},
    symbols={"sync": "s"},
    sizes=("L is a multiple of 2",),
    update=update,
    notes="The period is two layers; one layer with any number s_l is proved, so that other periods, and soft updates "
    "u + tau (w - u) at every layer (Lillicrap et al. 2016), are the same theorem with another table.",
    group="prediction",
    differs="Mnih et al. learn action values by stochastic gradient steps; here one policy is evaluated by batch "
    "steps, and the target is renewed within the period's last layer.",
)

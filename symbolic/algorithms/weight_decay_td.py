"""In-context TD(0) with weight decay, batch form: a second copy of the rewards marks what must not decay."""

from ..algorithm import Accumulator, Algorithm
from ..blocks import CONSTANT, DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- (1 - kappa) w + (1/n) C sum_j delta_j phi_j."""
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return ((1 - p.kappa) * w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="weight-decay-td",
    title="TD(0) with weight decay",
    source="Krogh, Hertz 1991, A simple weight decay can improve generalization: w is multiplied by 1 - kappa at each "
    "step, here at TD(0)'s",
    features=(PHI, DISCOUNTED_NEXT, CONSTANT),
    accumulators=(TD_ERROR, Accumulator("rewards", lambda weights, x, p: x.reward, meaning="R_j", symbol="R")),
    parameters=("gamma", "kappa"),
    defaults={"kappa": "1/5"},
    update=update,
    notes="The decay is not multiplied by C: with C = alpha I it is that of the penalty kappa / (2 alpha) |w|^2. Only "
    "what the TD errors hold beyond the rewards decays, which is why the prompt has the rewards in a second row.",
    group="prediction",
    differs="The paper decays the weights of a network trained by gradients; here it is TD(0)'s step that decays them, "
    "and kappa is not multiplied by C.",
)

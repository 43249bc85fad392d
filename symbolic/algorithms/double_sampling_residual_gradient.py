"""In-context residual gradient with two successors, batch form: the error reads one and the gradient the other."""

from ..algorithm import Algorithm, FeatureBlock
from ..blocks import DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma w.phi'_j - w.phi_j) (phi_j - gamma phi''_j), phi'' drawn as phi' is."""
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * (t.phi - p.gamma * t.phi_again)
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="double-sampling-residual-gradient",
    title="Residual gradient with double sampling",
    source="Baird 1995, Residual algorithms: reinforcement learning with function approximation, on residual gradient "
    "in systems with chance; Sutton and Barto 2018, section 11.5",
    successor_vectors=("phi_again",),
    symbols={"phi_again": r"\phi''"},
    features=(
        PHI,
        DISCOUNTED_NEXT,
        FeatureBlock("gamma_phi_again", lambda t, p: p.gamma * t.phi_again, meaning=r"\gamma \phi''_j"),
    ),
    accumulators=(TD_ERROR,),
    parameters=("gamma",),
    update=update,
    group="prediction",
    differs="Baird steps after every transition, with C = alpha I. Each transition carries a second successor "
    "phi'' of the same state and action, independent of the first: then the mean step follows the "
    "gradient of the mean squared Bellman error, which one sample does not give.",
)

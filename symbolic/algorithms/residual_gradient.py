"""In-context residual gradient, batch form: gradient descent on the mean squared TD error."""

from ..algorithm import Algorithm
from ..blocks import DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma w.phi'_j - w.phi_j) (phi_j - gamma phi'_j)."""
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * (t.phi - p.gamma * t.phi_next)
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="residual-gradient",
    title="Residual gradient",
    source="Baird 1995; in context: Wang, Blaser, Daneshmand, Zhang 2025 (arXiv 2405.13861), residual gradient section",
    features=(PHI, DISCOUNTED_NEXT),
    accumulators=(TD_ERROR,),
    parameters=("gamma",),
    update=update,
    group="prediction",
    differs="Baird steps after every transition, with C = alpha I; here the step is a mean over the context, as "
    "in Wang et al.",
)

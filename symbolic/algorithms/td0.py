"""In-context TD(0), batch form. With one-hot features it is tabular TD."""

from ..algorithm import Algorithm
from ..blocks import DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma w.phi'_j - w.phi_j) phi_j."""
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="td0",
    title="TD(0)",
    source="Wang, Blaser, Daneshmand, Zhang 2025, Transformers Can Learn Temporal Difference Methods for In-Context "
    "Reinforcement Learning (arXiv 2405.13861), Theorem 1",
    features=(PHI, DISCOUNTED_NEXT),
    accumulators=(TD_ERROR,),
    parameters=("gamma",),
    update=update,
    group="prediction",
    differs="As the paper writes it: a mean over the context, a matrix C_l of its own for each layer, and minus "
    "the read-out is the prediction. The textbook steps after every transition, with a number alpha.",
)

"""In-context differential TD, batch form: average-reward TD with a learned reward rate, in one head."""

from ..algorithm import Accumulator, Algorithm
from ..blocks import CONSTANT, NEXT, PHI


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j delta_j phi_j and rbar <- rbar + (1/n) c sum_j delta_j.

    delta_j = R_j - rbar + w.phi'_j - w.phi_j.  The paper's scalar steps are C = alpha I and c = eta alpha.
    """
    w, rbar = weights
    C, c = preconditioners
    sweep.total = 0 * w
    sweep.error_sum = 0
    for t in sweep:
        delta = t.reward - rbar + w @ t.phi_next - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
        sweep.error_sum = sweep.error_sum + delta
    return w + C @ sweep.total / sweep.n, rbar + c * sweep.error_sum / sweep.n


ALGORITHM = Algorithm(
    name="differential-td",
    title="Differential TD",
    source="Wan, Naik, Sutton 2021, Learning and Planning in Average-Reward Markov Decision Processes "
    "(arXiv 2006.16318), Differential TD-learning; the TD error with features: Sutton and Barto 2018, eq. 10.10",
    features=(PHI, NEXT, CONSTANT),
    accumulators=(
        Accumulator(
            "td_error",
            lambda weights, x, p: x.reward - weights[1] * x.one + weights[0] @ x.phi_next - weights[0] @ x.phi,
            meaning=r"R_j - \bar r + w^\top \phi'_j - w^\top \phi_j",
            symbol=r"\delta",
        ),
    ),
    weights=("w", "rbar"),
    scalar_weights=("rbar",),
    preconditioners=("C", "c"),
    scalar_preconditioners=("c",),
    update=update,
    group="average reward",
    differs="The papers step after every transition, by alpha and eta alpha; here both weights move at once, by "
    "means over the context, with C = alpha I and c = eta alpha.",
)

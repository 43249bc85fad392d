"""In-context k-step TD with k = 3, batch form: each TD error is credited to the last three states."""

from ..algorithm import Algorithm
from ..blocks import DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j delta_j (phi_j + gamma phi_{j-1} + gamma^2 phi_{j-2}).

    On a trajectory, phi'_j = phi_{j+1}, this is w + (1/n) C sum_j (G_j - w.phi_j) phi_j with the three-step returns
    G_j, which are cut off where the context ends.
    """
    (w,) = weights
    (C,) = preconditioners
    sweep.last = 0 * w
    sweep.before = 0 * w
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * (t.phi + p.gamma * sweep.last + p.gamma * p.gamma * sweep.before)
        sweep.before = sweep.last
        sweep.last = t.phi
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="k-step-td",
    title="k-step TD (k = 3)",
    source="Sutton 1988; Sutton and Barto 2018, eqs. 9.15 and 9.16 with n = 3 (their n is the number of steps)",
    features=(PHI, DISCOUNTED_NEXT),
    accumulators=(TD_ERROR,),
    parameters=("gamma",),
    update=update,
    group="prediction",
    differs="The book credits returns; TD errors credited backwards are the same sum only where the context is "
    "one trajectory, phi'_j = phi_{j+1}, and all returns read the same w. Returns near the end are "
    "shorter. Another k is another sum of old features.",
)

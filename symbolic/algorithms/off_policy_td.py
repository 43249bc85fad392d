"""In-context off-policy TD(0), batch form: rho_j phi_j has rows of its own."""

from ..algorithm import Algorithm, FeatureBlock
from ..blocks import DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j rho_j (R_j + gamma w.phi'_j - w.phi_j) phi_j."""
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + t.rho * delta * t.phi
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="off-policy-td",
    title="Off-policy TD(0)",
    source="Precup, Sutton, Singh 2000; Sutton and Barto 2018, eq. 11.2, with the ratio rho of eq. 11.1",
    transition_scalars=("rho",),
    features=(
        PHI,
        DISCOUNTED_NEXT,
        FeatureBlock("rho_phi", lambda t, p: t.rho * t.phi, meaning=r"\rho_j \phi_j"),
    ),
    accumulators=(TD_ERROR,),
    parameters=("gamma",),
    update=update,
    group="off-policy",
    differs="The book steps after every transition, with C = alpha I. The ratio rho_j comes with the transition "
    "and is multiplied into rows of its own: from a row of ratios alone no layer gets a product of three "
    "numbers of one column.",
)

"""In-context emphatic TD(0), batch form: rho_j F_j phi_j has rows of its own."""

from ..algorithm import Algorithm, FeatureBlock
from ..blocks import DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j rho_j F_j (R_j + gamma w.phi'_j - w.phi_j) phi_j, F_j = 1 + gamma rho_{j-1} F_{j-1}.

    The follow-on trace F_j comes with the transition.
    """
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + t.rho * t.F * delta * t.phi
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="emphatic-td",
    title="Emphatic TD(0)",
    source="Sutton, Mahmood, White 2016, An emphatic approach to the problem of off-policy TD learning, on emphatic "
    "TD(0); Sutton and Barto 2018, section 11.8",
    transition_scalars=("rho", "F"),
    features=(
        PHI,
        DISCOUNTED_NEXT,
        FeatureBlock("rho_F_phi", lambda t, p: t.rho * t.F * t.phi, meaning=r"\rho_j F_j \phi_j"),
    ),
    accumulators=(TD_ERROR,),
    parameters=("gamma",),
    update=update,
    group="off-policy",
    differs="The papers step after every transition, with C = alpha I; the interest is 1. The follow-on trace F_j "
    "comes with the transition: its degree grows with j, which no layer of fixed masks can follow.",
)

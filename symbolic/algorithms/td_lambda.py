"""In-context TD(lambda), batch form, with either trace: the paper's lambda or the textbook's gamma lambda."""

from ..algorithm import Algorithm
from ..blocks import DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_i delta_i e_i with the eligibility trace e_i = c e_{i-1} + phi_i, e_0 = 0.

    trace "lam": c = lambda (Wang et al.); trace "gamma-lam": c = gamma lambda (Sutton and Barto 2018, eq. 12.5).
    """
    (w,) = weights
    (C,) = preconditioners
    decay = p.gamma * p.lam if p.trace == "gamma-lam" else p.lam
    sweep.e = 0 * w
    sweep.total = 0 * w
    for t in sweep:
        sweep.e = decay * sweep.e + t.phi
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * sweep.e
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="td-lambda",
    title="TD(lambda)",
    source="Wang, Blaser, Daneshmand, Zhang 2025 (arXiv 2405.13861), TD(lambda) section; trace of the textbook: "
    "Sutton and Barto 2018, eq. 12.5",
    features=(PHI, DISCOUNTED_NEXT),
    accumulators=(TD_ERROR,),
    parameters=("gamma", "lam"),
    options={"trace": ("lam", "gamma-lam")},
    update=update,
    group="prediction",
    differs="The paper's trace decays by lambda, the textbook's by gamma lambda: different algorithms, and the "
    "option trace names which one is meant. The textbook changes w while the trace runs; here w changes "
    "once a layer.",
)

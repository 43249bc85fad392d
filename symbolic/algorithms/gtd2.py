"""In-context GTD2, batch form: two weight vectors, two heads."""

from ..algorithm import Algorithm
from ..blocks import CORRECTION, DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (v.phi_j) (phi_j - gamma phi'_j) and v <- v + (1/n) D sum_j (delta_j - v.phi_j) phi_j.

    The paper calls w theta and v w, and steps with C = alpha I and D = beta I.
    """
    w, v = weights
    C, D = preconditioners
    sweep.total = 0 * w
    sweep.correction_total = 0 * v
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + (v @ t.phi) * (t.phi - p.gamma * t.phi_next)
        sweep.correction_total = sweep.correction_total + (delta - v @ t.phi) * t.phi
    return w + C @ sweep.total / sweep.n, v + D @ sweep.correction_total / sweep.n


ALGORITHM = Algorithm(
    name="gtd2",
    title="GTD2",
    source="Sutton, Maei, Precup, Bhatnagar, Silver, Szepesvari, Wiewiora 2009, Fast gradient-descent methods for "
    "temporal-difference learning with linear function approximation, eqs. 8-9",
    features=(PHI, DISCOUNTED_NEXT),
    accumulators=(TD_ERROR, CORRECTION),
    weights=("w", "v"),
    preconditioners=("C", "D"),
    parameters=("gamma",),
    update=update,
    group="off-policy",
    differs="The paper calls w theta and v w, and steps after every transition by alpha and beta; here both move "
    "at once, by means over the context, with C = alpha I and D = beta I.",
)

"""In-context GTD, batch form: the first gradient TD, whose second weight vector averages the TD update."""

from dataclasses import replace

from ..algorithm import Algorithm
from ..blocks import CONSTANT, CORRECTION, DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (u.phi_j) (phi_j - gamma phi'_j) and u <- u + b ((1/n) sum_j delta_j phi_j - u).

    The paper calls w theta, and steps with C = alpha I and b = beta.
    """
    w, u = weights
    C, b = preconditioners
    sweep.total = 0 * w
    sweep.td_update = 0 * u
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + (u @ t.phi) * (t.phi - p.gamma * t.phi_next)
        sweep.td_update = sweep.td_update + delta * t.phi
    return w + C @ sweep.total / sweep.n, u + b * (sweep.td_update / sweep.n - u)


ALGORITHM = Algorithm(
    name="gtd",
    title="GTD",
    source="Sutton, Szepesvari, Maei 2008, A convergent O(n) temporal-difference algorithm for off-policy learning "
    "with linear function approximation, the GTD(0) update of theta and u",
    features=(PHI, DISCOUNTED_NEXT, CONSTANT),
    accumulators=(TD_ERROR, replace(CORRECTION, symbol="z", meaning=r"u^\top \phi_j")),
    weights=("w", "u"),
    preconditioners=("C", "b"),
    scalar_preconditioners=("b",),
    parameters=("gamma",),
    update=update,
    notes="The second step b is a number: with a matrix, u would keep a matrix times itself, which no constant row "
    "carries. GTD2 has v.phi_j subtracted within the sum instead, and needs no constant row.",
    group="off-policy",
    differs="The paper calls w theta, and steps after every transition by alpha and beta; here both move at once, "
    "by means over the context, with C = alpha I and b = beta.",
)

"""In-context TD(0) with momentum, batch form: Polyak's heavy ball, whose memory of the last step is a row."""

from ..algorithm import Accumulator, Algorithm
from ..blocks import CONSTANT, DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j delta_j phi_j + beta (w - u) and u <- w, both with the old w.

    u is w one iterate before, so that w - u is the last step taken.
    """
    w, u = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return w + C @ sweep.total / sweep.n + p.beta * (w - u), w


ALGORITHM = Algorithm(
    name="heavy-ball-td",
    title="Heavy-ball TD(0)",
    source="Polyak 1964, Some methods of speeding up the convergence of iteration methods, the two-step iteration "
    "x_{l+1} = x_l - alpha grad f(x_l) + beta (x_l - x_{l-1}), with TD(0)'s expected update for the gradient step",
    features=(PHI, DISCOUNTED_NEXT, CONSTANT),
    accumulators=(
        TD_ERROR,
        Accumulator(
            "momentum",
            lambda weights, x, p: (weights[0] - weights[1]) @ x.gamma_phi_next - (weights[0] - weights[1]) @ x.phi,
            meaning=r"(w - u)^\top (\gamma \phi'_j - \phi_j)",
            symbol="m",
        ),
    ),
    weights=("w", "u"),
    parameters=("gamma", "beta"),
    defaults={"beta": "1/3"},
    update=update,
    notes="One set of weights does it at every layer; without the constant row none could.",
    group="acceleration",
    differs="Polyak's alpha is the preconditioner C, and his gradient is minus TD(0)'s batch update, which is the "
    "gradient of nothing.",
)

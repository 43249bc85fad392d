"""In-context TD(0) with Nesterov's momentum, batch form: each layer extrapolates by a beta of its own."""

from ..algorithm import Accumulator, Algorithm
from ..blocks import CONSTANT, DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- y + (1/n) C sum_j delta_j(y) phi_j, then y <- w + beta_l (w - old w): errors are read at y.

    beta_l = (l - 1) / (l + 2) at layer l, so that the first step has no momentum.
    """
    w, y = weights
    C, beta = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (y @ t.phi_next) - y @ t.phi
        sweep.total = sweep.total + delta * t.phi
    new = y + C @ sweep.total / sweep.n
    return new, new + beta * (new - w)


ALGORITHM = Algorithm(
    name="nesterov-td",
    title="Nesterov's accelerated TD(0)",
    source="Nesterov 1983, A method for solving the convex programming problem with convergence rate O(1/k^2); the "
    "betas as in Su, Boyd, Candes 2016, A differential equation for modeling Nesterov's accelerated gradient method",
    features=(PHI, DISCOUNTED_NEXT, CONSTANT),
    accumulators=(
        TD_ERROR,
        Accumulator(
            "momentum",
            lambda weights, x, p: (weights[1] - weights[0]) @ x.gamma_phi_next - (weights[1] - weights[0]) @ x.phi,
            meaning=r"(y - w)^\top (\gamma \phi'_j - \phi_j)",
            symbol="m",
        ),
    ),
    weights=("w", "y"),
    preconditioners=("C", "beta"),
    scalar_preconditioners=("beta",),
    parameters=("gamma",),
    tables={"beta": "(l - 1) / (l + 2)"},
    update=update,
    notes="Whatever the betas are, it holds: the beta of a layer is a number of that layer's weights.",
    group="acceleration",
    differs="Nesterov's step is the preconditioner C, and his gradient is minus TD(0)'s batch update, which is the "
    "gradient of nothing.",
)

"""TD(0) and the average of its iterates, Polyak and Ruppert's: layer l moves the average by 1/l of the way."""

from layerproof import Accumulator, Algorithm, FeatureBlock


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j delta_j phi_j, then m <- m + rho_l (w - m) with the new w; rho_l = 1/l."""
    m, w = weights
    C, rho = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    new = w + C @ sweep.total / sweep.n
    return m + rho * (new - m), new


ALGORITHM = Algorithm(
    name="my-averaging",
    title="Averaged TD(0)",
    source="Polyak and Juditsky 1992, Acceleration of stochastic approximation by averaging, of TD(0)'s iterates",
    features=(
        FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q, meaning=r"\phi_j"),
        FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\gamma \phi'_j"),
        FeatureBlock("one", lambda t, p: 1, scalar=True, meaning="1"),
    ),
    accumulators=(
        Accumulator(
            "averaged_error",
            lambda weights, x, p: x.reward + weights[0] @ x.gamma_phi_next - weights[0] @ x.phi,
            meaning=r"R_j + m^\top (\gamma \phi'_j - \phi_j)",
        ),
        Accumulator(
            "gap",
            lambda weights, x, p: (weights[1] - weights[0]) @ x.gamma_phi_next - (weights[1] - weights[0]) @ x.phi,
            meaning=r"(w - m)^\top (\gamma \phi'_j - \phi_j)",
        ),
    ),
    weights=("m", "w"),
    preconditioners=("C", "rho"),
    scalar_preconditioners=("rho",),
    tables={"rho": "1 / l"},
    parameters=("gamma",),
    update=update,
    notes="The prediction is the average's. Whatever the numbers rho_l are, one layer is one iterate.",
)

"""Off-policy TD(0): an importance ratio rho_j comes with each transition, and rho_j phi_j has rows of its own."""

from layerproof import Accumulator, Algorithm, FeatureBlock


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
    name="my-off-policy-td",
    title="Off-policy TD(0)",
    source="Precup, Sutton, Singh 2000; Sutton and Barto 2018, section 11.1",
    transition_scalars=("rho",),
    features=(
        FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q, meaning=r"\phi_j"),
        FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\gamma \phi'_j"),
        FeatureBlock("rho_phi", lambda t, p: t.rho * t.phi, meaning=r"\rho_j \phi_j"),
    ),
    accumulators=(
        Accumulator(
            "td_error",
            lambda weights, x, p: x.reward + weights[0] @ x.gamma_phi_next - weights[0] @ x.phi,
            meaning=r"R_j + \gamma w^\top \phi'_j - w^\top \phi_j",
        ),
    ),
    parameters=("gamma",),
    update=update,
)

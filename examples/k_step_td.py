"""Three-step TD on one trajectory: each TD error is credited to the last three states."""

from layerproof import Accumulator, Algorithm, FeatureBlock


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j delta_j (phi_j + gamma phi_{j-1} + gamma^2 phi_{j-2}).

    This is sum_t (G_t - w.phi_t) phi_t with the three-step returns G_t, cut off where the context ends.
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
    name="my-three-step-td",
    title="Three-step TD",
    source="Sutton and Barto 2018, section 7.1",
    features=(
        FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q, meaning=r"\phi_j"),
        FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\gamma \phi'_j"),
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

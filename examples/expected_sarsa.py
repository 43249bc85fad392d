"""Expected SARSA with two actions: the next features are averaged under the target policy's probabilities."""

from layerproof import Accumulator, Algorithm, FeatureBlock


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma sum_a pi(a|S'_j) w.phi(S'_j, a) - w.phi_j) phi_j."""
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        expected = t.pi_left * (w @ t.phi_left) + t.pi_right * (w @ t.phi_right)
        delta = t.reward + p.gamma * expected - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="my-expected-sarsa",
    title="Expected SARSA, two actions",
    source="Sutton and Barto 2018, section 6.6; van Seijen et al. 2009",
    transition_scalars=("pi_left", "pi_right"),
    successor_vectors=("phi_left", "phi_right"),
    features=(
        FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q, meaning=r"\phi(S_j, A_j)"),
        FeatureBlock(
            "gamma_expected_phi",
            lambda t, p: p.gamma * (t.pi_left * t.phi_left + t.pi_right * t.phi_right),
            meaning=r"\gamma \sum_a \pi(a \mid S'_j) \phi(S'_j, a)",
        ),
    ),
    accumulators=(
        Accumulator(
            "td_error",
            lambda weights, x, p: x.reward + weights[0] @ x.gamma_expected_phi - weights[0] @ x.phi,
            meaning=r"R_j + \gamma \sum_a \pi(a \mid S'_j) w^\top \phi(S'_j, a) - w^\top \phi_j",
        ),
    ),
    parameters=("gamma",),
    update=update,
)

"""In-context Expected SARSA with two actions, batch form: the next features are averaged in the prompt."""

from ..algorithm import Accumulator, Algorithm, FeatureBlock
from ..blocks import PHI


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma sum_a pi(a|S'_j) w.phi(S'_j, a) - w.phi(S_j, A_j)) phi(S_j, A_j)."""
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        expected = t.pi_left * (w @ t.phi_left) + t.pi_right * (w @ t.phi_right)
        delta = t.reward + p.gamma * expected - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="expected-sarsa",
    title="Expected SARSA (two actions)",
    source="van Seijen, van Hasselt, Whiteson, Wiering 2009; Sutton and Barto 2018, eq. 6.9",
    transition_scalars=("pi_left", "pi_right"),
    successor_vectors=("phi_left", "phi_right"),
    features=(
        PHI,
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
            symbol=r"\delta",
        ),
    ),
    parameters=("gamma",),
    symbols={"gamma_expected_phi": r"\gamma \bar\phi"},
    update=update,
    group="control",
    differs="The book has a table and steps after every transition; here values are linear in features of state "
    "and action, phi_j = phi(S_j, A_j). The policy is fixed: one that follows w, greedy or softmax, is no "
    "polynomial.",
)

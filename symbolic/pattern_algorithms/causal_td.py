"""TD under a causal mask: every token sums over the tokens up to its own, so each has a weight vector of its own."""

from ..patterns.record import STATES, PatternAlgorithm, Row


def update(own, C, sweep, p):
    """w_t <- w_t + (1/n) C sum_{j <= min(t, n)} (R_j + gamma w_j.phi'_j - w_j.phi_j) phi_j."""
    sweep.total = 0 * own.state
    for k in sweep:
        delta = k.reward + p.gamma * (k.state @ k.phi_next) - k.state @ k.phi
        sweep.total = sweep.total + delta * k.phi
    return own.state + C @ sweep.total / sweep.n


ALGORITHM = PatternAlgorithm(
    name="causal-td",
    title="TD(0) under a causal mask",
    source="the update of Wang, Blaser, Daneshmand, Zhang 2025 (arXiv 2405.13861), Theorem 1, with decoders' masks",
    rows=(
        Row("phi", lambda t, p: t.phi, lambda t, p: t.phi, meaning=r"\phi_t"),
        Row("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\gamma \phi'_t",
            symbol=r"\gamma \phi'"),
        Row("td_error", lambda t, p: t.reward + p.gamma * (t.state @ t.phi_next) - t.state @ t.phi,
            lambda t, p: -(t.state @ t.phi), scalar=True, meaning=r"R_t + \gamma w_t^\top \phi'_t - w_t^\top \phi_t",
            symbol=r"\delta"),
    ),
    state=STATES[1],
    update=update,
    sees="causal",
    preconditioned=True,
    parameters=("gamma",),
    differs="From the second layer on it is no batch TD: the query's weights sum each token's own error, made with "
    "that token's own weights. The query sees min(n+1, n) tokens, all of the context and not itself.",
)  # fmt: skip

"""SARSA, or TD(0), with the weights in a column of their own: linear scores whose query is that column."""

from ..patterns.record import STATES, PatternAlgorithm, Row


def update(own, C, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma w.phi'_j - w.phi_j) phi_j, phi = phi(s, a) and phi' = phi(s', a')."""
    w = own.state
    sweep.total = 0 * w
    for k in sweep:
        delta = k.reward + p.gamma * (w @ k.phi_next) - w @ k.phi
        sweep.total = sweep.total + delta * k.phi
    return w + C @ sweep.total / sweep.n


ALGORITHM = PatternAlgorithm(
    name="sarsa",
    title="SARSA with its weights in a column",
    source="Liang, Lai 2026 (arXiv 2605.05755), Theorem 3.1, known here from its abstract and from what others quote: "
    "compare the rows, P and V there",
    rows=(
        Row("phi", lambda t, p: t.phi, meaning=r"\phi(s_j, a_j)"),
        Row(
            "gamma_phi_next",
            lambda t, p: p.gamma * t.phi_next,
            meaning=r"\gamma \phi(s'_j, a'_j)",
            symbol=r"\gamma \phi'",
        ),
        Row("reward", lambda t, p: t.reward, scalar=True, meaning="R_j", symbol="R"),
        Row("one", parameter=lambda t, p: 1, scalar=True, meaning="1", symbol="1"),
        Row("w", parameter=lambda t, p: t.state, meaning="w", symbol="w"),
    ),
    state=STATES[2],
    update=update,
    preconditioned=True,
    parameters=("gamma",),
    differs="The policy is fixed in the prompt: layers evaluate it, and improvement is a loop outside. With averaged "
    "features of the successor it is expected SARSA, with features of states it is TD(0). C_l stands in the values, "
    "one a layer; there is no query column, and the prediction is w.q.",
)

"""TD with softmax attention, or any other kernel: a value for each token, and the discounted value of its successor."""

from ..patterns.record import STATES, PatternAlgorithm, Row


def update(own, C, sweep, p):
    """v(S_t) <- v(S_t) + sum_k K(S_k, S_t) (R_{k+1} + gamma v(S_{k+1}) - v(S_k))."""
    sweep.total = 0 * own.state
    for k in sweep:
        delta = k.reward + p.gamma * k.next_state - k.state
        sweep.total = sweep.total + k.weight * delta
    return own.state + sweep.total


ALGORITHM = PatternAlgorithm(
    name="softmax-td",
    title="TD with softmax attention",
    source="Xie, Liu, Chen, Liu, Chandra, Zhang 2026 (arXiv 2605.07333), Theorem 1, known here from its abstract and "
    "from what others quote: compare the prompt's rows, the softmax and the shift there",
    rows=(
        Row("phi", lambda t, p: t.phi, lambda t, p: t.phi, meaning=r"\phi(S_t)"),
        Row("reward", lambda t, p: t.reward, scalar=True, meaning="R_{t+1}", symbol="R"),
        Row("target", lambda t, p: p.gamma * t.next_state, scalar=True, meaning=r"\gamma v(S_{t+1})", symbol=r"\bar v"),
        Row("current", lambda t, p: t.state, lambda t, p: t.state, scalar=True, meaning="v(S_t)", symbol="v"),
    ),
    state=STATES[0],
    update=update,
    kernels=("softmax", "exponential", "polynomial", "relu", "linear"),
    chained=True,
    symbols={"reward": "R_{{j}+1}", "state": "v(S_{{j}})"},
    parameters=("gamma",),
    differs="For every kernel, and not for the softmax alone. The tokens are S_1, ..., S_{n+1} of one trajectory, the "
    "query is the last successor; it is no key, and its value changes those of the context through the shift of rows.",
)

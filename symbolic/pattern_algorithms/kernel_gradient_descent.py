"""Functional gradient descent for least squares: a number for each token, what is left of its label."""

from ..patterns.record import STATES, PatternAlgorithm, Row


def update(own, C, sweep, p):
    """f(x_t) <- f(x_t) + (alpha / n) sum_k K(x_k, x_t) (y_k - f(x_k))."""
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * (k.reward - k.state)
    return own.state + p.alpha * sweep.total / sweep.n


ALGORITHM = PatternAlgorithm(
    name="kernel-gradient-descent",
    title="Kernel gradient descent",
    source="Cheng, Chen, Sra 2024, Transformers Implement Functional Gradient Descent to Learn Non-Linear Functions In "
    "Context (arXiv 2312.06528), functional gradient descent, from memory: compare the kernels and the step there",
    rows=(
        Row("phi", lambda t, p: t.phi, lambda t, p: t.phi, meaning="x_t", symbol="x"),
        Row("residual", lambda t, p: t.reward - t.state, lambda t, p: -t.state, scalar=True,
            meaning="y_t - f(x_t)", symbol="r"),
    ),
    state=STATES[0],
    update=update,
    kernels=("exponential", "polynomial", "linear", "relu", "softmax"),
    parameters=("alpha",),
    defaults={"alpha": "1/2"},
    symbols={"phi": "x", "reward": "y", "state": "f(x_{{j}})"},
    differs="Labels are the rewards of the prompt. The update is a gradient in the kernel's space only where the "
    "kernel is symmetric and positive semidefinite (linear, polynomial, exponential): ReLU of the scores is not "
    "positive semidefinite, and a softmax over keys is not symmetric. As an update it is exact for each.",
)  # fmt: skip

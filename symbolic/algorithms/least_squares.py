"""In-context least squares: preconditioned gradient descent, the baseline that TD(0) generalises."""

from ..algorithm import Accumulator, Algorithm
from ..blocks import PHI


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (y_j - w.x_j) x_j, where x_j is phi_j and y_j is the reward entry."""
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        residual = t.reward - w @ t.phi
        sweep.total = sweep.total + residual * t.phi
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="least-squares",
    title="In-context least squares (preconditioned gradient descent)",
    source="Ahn, Cheng, Daneshmand, Sra 2023, Transformers learn to implement preconditioned gradient descent "
    "for in-context learning (arXiv 2306.00297), Lemma 1",
    features=(PHI,),
    accumulators=(
        Accumulator(
            "residual",
            lambda weights, x, p: x.reward - weights[0] @ x.phi,
            meaning=r"y_j - w^\top x_j",
            symbol=r"\varepsilon",
        ),
    ),
    update=update,
    group="prediction",
    differs="As the paper writes it: y_j is the reward entry, and minus the read-out is the prediction. It is "
    "TD(0) with gamma = 0.",
    symbols={"residual": r"\varepsilon"},
)

"""In-context average-reward TD, batch form: two heads and an overparameterised prompt (an extra zero row)."""

from ..algorithm import Accumulator, Algorithm
from ..blocks import NEXT, PHI


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (R_j - rbar_j + w.phi'_j - w.phi_j) phi_j with rbar_j the mean of R_1, ..., R_j."""
    (w,) = weights
    (C,) = preconditioners
    sweep.reward_sum = 0
    sweep.total = 0 * w
    for t in sweep:
        sweep.reward_sum = sweep.reward_sum + t.reward
        mean_reward = sweep.reward_sum / t.index
        delta = t.reward - mean_reward + w @ t.phi_next - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="average-reward-td",
    title="Average-reward TD",
    source="Tsitsiklis and Van Roy 1999; in context: Wang, Blaser, Daneshmand, Zhang 2025 (arXiv 2405.13861), "
    "average-reward section",
    features=(PHI, NEXT),
    accumulators=(
        Accumulator("reward", lambda weights, x, p: x.reward, meaning="R_j", symbol="R"),
        Accumulator(
            "difference",
            lambda weights, x, p: weights[0] @ x.phi_next - weights[0] @ x.phi,
            meaning=r"w^\top \phi'_j - w^\top \phi_j",
            symbol=r"\nu",
        ),
    ),
    update=update,
    group="average reward",
    differs="The mean reward is that of the first j rewards of the prompt, where the textbook learns a rate. The "
    "published code has the first mask and the read-out with the opposite signs: the same predictions.",
    symbols={"mean_reward": r"\bar r"},
)

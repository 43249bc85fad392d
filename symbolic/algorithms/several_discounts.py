"""In-context TD(0) for two discounts at once, batch form: a weight vector and a head for each."""

from ..algorithm import Accumulator, Algorithm
from ..blocks import NEXT, PHI


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma w.phi'_j - w.phi_j) phi_j, and v with the discount beta and the step D."""
    w, v = weights
    C, D = preconditioners
    sweep.total = 0 * w
    sweep.other_total = 0 * v
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        other = t.reward + p.beta * (v @ t.phi_next) - v @ t.phi
        sweep.total = sweep.total + delta * t.phi
        sweep.other_total = sweep.other_total + other * t.phi
    return w + C @ sweep.total / sweep.n, v + D @ sweep.other_total / sweep.n


ALGORITHM = Algorithm(
    name="several-discounts",
    title="TD(0) with several discounts (two)",
    source="Sutton, Modayil, Delp, Degris, Pilarski, White, Precup 2011, Horde, with a demon for each discount; each "
    "is TD(0): Sutton and Barto 2018, section 9.3",
    features=(PHI, NEXT),
    accumulators=(
        Accumulator(
            "td_error",
            lambda weights, x, p: x.reward + p.gamma * (weights[0] @ x.phi_next) - weights[0] @ x.phi,
            meaning=r"R_j + \gamma w^\top \phi'_j - w^\top \phi_j",
            symbol=r"\delta",
        ),
        Accumulator(
            "second_td_error",
            lambda weights, x, p: x.reward + p.beta * (weights[1] @ x.phi_next) - weights[1] @ x.phi,
            meaning=r"R_j + \beta v^\top \phi'_j - v^\top \phi_j",
            symbol=r"\epsilon",
        ),
    ),
    weights=("w", "v"),
    preconditioners=("C", "D"),
    parameters=("gamma", "beta"),
    defaults={"beta": "1/2"},
    update=update,
    symbols={"other": r"\varepsilon"},
    group="prediction",
    differs="Horde's demons are GTD(lambda) and step after every transition; here each is TD(0) by means over the "
    "context. The next features stand in the prompt undiscounted, and each error row discounts them by its own "
    "parameter. The read-out is the value under gamma; minus the other row's entry is the value under beta.",
)

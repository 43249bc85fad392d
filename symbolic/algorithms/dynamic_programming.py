"""In-context dynamic programming: each state stands once in the context, and a layer is one backup of all of them."""

from ..algorithm import Algorithm
from ..blocks import DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + sum_s (R_s + gamma w.phi'_s - w.phi_s) phi_s: with phi_s = e_s, w_s <- R_s + gamma sum_s' P(s,s') w_s'.

    Every state's value is replaced by its backup, all at once; phi'_s = sum_s' P(s, s') e_s'.
    """
    (w,) = weights
    sweep.backup = 0 * w
    for t in sweep:
        value, backed_up = w @ t.phi, t.reward + p.gamma * (w @ t.phi_next)
        sweep.backup = sweep.backup + (backed_up - value) * t.phi
    return (w + sweep.backup,)


ALGORITHM = Algorithm(
    name="dynamic-programming",
    title="Dynamic programming",
    source="Bellman 1957; in context: Wang, Chandra, Zhang 2025 (arXiv 2509.18389), known here from its "
    "abstract, where the context enumerates the states",
    features=(PHI, DISCOUNTED_NEXT),
    accumulators=(TD_ERROR,),
    preconditioners=(),
    parameters=("gamma",),
    sizes=("n = d",),
    enumerates=True,
    symbols={"backed_up": r"\tau", "value": "v"},
    update=update,
    group="prediction",
    differs="A backup replaces v(s) by r(s) + gamma sum_s' P(s, s') v(s'). It is TD(0) with C = n I where the context "
    "holds each of the n = d states once, phi_s = e_s, and phi'_s is the expected next feature, row s of P. Then "
    "w.phi_s = w_s, and w_s is replaced. What is proved holds for any features; that it is a backup, for these.",
)

"""Online linear TD(lambda) with an accumulating trace, one transition a layer: layer l reads token l and its trace."""

from ..algorithm import Algorithm
from ..blocks import DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + C delta_l e_l with the trace e_j = gamma lam e_{j-1} + phi_j, e_0 = 0: now is 1 at j = l, 0 elsewhere.

    With C = alpha I that is the online step alpha; a layer divides by n, so that its weights hold n C.
    """
    (w,) = weights
    (C,) = preconditioners
    sweep.trace = 0 * w
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.trace = p.gamma * p.lam * sweep.trace + t.phi
        sweep.total = sweep.total + t.now * delta * sweep.trace
    return (w + C @ sweep.total,)


ALGORITHM = Algorithm(
    name="online-td-lambda",
    title="Online TD(lambda)",
    source="Sutton 1988, Learning to predict by the methods of temporal differences; Sutton and Barto 2018, section "
    "12.2, semi-gradient TD(lambda)",
    features=(PHI, DISCOUNTED_NEXT),
    accumulators=(TD_ERROR,),
    parameters=("gamma", "lam"),
    selections={"now": "j = l"},
    sizes=("L <= n",),
    update=update,
    symbols={"trace": "e", "now": r"\mathbf{1}[{j} = \ell]"},
    notes="Row l of layer l's mask holds the trace of token l, and nothing else is in it. The trace accumulates; a "
    "dutch trace depends on the features in a way that no fixed mask holds.",
    group="prediction",
    differs="The step alpha may be a matrix C; all transitions are in the prompt from the first layer on, and layer l "
    "reads the one that the algorithm meets at time l.",
)

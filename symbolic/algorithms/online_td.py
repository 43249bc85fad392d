"""Online linear TD(0), one transition a layer: layer l reads token l, and no other."""

from ..algorithm import Algorithm
from ..blocks import DISCOUNTED_NEXT, PHI, TD_ERROR


def update(weights, preconditioners, sweep, p):
    """w <- w + C delta_l phi_l, the transition of layer l: now is 1 at j = l and 0 elsewhere.

    With C = alpha I that is the online step alpha; a layer divides by n, so that its weights hold n C.
    """
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + t.now * delta * t.phi
    return (w + C @ sweep.total,)


ALGORITHM = Algorithm(
    name="online-td",
    title="Online TD(0)",
    source="Sutton 1988, Learning to predict by the methods of temporal differences; Sutton and Barto 2018, section "
    "9.3, semi-gradient TD(0)",
    features=(PHI, DISCOUNTED_NEXT),
    accumulators=(TD_ERROR,),
    parameters=("gamma",),
    selections={"now": "j = l"},
    sizes=("L <= n",),
    symbols={"now": r"\mathbf{1}[{j} = \ell]"},
    update=update,
    notes="Whichever tokens a layer reads, it holds: mini-batches that are fixed beforehand are the same theorem with "
    "another selection. The value of a state is read at the query after any layer.",
    group="prediction",
    differs="The step alpha may be a matrix C; all transitions are in the prompt from the first layer on, and layer l "
    "reads the one that the algorithm meets at time l.",
)

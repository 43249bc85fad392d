"""Average-reward TD: the reward rate is estimated beside the weights; eta is the ratio of the two steps."""

from ..approximation.rule import Rule


def h(v, y):
    """rbar <- rbar + eta alpha_k (R_{k+1} - rbar), w <- w + alpha_k (R_{k+1} - rbar + w^T x_{k+1} - w^T x_k) x_k."""
    delta = y.reward - v.rbar + v.w @ y.x_next - v.w @ y.x
    return {"w": delta * y.x, "rbar": y.eta * (y.reward - v.rbar)}


def matrices(m):
    """A = [[Phi^T D (P - I) Phi, -Phi^T D 1], [0, -eta]], b = (Phi^T D r, eta d^T r)."""
    weigh, law = m.PhiT * m.D, (m.D * m.one).transpose()
    A = m.blocks([[weigh * (m.P - m.I) * m.Phi, -weigh * m.one], [0 * law * m.Phi, -m.eta * law * m.one]])
    return A, m.blocks([[weigh * m.r], [m.eta * law * m.r]])


RULE = Rule(
    name="average-reward-td",
    title="Average-reward TD",
    source="Tsitsiklis and Van Roy 1999, Average cost temporal-difference learning",
    parts={"w": "features", "rbar": 1},
    h=h,
    parameters=("eta",),
    policy="on",
    matrices=matrices,
    in_context="average-reward-td",
    notes="The source asks that no combination of the features is constant; a table's one-hot features have one, along "
    "which the iterates drift.",
)

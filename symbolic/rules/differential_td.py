"""Differential TD, tabular: the reward rate moves by the values' own error; eta is the ratio of the two steps."""

from ..approximation.rule import Rule


def h(v, y):
    """v(S_k) += alpha_k rho_k delta_k, rbar += eta alpha_k rho_k delta_k.

    delta_k = R_{k+1} - rbar + v(S_{k+1}) - v(S_k).
    """
    delta = y.rho * (y.reward - v.rbar + v.v[y.next_state] - v.v[y.state])
    return {"v": {y.state: delta}, "rbar": y.eta * delta}


def matrices(m):
    """A = [[D (P - I), -d], [eta d^T (P - I), -eta]], b = (D r, eta d^T r)."""
    d = m.D * m.one
    across = m.eta * d.transpose()
    A = m.blocks([[m.D * (m.P - m.I), -d], [across * (m.P - m.I), -across * m.one]])
    return A, m.blocks([[m.D * m.r], [across * m.r]])


RULE = Rule(
    name="differential-td",
    title="Differential TD",
    source="Wan, Naik, Sutton 2021, Learning and planning in average-reward Markov decision processes, eqs. 7 and 8",
    parts={"v": "states", "rbar": 1},
    h=h,
    parameters=("eta",),
    matrices=matrices,
    in_context="differential-td",
    notes="rbar - eta sum v is never changed: stability is a question about what is left.",
)

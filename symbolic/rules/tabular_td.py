"""Tabular TD: one value for each state, moved where the chain is."""

from ..approximation.rule import Rule


def h(v, y):
    """v(S_k) <- v(S_k) + alpha_k rho_k (R_{k+1} + gamma v(S_{k+1}) - v(S_k))."""
    delta = y.reward + y.gamma * v[y.next_state] - v[y.state]
    return {y.state: y.rho * delta}


def matrices(m):
    """A = D (gamma P - I), b = D r: the full update's T v - v, a row a state, weighed by how often it is seen."""
    return m.D * (m.gamma * m.P - m.I), m.D * m.r


RULE = Rule(
    name="tabular-td",
    title="Tabular TD",
    source="Sutton 1988, Learning to predict by the methods of temporal differences; the talk's first algorithm",
    parts={"v": "states"},
    h=h,
    matrices=matrices,
    in_context="td0",
)

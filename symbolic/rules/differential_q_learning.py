"""Differential Q-learning, tabular: control at the best reward rate; eta is the ratio of the two steps."""

from ..approximation.quantity import maximum
from ..approximation.rule import Rule


def h(v, y):
    """q(S_k, A_k) += alpha_k delta_k, rbar += eta alpha_k delta_k.

    delta_k = R_{k+1} - rbar + max_a q(S_{k+1}, a) - q(S_k, A_k).
    """
    best = maximum([v.q[y.next_state, a] for a in range(y.actions)])
    delta = y.reward - v.rbar + best - v.q[y.state, y.action]
    return {"q": {(y.state, y.action): delta}, "rbar": y.eta * delta}


def operator(m, v):
    """D (T q - rbar - q), and eta times the sum of its entries, T undiscounted."""
    p, q, rbar = m.process, v[:-1], v[-1]
    best = [max(q[s * p.actions : (s + 1) * p.actions]) for s in range(p.states)]
    entries = []
    for s in range(p.states):
        for a in range(p.actions):
            ahead = zip(p.transition[s][a], p.reward[s][a], best, strict=True)
            target = sum(chance * (reward + value) for chance, reward, value in ahead)
            entries.append(m.law[s] * p.behaviour[s][a] * (target - rbar - q[s * p.actions + a]))
    return [*entries, m.ratio * sum(entries)]


RULE = Rule(
    name="differential-q-learning",
    title="Differential Q-learning",
    source="Wan, Naik, Sutton 2021, Learning and planning in average-reward Markov decision processes, eqs. 1 and 2",
    parts={"q": "state-actions", "rbar": 1},
    h=h,
    parameters=("eta",),
    policy="behaviour",
    operator=operator,
    why_not="The largest of two numbers is no polynomial, and what layers of linear attention give is one.",
    cited={
        "ode-at-infinity": "Wan, Naik, Sutton 2021, appendix B (after Abounadi, Bertsekas, Borkar 2001), for "
        "communicating processes",
        "mean-ode": "Wan, Naik, Sutton 2021, appendix B (after Abounadi, Bertsekas, Borkar 2001), for communicating "
        "processes",
    },
    notes="The behaviour policy is fixed. rbar - eta sum q is never changed.",
)

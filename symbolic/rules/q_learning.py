"""Q-learning, tabular, along the trajectory of a fixed behaviour policy."""

from ..approximation.quantity import maximum
from ..approximation.rule import Rule


def h(v, y):
    """q(S_k, A_k) <- q(S_k, A_k) + alpha_k (R_{k+1} + gamma max_a q(S_{k+1}, a) - q(S_k, A_k))."""
    best = maximum([v.q[y.next_state, a] for a in range(y.actions)])
    return {"q": {(y.state, y.action): y.reward + y.gamma * best - v.q[y.state, y.action]}}


def operator(m, q):
    """D (T q - q), T the Bellman optimality operator: (T q)(s, a) = sum_s' p(s'|s, a) (r(s, a, s') + gamma max q)."""
    p = m.process
    best = [max(q[s * p.actions : (s + 1) * p.actions]) for s in range(p.states)]
    entries = []
    for s in range(p.states):
        for a in range(p.actions):
            ahead = zip(p.transition[s][a], p.reward[s][a], best, strict=True)
            target = sum(chance * (reward + m.discount * value) for chance, reward, value in ahead)
            entries.append(m.law[s] * p.behaviour[s][a] * (target - q[s * p.actions + a]))
    return entries


RULE = Rule(
    name="q-learning",
    title="Q-learning",
    source="Watkins and Dayan 1992, Q-learning; Tsitsiklis 1994, Asynchronous stochastic approximation and Q-learning",
    parts={"q": "state-actions"},
    h=h,
    policy="behaviour",
    operator=operator,
    why_not="The largest of two numbers is no polynomial, and what layers of linear attention give is one in the "
    "prompt: with one transition and next-action features +1 and -1, the second iterate is R + |R|/2.",
    notes="The behaviour policy is fixed.",
)

"""Linear TD: v(s) = w^T x(s); with a target policy of its own it weighs by the importance ratio rho."""

from ..approximation.rule import Rule


def h(v, y):
    """w <- w + alpha_k rho_k (R_{k+1} + gamma w^T x_{k+1} - w^T x_k) x_k."""
    delta = y.reward + y.gamma * (v.w @ y.x_next) - v.w @ y.x
    return {"w": y.rho * delta * y.x}


def matrices(m):
    """A = Phi^T D (gamma P - I) Phi, b = Phi^T D r; D of the policy that acts, P and r of the one that is evaluated."""
    weigh = m.PhiT * m.D
    return weigh * (m.gamma * m.P - m.I) * m.Phi, weigh * m.r


RULE = Rule(
    name="linear-td",
    title="Linear TD",
    source="Tsitsiklis and Van Roy 1997, An analysis of temporal-difference learning with function approximation",
    parts={"w": "features"},
    h=h,
    matrices=matrices,
    in_context="td0",
)

"""TD(lambda) with accumulating eligibility traces, on-policy; the trace decays by gamma lambda, the textbook's."""

from ..approximation.rule import Rule


def trace(before, y):
    """e_k = gamma lambda e_{k-1} + x_k."""
    return {"e": y.gamma * y.lam * before.e + y.x}


def h(v, y):
    """w <- w + alpha_k (R_{k+1} + gamma w^T x_{k+1} - w^T x_k) e_k."""
    delta = y.reward + y.gamma * (v.w @ y.x_next) - v.w @ y.x
    return {"w": delta * y.e}


def matrices(m):
    """A = Phi^T D (I - gamma lambda P)^-1 (gamma P - I) Phi, b = Phi^T D (I - gamma lambda P)^-1 r."""
    weigh = m.PhiT * m.D * (m.I - m.gamma * m.lam * m.P).inv()
    return weigh * (m.gamma * m.P - m.I) * m.Phi, weigh * m.r


RULE = Rule(
    name="td-lambda",
    title="TD(lambda)",
    source="Tsitsiklis and Van Roy 1997, An analysis of temporal-difference learning with function approximation",
    parts={"w": "features"},
    h=h,
    parameters=("gamma", "lam"),
    trace=trace,
    trace_parts={"e": "features"},
    policy="on",
    matrices=matrices,
    in_context="td-lambda",
)

"""ETD(lambda): emphatic TD with eligibility traces, off-policy."""

from ..approximation.rule import Rule


def trace(before, y):
    """e_k = rho_k (gamma lambda e_{k-1} + M_k x_k), M_k = lambda i_k + (1 - lambda) F_k.

    F_k = gamma rho_{k-1} F_{k-1} + i_k; rho_F is rho_k F_k, what the next step carries on.
    """
    F = y.gamma * before.rho_F + y.interest
    M = y.lam * y.interest + (1 - y.lam) * F
    return {"rho_F": y.rho * F, "e": y.rho * (y.gamma * y.lam * before.e + M * y.x)}


def h(v, y):
    """w <- w + alpha_k (R_{k+1} + gamma w^T x_{k+1} - w^T x_k) e_k."""
    delta = y.reward + y.gamma * (v.w @ y.x_next) - v.w @ y.x
    return {"w": delta * y.e}


def matrices(m):
    """A = -Phi^T diag(f) (I - Q) Phi, Q = I - (I - gamma lambda P)^-1 (I - gamma P), f = (I - Q^T)^-1 D i."""
    ahead = (m.I - m.gamma * m.lam * m.P).inv()
    Q = m.I - ahead * (m.I - m.gamma * m.P)
    f = (m.I - Q.transpose()).inv() * m.D * m.interest
    weigh = m.PhiT * m.diagonal(f)
    return weigh * (Q - m.I) * m.Phi, weigh * ahead * m.r


RULE = Rule(
    name="etd-lambda",
    title="ETD(lambda)",
    source="Sutton, Mahmood, White 2016, An emphatic approach to the problem of off-policy TD learning",
    parts={"w": "features"},
    h=h,
    parameters=("gamma", "lam"),
    trace=trace,
    trace_parts={"rho_F": 1, "e": "features"},
    policy="off",
    matrices=matrices,
    why_not="Its trace multiplies ratios of earlier steps: of a degree in the prompt that no layer has.",
    cited={"lln": "Yu 2015, On convergence of emphatic temporal-difference learning"},
)

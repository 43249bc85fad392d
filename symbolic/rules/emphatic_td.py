"""Emphatic TD(0): off-policy linear TD weighed by the follow-on trace F."""

from ..approximation.rule import Rule


def trace(before, y):
    """F_k = gamma rho_{k-1} F_{k-1} + i(S_k); rho_F is rho_k F_k, what the next step carries on."""
    F = y.gamma * before.rho_F + y.interest
    return {"F": F, "rho_F": y.rho * F}


def h(v, y):
    """w <- w + alpha_k rho_k F_k (R_{k+1} + gamma w^T x_{k+1} - w^T x_k) x_k."""
    delta = y.reward + y.gamma * (v.w @ y.x_next) - v.w @ y.x
    return {"w": y.rho * y.F * delta * y.x}


def matrices(m):
    """A = Phi^T diag(f) (gamma P - I) Phi, b = Phi^T diag(f) r, f = (I - gamma P^T)^-1 D i."""
    f = (m.I - m.gamma * m.P.transpose()).inv() * m.D * m.interest
    weigh = m.PhiT * m.diagonal(f)
    return weigh * (m.gamma * m.P - m.I) * m.Phi, weigh * m.r


RULE = Rule(
    name="emphatic-td",
    title="Emphatic TD",
    source="Sutton, Mahmood, White 2016, An emphatic approach to the problem of off-policy TD learning",
    parts={"w": "features"},
    h=h,
    trace=trace,
    trace_parts={"F": 1, "rho_F": 1},
    policy="off",
    matrices=matrices,
    why_not="F_k multiplies ratios of earlier steps, and what one layer computes is of degree two in the prompt's "
    "transitions; with F_k given as a prompt row it is off-policy TD(0).",
    cited={"lln": "Yu 2015, On convergence of emphatic temporal-difference learning"},
)

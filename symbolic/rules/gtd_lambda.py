"""GTD(lambda): gradient TD with eligibility traces, off-policy; eta = beta/alpha is fixed."""

from ..approximation.rule import Rule


def trace(before, y):
    """e_k = lambda gamma rho_{k-1} e_{k-1} + x_k; rho_e is rho_k e_k, what the next step carries on."""
    e = y.lam * y.gamma * before.rho_e + y.x
    return {"e": e, "rho_e": y.rho * e}


def h(v, y):
    """u <- u + beta_k (rho_k delta_k e_k - x_k x_k^T u), w <- w + alpha_k rho_k (x_k - gamma x_{k+1}) e_k^T u."""
    delta = y.reward + y.gamma * (v.w @ y.x_next) - v.w @ y.x
    return {
        "w": y.rho * (y.e @ v.u) * (y.x - y.gamma * y.x_next),
        "u": y.eta * (y.rho * delta * y.e - (v.u @ y.x) * y.x),
    }


def matrices(m):
    """As GTD2, with G = Phi^T D (I - gamma lambda P)^-1 (I - gamma P) Phi and c = Phi^T D (I - gamma lambda P)^-1 r."""
    weigh = m.PhiT * m.D * (m.I - m.gamma * m.lam * m.P).inv()
    G, C, c = weigh * (m.I - m.gamma * m.P) * m.Phi, m.PhiT * m.D * m.Phi, weigh * m.r
    return m.blocks([[0 * G, G.transpose()], [-m.eta * G, -m.eta * C]]), m.blocks([[0 * c], [m.eta * c]])


RULE = Rule(
    name="gtd-lambda",
    title="GTD(lambda)",
    source="Yu 2017, On convergence of some gradient-based temporal-differences algorithms for off-policy learning",
    parts={"w": "features", "u": "features"},
    h=h,
    parameters=("gamma", "lam", "eta"),
    trace=trace,
    trace_parts={"e": "features", "rho_e": "features"},
    policy="off",
    matrices=matrices,
    why_not="Its trace multiplies ratios of earlier steps: of a degree in the prompt that no layer has. With e_k given "
    "as prompt rows it is GTD2's two heads.",
    cited={"lln": "Yu 2012, Least squares temporal difference methods: an analysis under general conditions"},
)

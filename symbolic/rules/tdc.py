"""TDC: TD with gradient correction; eta = beta/alpha, the ratio of the two steps, is fixed."""

from ..approximation.rule import Rule


def h(v, y):
    """u <- u + beta_k (rho_k delta_k - u^T x_k) x_k, w <- w + alpha_k rho_k (delta_k x_k - gamma x_{k+1} u^T x_k)."""
    delta = y.reward + y.gamma * (v.w @ y.x_next) - v.w @ y.x
    guess = v.u @ y.x
    return {
        "w": y.rho * (delta * y.x - guess * (y.gamma * y.x_next)),
        "u": y.eta * (y.rho * delta - guess) * y.x,
    }


def matrices(m):
    """A = [[-G, -N^T], [-eta G, -eta C]], b = (c, eta c), N = gamma Phi^T D P Phi, G = C - N, C = Phi^T D Phi."""
    weigh = m.PhiT * m.D
    C, N, c = weigh * m.Phi, m.gamma * weigh * m.P * m.Phi, weigh * m.r
    return m.blocks([[N - C, -N.transpose()], [m.eta * (N - C), -m.eta * C]]), m.blocks([[c], [m.eta * c]])


RULE = Rule(
    name="tdc",
    title="TDC (TD with gradient correction)",
    source="Sutton, Maei, Precup, Bhatnagar, Silver, Szepesvari, Wiewiora 2009, Fast gradient-descent methods for "
    "temporal-difference learning with linear function approximation, eq. 10",
    parts={"w": "features", "u": "features"},
    h=h,
    parameters=("gamma", "eta"),
    policy="off",
    matrices=matrices,
    in_context="tdc",
    notes="One time scale: both steps shrink alike. The source's proof takes beta/alpha to infinity, two time scales, "
    "which is outside the theorem for one.",
)

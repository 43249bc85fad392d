"""GTD2: gradient TD with a second weight vector u; eta = beta/alpha, the ratio of the two steps, is fixed."""

from ..approximation.rule import Rule


def h(v, y):
    """u <- u + beta_k (rho_k delta_k - u^T x_k) x_k, w <- w + alpha_k rho_k (x_k - gamma x_{k+1}) u^T x_k."""
    delta = y.reward + y.gamma * (v.w @ y.x_next) - v.w @ y.x
    guess = v.u @ y.x
    return {"w": y.rho * guess * (y.x - y.gamma * y.x_next), "u": y.eta * (y.rho * delta - guess) * y.x}


def matrices(m):
    """A = [[0, G^T], [-eta G, -eta C]], b = (0, eta c), c = Phi^T D r.

    G = Phi^T D (I - gamma P) Phi, C = Phi^T D Phi.
    """
    weigh = m.PhiT * m.D
    G, C, c = weigh * (m.I - m.gamma * m.P) * m.Phi, weigh * m.Phi, weigh * m.r
    return m.blocks([[0 * G, G.transpose()], [-m.eta * G, -m.eta * C]]), m.blocks([[0 * c], [m.eta * c]])


RULE = Rule(
    name="gtd2",
    title="GTD2",
    source="Sutton, Maei, Precup, Bhatnagar, Silver, Szepesvari, Wiewiora 2009, Fast gradient-descent methods for "
    "temporal-difference learning with linear function approximation, eqs. 8 and 9",
    parts={"w": "features", "u": "features"},
    h=h,
    parameters=("gamma", "eta"),
    policy="off",
    matrices=matrices,
    in_context="gtd2",
    notes="One time scale: both steps shrink alike. Steps of two time scales are outside the theorem for one.",
)

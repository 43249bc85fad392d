"""Off-policy TD(lambda): per-decision importance ratios in the trace. Its matrix need not be stable."""

from ..approximation.rule import Rule


def trace(before, y):
    """e_k = rho_k (gamma lambda e_{k-1} + x_k)."""
    return {"e": y.rho * (y.gamma * y.lam * before.e + y.x)}


def h(v, y):
    """w <- w + alpha_k (R_{k+1} + gamma w^T x_{k+1} - w^T x_k) e_k."""
    delta = y.reward + y.gamma * (v.w @ y.x_next) - v.w @ y.x
    return {"w": delta * y.e}


def matrices(m):
    """A and b as TD(lambda)'s, with D of the policy that acts, P and r of the one that is evaluated."""
    weigh = m.PhiT * m.D * (m.I - m.gamma * m.lam * m.P).inv()
    return weigh * (m.gamma * m.P - m.I) * m.Phi, weigh * m.r


RULE = Rule(
    name="off-policy-td-lambda",
    title="Off-policy TD(lambda)",
    source="Precup, Sutton, Dasgupta 2001, Off-policy temporal-difference learning with function approximation",
    parts={"w": "features"},
    h=h,
    parameters=("gamma", "lam"),
    trace=trace,
    trace_parts={"e": "features"},
    policy="off",
    matrices=matrices,
    why_not="Its trace multiplies ratios of earlier steps: of a degree in the prompt that no layer has. With e_k given "
    "as prompt rows it is one head.",
    cited={"lln": "Yu 2012, Least squares temporal difference methods: an analysis under general conditions"},
)

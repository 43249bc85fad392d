"""Heavy-ball TD(0), looped: momentum by a second head that reads a constant row of the prompt."""

from layerproof import Accumulator, Algorithm, FeatureBlock, Head


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j delta_j phi_j + beta (w - u) and u <- the old w."""
    w, u = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return w + C @ sweep.total / sweep.n + p.beta * (w - u), w


def heads(layout, step, p, layer):
    """One head adds the gradient to both rows; the constant row makes the other a map of the rows, token by token."""
    gradient = Head(
        W=None,
        P=layout.matrix({("td_error", "td_error"): 1, ("momentum", "td_error"): 1}),
        Q=layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "gamma_phi_next"): step.C.mT}),
        M=layout.mask(),
    )
    momentum = Head(
        W=None,
        P=layout.matrix({("td_error", "one"): [[p.beta]], ("momentum", "one"): [[p.beta - 1]]}),
        Q=layout.matrix({("one", "momentum"): [[1]]}),
        M=layout.mask(),
    )
    return [gradient, momentum]


ALGORITHM = Algorithm(
    name="my-heavy-ball-td",
    title="Heavy-ball TD(0)",
    source="Polyak 1964; TD with momentum",
    features=(
        FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q, meaning=r"\phi_j"),
        FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\gamma \phi'_j"),
        FeatureBlock("one", lambda t, p: 1, scalar=True, meaning="1"),
    ),
    accumulators=(
        Accumulator("td_error", lambda w, x, p: x.reward + w[0] @ x.gamma_phi_next - w[0] @ x.phi, meaning=r"\delta_j"),
        Accumulator(
            "momentum",
            lambda w, x, p: w[0] @ x.gamma_phi_next - w[0] @ x.phi - w[1] @ x.gamma_phi_next + w[1] @ x.phi,
            meaning=r"(w - u)^\top (\gamma \phi'_j - \phi_j)",
        ),
    ),
    weights=("w", "u"),
    parameters=("gamma", "beta"),
    defaults={"beta": "1/3"},
    update=update,
    heads=heads,
)

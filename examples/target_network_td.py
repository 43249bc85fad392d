"""TD(0) with a soft target network: the target weights u follow w at the rate tau."""

from layerproof import Accumulator, Algorithm, FeatureBlock, Head


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma u.phi'_j - w.phi_j) phi_j and u <- u + tau (w - u), with the old w."""
    w, u = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (u @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return w + C @ sweep.total / sweep.n, u + p.tau * (w - u)


def heads(layout, step, p, layer):
    """Two heads move w in the two rows that hold it; the third, over the constant row, moves u towards w."""
    read = ("td_error", "td_error")
    on_phi = Head(None, layout.matrix({read: 1}), layout.matrix({("phi", "phi"): -step.C.mT}), layout.mask())
    on_next = Head(
        None,
        layout.matrix({("gap", "td_error"): 1}),
        layout.matrix({("phi", "gamma_phi_next"): step.C.mT}),
        layout.mask(),
    )
    follow = Head(
        None,
        layout.matrix({("td_error", "one"): [[p.tau]], ("gap", "one"): [[-p.tau]]}),
        layout.matrix({("one", "gap"): [[1]]}),
        layout.mask(),
    )
    return [on_phi, on_next, follow]


ALGORITHM = Algorithm(
    name="my-target-network-td",
    title="TD(0) with a soft target network",
    source="Lillicrap et al. 2016 (soft target updates); Mnih et al. 2015",
    features=(
        FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q, meaning=r"\phi_j"),
        FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\gamma \phi'_j"),
        FeatureBlock("one", lambda t, p: 1, scalar=True, meaning="1"),
    ),
    accumulators=(
        Accumulator(
            "td_error",
            lambda w, x, p: x.reward + w[1] @ x.gamma_phi_next - w[0] @ x.phi,
            meaning=r"R_j + \gamma u^\top \phi'_j - w^\top \phi_j",
        ),
        Accumulator(
            "gap",
            lambda w, x, p: w[0] @ x.gamma_phi_next - w[1] @ x.gamma_phi_next,
            meaning=r"\gamma (w - u)^\top \phi'_j",
        ),
    ),
    weights=("w", "u"),
    parameters=("gamma", "tau"),
    defaults={"tau": "1/4"},
    update=update,
    heads=heads,
)
